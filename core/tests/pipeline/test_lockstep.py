"""The lock-step driver: order, reads, fills, the end. On asyncio and on trio."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from attrs import evolve
from structlog.testing import capture_logs

from tidemill.cli.log import plain_line
from tidemill.domain import events as ev
from tidemill.domain.answers import Needs
from tidemill.domain.ids import Key
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.errors import Unavailable
from tidemill.pipeline import lockstep
from tidemill.pipeline.lockstep import MAX_READ_ROUNDS
from tidemill.pipeline.sources import in_order
from tidemill_testing.market import SIM
from tidemill_testing.toy import USD, WETH, ToyDex, state_key, toy_ref

pytestmark = pytest.mark.anyio
Benches = Callable[..., Any]
Rigs = Callable[..., Any]


async def listed(batches: Any) -> list[Any]:
    return [batch async for batch in batches]


async def stream(*batches: ev.Batch, closed: list[str] | None = None, name: str = "") -> AsyncGenerator[ev.Batch, None]:
    try:
        for batch in batches:
            yield batch
    finally:
        if closed is not None:
            closed.append(name)


def at(source: str, *times: int) -> list[ev.Batch]:
    return [ev.Batch(source, seq, None, 0, "", "", "confirmed", time, time, ()) for seq, time in enumerate(times)]


async def test_sources_come_in_order_of_receipt_prices_first() -> None:
    """By ``local_ns``; at equal times a price stands before the head that could use it."""
    chain, price = at("chain", 1, 5, 9), at("price", 1, 2, 9, 20)
    joined = [(batch.source, batch.local_ns) async for batch in in_order([stream(*chain)], [stream(*price)])]

    assert [("price", 1), ("chain", 1), ("price", 2), ("chain", 5), ("price", 9), ("chain", 9)] == joined


async def test_sources_end_with_the_last_chain_and_close_every_stream() -> None:
    """A price source alone keeps no run alive; a chain does; all are closed, also when nobody reads on."""
    closed: list[str] = []
    chains = [stream(*at("a", 1), closed=closed, name="a"), stream(*at("b", 3), closed=closed, name="b")]
    prices = [stream(*at("p", 2, 4, 5), closed=closed, name="p")]
    assert ["a", "p", "b"] == [batch.source async for batch in in_order(chains, prices)]
    assert {"a", "b", "p"} == set(closed)
    closed.clear()
    early = in_order([stream(*at("a", 1, 2), closed=closed, name="a")], [])
    await anext(early)
    await early.aclose()

    assert ["a"] == closed


async def test_sources_ask_for_the_next_batch_only_after_the_last_was_dealt_with() -> None:
    """Nothing is fetched ahead of what has been folded."""
    dealt: list[int] = []

    async def asking() -> AsyncGenerator[ev.Batch, None]:
        for number, batch in enumerate(at("chain", 1, 2, 3)):
            assert number == len(dealt)
            yield batch

    async for batch in in_order([asking()], []):
        dealt += [batch.seq]
    assert 3 == len(dealt)


async def test_r2_every_batch_of_a_source_is_fed_once_and_in_order(bench: Benches, rig: Rigs) -> None:
    """Between sources and market nothing is dropped, doubled or reordered."""
    made = rig(bench())
    made.script_of(20, {5: 105})
    await made.play()

    assert made.link.script == [batch for batch, _ in made.fed if batch.source == "toy"]
    assert 20 == made.run.core.tally.blocks
    assert made.link.closed


async def test_r3_a_batch_is_finished_with_its_reads_before_the_next_begins(bench: Benches, rig: Rigs) -> None:
    """What the core asked to read is answered at the same height, before the next block's ideas."""
    made = rig(bench())
    made.script_of(3)
    await made.play()
    order = [(batch.source, batch.height) for batch, _ in made.fed]

    assert [("toy", 1), ("reader", 1), ("toy", 2), ("toy", 3)] == order
    assert [((state_key(toy_ref(1, USD, WETH).id), state_key(toy_ref(2, USD, WETH).id)), 1)] == made.link.reader.asked
    assert 2 == len(made.link.watched)
    assert 2 == len(made.run.core.snapshot().pools)


async def test_paper_plan_fills_after_the_events_of_its_height_and_before_ideas(bench: Benches, rig: Rigs) -> None:
    """The head is fed without asking, the outcome comes next, and only then are ideas asked."""
    made = rig(bench(latency=2))
    made.script_of(5, {3: 105})
    await made.play()
    fed = [(batch.source, batch.height, decide) for batch, decide in made.fed]

    assert [("toy", 4, True), ("toy", 5, False), ("paper", 5, True)] == fed[-3:]
    assert (1, 0) == (made.run.summary().fills, made.run.summary().reverts)


async def test_reader_that_is_unavailable_is_asked_again_with_the_next_block(bench: Benches, rig: Rigs) -> None:
    """A node that cannot answer now costs time, not the pools."""
    made = rig(bench())
    made.script_of(4)
    made.link.reader.outages = 2
    await made.play()

    assert [1, 2, 3] == [height for _, height in made.link.reader.asked]
    assert 2 == len(made.run.core.snapshot().pools)


async def test_state_that_cannot_be_read_is_told_in_one_short_line(bench: Benches, rig: Rigs) -> None:
    """However many keys and however often it is tried: once, with a count and the first key, until all was read; then anew."""
    made = rig(bench())
    made.script_of(6)
    reader, read = made.link.reader, made.link.reader.read

    async def failing(keys: Any, height: int | None = None) -> Any:
        if height in (1, 2, 5):
            raise Unavailable(f"the tape has not shown {', '.join(keys)} and 377 more: a recording answers only what it has played")
        return await read(keys, height)

    reader.read = failing
    with capture_logs() as logs:
        for number, batch in enumerate(made.link.script):
            await made.driver.step(batch)
            if number == 3:
                made.driver._reads.append((SIM, (Key("0xcc"), Key("0xdd"))))

    told = [log for log in logs if log["event"] == "state cannot be read now"]
    assert [2, 2] == [log["keys"] for log in told]
    assert ["0xcc"] == [log["first"] for log in told[1:]]
    assert all(len(plain_line(None, "debug", dict(log))) < 180 for log in told)


async def test_reader_that_knows_nothing_of_a_key_feeds_nothing(bench: Benches, rig: Rigs) -> None:
    """An empty answer is no batch."""
    made = rig(bench())
    made.script_of(2)
    made.link.reader.world = {}
    await made.play()

    assert ["toy", "toy"] == [batch.source for batch, _ in made.fed]


async def test_core_that_keeps_asking_is_answered_in_bounded_rounds(bench: Benches, rig: Rigs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds of reading are bounded per block; what is left is read with the next."""
    monkeypatch.setattr(lockstep, "MAX_READ_ROUNDS", 1)
    assert MAX_READ_ROUNDS > 1

    class Pointing(ToyDex):
        def decode(self, ref: Any, states: Any, at: Any, last: Any) -> Any:
            first = Key(f"{ref.address}:first")
            return super().decode(ref, states, at, last) if first in states else Needs((first,))

    made = rig(bench(dexes=[Pointing()]))
    made.script_of(3)
    world = made.link.reader.world
    world.update({Key(f"{toy_ref(number, USD, WETH).address}:first"): b"" for number in (1, 2)})
    await made.play()

    assert [1, 2] == [height for _, height in made.link.reader.asked]
    assert 2 == len(made.run.core.snapshot().pools)


async def test_end_of_the_source_settles_what_is_in_flight_and_asks_until_nothing_new_comes(bench: Benches, rig: Rigs) -> None:
    """A tape that ends on a gap: the plan fills on its last market, what is left is taken too, then nothing comes."""
    made = rig(bench(capital=None))
    made.script_of(3, {3: 130})
    await made.play()
    summary = made.run.summary()

    assert summary.fills >= 1
    assert summary.plans == summary.fills + summary.reverts
    assert () == made.run.paper.waiting
    assert not made.run.core.books.states["main"].plans
    assert [True] * summary.fills == [decide for batch, decide in made.fed if batch.source == "paper"][: summary.fills]


async def test_end_of_the_source_leaves_no_plan_in_flight_when_the_last_one_reverts(bench: Benches, rig: Rigs) -> None:
    """Plans that came of a settlement without fills are settled too, without asking for more."""
    run = bench()
    made = rig(run)
    made.script_of(3, {3: 105})
    settle, rounds = run.paper.settle, []

    def reverting(*args: Any, **named: Any) -> ev.Batch:
        batch = settle(*args, **named)
        rounds.append(len(batch.events))
        events = tuple(_reverted(event) for event in batch.events)
        changed: ev.Batch = evolve(batch, events=events)
        return changed

    run.paper.settle = reverting
    await made.play()

    assert 0 == run.summary().fills
    assert run.summary().plans == run.summary().reverts >= 2
    assert () == run.paper.waiting
    assert not run.core.books.states["main"].plans


def _reverted(event: ev.OutcomeSeen) -> ev.OutcomeSeen:
    return ev.OutcomeSeen(event.plan, Outcome(OutcomeStatus.REVERTED, event.outcome.height, "", cost=1, reason="a competitor was first"))


async def test_stop_finishes_the_batch_in_hand_and_settles_without_asking(bench: Benches, rig: Rigs) -> None:
    """After a stop no more is read from the source; plans in flight settle, and no new ones are made."""
    made = rig(bench())
    made.script_of(9, {3: 105})
    await made.play(stopped=lambda: made.run.core.tally.blocks >= 3)

    assert 3 == made.run.core.tally.blocks
    assert (1, 1) == (made.run.summary().plans, made.run.summary().fills)
    assert [False] == [decide for batch, decide in made.fed if batch.source == "paper"]
    assert made.link.closed


async def test_first_batch_is_announced_once_and_also_when_there_is_none(bench: Benches, rig: Rigs) -> None:
    """Whoever waits for the beginning hears of it exactly once."""
    for count in (0, 1, 3):
        made = rig(bench())
        told: list[int] = []
        made.script_of(max(1, count))
        made.link.script = made.link.script[:count]
        await made.driver.run(in_order([made.link.batches()], []), lambda: False, lambda told=told, made=made: told.append(len(made.fed)))
        assert 1 == len(told)
        assert (told[0] > 0) == (count > 0)


async def test_failures_of_plugins_come_back_as_events_before_the_next_block(bench: Benches, rig: Rigs) -> None:
    """What a plugin raised stands on the tape as an event of its own."""

    class Failing(ToyDex):
        def apply(self, pool: Any, log: Any, at: Any) -> Any:
            raise OSError("disk")

    made = rig(bench(dexes=[Failing()]))
    made.script_of(3, {2: 105})
    await made.play()
    order = [(batch.source, batch.height) for batch, _ in made.fed]

    assert [("toy", 2), ("supervisor", 2), ("reader", 2), ("toy", 3)] == order[2:]
    assert [ev.PluginState("dex.toy", "failed", 1, "OSError: disk")] == list(made.fed[3][0].events)
    assert SIM == made.fed[3][0].chain


async def test_r5_lockstep_run_folds_again_to_the_same_digest(bench: Benches, rig: Rigs) -> None:
    """What the driver fed, folded again with its decisions, gives the driver's digest."""
    made = rig(bench())
    made.script_of(12, {3: 105, 5: 95, 8: 110})
    await made.play()
    again = bench()
    for batch, decide in made.fed:
        again.core.on_batch(batch, decide)

    assert made.run.summary().fills >= 2
    assert again.core.tally == made.run.core.tally
    assert again.core.books.states == made.run.core.books.states
