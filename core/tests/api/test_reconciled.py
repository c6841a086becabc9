"""What reconciling says it found and did: values, JSON, and lines for people."""

import json
from typing import Any

import attrs
import pytest
from attrs import evolve

from tidemill.api.reconciled import Difference, Moved, Reconciled, differences, moved, reconciled_from_json, reconciled_json
from tidemill.api.reconciled_text import reconciled_lines
from tidemill.domain.asset import Asset
from tidemill.domain.book import BookState
from tidemill.domain.ids import MAIN_BOOK, AssetId, ChainId, PlanId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.domain.records import ResultRow
from tidemill.errors import ControlError
from tidemill.ledger.journal import Journal
from tidemill.units import BaseUnits

SIM, OTHER = ChainId("sim:1"), ChainId("sim:2")
USDC, ETH = AssetId("sim:1/erc20:0xaa"), AssetId("sim:1/slip44:60")
S = IntentState
SENT = IntentRecord(
    number=3, run=1, plan=PlanId("p"), book=MAIN_BOOK, strategy="s", chain=SIM, account="0xa", flow="{}", payload=b"p", compute_limit=1,
    compute=1, expires=9, digest="d", height=7, slot="nonce:1", state=S.BROADCAST, since=7, tx="0x33", raw=b"3",
)  # fmt: skip
FINAL = attrs.evolve(SENT, state=S.FINAL, since=8)
RESULT = ResultRow(1, PlanId("p"), MAIN_BOOK, "s", SIM, 8, "0x8", "filled", ((USDC, 3_000_000),), 10**15, "")
NOTHING = Reconciled(
    data="data", by="command", dry_run=False, run=0, heights={SIM: 12}, balanced={SIM: 12}, moved=(), differences=(), open=0, out=0, late=0,
    stopped="", assets=(Asset(USDC, "USDC", 6), Asset(ETH, "ETH", 18)),
)  # fmt: skip
MOVED = moved([SENT], [FINAL], [RESULT], {SIM: ETH})[0]
DIFFERENCE = Difference(MAIN_BOOK, SIM, USDC, "0xa", 12, BaseUnits(-5 * 10**6), BaseUnits(95 * 10**6), "the chain says so")


def lines(**changes: Any) -> list[str]:
    return list(reconciled_lines(evolve(NOTHING, **changes)))


def test_moved_is_what_changed_with_what_was_booked() -> None:
    """A transaction that stands where it stood is not told; one that was made to take a slot has no plan's outcome."""
    cancelling = attrs.evolve(SENT, number=4, flow="", replaces=3)
    found = moved([SENT, SENT], [FINAL, cancelling], [RESULT], {SIM: ETH})

    assert () == moved([SENT], [SENT], [RESULT], {SIM: ETH})
    assert [("broadcast", "final", "filled", {USDC: 3_000_000}, 10**15), ("", "broadcast", "", {}, 0)] == [
        (one.was, one.now, one.outcome, dict(one.changes), one.cost) for one in found
    ]


def test_differences_are_adjustments_with_what_is_held_then() -> None:
    """Each as an entry says it, beside the account and what its book holds now."""
    row = Journal().adjustment(MAIN_BOOK, SIM, 12, USDC, -5 * 10**6, "the chain says so")
    books = {MAIN_BOOK: BookState(MAIN_BOOK, USDC, {USDC: 95 * 10**6})}

    assert (DIFFERENCE,) == differences([row, RESULT], books, {(MAIN_BOOK, SIM): "0xa"})


def test_reconciled_is_the_same_value_after_its_json() -> None:
    """Amounts as text; whether there was anything to do stands beside them."""
    found = evolve(NOTHING, moved=(MOVED,), differences=(DIFFERENCE,))
    plain = json.loads(json.dumps(reconciled_json(found)))

    assert found == reconciled_from_json(plain)
    assert ("-5000000", str(10**15), False) == (plain["differences"][0]["amount"], plain["moved"][0]["cost"], plain["nothing"])
    assert reconciled_json(NOTHING)["nothing"]
    with pytest.raises(ControlError, match="another version"):
        reconciled_from_json({**plain, "open": "many"})


def test_lines_of_nothing_say_so() -> None:
    """And at which block that was seen."""
    assert [
        "nothing to do: every transaction is where it was, and no balance differs",
        "nothing was written · books and chain are the same at block 12 · 0 open · data",
    ] == lines()


def test_lines_tell_what_moved_and_what_differed() -> None:
    """With hash, states, heights and amounts; where it is kept."""
    taking = Moved(4, PlanId("p"), MAIN_BOOK, SIM, "", "", "planned", 9, "", "", {}, BaseUnits(0), ETH)
    reverted = evolve(MOVED, outcome="reverted", changes={}, reason="guard: too little")

    assert [
        "transaction 3 0x33: broadcast → final at block 8, booked +3.00 USDC, cost 0.001 ETH",
        "transaction 4 (never signed): planned, to take a slot at block 9",
        "transaction 3 0x33: broadcast → final at block 8, booked as reverted, cost 0.001 ETH, guard: too little",
        "book main: -5.00 USDC, holds 95.00 USDC at block 12: the chain says so",
        "kept as run 7 · books and chain are the same at block 12 · 0 open · data",
    ] == lines(moved=(MOVED, taking, reverted), differences=(DIFFERENCE,), run=7)


@pytest.mark.parametrize(
    ("changes", "place", "text"),
    [
        ({"by": "run", "run": 4}, 1, "by the run that is on · books and chain are the same at block 12"),
        ({"dry_run": True}, 1, "dry run: nothing was written, nothing was sent · compared at block 12"),
        ({"dry_run": True, "differences": (DIFFERENCE,)}, 0, "book main: -5.00 USDC, would hold 95.00 USDC"),
        ({"heights": {SIM: 12, OTHER: 5}}, 1, "at block 12 of sim:1 ·"),
        ({"balanced": {}, "open": 2, "out": 1}, 1, "balances were not compared · 2 open, 1 of them out"),
        ({"out": 1}, 0, "nothing moved: "),
        ({"out": 1}, 2, "1 of ours is out, which no block holds: balances are compared when none is; `tidemill exposure` shows it"),
        ({"out": 2}, 2, "2 of ours are out, which no block holds: balances are compared when none is; `tidemill exposure` shows them"),
        ({"out": 1, "dry_run": True}, 2, "without --dry-run its bytes may be sent again as they are"),
        ({"out": 2, "late": 2}, 2, "their time is over: a live run signs one that takes their slot"),
        ({"stopped": "command: enough"}, 2, "an emergency stop holds (by command: enough): nothing is sent, also not again; `tidemill"),
    ],
)
def test_lines_say_who_looked_and_what_is_left(changes: dict[str, Any], place: int, text: str) -> None:
    """Each in its place, with what to do about it."""
    assert text in lines(**changes)[place]
