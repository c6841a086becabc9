"""The executor does what ``replay_flow`` says, on equal pools."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.ids import AssetId, PoolId, address_of, erc20
from tidemill.domain.plan import Flow, Loan, PlannedSwap
from tidemill.domain.pool import Quote, Swapped
from tidemill.domain.time import ChainTime
from tidemill.hookspecs.chain import Step
from tidemill.planning.replay import Broken, Replayed, replay_flow
from tidemill_chain_sim.draft import Draft
from tidemill_chain_sim.engine import Engine
from tidemill_chain_sim.execution import Executed, Reverted, execute
from tidemill_chain_sim.pools import PairState, PoolSpec, PoolState, swap
from tidemill_evm.executor import FlowCall
from tidemill_evm.steps import FlashLoan, V2Swap, V3Swap
from tidemill_simworld import CHAIN, HUBS, VAULT

MakeEngine = Callable[..., Engine]
MakeFlow = Callable[..., Flow]


@frozen
class ReplayPool:
    """A pool of the simulated chain as the kernel's replay sees one."""

    spec: PoolSpec
    state: PoolState
    time: int

    @property
    def id(self) -> PoolId:
        return self.spec.ref.id

    @property
    def assets(self) -> tuple[AssetId, ...]:
        return self.spec.ref.assets

    @property
    def fee_ppm(self) -> int:
        return self.spec.venue.fee_ppm

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        return {}

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        return 0

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> NoQuote:
        return NoQuote(NoQuoteReason.CLOSED)

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> NoQuote:
        return NoQuote(NoQuoteReason.CLOSED)

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> NoCurve:
        return NoCurve()

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        if {sell, buy} != set(self.assets) or amount <= 0:
            return NoQuote(NoQuoteReason.ASSET)
        done = swap(self.spec, self.state, sell == self.assets[0], amount, self.time)
        if done is None:
            return NoQuote(NoQuoteReason.AMOUNT)
        quote = Quote(self.id, sell, buy, done.amount_in, done.amount_out)
        return Swapped(quote, ReplayPool(self.spec, done.state, self.time))


def _steps(flow: Flow, specs: Mapping[PoolId, PoolSpec]) -> tuple[Step, ...]:
    steps: tuple[Step, ...] = tuple(_step(planned, specs[planned.pool]) for planned in flow.swaps)
    for loan in reversed(flow.loans):
        steps = (FlashLoan(loan.lender, VAULT, address_of(loan.asset), loan.amount, loan.fee, steps),)
    return steps


def _step(planned: PlannedSwap, spec: PoolSpec) -> Step:
    sell, buy = address_of(planned.sell), address_of(planned.buy)
    zero_for_one = planned.sell == spec.token0.id
    if spec.kind == "v2":
        return V2Swap(spec.address, sell, buy, zero_for_one, spec.venue.fee_ppm, planned.amount_in, planned.min_out)
    return V3Swap(spec.address, sell, buy, zero_for_one, planned.amount_in, planned.min_out)


def _both(draft: Draft, flow: Flow) -> tuple[Executed | Reverted, Replayed | Broken]:
    specs = {spec.ref.id: spec for spec in draft.market.specs}
    pools = {spec.ref.id: ReplayPool(spec, draft.pools[spec.index], draft.time) for spec in draft.market.specs}
    guards = tuple((address_of(asset), least) for asset, least in flow.guards if least > 0)
    call = FlowCall(_steps(flow, specs), guards, flow.expires)
    funds = tuple((address_of(asset), amount) for asset, amount in flow.funds)
    executed = execute(call, funds, draft)
    return executed, replay_flow(flow, pools, ChainTime(CHAIN, draft.height, draft.time))


@st.composite
def _routes(choose: Any, specs: tuple[PoolSpec, ...]) -> dict[str, Any]:
    """Draw a walk over pools, mostly sensible: fixed amounts or all that is held, minimums, a loan or own funds, guards, an expiry."""
    start = choose(st.sampled_from(HUBS))
    at, swaps = start, []
    amount = choose(st.integers(1, 10**9)) * start.unit // choose(st.sampled_from((1, 10**5, 10**9)))
    for _ in range(choose(st.integers(1, 5))):
        near = [spec for spec in specs if at in (spec.token0, spec.token1)]
        spec = choose(st.sampled_from(near))
        other = spec.token1 if spec.token0 is at else spec.token0
        fixed = choose(st.sampled_from((None, None, None, amount, amount // 3, 0)))
        swaps.append(PlannedSwap(spec.ref.id, at.id, other.id, fixed, choose(st.sampled_from((0, 0, 0, 1, 10**30)))))
        at = other
    borrowed = choose(st.booleans())
    loans = (Loan("sim", start.id, max(1, amount), -(-max(1, amount) * 5 // 10_000)),) if borrowed else ()
    return {
        "swaps": swaps,
        "funds": () if borrowed else ((start.id, amount),),
        "loans": loans,
        "guards": choose(st.sampled_from(((), (), ((start.id, 1),), ((start.id, amount + 1),), ((at.id, 1),), ((at.id, 10**40),)))),
        "expires": choose(st.sampled_from((10**6, 10**6, 10**6, 1, 0))),
    }


def test_execute_random_flows_equals_replay(make_engine: MakeEngine, make_flow: MakeFlow) -> None:
    """For any flow the executor reverts where the replay breaks, by the same rule, and otherwise fills and changes the same."""
    draft = make_engine().draft()
    # More than any loan asks for: what the vault has is no question of the replay
    draft.vault = type(draft.vault)({hub.address: 10**40 for hub in HUBS})
    seen = {"filled": 0, "broken": 0}

    @given(_routes(draft.market.specs))
    def holds(parts: dict[str, Any]) -> None:
        executed, replayed = _both(draft, make_flow(**parts))
        if isinstance(replayed, Broken):
            seen["broken"] += 1
            assert isinstance(executed, Reverted)
            assert replayed.rule == executed.rule
            return
        seen["filled"] += 1
        assert isinstance(executed, Executed)
        assert replayed.fills == executed.fills
        assert replayed.changes == tuple(sorted((erc20(CHAIN, token), change) for token, change in executed.changes))
        after = {draft.market.specs[hop.pool].ref.id: hop.swap.state for hop in executed.hops}
        assert {pool: made.state for pool, made in replayed.after if isinstance(made, ReplayPool)} == after

    holds()
    assert min(seen.values()) >= 10


def _pair(draft: Draft) -> PoolSpec:
    return next(spec for spec in draft.market.specs if spec.kind == "v2" and HUBS[0] in (spec.token0, spec.token1))


def _sell(spec: PoolSpec, amount: int | None, *, fee_ppm: int | None = None, min_out: int = 0) -> V2Swap:
    fee = spec.venue.fee_ppm if fee_ppm is None else fee_ppm
    return V2Swap(spec.address, spec.token0.address, spec.token1.address, True, fee, amount, min_out)


def _run(draft: Draft, *steps: Step, funds: tuple[tuple[str, int], ...] = ()) -> Executed | Reverted:
    return execute(FlowCall(steps, (), 10**6), funds, draft)


def test_execute_leaves_the_draft_alone(make_engine: MakeEngine) -> None:
    """Trying something out has no effect."""
    draft = make_engine().draft()
    spec, pools = _pair(draft), list(draft.pools)
    assert isinstance(_run(draft, _sell(spec, 10**6), funds=((spec.token0.address, 10**6),)), Executed)
    assert pools == draft.pools
    assert [] == draft.logs


def test_execute_with_a_higher_fee_pays_less_and_leaves_the_rest_in_the_pair(make_engine: MakeEngine) -> None:
    """The executor asks a pair for what the fee it was told allows; a pair pays that if it is not too much."""
    draft = make_engine().draft()
    spec = _pair(draft)
    state = draft.pools[spec.index]
    assert isinstance(state, PairState)
    amount = state.reserve0 // 100
    funds = ((spec.token0.address, amount),)
    fair, dear = (_run(draft, _sell(spec, None, fee_ppm=fee), funds=funds) for fee in (spec.venue.fee_ppm, 10_000))
    assert isinstance(fair, Executed)
    assert isinstance(dear, Executed)
    assert fair.fills[0].amount_out > dear.fills[0].amount_out
    after = dear.hops[0].swap.state
    assert isinstance(after, PairState)
    assert (state.reserve0 + amount, state.reserve1 - dear.fills[0].amount_out) == (after.reserve0, after.reserve1)


def test_execute_with_a_higher_fee_the_other_way_round_moves_the_other_reserve(make_engine: MakeEngine) -> None:
    """The same holds for the second token."""
    draft = make_engine().draft()
    spec = _pair(draft)
    state = draft.pools[spec.index]
    assert isinstance(state, PairState)
    amount = state.reserve1 // 100
    step = V2Swap(spec.address, spec.token1.address, spec.token0.address, False, 10_000, None, 0)
    done = _run(draft, step, funds=((spec.token1.address, amount),))
    assert isinstance(done, Executed)
    after = done.hops[0].swap.state
    assert isinstance(after, PairState)
    assert (state.reserve0 - done.fills[0].amount_out, state.reserve1 + amount) == (after.reserve0, after.reserve1)


def test_execute_with_a_lower_fee_reverts_in_the_pair(make_engine: MakeEngine) -> None:
    """More than a pair's own fee allows breaks its product, and it reverts."""
    draft = make_engine().draft()
    spec = _pair(draft)
    amount = 10**4 * spec.token0.unit // 10**4 or 1
    done = _run(draft, _sell(spec, amount, fee_ppm=0), funds=((spec.token0.address, amount),))
    assert isinstance(done, Reverted)
    assert "quote" == done.rule


@pytest.mark.parametrize("wrong", ["address", "kind", "tokens"])
def test_execute_at_a_pool_that_is_not_what_the_step_says_reverts(make_engine: MakeEngine, wrong: str) -> None:
    """An unknown pool, a pool of another kind and tokens of another pool revert."""
    draft = make_engine().draft()
    spec = _pair(draft)
    ranged = next(spec for spec in draft.market.specs if spec.kind == "v3")
    token0, token1 = spec.token0.address, spec.token1.address
    steps = {
        "address": V2Swap("0x" + "12" * 20, token0, token1, True, 3_000, 5, 0),
        "kind": V2Swap(ranged.address, ranged.token0.address, ranged.token1.address, True, 3_000, 5, 0),
        "tokens": V2Swap(spec.address, token1, token0, True, 3_000, 5, 0),
    }
    step = steps[wrong]
    done = _run(draft, step, funds=((step.token_in, 10),))
    assert isinstance(done, Reverted)
    assert "quote" == done.rule


@pytest.mark.parametrize(
    ("pool", "amount", "fee"), [("0x" + "12" * 20, 1_000_000, 500), (VAULT, 10**30, 10**27), (VAULT, 1_000_000, 499), (VAULT, 1_000_000, 0)]
)
def test_execute_a_loan_that_the_vault_refuses_reverts(make_engine: MakeEngine, pool: str, amount: int, fee: int) -> None:
    """Another lender, more than the vault has, and less than its fee rounded up are refused."""
    draft = make_engine().draft()
    spec = _pair(draft)
    done = _run(draft, FlashLoan("sim", pool, HUBS[1].address, amount, fee, (_sell(spec, 1),)), funds=((spec.token0.address, 10**9),))
    assert isinstance(done, Reverted)
    assert "loan" == done.rule


def test_execute_a_loan_pays_its_fee_to_the_vault(make_engine: MakeEngine) -> None:
    """What is repaid can be lent again, the fee with it."""
    draft = make_engine().draft()
    spec = _pair(draft)
    lent = next(hub.address for hub in HUBS if hub not in (spec.token0, spec.token1))
    funds = ((spec.token0.address, 10**6), (lent, 500))
    done = _run(draft, FlashLoan("sim", VAULT, lent, 1_000_000, 500, (_sell(spec, None),)), funds=funds)
    assert isinstance(done, Executed)
    assert draft.vault[lent] + 500 == done.vault[lent]
    assert (lent, -500) in done.changes


def test_execute_a_step_of_another_family_reverts(make_engine: MakeEngine) -> None:
    """Only steps that the executor knows are carried out."""
    done = _run(make_engine().draft(), Step())
    assert isinstance(done, Reverted)
    assert "program" == done.rule
