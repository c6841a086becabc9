"""What a later run took back of an earlier one: found in the ledger, labelled where it stands, counted where it belongs."""

from pathlib import Path

import pytest

from tidemill.api.ledger import open_ledger
from tidemill.api.ledger_view import view_json, view_lines, view_of
from tidemill.api.positions import positions
from tidemill.api.taken_back import taken_back
from tidemill.domain.ids import MAIN_BOOK, AssetId, ChainId, PlanId
from tidemill.domain.records import Row
from tidemill.ledger.dropped import dropped_plan, dropped_reason
from tidemill.ledger.journal import Journal

sqlite_store = pytest.importorskip("tidemill_store_sqlite", reason="the store plugin is not installed beside the kernel")

USDC, ETH = AssetId("sim:1/erc20:0x" + "aa" * 20), AssetId("sim:1/slip44:60")
MILLION, COIN = 10**6, 10**18
LABEL = "taken back by run 2 at height 7: its block was dropped"


def test_taken_back_names_both_runs_and_what_was_undone(dropped_books: Path) -> None:
    """The result of the first run, the height at which the second undid it, and what that did to the wallet."""
    with open_ledger(dropped_books) as ledger:
        (one,) = taken_back(ledger)
        sound = ledger.verify().sound

    assert sound
    assert ("done", 1, 2, 7) == (one.plan, one.booked_by, one.run, one.height)
    assert ("filled", 8) == (one.result.status, one.result.height)
    assert {USDC: -3 * MILLION, ETH: COIN // 2_500} == one.wallet


def test_nothing_is_taken_back_where_no_run_says_so(live_books: Path) -> None:
    """What a run takes back itself stands in its own figures."""
    with open_ledger(live_books) as ledger:
        assert () == taken_back(ledger)


def test_adjustment_that_does_not_undo_what_was_booked_stays_one(dropped_books: Path) -> None:
    """Of a plan that booked nothing, or something else, nothing is moved into other columns."""
    journal = Journal()
    rows: list[Row] = [
        journal.adjustment(MAIN_BOOK, ChainId("sim:1"), 7, ETH, 5, dropped_reason(PlanId(plan))) for plan in ("ghost", "kept")
    ]
    store = sqlite_store.SqliteStore()
    store.open(dropped_books)
    store.write(store.begin("{}", "2026-01-03T00:00:00+00:00"), rows, durable=True)
    store.close()
    with open_ledger(dropped_books) as ledger:
        found = taken_back(ledger)

    assert ["done"] == [one.plan for one in found]
    assert 5 * COIN + 10 == positions(dropped_books).holdings[1].adjusted


def test_figures_of_a_run_whose_results_were_taken_back_say_so(dropped_books: Path) -> None:
    """The label stands at the result, and beneath the figures that still have it."""
    with open_ledger(dropped_books) as ledger:
        view = view_of(ledger, 1)
    lines = list(view_lines(view))
    told = view_json(view)

    assert [f"  block 8  spatial  filled  +3.00 USDC; {LABEL}", "  block 9  spatial  filled  +1.00 USDC"] == lines[-5:-3]
    assert ["taken back by later runs, and still in the pnl and the cost above", f"  spatial  filled in block 8  {LABEL}"] == lines[-2:]
    assert [{"plan": "done", "run": 2, "height": 7, "reason": "its block was dropped"}] == told["taken_back"]
    assert [True, False] == [one["taken_back"] is not None for one in told["last"]]  # type: ignore[attr-defined]


def test_figures_of_the_run_that_took_something_back_say_whose_it_was(dropped_books: Path) -> None:
    """It stands in the balances, and in no gain or cost of that run."""
    with open_ledger(dropped_books) as ledger:
        view = view_of(ledger, 2)
    lines = list(view_lines(view))

    assert [
        "taken back of earlier runs, in the balances alone",
        "  spatial  filled in block 8  of run 1  -3.00 USDC, +0.0004 ETH",
    ] == lines[-2:]
    assert {ETH: COIN // 5_000} == view.statement.cost
    assert [] == view_json(view)["taken_back"]
    assert [{"plan": "done", "booked_by": 1, "height": 7, "reason": "its block was dropped"}] == view_json(view)["takes_back"]


def test_positions_count_what_was_taken_back_where_it_was_booked(dropped_books: Path) -> None:
    """Not as adjusted: trading, loan fees and chain cost are those of what stands, and the columns still add up."""
    usdc, eth = positions(dropped_books).holdings

    assert (1_001 * MILLION, 1_000 * MILLION, MILLION + 1, 1, 0, 0) == (
        usdc.held, usdc.began, usdc.traded, usdc.loan_fees, usdc.chain_cost, usdc.adjusted
    )  # fmt: skip
    spent = COIN // 5_000 + COIN // 10_000
    assert (6 * COIN - spent, COIN, 0, spent, 5 * COIN) == (eth.held, eth.began, eth.traded, eth.chain_cost, eth.adjusted)


def test_reason_of_what_was_dropped_names_its_plan_alone() -> None:
    """A reason that only holds such words is none."""
    reason = dropped_reason(PlanId("p-1"))
    said = (reason, f"he said: {reason}", "the chain's balance differs")
    assert ["p-1", None, None] == [dropped_plan(one) for one in said]
