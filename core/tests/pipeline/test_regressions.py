"""Chances that must be taken once and not again, and promises of the plugin interfaces that the pipeline keeps."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from attrs import evolve

from tidemill.domain.answers import Rejected
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance
from tidemill.domain.events import Batch, Control, Gap, Observation, PluginState, Proposals, States
from tidemill.domain.ids import MAIN_BOOK, AssetId, ChainId, Key, PoolId
from tidemill.domain.opportunity import Arbitrage, Opportunity
from tidemill.domain.plan import Plan
from tidemill.domain.pool import Pool, Watch
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.transaction import Wallet
from tidemill.errors import PluginError
from tidemill.hookspecs.risk import RiskCheck
from tidemill.hookspecs.strategy import Strategy
from tidemill.ledger.digest import RowDigest
from tidemill.pipeline.supervise import Supervisor
from tidemill.stages.market import Market
from tidemill_testing.market import ETHER, SIM, PairPool, token
from tidemill_testing.toy import GAS, USD, ToyBlocks, ToyDex, ToyRules

Benches = Callable[..., Any]
Rigs = Callable[..., Any]
AAVE = token("AAVE")
DEEP = 10**24
GAP = DEEP * 120 // 100
UNLIMITED = 1 << 200


class Capped(RiskCheck):
    """Allows ``plans`` plans in flight and a cost of ``cost`` each, and no route through ``shunned``."""

    name = "capped"

    def __init__(self, plans: int = 99, cost: int = UNLIMITED, shunned: AssetId | None = None) -> None:
        super().__init__()
        self.plans, self.cost, self.shunned = plans, cost, shunned

    def allow(self, opportunity: Opportunity, book: BookState, snapshot: Snapshot) -> Allowance | Rejected:
        if isinstance(opportunity, Arbitrage) and self.shunned in {leg.buy for leg in opportunity.legs}:
            return Rejected("asset", f"{self.shunned} is not traded")
        if len(book.plans) >= self.plans:
            return Rejected("max_open_plans", f"{len(book.plans)} plans are in flight")
        return Allowance(USD, UNLIMITED, UNLIMITED, self.cost)

    def check(self, plan: Plan, book: BookState, snapshot: Snapshot) -> Rejected | None:
        return None


class Guessing(Strategy):
    """Buys on the cheaper pool and sells on the dearer, if it happens to think of it: it is not deterministic."""

    name = "guessing"
    deterministic = False

    def __init__(self, *, thinks: bool = True) -> None:
        super().__init__()
        self.thinks, self.calls = thinks, 0

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        self.calls += 1
        for pair in snapshot.changed.pairs if self.thinks else ():
            cheap, dear = snapshot.cheapest(pair), snapshot.dearest(pair)
            if cheap.edge_bps(dear) > 0:
                yield self.opportunity(buy=cheap, sell=dear)


class Quoting(ToyDex):
    """Its pools are also moved by observations of the kind ``reserves``; any other kind breaks it."""

    def observe(self, pool: Pool, seen: Observation) -> Pool:
        assert isinstance(pool, PairPool)
        if seen.kind == "noise":
            return pool
        figures = dict(seen.values)
        return evolve(pool, reserves=(figures["first"], figures["second"]))


class Tabled(ToyRules):
    """Its transactions are composed from a table per wallet."""

    def watch(self, wallet: Wallet) -> Watch:
        return Watch((table_of(wallet.owner),))


def table_of(owner: str) -> Key:
    return Key(f"{owner}:table")


def observed(run: Any, kind: str, subject: str, first: int = 0, second: int = 0) -> Any:
    """Feed an observation as a source outside chains does."""
    event = Observation(kind, subject, (("first", first), ("second", second)))
    return run.feed(Batch("quotes", len(run.tape), None, 0, "", "", "confirmed", 0, 0, (event,)))


# --- earned once ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("back", [1_000, 1_030, 1_090])
@pytest.mark.parametrize("nudge", [1, -1, 10**18])
def test_r12_opposite_swaps_of_ours_on_one_pool_are_not_earned_again(bench: Benches, back: int, nudge: int) -> None:
    """A price that went and came back is taken twice, once each way; small moves of others end neither swap before its time."""
    run = bench(overlay_blocks=20)
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    for moved in (GAP, DEEP * back // 1_000):
        run.block({pools[2]: (moved, DEEP)})
        run.block()
    once = run.summary()
    for step in range(18):
        run.block({pools[1]: (DEEP + (step + 1) * nudge, DEEP)})

    assert (2, 0) == (once.fills, once.reverts)
    assert (once.fills, once.pnl) == (run.summary().fills, run.summary().pnl)


def test_r12_older_swap_does_not_age_out_before_its_opposite(bench: Benches) -> None:
    """While the younger of two opposite swaps counts, the older does too: alone, the younger shows a price that nobody made."""
    run = bench(overlay_blocks=6)
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block({pools[2]: (GAP, DEEP)})
    run.block()
    run.block({pools[1]: (DEEP + 10**18, DEEP)})
    first = run.blocks.height
    run.block()
    run.block({pools[2]: (DEEP, DEEP)})
    run.block()
    once = run.summary()
    run.block({pools[1]: (DEEP + 2 * 10**18, DEEP)})
    second = run.blocks.height
    while run.blocks.height < second + 5:
        run.block()
        assert [first, second] == [swap.first_moved for swap in run.core.flight.overlay.swaps[pools[1]]]

    assert run.blocks.height > first + 6
    assert (2, 0) == (once.fills, once.reverts)
    assert (once.fills, once.pnl) == (run.summary().fills, run.summary().pnl)
    run.block()
    assert pools[1] not in run.core.flight.overlay.swaps


def test_r12_frozen_pools_that_are_read_again_are_earned_once(bench: Benches) -> None:
    """After a gap the same bytes are read again: nobody moved the pools, so that our swap counts on."""
    run = bench(overlay_blocks=3)
    held = (DEEP, DEEP), (GAP, DEEP)
    pools = run.load(dict(enumerate(held, start=1)))
    run.block()
    once = run.summary()
    resynced = {pools[1]: held[0], pools[2]: held[1]}
    for _ in range(6):
        run.feed(run.blocks.batch(Gap(SIM, run.blocks.height, run.blocks.height)))
        assert not run.core.snapshot().pools
        run.feed(run.blocks.batch(run.blocks.states(resynced)))
        for _ in range(5):
            run.block()

    assert (1, 0) == (once.fills, once.reverts)
    assert (once.fills, once.pnl) == (run.summary().fills, run.summary().pnl)
    assert set(pools.values()) == set(run.core.flight.overlay.swaps)


# --- limits ---------------------------------------------------------------------------------------------------------------------------


def test_idea_that_a_limit_turned_away_is_asked_again_when_plans_settle(bench: Benches) -> None:
    """Its pools never moved, and still it is taken: with the first plan settled, the limit has room."""
    run = bench(risks=[Capped(plans=1)])
    pools, others = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)}), run.load({3: (DEEP, DEEP), 4: (DEEP, DEEP)}, (USD, AAVE))
    effects = run.block({pools[2]: (GAP, DEEP), others[4]: (GAP, DEEP)})

    assert 1 == len(effects.intents)
    assert [("main", "max_open_plans")] == run.rejections()
    settled = run.block()
    touched = [set(one.intents[0].plan.pools) for one in (effects, settled)]
    assert sorted([{*pools.values()}, {*others.values()}], key=min) == sorted(touched, key=min)
    run.block()
    assert (2, 0) == (run.summary().fills, run.summary().reverts)


def test_idea_that_a_limit_turned_away_with_nothing_in_flight_is_not_asked_again_when_others_settle(bench: Benches) -> None:
    """It had nothing to wait for: what a later plan gives back does not ask it again, only a change of its own pools does."""
    run = bench(risks=[Capped(shunned=AAVE)])
    pools, others = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)}), run.load({3: (DEEP, DEEP), 4: (DEEP, DEEP)}, (USD, AAVE))
    run.block({others[4]: (GAP, DEEP)})
    assert 1 == len(run.block({pools[2]: (GAP, DEEP)}).intents)
    run.block()

    assert 1 == run.summary().fills
    assert [("main", "asset")] == run.rejections()
    run.block({others[4]: (GAP + 1, DEEP)})
    assert 2 == len(run.rejections())


def test_risk_check_that_allows_too_little_cost_stops_the_plan(bench: Benches) -> None:
    """No plan leaves whose transaction costs more than allowed; one that costs exactly that much does, and reserves no more."""
    free, tight, enough = bench(), bench(risks=[Capped(cost=GAS - 1)]), bench(risks=[Capped(cost=GAS)])
    sent = []
    for run in (free, tight, enough, nothing := bench(risks=[Capped(cost=0)])):
        pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
        sent.append(run.block({pools[2]: (GAP, DEEP)}).intents)

    assert [1, 0, 1, 0] == [len(intents) for intents in sent]
    assert [("main", "cost")] == tight.rejections() == nothing.rejections()
    assert (3 * GAS, GAS) == (sent[0][0].plan.cost_cap, sent[2][0].plan.cost_cap)
    assert GAS == enough.core.books.states[MAIN_BOOK].reserved[ETHER]


# --- strategies that are not deterministic --------------------------------------------------------------------------------------------


def test_proposals_leave_as_effects_and_count_when_they_come_back(bench: Benches) -> None:
    """What such a strategy finds is an answer of the world: no plan, no row, until it stands in a batch of its own."""
    guessing = Guessing()
    run = bench((guessing,))
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    effects = run.block({pools[2]: (GAP, DEEP)})
    calls = guessing.calls

    assert ((), ()) == (effects.intents, effects.rows)
    assert ["guessing"] == [one.strategy for one in effects.proposals]
    answer = run.answer(*effects.proposals, decide=True)
    assert [one.id for one in effects.proposals[0].opportunities] == [intent.plan.opportunity for intent in answer.intents]
    assert calls == guessing.calls
    assert () == answer.proposals


@pytest.mark.anyio
async def test_r5_recorded_proposals_fold_to_the_same_ledger_whatever_the_strategy_thinks_then(bench: Benches, rig: Rigs) -> None:
    """A replay takes the recorded answers: a strategy that thinks otherwise by then changes nothing; without them nothing is done."""
    guessing = Guessing()
    made = rig(bench((guessing,)))
    made.script_of(12, {3: 105, 5: 95, 8: 110})
    await made.play()
    proposed = [(batch, decide) for batch, decide in made.fed if batch.source == "proposals"]

    assert made.run.summary().fills >= 2
    assert made.run.summary().plans <= len(proposed)
    assert all(decide and isinstance(event, Proposals) for batch, decide in proposed for event in batch.events)
    assert made.driver.digest.hexdigest() == folded(bench, made.fed, thinks=False)
    assert made.driver.digest.hexdigest() == folded(bench, made.fed, thinks=True)
    unanswered = [(batch, decide) for batch, decide in made.fed if batch.source not in ("proposals", "paper")]
    assert RowDigest().hexdigest() == folded(bench, unanswered, thinks=True)


@pytest.mark.anyio
async def test_strategy_that_is_not_deterministic_is_asked_once_per_deciding_batch(bench: Benches, rig: Rigs) -> None:
    """Its own answers, which come back as a batch, do not ask it again; a deterministic one next to it is asked."""
    guessing = Guessing()
    made = rig(bench((guessing,)))
    made.script_of(6, {3: 105, 5: 95})
    await made.play()
    sources = [batch.source for batch, decide in made.fed if decide]

    assert "proposals" in sources
    assert len([source for source in sources if source != "proposals"]) == guessing.calls


def folded(bench: Benches, fed: list[tuple[Batch, bool]], *, thinks: bool) -> str:
    """Fold batches again on a fresh core and return the digest of its rows."""
    core, digest = bench((Guessing(thinks=thinks),)).core, RowDigest()
    for batch, decide in fed:
        for row in core.on_batch(batch, decide).rows:
            digest.add(row)
    return digest.hexdigest()


# --- observations and watched state ---------------------------------------------------------------------------------------------------


def test_observation_moves_the_pool_that_it_names(bench: Benches) -> None:
    """A pool made of observations stands where the last one says, under a new version, and ideas hear of it."""
    run = bench(dexes=[Quoting()])
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    before = run.core.snapshot()
    effects = observed(run, "reserves", pools[2], GAP, DEEP)
    after = run.core.snapshot()

    assert (GAP, DEEP) == after.pools[pools[2]].reserves
    assert before.pools[pools[1]] is after.pools[pools[1]]
    assert before.version(pools[2]) != after.version(pools[2])
    assert before.version(pools[1]) == after.version(pools[1])
    assert [set(pools.values())] == [set(intent.plan.pools) for intent in effects.intents]


def test_observation_that_moves_nothing_changes_nothing(bench: Benches) -> None:
    """One of another kind, of a pool that is not loaded, or for a DEX that takes none leaves pools and versions as they are."""
    for dex in (Quoting(), ToyDex()):
        run = bench(dexes=[dex])
        pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
        before = run.core.snapshot()
        observed(run, "noise", pools[2])
        observed(run, "reserves", PoolId(f"{SIM}/toy:0xfeed"), GAP, DEEP)
        observed(run, "reserves", "ETH/USD", GAP, DEEP)
        after = run.core.snapshot()

        assert before.pools == after.pools
        assert before.versions == after.versions
        assert not run.market.faults


def test_observation_that_its_dex_cannot_take_withdraws_the_pool(bench: Benches) -> None:
    """A DEX that fails on it is at fault; the pool gives no quote until it was read again."""
    run = bench(dexes=[Quoting()])
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    event = Observation("reserves", pools[2], ())
    effects = run.feed(run.blocks.batch(event))

    assert ["dex.toy"] == [fault.plugin for fault in effects.faults]
    assert [pools[1]] == list(run.core.snapshot().pools)
    run.feed(run.blocks.batch(run.blocks.states({pools[2]: (DEEP, DEEP)})))
    assert set(pools.values()) == set(run.core.snapshot().pools)


def test_state_that_rules_need_for_a_wallet_is_read_at_the_first_head_and_watched() -> None:
    """Before the first plan is composed its tables are there; each wallet of the chain is asked for, and once only."""
    wallets = (Wallet(SIM, "0xmine"), Wallet(SIM, "0xyours"), Wallet(ChainId("toy:2"), "0xfar"))
    market = Market(dexes={}, rules={SIM: Tabled()}, guard=Supervisor({}, 3), wallets=wallets)
    blocks = ToyBlocks()
    keys = (table_of("0xmine"), table_of("0xyours"))

    assert ((), ()) == (market.take_reads(), market.take_watches())
    market.apply(blocks.head())
    assert ((SIM, keys),) == market.take_reads()
    assert tuple((SIM, Watch((key,))) for key in keys) == market.take_watches()
    market.apply(blocks.head())
    assert ((), ()) == (market.take_reads(), market.take_watches())
    market.apply(blocks.batch(States(SIM, ((keys[0], b"table"),))))
    assert b"table" == market.snapshot().states[SIM][keys[0]]
    market.apply(blocks.head(Gap(SIM, 1, 2, (keys[0],))))
    assert ((SIM, (keys[0],)),) == market.take_reads()
    assert keys[0] not in market.snapshot().states[SIM]
    market.apply(blocks.head(Gap(SIM, 1, 2)))
    assert ((SIM, keys),) == market.take_reads()


def test_rules_that_need_no_state_of_their_own_ask_for_nothing() -> None:
    """An empty watch is not passed on to the chain."""
    market = Market(dexes={}, rules={SIM: ToyRules()}, guard=Supervisor({}, 3), wallets=(Wallet(SIM, "0xmine"),))
    market.apply(ToyBlocks().head())

    assert ((), ()) == (market.take_reads(), market.take_watches())


def test_what_changed_while_proposals_were_served_is_told_at_the_next_asking(bench: Benches) -> None:
    """A batch of proposals serves those alone: what moved before it is not taken from those who were not asked."""
    heard: list[PoolId] = []

    class Listening(Guessing):
        def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
            heard.extend(snapshot.changed.pools)
            return iter(())

    run = bench((Listening(),))
    pools = run.load({1: (10**21, 10**21), 2: (10**21, 10**21)})
    heard.clear()
    run.feed(run.blocks.head(run.blocks.logs({pools[2]: (10**21 + 5, 10**21)})), decide=False)
    run.feed(run.blocks.batch(Proposals("guessing", ())))
    assert [] == heard
    run.feed(run.blocks.head())

    assert [pools[2]] == heard


# --- a halt ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_halt_ends_the_lockstep_run_and_settles_what_is_in_flight(bench: Benches, rig: Rigs) -> None:
    """An operator's halt: the source is left, no plan is made any more, and the plan in flight still gets its outcome."""
    made, free = rig(bench(latency=2)), rig(bench(latency=2))
    for one in (made, free):
        one.script_of(9, {2: 105, 6: 130})
    halting = made.link.script[2]
    made.link.script[2] = evolve(halting, events=(*halting.events, Control("halt", (), "the market looks wrong")))
    await made.play()
    await free.play()

    assert "the market looks wrong" == made.driver.halted
    assert "" == free.driver.halted
    assert (3, 9) == (made.run.core.tally.blocks, free.run.core.tally.blocks)
    assert (1, 1) == (made.run.summary().plans, made.run.summary().fills)
    assert free.run.summary().plans > 1
    assert [False] == [decide for batch, decide in made.fed if batch.source == "paper"]
    assert () == made.run.paper.waiting
    assert made.link.closed


def test_plugin_that_fails_before_any_head_is_told_all_the_same(bench: Benches) -> None:
    """A source that ends before the first block is not silent: its note has height 0."""
    run = bench()
    event = PluginState("prices.acme", "disabled", 1, "its source ended")
    effects = run.feed(Batch("supervisor", 1, None, 0, "", "", "confirmed", 0, 0, (event,)), decide=False)

    assert [("plugin", 0)] == [(note.event, note.height) for note in effects.notes]


def test_rules_that_raise_end_the_run_with_an_error_that_names_the_chain(bench: Benches) -> None:
    """No run goes on without its chain's rules: it ends with a plugin's error, not with a bug's."""

    class Broken(ToyRules):
        def swap_cost(self, fee: int) -> int:
            raise ZeroDivisionError("no fee")

    with pytest.raises(PluginError, match=r"plugin chains\.toy: ZeroDivisionError: no fee"):
        bench(rules=Broken()).load({1: (10**21, 10**21)})
