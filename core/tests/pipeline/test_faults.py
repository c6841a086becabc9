"""Plugins that raise: isolated, put to whose code it was, disabled after too many batches in a row; the rest goes on."""

import importlib
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

from tidemill.domain import events as ev
from tidemill.domain.answers import NoLoan, Rejected
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance
from tidemill.domain.history import Wants
from tidemill.domain.ids import AssetId, ChainId, Key, pair_of
from tidemill.domain.lending import LoanTerms
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Loan, Plan
from tidemill.domain.pool import Watch
from tidemill.domain.search import Candidate, CycleQuery
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.transaction import Wallet
from tidemill.errors import DecodeError, InvariantError, PluginError
from tidemill.hookspecs.chain import Step
from tidemill.hookspecs.lender import Lender
from tidemill.hookspecs.risk import RiskCheck
from tidemill.hookspecs.search import Searcher
from tidemill.hookspecs.strategy import Strategy
from tidemill.pipeline.supervise import Supervisor, isolated
from tidemill.stages.guard import Fault
from tidemill_testing.toy import USD, WETH

Benches = Callable[..., Any]
DEEP = 10**21
GAP = DEEP * 105 // 100
PLUGIN = """
from tidemill_testing.market import PairPool
from tidemill_testing.toy import ToyDex, toy_ref
from tidemill.domain.pool import Decoded


class BadPool(PairPool):
    def amount_out(self, sell, buy, amount, at):
        raise RuntimeError("the curve broke")


class BadDex(ToyDex):
    name = "bad"

    def decode(self, ref, states, at, last):
        decoded = super().decode(ref, states, at, last)
        if not isinstance(decoded, Decoded):
            return decoded
        if decoded.pool.reserves == (6, 6):
            raise SystemExit("no way to decode this")
        pool = decoded.pool
        return Decoded(BadPool(pool.id, pool.assets, pool.reserves, pool.fee_ppm), decoded.watch)

    def apply(self, pool, log, at):
        raise KeyError("tick")


class SisterDex(ToyDex):
    name = "sister"

    def apply(self, pool, log, at):
        raise KeyError("tock")
"""


class Finding(Strategy):
    """Buys cheap and sells dear; raises where it is told to."""

    name = "finding"

    def __init__(self, name: str = "finding", fails: BaseException | None = None, *, where: str = "find") -> None:
        super().__init__()
        self.name, self.fails, self.where = name, fails, where  # type: ignore[misc]

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        if self.fails is not None and self.where == "find":
            raise self.fails
        for pair in snapshot.changed.pairs:
            offers = snapshot.offers(pair)
            if len(offers) > 1 and offers[0].edge_bps(offers[-1]) > 0:
                yield self.opportunity(buy=offers[0], sell=offers[-1])

    def validate_opportunity(self, opportunity: Opportunity, snapshot: Snapshot) -> Any:
        if self.fails is not None and self.where == "validate":
            raise self.fails
        return super().validate_opportunity(opportunity, snapshot)


class Broken(RiskCheck):
    """Raises whenever it is asked."""

    name = "broken"

    def allow(self, opportunity: Opportunity, book: BookState, snapshot: Snapshot) -> Allowance | Rejected:
        raise ArithmeticError("no limit")

    def check(self, plan: Plan, book: BookState, snapshot: Snapshot) -> Rejected | None:
        return None


class BrokenLender(Lender):
    """Cannot say its terms."""

    name = "broken"
    families = frozenset({"toy"})

    def watch(self, chain: ChainId, states: Mapping[Key, bytes | None]) -> Watch:
        return Watch()

    def terms(self, asset: AssetId, chain: ChainId, snapshot: Snapshot) -> LoanTerms | NoLoan:
        raise LookupError("no reserve")

    def bracket(self, loan: Loan, inner: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Sequence[Step]:
        return inner


class BrokenSearcher(Searcher):
    """Raises in its first ``failures`` updates; remembers which pools it was told of."""

    name = "broken"

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures, self.told, self.asked = failures, list[tuple[str, ...]](), 0

    def update(self, snapshot: Snapshot) -> None:
        self.asked += 1
        if self.asked <= self.failures:
            raise MemoryError
        self.told.append(snapshot.changed.pools)

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        return iter(())


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A DEX plugin on disk, in a package of its own: a traceback leads to it."""
    (tmp_path / "tidemill_dex_bad.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("tidemill_dex_bad")
    del sys.modules["tidemill_dex_bad"]


def states_of(run: Any) -> list[tuple[str, str, int]]:
    """Return (plugin, state, failures) of every event that told of a plugin."""
    events = [event for batch, _ in run.tape for event in batch.events if isinstance(event, ev.PluginState)]
    return [(event.plugin, event.state, event.failures) for event in events]


def gap(run: Any) -> dict[int, Any]:
    pools: dict[int, Any] = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block({pools[2]: (GAP, DEEP)})
    return pools


@pytest.mark.parametrize("error", [RuntimeError("oops"), SystemExit("bye"), RecursionError()])
def test_strategy_that_raises_is_told_and_disabled_while_others_go_on(bench: Benches, error: BaseException) -> None:
    """After three failures in a row, with rests between, it is asked no more; the other strategy trades from the first."""
    run = bench((Finding("failing", error), Finding("working")))
    gap(run)
    assert 1 == run.summary().plans
    for _ in range(12):
        run.block()

    told = states_of(run)
    assert [("strategies.failing", "failed", count) for count in (1, 2, 3)] == [one for one in told if one[1] == "failed"]
    assert [("strategies.failing", "disabled", 3)] == [one for one in told if one[1] == "disabled"]
    notes = [note.text for effects in run.seen for note in effects.notes if note.event == "plugin"]
    said = f"{type(error).__name__}: {error}".removesuffix(": ")
    assert f"strategies.failing failed (1 in a row): {said}" in notes
    assert 1 == run.summary().fills


def test_strategy_that_was_restarted_is_asked_again(bench: Benches) -> None:
    """A disabled strategy finds nothing, whatever moves; a restart lifts it."""
    run = bench((Finding("one"),))
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.answer(ev.PluginState("strategies.one", "disabled", 3))
    run.block({pools[2]: (GAP, DEEP)})
    assert (0, 0) == (run.summary().opportunities, run.summary().plans)
    run.answer(ev.PluginState("strategies.one", "restarted", 0))
    run.block({pools[2]: (GAP + 1, DEEP)})

    assert (1, 1) == (run.summary().opportunities, run.summary().plans)


def test_strategy_that_raises_in_planning_costs_that_idea_and_is_counted_batch_by_batch(bench: Benches) -> None:
    """Finding without planning is no success: what fails in every batch is disabled."""
    run = bench((Finding("failing", ValueError("bad"), where="validate"),))
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    for step in range(12):
        run.block({pools[2]: (GAP + step, DEEP)})

    assert [("main", "fault")] * 3 == run.rejections()
    assert ("strategies.failing", "disabled", 3) in states_of(run)


def test_failures_in_a_row_begin_anew_after_a_batch_without_one() -> None:
    """A plugin that was called and did not fail starts from one; several failures in one batch count as one."""
    guard, fault = Supervisor({}, 3), Fault("dex.a", "x")

    def fail() -> None:
        raise OSError

    assert [1, 1] == [event.failures for event in guard.answer((fault, fault))]
    assert [2] == [event.failures for event in guard.answer((fault,))]
    assert Fault("dex.a", "OSError") == guard.call("dex.a", fail)
    assert 5 == guard.call("dex.a", lambda: 5)
    assert () == guard.answer(())
    assert [1] == [event.failures for event in guard.answer((fault,))]
    guard.call("dex.other", lambda: 5)
    assert [2] == [event.failures for event in guard.answer((fault,))]
    assert [("failed", 3), ("disabled", 3)] == [(event.state, event.failures) for event in guard.answer((fault,))]
    assert () == guard.answer((fault,))


def test_input_at_fault_is_told_and_never_counts() -> None:
    """Data that cannot be trusted is not the plugin's failure."""
    guard = Supervisor({}, 1)

    def decode() -> None:
        raise DecodeError("31 bytes")

    fault = guard.call("dex.a", decode)
    assert isinstance(fault, Fault)
    assert [("failed", 0)] * 2 == [(event.state, event.failures) for event in (*guard.answer((fault,)), *guard.answer((fault,)))]


def test_impossible_state_and_interrupts_pass_through_the_guard() -> None:
    """They are nobody's fault to be isolated: the run ends."""
    guard = Supervisor({}, 3)

    def raises(error: BaseException) -> None:
        raise error

    for error in (InvariantError("sums"), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            guard.call("dex.a", raises, error)


def test_pool_that_raises_in_a_strategy_is_put_to_the_dex(bench: Benches, plugin: ModuleType) -> None:
    """The innermost plugin in the traceback is at fault, not the one that was called; its pools are withdrawn when it is disabled."""
    run = bench((Finding(),), dexes=[plugin.BadDex()], owners={"tidemill_dex_bad": ("dex.bad",)})
    bad = [plugin.toy_ref(number, USD, WETH, dex="bad") for number in (1, 2)]
    run.feed(run.blocks.head())
    run.feed(run.blocks.found(*bad))
    run.feed(run.blocks.batch(run.blocks.states({bad[0].id: (DEEP, DEEP), bad[1].id: (GAP, DEEP)})))
    assert {("dex.bad", "failed", 1)} == set(states_of(run))
    assert {ref.id for ref in bad} == set(run.core.snapshot().pools)
    for step in range(2):
        run.feed(run.blocks.head(run.blocks.states({bad[1].id: (GAP + step + 1, DEEP)})))

    assert {"dex.bad"} == {plugin for plugin, _, _ in states_of(run)}
    assert ("dex.bad", "disabled", 3) in states_of(run)
    assert {} == dict(run.core.snapshot().pools)


def test_dex_that_raises_in_decode_and_apply_loses_that_pool(bench: Benches, plugin: ModuleType) -> None:
    """Whatever decoding or playing a log raises, only that pool is unloaded, and other DEXs go on."""
    toy = plugin.ToyDex()
    run = bench((Finding(),), dexes=[plugin.BadDex(), toy], owners={"tidemill_dex_bad": ("dex.bad",)})
    one, two = (plugin.toy_ref(number, USD, WETH, dex="bad") for number in (8, 9))
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.feed(run.blocks.found(one, two), decide=False)
    run.feed(run.blocks.batch(run.blocks.states({one.id: (6, 6), two.id: (7, 7)})), decide=False)
    assert [("dex.bad", "failed", 1)] == states_of(run)
    assert {*pools.values(), two.id} == set(run.core.snapshot().pools)
    run.feed(run.blocks.head(run.blocks.logs({two.id: (8, 8), pools[2]: (GAP, DEEP)})))

    assert ("dex.bad", "failed", 2) == states_of(run)[-1]
    assert set(pools.values()) == set(run.core.snapshot().pools)
    assert 1 == run.summary().plans


def test_fault_in_a_package_of_several_plugins_is_put_to_the_one_that_was_called(plugin: ModuleType) -> None:
    """A distribution may own several names: its second plugin's failure does not disable its first."""
    guard = Supervisor({"tidemill_dex_bad": ("dex.bad", "dex.sister")}, 3)
    dex = plugin.SisterDex()
    called = guard.call("dex.sister", dex.apply, None, None, None)
    through = guard.call("strategies.s", dex.apply, None, None, None)

    assert isinstance(called, Fault)
    assert isinstance(through, Fault)
    assert ("dex.sister", "dex.bad") == (called.plugin, through.plugin)


def test_risk_check_that_raises_lets_nothing_pass(bench: Benches) -> None:
    """A limit that cannot be asked is no permission, also after it was disabled."""
    run = bench((Finding(),), risks=[Broken()], owners={__name__.partition(".")[0]: ("risk.broken",)})
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    for step in range(12):
        run.block({pools[2]: (GAP + step, DEEP)})

    assert 0 == run.summary().plans
    assert ("risk.broken", "disabled", 3) in states_of(run)
    assert {("main", "fault")} == set(run.rejections())


def test_lender_that_raises_lends_no_more_once_it_is_disabled(bench: Benches) -> None:
    """Its failures cost the ideas that asked it; while it rests, and disabled, it is left out and own money trades."""
    run = bench((Finding(),), lenders=[BrokenLender()], owners={__name__.partition(".")[0]: ("lenders.broken",)})
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block({pools[2]: (GAP, DEEP)})
    assert 0 == run.summary().plans
    run.block({pools[2]: (GAP + 1, DEEP)})
    assert 1 == run.summary().plans
    for step in range(12):
        run.block({pools[2]: (GAP + DEEP // 50 * step, DEEP)})

    assert ("lenders.broken", "disabled", 3) in states_of(run)


def test_searcher_that_raises_is_told_of_the_same_pools_again_and_others_go_on(bench: Benches) -> None:
    """A failed update has taken nothing in: what changed then stands in the next one too; strategies are asked meanwhile."""
    searcher = BrokenSearcher(2)
    run = bench((Finding(),), searcher=searcher)
    pools = gap(run)
    assert 1 == run.summary().plans
    for _ in range(6):
        run.block()

    assert tuple(sorted(pools.values())) == searcher.told[0]


def test_searcher_that_was_disabled_is_not_updated_and_finds_nothing(bench: Benches) -> None:
    """After three failures in a row the run goes on without it."""
    searcher = BrokenSearcher(99)
    run = bench((Finding(),), searcher=searcher)
    pools = gap(run)
    for _ in range(12):
        run.block({pools[2]: (GAP, DEEP)})

    assert ("search.broken", "disabled", 3) in states_of(run)
    assert 3 == searcher.asked
    assert run.summary().plans


@pytest.mark.anyio
async def test_isolated_coroutine_says_what_it_raised() -> None:
    """What a notifier raises is a sentence, without its own name, and whether it meant to; nothing raised is none."""

    async def fine(_: int) -> None:
        return

    async def bad(_: int) -> None:
        raise ConnectionError("no route")

    def refusing(error: Exception) -> Callable[[int], Awaitable[None]]:
        async def refuse(_: int) -> None:
            raise error

        return refuse

    path = "notifiers.acme"
    assert (None, Fault(path, "ConnectionError: no route")) == (await isolated(path, fine, 1), await isolated(path, bad, 1))
    for name in (path, "acme"):
        own = PluginError(name, "no such folder", distribution="tidemill-notifier-acme")
        assert Fault(path, "no such folder", deliberate=True) == await isolated(path, refusing(own), 1)
    other = Fault(path, "PluginError: plugin notifiers.other: odd", deliberate=True)
    assert other == await isolated(path, refusing(PluginError("notifiers.other", "odd")), 1)


def fickle(plugin: ModuleType, run: Any, names: set[str]) -> Any:
    """Load two pools with a gap between them that trade until ``names`` of their methods are broken; return a switch for that."""
    switch = {"broken": False}

    def breaking(name: str) -> Callable[..., Any]:
        whole = getattr(plugin.PairPool, name)

        def method(*args: Any) -> Any:
            if switch["broken"]:
                raise RuntimeError(f"{name} broke")
            return whole(*args)

        # Defined in the plugin's package, as far as a traceback can tell
        return FunctionType(method.__code__, {**globals(), "__name__": plugin.__name__}, name, None, method.__closure__)

    made = type("Fickle", (plugin.PairPool,), {name: breaking(name) for name in names})
    refs = [plugin.toy_ref(number, USD, WETH, dex="sister") for number in (1, 2)]

    def decode(self: Any, ref: Any, states: Any, at: Any, last: Any) -> Any:
        decoded = plugin.ToyDex.decode(self, ref, states, at, last)
        if not hasattr(decoded, "pool"):
            return decoded
        pool = decoded.pool
        return plugin.Decoded(made(pool.id, pool.assets, pool.reserves, pool.fee_ppm), Watch(decoded.watch.keys))

    plugin.SisterDex.decode = decode
    run.feed(run.blocks.head(), decide=False)
    run.feed(run.blocks.found(*refs), decide=False)
    run.feed(run.blocks.batch(run.blocks.states({refs[0].id: (DEEP, DEEP), refs[1].id: (DEEP, DEEP)})))
    run.feed(run.blocks.head(run.blocks.states({refs[1].id: (GAP, DEEP)})))
    assert 1 == run.summary().plans
    return switch


@pytest.mark.parametrize("latency", [1, 2])
def test_pool_that_raises_at_its_fill_reverts_the_plan(bench: Benches, plugin: ModuleType, latency: int) -> None:
    """A fill that cannot be replayed is a revert that says whose fault it was; the run goes on."""
    run = bench((Finding(),), dexes=[plugin.SisterDex()], owners={plugin.__name__: ("dex.sister",)}, latency=latency)
    switch = fickle(plugin, run, {"swap_exact_in"})
    switch["broken"] = True
    for _ in range(latency):
        run.block()

    assert (0, 1) == (run.summary().fills, run.summary().reverts)
    assert ("dex.sister", "failed", 1) in states_of(run)


def test_pool_that_raises_under_our_overlay_is_not_seen_at_all(bench: Benches, plugin: ModuleType) -> None:
    """Without our swap on it a mispricing would be earned again: the pool is left out until its DEX quotes or is disabled."""
    run = bench((Finding(),), dexes=[plugin.SisterDex()], owners={plugin.__name__: ("dex.sister",)})
    switch = fickle(plugin, run, {"swap_exact_in"})
    run.block()
    assert 1 == run.summary().fills
    switch["broken"] = True
    pool = sorted(run.core.snapshot().pools)[1]
    run.feed(run.blocks.head(run.blocks.states({pool: (GAP + 1, DEEP)})))
    assert pool not in run.core.snapshot().pools
    assert ("dex.sister", "failed", 1) in states_of(run)


def test_pool_that_raises_while_others_move_it_keeps_our_overlay(bench: Benches, plugin: ModuleType) -> None:
    """What cannot be asked for its quote is not taken as caught up: our swap stays on it, and the failure is told."""
    run = bench((Finding(),), dexes=[plugin.SisterDex()], owners={plugin.__name__: ("dex.sister",)})
    switch = fickle(plugin, run, {"amount_out"})
    run.block()
    assert 1 == run.summary().fills
    laid, pools = run.core.flight.overlay.swaps, dict(run.core.view())
    switch["broken"] = True
    run.feed(run.blocks.head(run.blocks.states({pool: value.reserves for pool, value in pools.items()})), decide=False)

    assert laid == run.core.flight.overlay.swaps
    assert ("dex.sister", "failed", 1) in states_of(run)
    switch["broken"] = False
    run.feed(
        run.blocks.head(run.blocks.states({pool: (value.reserves[0] + 1, value.reserves[1]) for pool, value in pools.items()})),
        decide=False,
    )
    assert laid != run.core.flight.overlay.swaps


def test_outcome_whose_pools_cannot_be_valued_is_booked_with_no_gain(bench: Benches, plugin: ModuleType) -> None:
    """The value of an outcome is for people: a pool that raises there changes no balance."""
    run = bench((Finding(),), dexes=[plugin.SisterDex()], owners={plugin.__name__: ("dex.sister",)}, paper=False)
    switch = fickle(plugin, run, {"amount_out"})
    switch["broken"] = True
    plan = run.core.flight.open[0].plan
    run.answer(ev.OutcomeSeen(plan.id, Outcome(OutcomeStatus.FILLED, 3, "", (), ((USD, 7),), 5)))

    assert (1, 0, 7) == (run.summary().fills, run.summary().profitable, run.summary().pnl[USD])
    assert ("dex.sister", "failed", 1) in states_of(run)


def test_pool_that_raises_for_a_history_of_prices_leaves_that_point_out(bench: Benches, plugin: ModuleType) -> None:
    """A rate that cannot be read is no point of the history; the block goes on."""

    class Looking(Finding):
        needs = Wants(pairs=(pair_of(USD, WETH),), pair_length=9)

    run = bench((Looking(),), dexes=[plugin.SisterDex()], owners={plugin.__name__: ("dex.sister",)})
    switch = fickle(plugin, run, {"amount_out"})
    points = len(run.core.snapshot().history.pairs.get(pair_of(USD, WETH), ()))
    switch["broken"] = True
    run.feed(run.blocks.head(), decide=False)

    assert points == len(run.core.snapshot().history.pairs.get(pair_of(USD, WETH), ()))
    assert ("dex.sister", "failed", 1) in states_of(run)


def test_plan_in_flight_whose_pool_raises_is_not_stacked_upon(bench: Benches, plugin: ModuleType) -> None:
    """With stacking, what a plan in flight would do is asked of its pools: where they raise it is passed over."""
    run = bench((Finding(),), dexes=[plugin.SisterDex()], owners={plugin.__name__: ("dex.sister",)}, stacking=True, latency=9)
    switch = fickle(plugin, run, {"swap_exact_in"})
    switch["broken"] = True
    pool = sorted(run.core.snapshot().pools)[1]
    run.feed(run.blocks.head(run.blocks.states({pool: (GAP * 2, DEEP)})))

    assert ("dex.sister", "failed", 1) in states_of(run)
    assert 1 == run.summary().plans
