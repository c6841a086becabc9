"""What stays of a flatten is told with its true reason: who refused its sale, or what became of it."""

from collections.abc import Callable
from typing import Any, Literal

import pytest

from tidemill.domain.events import Batch, Control, OutcomeSeen, RefusedSeen
from tidemill.domain.ids import MAIN_BOOK, PlanId
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import FLATTEN
from tidemill.domain.records import IntentRow
from tidemill.pipeline.flattening import ATTEMPTS, Unsold
from tidemill_testing.market import ETHER, SIM
from tidemill_testing.toy import USD, WETH

Benches = Callable[..., Any]
DEEP = 10**24
HELD = 10**20
UNKNOWN_TARGET = "target: 0xpool is none of the 2 targets of sim:1"


def told(bench: Any, command: str) -> None:
    bench.feed(Batch("control", len(bench.tape), SIM, bench.blocks.height, "", "", "confirmed", 0, 0, (Control(command, (), "a drill"),)))


def sales(bench: Any) -> list[IntentRow]:
    rows = [row for effects in bench.seen for row in effects.rows if isinstance(row, IntentRow)]
    return [row for row in rows if (row.strategy, row.state) == (FLATTEN, "planned")]


def left(bench: Any) -> list[list[str]]:
    notes = [note for effects in bench.seen for note in effects.notes if note.event == "flattened"]
    return [[one[3] for one in dict(note.fields)["left"]] for note in notes]


@pytest.fixture
def selling(bench: Benches) -> Any:
    """A bench that was told to flatten, whose sales nobody settles but the test."""
    made = bench(capital={USD: HELD, WETH: HELD, ETHER: 10**9}, latency=1_000)
    made.load({1: (DEEP, DEEP)})
    told(made, "flatten")
    return made


@pytest.mark.parametrize(
    ("by", "reason", "words"),
    [
        ("signer", "the signer at /s went away", "not signed: the signer at /s went away"),
        ("signer", "fee: its inclusion may cost 2 coins, at most 1 are allowed", "the signer refused (fee): its inclusion may cost 2"),
        ("node", "no room", "the node refused: no room"),
        ("simulation", "SLIPPAGE", "tried without effect it fails: SLIPPAGE"),
    ],
)
def test_flatten_whose_sales_are_refused_names_who_and_why(
    by: Literal["signer", "node", "simulation"], reason: str, words: str, selling: Any
) -> None:
    """What the next block may change is tried at each, and what stays has the last word of whoever refused."""
    for _ in range(ATTEMPTS):
        selling.block()
        selling.answer(RefusedSeen(sales(selling)[-1].plan, by, reason))
    selling.block()

    assert ATTEMPTS == len(sales(selling))
    assert [True] == [one.startswith(words) for one in left(selling)[0]]


@pytest.mark.parametrize("rule", ["live", "chain", "account", "asset", "target", "method", "unreadable", "payload"])
def test_flatten_that_the_policy_forbids_is_asked_once(rule: str, selling: Any) -> None:
    """The signer reads its policy at its start alone: no block changes it."""
    selling.block()
    selling.answer(RefusedSeen(sales(selling)[-1].plan, "signer", f"{rule}: it may not be"))
    for _ in range(3):
        selling.block()

    assert (1, [[f"the signer refused ({rule}): it may not be"]]) == (len(sales(selling)), left(selling))
    assert (False, "done") == (selling.core.flattening.active, selling.core.flattening.state)


def test_flatten_above_the_policy_sells_less_at_once(selling: Any) -> None:
    """A limit of one transaction bounds each sale, and not what is sold in all."""
    amounts = []
    for _ in range(9):
        selling.block()
        sale = sales(selling)[-1]
        amount = dict(sale.reserved)[WETH]
        amounts.append(amount)
        if amount > HELD // 3:
            selling.answer(RefusedSeen(sale.plan, "signer", "spend: it takes more, at most less is allowed"))
        else:
            changes = tuple(sorted(((WETH, -amount), (USD, amount))))
            selling.answer(OutcomeSeen(sale.plan, Outcome(OutcomeStatus.FILLED, selling.blocks.height, "", changes=changes)))
        if not selling.core.books.states[MAIN_BOOK].balances.get(WETH):
            break
    selling.block()

    assert [HELD, HELD // 2, *[HELD // 4] * 4] == amounts
    assert [[]] == left(selling)


def test_flatten_whose_every_unit_is_too_much_ends(bench: Benches) -> None:
    """Half of one unit is nothing."""
    made = bench(capital={USD: HELD, WETH: HELD, ETHER: 10**9}, latency=1_000)
    made.load({1: (DEEP, DEEP)})
    told(made, "flatten")
    for _ in range(3 * ATTEMPTS):
        made.block()
        made.answer(RefusedSeen(sales(made)[-1].plan, "signer", "per_day: no more today"))

    assert (ATTEMPTS, [["the signer refused (per_day): no more today"]]) == (len(sales(made)), left(made))


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (OutcomeStatus.REVERTED, "guard", "its sale was included and reverted: guard"),
        (OutcomeStatus.REVERTED, "", "its sale was included and reverted"),
        (OutcomeStatus.DEAD, "its slot was taken", "its sale was never included: its slot was taken"),
    ],
)
def test_flatten_whose_sales_fail_on_the_chain_says_how(status: OutcomeStatus, reason: str, words: str, selling: Any) -> None:
    """Included and undone is not the same as never included."""
    for _ in range(ATTEMPTS):
        selling.block()
        selling.answer(OutcomeSeen(sales(selling)[-1].plan, Outcome(status, selling.blocks.height, "", reason=reason)))
    selling.block()

    assert [[words]] == left(selling)


def test_flatten_tells_at_any_time_what_is_not_sold(selling: Any) -> None:
    """While a sale is out, after it failed, after all has ended, and no more once trading goes on."""
    flattening = selling.core.flattening
    before = flattening.unsold
    selling.block()
    out = flattening.unsold
    selling.answer(RefusedSeen(PlanId("another"), "node", "not ours"))
    selling.answer(RefusedSeen(sales(selling)[-1].plan, "signer", UNKNOWN_TARGET))
    refused = flattening.unsold
    selling.block()
    ended = (flattening.unsold, flattening.state)
    told(selling, "release")

    stays = Unsold(MAIN_BOOK, WETH, HELD, "the signer refused (target): 0xpool is none of the 2 targets of sim:1", True)
    assert ((), (Unsold(MAIN_BOOK, WETH, HELD, "its sale is under way", False),), (stays,)) == (before, out, refused)
    assert ((stays,), "done") == ended
    assert ((), "") == (flattening.unsold, flattening.state)


def test_flatten_that_is_broken_off_still_says_what_is_not_sold(selling: Any) -> None:
    """A second stop holds sales back: what they were of stays, as the operator then sees."""
    selling.block()
    selling.answer(RefusedSeen(sales(selling)[-1].plan, "node", "no room"))
    told(selling, "hold")

    assert "broken off" == selling.core.flattening.state
    assert (Unsold(MAIN_BOOK, WETH, HELD, "the node refused: no room", True),) == selling.core.flattening.unsold
