"""An operator's commands in the fold: who is asked, what is not lost, and that a tape gives them again at the same place."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tidemill.domain import events as ev
from tidemill.domain.ids import AssetId
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.search import Candidate, CycleQuery
from tidemill.domain.snapshot import Snapshot
from tidemill.hookspecs.search import Searcher
from tidemill.hookspecs.strategy import Strategy
from tidemill.ledger.digest import RowDigest
from tidemill.pipeline.core import Core
from tidemill_testing.toy import USD, WETH

Benches = Callable[..., Any]
Rigs = Callable[..., Any]
DEEP = 10**21
GAP = DEEP * 105 // 100


class Hearing(Strategy):
    """Finds nothing, and notes what it was told has changed."""

    name = "hearing"

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, ...]] = []

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        self.heard.append((*snapshot.changed.pools, *snapshot.changed.prices))
        return iter(())


class Other(Hearing):
    name = "other"


def command(run: Any, *events: ev.Control, decide: bool = False) -> Any:
    """Feed commands as the driver does."""
    return run.feed(ev.Batch("control", 1, None, run.blocks.height, "", "", "confirmed", 0, 0, events), decide=decide)


def test_pause_leaves_a_strategy_out_and_asks_the_others(bench: Benches) -> None:
    """Only the paused one is not asked; the market goes on for both."""
    one, other = Hearing(), Other()
    run = bench((one, other))
    run.load({1: (DEEP, DEEP)})
    for strategy in (one, other):
        strategy.heard.clear()
    command(run, ev.Control("pause", ("hearing",), "lunch"))
    run.block()

    assert (0, 1) == (len(one.heard), len(other.heard))
    assert {"hearing": "lunch"} == run.core.unasked.paused


def test_resume_tells_a_strategy_all_that_changed_while_others_were_asked(bench: Benches) -> None:
    """Pools and prices that others were told of meanwhile count as changed once more, each once, with what is new."""
    one, other = Hearing(), Other()
    run = bench((one, other))
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP), 3: (DEEP, DEEP)})
    command(run, ev.Control("pause", ("hearing",)))
    run.block({pools[1]: (DEEP + 5, DEEP)})
    run.feed(run.blocks.batch(ev.OraclePrice(AssetId("sim:1/erc20:0xaa"), 1, 0, 0, 0)))
    run.block({pools[1]: (DEEP + 6, DEEP)})
    one.heard.clear()
    command(run, ev.Control("resume", ("hearing",)))
    run.block({pools[3]: (DEEP + 7, DEEP)})
    run.block()

    assert [(*sorted([pools[1], pools[3]]), "sim:1/erc20:0xaa"), ()] == one.heard
    assert {} == run.core.unasked.paused


class Finder(Searcher):
    """Remembers what it was told of last, as one that looks for cycles through changed pools does."""

    name = "finder"

    def __init__(self) -> None:
        super().__init__()
        self.changed: tuple[str, ...] = ()

    def update(self, snapshot: Snapshot) -> None:
        self.changed = snapshot.changed.pools

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        return iter(())


class Searching(Hearing):
    """Notes what the searcher would look at, beside what itself is told."""

    name = "searching"

    def __init__(self, finder: Finder) -> None:
        super().__init__()
        self.finder = finder

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        assert self.finder.changed == snapshot.changed.pools
        return super().find_opportunities(snapshot)


@pytest.mark.parametrize("reason", ["a pause", "a rest"])
def test_strategy_that_is_asked_again_searches_what_it_missed_and_the_others_what_is_new(reason: str, bench: Benches) -> None:
    """Whatever kept it from being asked: its searcher looks at all that it missed, and nobody else is told anything twice."""
    finder = Finder()
    one, other = Searching(finder), Searching(finder)
    other.name = "other"  # type: ignore[misc]
    run = bench((one, other), searcher=finder)
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    if reason == "a rest":
        run.answer(ev.PluginState("strategies.searching", "failed", 1, "x"))
    else:
        command(run, ev.Control("pause", ("searching",)))
    run.block({pools[1]: (DEEP + 5, DEEP)})
    for strategy in (one, other):
        strategy.heard.clear()
    if reason == "a rest":
        run.answer(ev.PluginState("strategies.searching", "restarted", 1))
    else:
        command(run, ev.Control("resume"))
    run.block({pools[2]: (DEEP + 5, DEEP)})

    assert [tuple(sorted(pools.values()))] == one.heard
    assert [(pools[2],)] == other.heard
    assert "AssertionError" not in str([event for batch, _ in run.tape for event in batch.events if isinstance(event, ev.PluginState)])


def test_pause_of_all_keeps_what_changed_for_the_first_asking_after_it(bench: Benches) -> None:
    """While nobody is asked nothing is taken from the market, so that a resumed strategy sees a gap that opened in the pause."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    command(run, ev.Control("pause"))
    paused = run.block({pools[2]: (GAP, DEEP)})
    command(run, ev.Control("resume"))
    resumed = run.block()

    assert (0, 1) == (len(paused.intents), len(resumed.intents))


def test_pause_lets_plans_in_flight_settle(bench: Benches) -> None:
    """What was sent before is booked as it would have been."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block({pools[2]: (GAP, DEEP)})
    command(run, ev.Control("pause"))
    run.block()

    assert (1, 1) == (run.summary().plans, run.summary().fills)


def test_proposals_of_a_paused_strategy_are_not_served_but_their_pools_are_looked_at_again(bench: Benches) -> None:
    """What it proposed before the pause came back after it: no plan, and nothing is forgotten."""
    hearing = Hearing()
    run = bench((hearing,))
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    offers = run.core.snapshot().offers((min(USD, WETH), max(USD, WETH)))
    idea = hearing.opportunity(buy=offers[0], sell=offers[-1])
    hearing.heard.clear()
    command(run, ev.Control("pause", ("hearing",)))
    run.answer(ev.Proposals("hearing", (idea,)), decide=True)
    command(run, ev.Control("resume", ("hearing",)))
    run.block()

    assert (0, 0) == (run.summary().plans, run.summary().rejected)
    assert [tuple(sorted(pools.values()))] == hearing.heard


def test_command_decides_nothing_by_itself(bench: Benches) -> None:
    """Even where a tape gives it with ``decide``, nobody is asked at a command: the next batch asks."""
    hearing = Hearing()
    run = bench((hearing,))
    run.load({1: (DEEP, DEEP)})
    hearing.heard.clear()
    command(run, ev.Control("resume"), ev.Control("pause"), ev.Control("resume"), decide=True)

    assert [] == hearing.heard


def test_command_of_names_that_nobody_has_changes_nothing(bench: Benches) -> None:
    """A tape may be played under a configuration without the strategy that was paused on it."""
    run = bench((Hearing(),))
    effects = command(run, ev.Control("pause", ("gone",)), ev.Control("resume", ("gone",)), ev.Control("dance"))

    assert {} == run.core.unasked.paused
    assert ["an operator paused no strategy", "an operator resumed no strategy"] == [note.text for note in effects.notes]


def test_stop_ends_deciding_and_says_why(bench: Benches) -> None:
    """Nothing is planned after it, and the effects say that the run ends."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    told = command(run, ev.Control("stop"))
    after = run.block({pools[2]: (GAP, DEEP)})

    assert ("an operator ended the run", "") == (told.stop, told.halt)
    assert ["an operator ends the run"] == [note.text for note in told.notes]
    assert (0, "an operator ended the run") == (len(after.intents), after.stop)


def test_commands_are_told_as_notes_of_their_own(bench: Benches) -> None:
    """Name, strategies and cause stand in the note for machines, a sentence for people."""
    run = bench((Hearing(), Other()))
    (note,) = command(run, ev.Control("pause", ("other",), "gas is dear")).notes

    assert ("control", "info", "an operator paused other: gas is dear") == (note.event, note.level, note.text)
    assert {"command": "pause", "strategies": ("other",), "cause": "gas is dear"} == dict(note.fields)


def test_replay_of_a_tape_with_commands_gives_the_same_ledger(bench: Benches) -> None:
    """R4, R5: what was recorded, commands among it, folds to the same rows in a fresh core."""
    run, free = bench(), bench()
    for one in (run, free):
        pools = one.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
        if one is run:
            command(one, ev.Control("pause", ("lagging",), "a drill"))
        one.block({pools[2]: (GAP, DEEP)})
        one.block({pools[2]: (DEEP, DEEP)})
        if one is run:
            command(one, ev.Control("resume"))
        one.block({pools[2]: (DEEP * 110 // 100, DEEP)})
        one.block()
    core, digest = Core(bench().parts), RowDigest()
    for effects in [core.on_batch(batch, decide) for batch, decide in run.tape]:
        for row in effects.rows:
            digest.add(row)

    assert run.digest.hexdigest() == digest.hexdigest()
    assert (1, 2) == (run.summary().plans, free.summary().plans)


@pytest.mark.parametrize("between", ["a pause", "proposals of another"])
def test_strategy_that_comes_back_from_a_rest_while_it_is_not_asked_still_hears_what_it_missed(between: str, bench: Benches) -> None:
    """It is told at its first asking, whatever kept it from being asked at once."""
    hearing, other = Hearing(), Other()
    run = bench((hearing, other))
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    offers = run.core.snapshot().offers((min(USD, WETH), max(USD, WETH)))
    run.answer(ev.PluginState("strategies.hearing", "failed", 1, "a bad day"))
    run.block({pools[2]: (DEEP + 5, DEEP)})
    hearing.heard.clear()
    if between == "a pause":
        command(run, ev.Control("pause", ("hearing",)))
    run.answer(ev.PluginState("strategies.hearing", "restarted", 1))
    if between == "a pause":
        run.block()
        command(run, ev.Control("resume"))
    else:
        run.answer(ev.Proposals("other", (other.opportunity(buy=offers[0], sell=offers[-1]),)), decide=True)
    run.block()

    assert [(pools[2],)] == hearing.heard


def test_plugins_that_are_never_asked_for_ideas_keep_nothing_while_they_rest(bench: Benches) -> None:
    """A lender or a risk check that rests collects no changes: nobody would ever take them."""
    run = bench((Hearing(),))
    pools = run.load({1: (DEEP, DEEP)})
    run.answer(ev.PluginState("lenders.sim", "failed", 1, "x"), ev.PluginState("strategies.hearing", "failed", 1, "x"))
    run.block({pools[1]: (DEEP + 5, DEEP)})
    run.answer(ev.PluginState("lenders.sim", "restarted", 1), ev.PluginState("strategies.hearing", "restarted", 1))
    run.block()

    assert {} == run.core.unasked._missed
