"""Plans of a simulated run, carried out by the contracts that chains really run, end with the balances that ``replay_flow`` says."""

from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from attrs import frozen

from tests.commands import LEAN
from tidemill.api.config import load_config
from tidemill.api.run import RunOptions, run
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Flow, PlannedSwap
from tidemill.domain.pool import Pool
from tidemill.domain.time import ChainTime
from tidemill.pipeline.paper import PaperDesk
from tidemill.planning.replay import Broken, Replayed, replay_flow
from tidemill.stages.effects import Intent
from tidemill_amm.concentrated import ConcentratedState
from tidemill_dex_uniswap.quoting import V2Pool, V3Pool
from tidemill_testing.bytecode import OWNER, Chain, Reverted, V2Pair
from tidemill_testing.bytecode import V3Pool as V3Contract

pytestmark = pytest.mark.bytecode

LEAST = 20
SEEDS = (3, 7)
PAIR_FEE_PPM = 3_000
POOL_FEES_PPM = {100, 500, 3_000, 10_000}
Installed = dict[PoolId, V2Pair | V3Contract]


@frozen
class Settled:
    """A plan as the paper desk settled it: the pools it met, before any of its swaps, and what came of it."""

    plan: Flow
    pools: Mapping[PoolId, Pool]
    at: ChainTime
    outcome: Outcome


@pytest.fixture(scope="module")
def settled() -> list[Settled]:
    """Every plan of two runs of a small simulated market, whose pools all have a fee that the real bytecode has."""
    seen: list[Settled] = []
    fill = PaperDesk._fill

    def watched(self: PaperDesk, intent: Intent, pools: Any, snapshot: Any, at: ChainTime, head: ChainTime, block_hash: str) -> Outcome:
        assert isinstance(intent.plan, Flow)
        met = {pool: pools[pool] for pool in intent.plan.pools}
        outcome = fill(self, intent, pools, snapshot, at, head, block_hash)
        seen.append(Settled(intent.plan, met, at, outcome))
        return outcome

    config = load_config(
        None, {**LEAN, "TIDEMILL__STORES__SQLITE__ENABLED": "false", "TIDEMILL__CHAINS__SIM__COMPETITOR_SHARE_PPM": "300000"}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PaperDesk, "_fill", watched)
        for seed in SEEDS:
            run(config, RunOptions(blocks=60, seed=seed, speed="max"), notifiers=[])
    return [one for one in seen if all(map(has_bytecode, one.pools.values()))]


def has_bytecode(pool: Pool) -> bool:
    """Whether the real contracts charge a pool's fee."""
    if isinstance(pool, V2Pool):
        return pool.fee_ppm == PAIR_FEE_PPM
    return isinstance(pool, V3Pool) and pool.fee_ppm in POOL_FEES_PPM


class Contracts:
    """Deployed pairs and pools, handed out again for each plan; amounts are what the contracts really moved."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._deployed: dict[tuple[int, int, int], V2Pair | V3Contract] = {}

    def install(self, pools: Mapping[PoolId, Pool]) -> Installed:
        """Write the state of each pool into a contract of its own."""
        installed: Installed = {}
        for place, (identifier, pool) in enumerate(pools.items()):
            if isinstance(pool, V2Pool):
                installed[identifier] = self._pair(place, pool)
            else:
                assert isinstance(pool, V3Pool)
                installed[identifier] = self._concentrated(place, pool.state)
        return installed

    def _pair(self, place: int, pool: V2Pool) -> V2Pair:
        key = (place, pool.fee_ppm, 0)
        pair = self._deployed.get(key) or V2Pair(self._chain)
        assert isinstance(pair, V2Pair)
        self._deployed[key] = pair
        pair.set_reserves(pool.reserve0, pool.reserve1)
        return pair

    def _concentrated(self, place: int, state: ConcentratedState) -> V3Contract:
        key = (place, state.fee_ppm, state.tick_spacing)
        contract = self._deployed.get(key) or V3Contract(self._chain, state.fee_ppm, state.tick_spacing)
        assert isinstance(contract, V3Contract)
        self._deployed[key] = contract
        ticks = {tick: (state.liquidity_gross.get(tick, abs(net)), net) for tick, net in state.liquidity_net.items()}
        contract.install(state.sqrt_price_x96, state.tick, state.liquidity, ticks)
        return contract

    def swap(self, contract: V2Pair | V3Contract, zero_for_one: bool, amount: int, expected: int) -> int:
        """Sell an amount and return what arrived; a pair is asked for what is expected, after it has refused a unit more."""
        bought = contract.token1 if zero_for_one else contract.token0
        bought.set_balance(OWNER, 0)
        if isinstance(contract, V2Pair):
            with self._chain.rolled_back(), pytest.raises(Reverted, match="UniswapV2: K"):
                contract.swap(zero_for_one, amount, expected + 1)
            contract.swap(zero_for_one, amount, expected)
        else:
            paid = contract.swap(zero_for_one, amount)
            assert amount == paid[0 if zero_for_one else 1]
        return bought.balance(OWNER)


@pytest.fixture(scope="module")
def contracts(bytecode: Chain) -> Contracts:
    """The contracts that plans are carried out on."""
    return Contracts(bytecode)


def unguarded(plan: Flow) -> Flow:
    """Return a plan that nothing stops: what it does can then be compared whether or not its guards would have held."""
    swaps = tuple(PlannedSwap(swap.pool, swap.sell, swap.buy, swap.amount_in, 0) for swap in plan.swaps)
    return attrs.evolve(plan, swaps=swaps, guards=(), loans=tuple(attrs.evolve(loan, fee=0) for loan in plan.loans))


def carried_out(one: Settled, replayed: Replayed, contracts: Contracts, installed: Installed) -> dict[AssetId, int]:
    """Carry a plan out on the contracts, comparing each fill and each pool after it, and return the balances at its end."""
    balances: dict[AssetId, int] = dict(one.plan.funds)
    for loan in one.plan.loans:
        balances[loan.asset] = balances.get(loan.asset, 0) + loan.amount
    for swap, fill in zip(one.plan.swaps, replayed.fills, strict=True):
        amount = balances[swap.sell] if swap.amount_in is None else swap.amount_in
        assert fill.amount_in == amount
        zero_for_one = one.pools[swap.pool].assets[0] == swap.sell
        arrived = contracts.swap(installed[swap.pool], zero_for_one, amount, fill.amount_out)
        assert fill.amount_out == arrived
        balances[swap.sell] -= amount
        balances[swap.buy] = balances.get(swap.buy, 0) + arrived
    for identifier, after in replayed.after:
        check_pool(after, installed[identifier])
    return balances


def check_pool(after: Pool, contract: V2Pair | V3Contract) -> None:
    """A contract's state after its swaps is the pool that the replay gives."""
    if isinstance(contract, V2Pair):
        assert isinstance(after, V2Pool)
        assert (after.reserve0, after.reserve1) == contract.reserves()
    else:
        assert isinstance(after, V3Pool)
        assert (after.state.sqrt_price_x96, after.state.tick) == contract.slot0()
        assert after.state.liquidity == contract.liquidity()


def test_r9_plans_of_a_run_end_on_real_bytecode_with_the_balances_of_the_replay(
    settled: list[Settled], contracts: Contracts, bytecode: Chain
) -> None:
    """R9: every fill, every pool and every final balance is the contracts' to the unit, of plans that filled and of those that did not."""
    filled = reverted = 0
    kinds: set[type] = set()
    for one in settled:
        replayed = replay_flow(unguarded(one.plan), one.pools, one.at)
        assert isinstance(replayed, Replayed)
        installed = contracts.install(one.pools)
        with bytecode.rolled_back():
            balances = carried_out(one, replayed, contracts, installed)
        for loan in one.plan.loans:
            balances[loan.asset] -= loan.amount + loan.fee
        holds = all(balances.get(asset, 0) >= least for asset, least in one.plan.guards) and min(balances.values()) >= 0
        assert (one.outcome.status is OutcomeStatus.FILLED) == holds
        if holds:
            opened = dict(one.plan.funds)
            changes = {asset: amount - opened.get(asset, 0) for asset, amount in balances.items()}
            assert dict(one.outcome.changes) == {asset: change for asset, change in changes.items() if change}
        filled, reverted = filled + holds, reverted + (not holds)
        kinds |= {type(pool) for pool in one.pools.values()}

    assert len(settled) >= LEAST
    assert filled > 0 < reverted
    assert {V2Pool, V3Pool} == kinds


def test_replay_of_a_settled_plan_is_what_the_desk_said(settled: list[Settled]) -> None:
    """R9: the outcome that reached the ledger is the replay's, fill by fill."""
    for one in settled:
        replayed = replay_flow(one.plan, one.pools, one.at)
        assert (one.outcome.status is OutcomeStatus.REVERTED) == isinstance(replayed, Broken)
        if isinstance(replayed, Replayed):
            assert (one.outcome.fills, one.outcome.changes) == (replayed.fills, replayed.changes)
