"""Everything back into the base asset: what is sold, what waits, what stays and why, and what ends it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from tidemill.domain.answers import CannotFit
from tidemill.domain.events import Batch, Control
from tidemill.domain.ids import MAIN_BOOK, AssetId
from tidemill.domain.plan import FLATTEN, Flow
from tidemill.domain.records import IntentRow
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.transaction import Unsigned, Wallet
from tidemill.hookspecs.chain import Step
from tidemill.ledger.digest import RowDigest
from tidemill.pipeline.core import Core
from tidemill.pipeline.flattening import ATTEMPTS
from tidemill_testing.market import ETHER, SIM
from tidemill_testing.toy import DAI, USD, WETH, ToyRules

Benches = Callable[..., Any]
DEEP = 10**24
MONEY: Mapping[AssetId, int] = {USD: 10**20, WETH: 10**20, ETHER: 10**9}


def told(bench: Any, command: str, cause: str = "a drill") -> None:
    """Give the core a command, as a driver does."""
    bench.feed(
        Batch("control", len(bench.tape), SIM, bench.blocks.height, "", "", "confirmed", 0, 0, (Control(command, (), cause),)), decide=False
    )


def held(bench: Any) -> dict[AssetId, int]:
    return {asset: amount for asset, amount in bench.core.books.states[MAIN_BOOK].balances.items() if amount}


def notes(bench: Any, event: str) -> list[Any]:
    return [note for effects in bench.seen for note in effects.notes if note.event == event]


def sales(bench: Any) -> list[IntentRow]:
    return [row for effects in bench.seen for row in effects.rows if isinstance(row, IntentRow) and row.strategy == FLATTEN]


@pytest.fixture
def rich(bench: Benches) -> Any:
    """A bench whose book holds wrapped coins beside its dollars, and a deep pool of both."""
    made = bench(capital=MONEY)
    made.load({1: (DEEP, DEEP)})
    return made


def test_flatten_sells_what_is_neither_base_nor_native(rich: Any) -> None:
    """At the next head everything leaves, under a name of its own; once it has landed that is told, and nothing more is sold."""
    told(rich, "flatten")
    for _ in range(4):
        rich.block()

    assert ({USD, ETHER}, False) == (set(held(rich)), rich.core.flattening.active)
    assert ["planned", "filled"] == [row.state for row in sales(rich)]
    assert ["everything was sold back"] == [note.text for note in notes(rich, "flattened")]
    assert ("nothing is sent any more but what sells everything back: a drill", "error") == (
        notes(rich, "stopped")[0].text, notes(rich, "stopped")[0].level
    )  # fmt: skip
    assert "a drill" == rich.core.held


def test_flatten_replays(rich: Any, bench: Benches) -> None:
    """It is an event: the same batches give the same rows."""
    told(rich, "flatten")
    for _ in range(4):
        rich.block()
    digest, core = RowDigest(), Core(bench(capital=MONEY).parts)
    for batch, decide in rich.tape:
        for row in core.on_batch(batch, decide).rows:
            digest.add(row)

    assert rich.digest.hexdigest() == digest.hexdigest()


def test_flatten_waits_for_what_is_in_flight(bench: Benches) -> None:
    """A plan of ours that is out moves the pool first, and holds its money: both are sold when it has landed."""
    made = bench(capital=MONEY, latency=2)
    pools = made.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    made.block({pools[2]: (DEEP * 105 // 100, DEEP)})
    assert 1 == made.summary().plans
    told(made, "flatten")
    made.block()
    early = len(sales(made))
    for _ in range(10):
        made.block()

    assert 0 == early
    assert ({USD, ETHER}, False) == (set(held(made)), made.core.flattening.active)


def test_flatten_sells_by_parts_where_the_whole_would_lose_too_much(bench: Benches) -> None:
    """A shallow pool takes a half, a quarter, … at a time; what would lose more than the bound stays, and is named."""
    made = bench(capital={USD: 10**20, WETH: 10**22, ETHER: 10**9}, overlay_blocks=1)
    made.load({1: (10**23, 10**23)})
    told(made, "flatten")
    for _ in range(60):
        made.block()

    amounts = [amount for row in sales(made) for asset, amount in row.reserved if asset == WETH]
    assert len(amounts) > 1
    assert max(amounts) < 10**22
    assert not made.core.flattening.active


def test_flatten_names_what_nobody_buys(bench: Benches) -> None:
    """An asset without a price cannot be bounded: it stays at once, with the reason and the amount."""
    made = bench(capital={**MONEY, DAI: 10**19})
    made.load({1: (DEEP, DEEP)})
    told(made, "flatten")
    for _ in range(4):
        made.block()

    (note,) = notes(made, "flattened")
    ((book, asset, amount, reason),) = dict(note.fields)["left"]
    assert (MAIN_BOOK, DAI, str(10**19), True) == (book, asset, amount, "is not known" in reason)
    assert note.text.startswith("everything else was sold back; what stays: 10.00 DAI of main (what 10.00 DAI is worth in USD is not known")


def test_flatten_gives_up_after_some_heads(bench: Benches) -> None:
    """What cannot be paid for now is tried at each head, and not for ever."""
    made = bench(capital={USD: 10**20, WETH: 10**20})
    made.load({1: (DEEP, DEEP)})
    told(made, "flatten")
    for _ in range(ATTEMPTS - 1):
        made.block()
    assert made.core.flattening.active
    made.block()

    (note,) = notes(made, "flattened")
    assert (False, "0 is free" in note.text, 0) == (made.core.flattening.active, True, len(sales(made)))


@pytest.mark.parametrize("command", ["hold", "release"])
def test_flatten_ends_when_it_is_told_so(rich: Any, command: str) -> None:
    """A second stop holds everything; a release gives the strategies their turn again."""
    told(rich, "flatten")
    told(rich, command)
    rich.block()

    assert (False, [], command == "hold") == (rich.core.flattening.active, sales(rich), bool(rich.core.held))


def test_flatten_is_looked_at_once_a_head(rich: Any) -> None:
    """Answers between two heads do not count as tries."""
    told(rich, "flatten")
    rich.core.books.credit(MAIN_BOOK, [(ETHER, -(10**9))])
    rich.block()
    for _ in range(ATTEMPTS):
        rich.feed(rich.blocks.batch())

    assert rich.core.flattening.active


def test_flatten_sale_that_fails_is_tried_again_and_then_stays(bench: Benches) -> None:
    """Prices that move away before each sale lands make it revert: its money is free again, and after some tries it stays."""
    made = bench(capital=MONEY)
    pools = made.load({1: (DEEP, DEEP)})
    told(made, "flatten")
    level = DEEP
    wrapped_first = WETH < USD
    for _ in range(3 * ATTEMPTS):
        level = level * 99 // 100
        made.block({pools[1]: (DEEP, level) if wrapped_first else (level, DEEP)})

    (note,) = notes(made, "flattened")
    assert "its sale was included and reverted: " in note.text
    assert {"planned", "reverted"} == {row.state for row in sales(made)}
    assert 10**20 == held(made)[WETH]


def test_flatten_in_a_core_that_follows_another_plans_nothing(rich: Any) -> None:
    """A strategy's own process hears of it, and sells nothing a second time."""
    rich.core.roster.alone = "strategies.lagging"
    told(rich, "flatten")

    assert (False, "a drill") == (rich.core.flattening.active, rich.core.held)


class Small(ToyRules):
    """A chain on which nothing fits."""

    def compose(self, plan: Flow, steps: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Unsigned | CannotFit:
        return CannotFit("steps", 0, len(steps))


class Failing(ToyRules):
    """A chain whose plugin fails."""

    def compose(self, plan: Flow, steps: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Unsigned | CannotFit:
        raise ZeroDivisionError("a bad day")


@pytest.mark.parametrize(("rules", "reason"), [(Small(), "the sale's steps is 1, the chain allows 0"), (Failing(), "failed: ")])
def test_flatten_that_a_chain_cannot_carry_out_is_named(bench: Benches, rules: ToyRules, reason: str) -> None:
    """It does not end the run: what stays is told, with why."""
    made = bench(capital=MONEY, rules=rules)
    made.load({1: (DEEP, DEEP)})
    told(made, "flatten")
    for _ in range(ATTEMPTS):
        made.block()

    (note,) = notes(made, "flattened")
    assert reason in note.text
    assert [] == sales(made)
