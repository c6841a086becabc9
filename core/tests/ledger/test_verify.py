"""Rows that cannot be true are named, one sentence each; true ones pass."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from tidemill.domain.ids import AssetId, BookId, ChainId, OpportunityId, PlanId
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Flow, Group
from tidemill.domain.records import EntryRow, OpportunityRow, Posting, Row
from tidemill.ledger.journal import Journal
from tidemill.ledger.verify import verify

MAIN = BookId("main")
SIM = ChainId("sim:1")
USDC = AssetId("sim:1/erc20:0xaa")
ETH = AssetId("sim:1/slip44:60")


@pytest.fixture
def rows(flow: Flow, filled: Outcome) -> list[Row]:
    """An opening, a plan that fills, is rolled back and fills again: rows 1 to 16."""
    journal = Journal()
    made: list[Row] = [*journal.opening(MAIN, SIM, 1, ((USDC, 100), (ETH, 90)))]
    made.append(journal.intent(flow, "planned", digest="", height=7))
    first = journal.outcome(flow, filled, native=ETH)
    made += [*first, *journal.reverse(flow, first, height=7), *journal.outcome(flow, filled, native=ETH)]
    return made


def test_verify_of_sound_rows_finds_nothing(rows: list[Row]) -> None:
    """A run with a fill, a rollback and a second fill is sound."""
    assert [] == verify(rows)


def test_verify_of_no_rows_finds_nothing() -> None:
    """A run that was killed before its first row is sound."""
    assert [] == verify([])


def test_verify_of_any_beginning_of_a_run_at_a_call_finds_nothing(rows: list[Row]) -> None:
    """R13: what a crash leaves, cut between two calls, is sound."""
    assert [[], [], [], [], []] == [verify(rows[:cut]) for cut in (1, 2, 6, 9, 13)]


def replaced(rows: list[Row], index: int, **fields: Any) -> list[Row]:
    """The rows with one of them altered."""
    row: Any = rows[index]
    return [*rows[:index], attrs.evolve(row, **fields), *rows[index + 1 :]]


def unbalanced(rows: list[Row]) -> list[Row]:
    entry = rows[0]
    assert isinstance(entry, EntryRow)
    return replaced(rows, 0, postings=(*entry.postings, Posting("wallet", USDC, 1)))


def owing(rows: list[Row]) -> list[Row]:
    entry = rows[0]
    assert isinstance(entry, EntryRow)
    return replaced(rows, 0, postings=(*entry.postings, Posting("loan:sim", USDC, -1), Posting("opening", USDC, 1)))


def poor(rows: list[Row]) -> list[Row]:
    return replaced(rows, 0, postings=(Posting("wallet", USDC, 100), Posting("opening", USDC, -100)))


def missing_fill(rows: list[Row]) -> list[Row]:
    kept = [*rows[:4], *rows[5:6]]
    return [attrs.evolve(row, seq=number) for number, row in enumerate(kept, 1)]


CASES: dict[str, tuple[Callable[[list[Row]], list[Row]], str]] = {
    "hole": (lambda rows: [rows[0], *rows[2:]], "row 2 is missing: the next one there is row 3"),
    "twice": (lambda rows: [rows[0], *rows], "row 2 is missing: the next one there is row 1"),
    "same id": (lambda rows: replaced(rows, 5, id=getattr(rows[4], "id", "")), "row 5 has the same id"),
    "unknown kind": (lambda rows: replaced(rows, 0, kind="gift"), "no such kind"),
    "unbalanced": (unbalanced, "its postings of sim:1/erc20:0xaa sum to 1, they must sum to 0"),
    "owing": (owing, "1 of sim:1/erc20:0xaa stay borrowed"),
    "below zero": (poor, "before row 7: book main holds -40 of sim:1/slip44:60, less than nothing"),
    "no intent": (lambda rows: replaced(rows, 1, plan=PlanId("other")), "plan-1, which was not in flight"),
    "state": (lambda rows: replaced(rows, 1, state="lost"), "'lost', which is no state of a plan"),
    "status": (lambda rows: replaced(rows, 3, status="reverted"), "plan-1 is reverted, its intent says filled"),
    "other fill": (lambda rows: replaced(rows, 3, changes=((USDC, 9),)), "the plan's result says 9 of sim:1/erc20:0xaa"),
    "other cost": (lambda rows: replaced(rows, 3, cost=41), "it books 40 of sim:1/slip44:60, the plan's result says 41"),
    "no fill": (missing_fill, "tells of a fill of 8 of sim:1/erc20:0xaa, 2 of sim:1/erc20:0xbb, no such entry follows"),
    "no result": (lambda rows: replaced(rows, 3, changes=()), "no result of plan plan-1 stands before it"),
    "reversal of nothing": (lambda rows: replaced(rows, 6, ref="x"), "it reverses x, which is no earlier entry"),
    "reversed twice": (lambda rows: replaced(rows, 7, ref=getattr(rows[5], "id", "")), "row 7 reversed"),
    "half reversed": (
        lambda rows: replaced(rows, 6, postings=(Posting("wallet", ETH, 4), Posting("chain_cost", ETH, -4))),
        "does not turn row 6 exactly",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_verify_of_altered_rows_names_the_fault(case: str, rows: list[Row]) -> None:
    """Each way in which rows can lie is told in a sentence of its own."""
    alter, sentence = CASES[case]
    assert [problem for problem in verify(alter(rows)) if sentence in problem]


def test_verify_between_reversals_a_wallet_may_be_below_zero(flow: Flow) -> None:
    """A rollback may take back a gain before it gives back what was bought with it; after it the wallet counts."""
    journal = Journal()
    gain = journal.outcome(flow, Outcome(OutcomeStatus.FILLED, 8, "", changes=((USDC, 8),)), native=ETH)
    spent = attrs.evolve(flow, id=PlanId("plan-2"))
    loss = journal.outcome(spent, Outcome(OutcomeStatus.FILLED, 8, "", changes=((USDC, -8),)), native=ETH)
    undone = [*journal.reverse(flow, gain, height=7), *journal.reverse(spent, loss, height=7)]
    assert [] == verify([*gain, *loss, *undone], known=[PlanId("plan-1"), PlanId("plan-2")])


def test_verify_result_of_a_plan_open_before_the_run_passes(flow: Flow) -> None:
    """A plan that an earlier run left open may end in this one."""
    rows = Journal().outcome(flow, Outcome(OutcomeStatus.DEAD, 8, ""), native=ETH)
    assert [] == verify(rows, known=[flow.id])
    assert 1 == len(verify(rows))


@pytest.mark.parametrize(
    ("decision", "plan", "problems"), [("taken", None, 1), ("maybe", None, 1), ("rejected", None, 0), ("taken", "p", 0)]
)
def test_verify_decision_about_an_opportunity(decision: str, plan: str | None, problems: int) -> None:
    """An opportunity is taken, by a plan, or rejected."""
    named = PlanId(plan) if plan else None
    row = OpportunityRow(1, OpportunityId("o"), MAIN, "s", "arbitrage", SIM, 7, USDC, (), 1, 1, decision, "", "", named)
    assert problems == len(verify([row]))


def test_verify_knows_the_states_of_groups(flow: Flow) -> None:
    """A group's rows stand beside those of its legs, and need no result of their own."""
    journal = Journal()
    group = Group(PlanId("g"), flow.opportunity, flow.strategy, MAIN, SIM, (flow, attrs.evolve(flow, id=PlanId("two"))), "keep", 9)
    states = ("planned", "exposed", "unwinding", "unwound", "reopened", "complete", "kept", "failed")
    rows = [journal.group(group, state, height=7) for state in states]

    assert [] == verify(rows)
    assert [True, *[False] * 7] == [bool(row.flow) for row in rows]
    assert ["plan g is 'odd'"] == [text.split(": ")[1].split(",")[0] for text in verify([attrs.evolve(rows[0], state="odd")])]
