"""Plugins rest after a failure, 1, 2, 4, … heads, and come back as fresh instances; only events on the tape say so."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tidemill.domain import events as ev
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.plan import Plan
from tidemill.domain.search import Candidate, CycleQuery
from tidemill.domain.snapshot import Snapshot
from tidemill.errors import PluginContractError
from tidemill.hookspecs.risk import RiskCheck
from tidemill.hookspecs.search import Searcher
from tidemill.hookspecs.strategy import Strategy
from tidemill.ledger.digest import RowDigest
from tidemill.pipeline.core import Core
from tidemill.pipeline.supervise import MAX_REST_HEADS, Supervisor, rest_s
from tidemill.stages.guard import Fault

Benches = Callable[..., Any]
DEEP = 10**21
GAP = DEEP * 105 // 100


class Shaky(Strategy):
    """Fails while ``broken`` holds a reason; remembers at which heights it was asked and what was new then."""

    name = "shaky"
    broken = ""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []
        self.changed: list[tuple[str, ...]] = []

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        self.asked.append(next(iter(snapshot.chains.values())).head.height)
        self.changed.append(snapshot.changed.pools)
        if self.broken:
            raise RuntimeError(self.broken)
        for pair in snapshot.changed.pairs:
            offers = snapshot.offers(pair)
            if len(offers) > 1 and offers[0].edge_bps(offers[-1]) > 0:
                yield self.opportunity(buy=offers[0], sell=offers[-1])


def states_of(run: Any) -> list[tuple[str, str, int]]:
    events = [event for batch, _ in run.tape for event in batch.events if isinstance(event, ev.PluginState)]
    return [(event.plugin, event.state, event.failures) for event in events]


def replayed(run: Any, parts: Any) -> str:
    """Fold what was fed to a run into another core, with nobody to supervise it, and return the digest."""
    core, digest = Core(parts), RowDigest()
    for batch, decide in run.tape:
        for row in core.on_batch(batch, decide).rows:
            digest.add(row)
    return digest.hexdigest()


def test_strategy_that_fails_is_left_alone_for_one_two_and_four_heads(bench: Benches) -> None:
    """It fails at a head, rests so many, and is asked again with the head after them."""
    shaky = Shaky()
    shaky.broken = "no"
    run = bench((shaky,))
    run.supervisor.max_failures = 4
    start = run.blocks.height
    for _ in range(12):
        run.block()

    assert [1, 3, 6, 11] == [height - start for height in shaky.asked]
    assert [
        ("failed", 1),
        ("restarted", 1),
        ("failed", 2),
        ("restarted", 2),
        ("failed", 3),
        ("restarted", 3),
        ("failed", 4),
        ("disabled", 4),
    ] == [(state, count) for _, state, count in states_of(run)]


def test_rests_are_bounded() -> None:
    """However often something fails: at most so many heads, at most a minute."""
    guard, fault = Supervisor({}, 40), Fault("strategies.a", "x")
    for _ in range(30):
        guard.answer((fault,))
        guard.answer((), MAX_REST_HEADS)
    assert ("failed",) == tuple(event.state for event in guard.answer((fault,)))
    assert () == guard.answer((), MAX_REST_HEADS - 1)
    assert ("restarted",) == tuple(event.state for event in guard.answer((), 1))
    assert (1, 2, 4, 60, 60) == (rest_s(1), rest_s(2), rest_s(3), rest_s(7), rest_s(10**6))


def test_what_is_heard_of_a_resting_plugin_counts_no_more() -> None:
    """Its failure is told and counted once; input at fault is told all the same."""
    guard = Supervisor({}, 3)
    fault, told = Fault("lenders.a", "x"), Fault("lenders.a", "y", blamed=False)
    assert [1] == [event.failures for event in guard.answer((fault,))]
    assert [0] == [event.failures for event in guard.answer((fault, told))]
    assert ["restarted"] == [event.state for event in guard.answer((), 1)]


def test_restarted_strategy_is_a_fresh_instance_and_hears_what_it_missed(bench: Benches) -> None:
    """What changed while it rested is new to it, and others are not told again."""
    first, second, other = Shaky(), Shaky(), Shaky()
    other.name = "other"  # type: ignore[misc]
    run = bench((first, other), fresh={"strategies.shaky": lambda: second})
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    first.broken = "no"
    run.block()
    run.block({pools[2]: (DEEP + 1, DEEP)})
    run.block({pools[1]: (DEEP + 2, DEEP)})

    assert [(pools[1], pools[2])] == second.changed
    assert [(), (pools[2],), (pools[1],)] == other.changed[-3:]


def test_strategy_that_cannot_be_made_again_fails_once_more(bench: Benches) -> None:
    """A constructor that raises at the restart is the plugin's failure, counted in the same row, until it is disabled."""

    def broken() -> Strategy:
        raise ValueError("no second time")

    shaky = Shaky()
    shaky.broken = "no"
    run = bench((shaky,), fresh={"strategies.shaky": broken})
    for _ in range(9):
        run.block()

    assert ("strategies.shaky", "disabled", 3) in states_of(run)
    reasons = [event.reason for batch, _ in run.tape for event in batch.events if isinstance(event, ev.PluginState) and event.failures == 2]
    assert "ValueError: no second time" in reasons
    assert 1 == len(shaky.asked)


def test_making_a_plugin_again_is_no_sign_that_it_works(bench: Benches) -> None:
    """Failures in a row go on counting over restarts."""
    shaky = Shaky()
    shaky.broken = "no"
    run = bench((shaky,), fresh={"strategies.shaky": lambda: shaky})
    for _ in range(9):
        run.block()

    assert [1, 2, 3] == [count for _, state, count in states_of(run) if state == "failed"]


class Never(RiskCheck):
    """Cannot answer the first time."""

    name = "never"
    asked = 0

    def allow(self, opportunity: Opportunity, book: BookState, snapshot: Snapshot) -> Any:
        type(self).asked += 1
        if type(self).asked == 1:
            raise ArithmeticError("no limit")
        return Allowance(book.base, 10**24, 0, 10**24)

    def check(self, plan: Plan, book: BookState, snapshot: Snapshot) -> None:
        return None


def test_risk_check_that_rests_lets_nothing_pass_and_a_fresh_one_does(bench: Benches) -> None:
    """What cannot be asked is no permission; nothing is asked of it meanwhile, and after its rest plans pass again."""
    Never.asked = 0
    run = bench((Shaky(),), risks=[Never()], owners={__name__.partition(".")[0]: ("risk.never",)}, fresh={"risk.never": Never})
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block({pools[2]: (GAP, DEEP)})
    run.block({pools[2]: (GAP + 1, DEEP)})
    assert (1, 0, {("main", "fault")}) == (Never.asked, run.summary().plans, set(run.rejections()))
    run.block({pools[2]: (GAP + 2, DEEP)})

    assert 1 == run.summary().plans


class Graph(Searcher):
    """Fails in its first update; the instances after it remember what they were told."""

    name = "graph"
    made: list["Graph"]

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.fails, self.told = fails, list[tuple[str, ...]]()

    def update(self, snapshot: Snapshot) -> None:
        self.told.append(snapshot.changed.pools)
        if self.fails:
            raise MemoryError

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        return iter(())


def test_fresh_searcher_is_told_of_every_pool(bench: Benches) -> None:
    """A graph made anew knows nothing: every pool counts as changed for it."""
    fresh = Graph()
    run = bench((Shaky(),), searcher=Graph(fails=True), fresh={"search.graph": lambda: fresh})
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    for _ in range(3):
        run.block()

    assert tuple(sorted(pools.values())) == fresh.told[0]


def test_r1_replay_rests_whom_the_run_rested_without_a_supervisor(bench: Benches) -> None:
    """Only the events of the tape say who is asked: the same rows come of it."""

    def made() -> Any:
        return bench((Shaky(), Sometimes()), fresh={"strategies.sometimes": Sometimes})

    run = made()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    for step in range(12):
        run.block({pools[2]: (GAP + step * DEEP // 50, DEEP)})
    assert {"failed", "restarted"} <= {state for _, state, _ in states_of(run)}
    assert run.summary().plans

    assert run.digest.hexdigest() == replayed(run, made().parts)


class Sometimes(Shaky):
    """Fails at every third height."""

    name = "sometimes"

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        if next(iter(snapshot.chains.values())).head.height % 3 == 0:
            raise OSError("now and then")
        return super().find_opportunities(snapshot)


def test_contract_error_is_put_to_the_plugin_that_it_names() -> None:
    """What gave a wrong type has returned already: the error says whose it was."""
    guard = Supervisor({"acme": ("risk.acme",)}, 3)

    def stumble(name: str) -> None:
        raise PluginContractError(name, "allow gave None")

    known, unknown = guard.call("strategies.s", stumble, "risk.acme"), guard.call("strategies.s", stumble, "risk.other")
    assert isinstance(known, Fault)
    assert isinstance(unknown, Fault)
    assert ("risk.acme", "strategies.s") == (known.plugin, unknown.plugin)


@pytest.mark.parametrize("error", [SystemExit(0), GeneratorExit(), KeyboardInterrupt(), BaseException("odd"), MemoryError()])
def test_whatever_a_plugin_raises_is_its_fault_once_a_run_receives_signals(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exits and interrupts of its own making end no run."""
    monkeypatch.setattr("tidemill.pipeline.supervise.interrupts_are_received", lambda: True)
    guard = Supervisor({}, 3)

    def fail() -> None:
        raise error

    fault = guard.call("strategies.s", fail)
    assert Fault("strategies.s", f"{type(error).__name__}: {error}".removesuffix(": ")) == fault
    assert ("", 1) == (guard.running, guard.calls)
