"""The pure half of the chain."""

from collections.abc import Callable

import pytest
from immutables import Map

from tidemill.domain.answers import CannotFit
from tidemill.domain.plan import Flow
from tidemill.domain.snapshot import ChainView, Changed, Snapshot
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Unsigned, Wallet
from tidemill.hookspecs.chain import LinkSetup
from tidemill_chain_sim.market import Market
from tidemill_chain_sim.plugin import SimChain
from tidemill_chain_sim.rules import BLOCK_GAS_LIMIT, SimRules
from tidemill_chain_sim.settings import SimSettings
from tidemill_evm.executor import decode_flow
from tidemill_evm.gas import SWAP_GAS, call_gas, estimate_gas
from tidemill_evm.steps import FlashLoan, V2Swap, V3Swap
from tidemill_simworld import CHAIN, HUBS, NATIVE, VAULT
from tidemill_simworld.envelope import account_of, decode_call

MakeFlow = Callable[..., Flow]
WALLET = Wallet(CHAIN, account_of("main"))
WETH, USDC = HUBS[0], HUBS[1]
SWAP = V2Swap("0x" + "aa" * 20, WETH.address, USDC.address, True, 3_000, None, 0)


def _snapshot(fee: int) -> Snapshot:
    time = ChainTime(CHAIN, 5, 10)
    view = ChainView(time, time, NATIVE, WETH.id, fee)
    empty: Map[object, object] = Map()
    return Snapshot({CHAIN: view}, empty, empty, empty, empty, empty, empty, empty, empty, Changed(), {})  # type: ignore[arg-type]


def test_executes_at_is_the_next_block() -> None:
    """A transaction sent now executes one block later, a block time later."""
    rules = SimRules(SimSettings(block_time_s=3))
    assert ChainTime(CHAIN, 8, 103) == rules.executes_at(ChainTime(CHAIN, 7, 100))


def test_verified_assets_are_the_tokens_and_the_native_coin() -> None:
    """Every simulated token may be typed by its symbol, and ETH is the coin that pays for gas."""
    verified = SimRules(SimSettings(tokens=12)).verified_assets()
    assert 13 == len(verified)
    assert (NATIVE, WETH.id, 6) == (verified["ETH"].id, verified["WETH"].id, verified["USDC"].decimals)


def test_estimate_is_gas_at_the_base_fee_rounded_up(market: Market) -> None:
    """Before there is a plan, kinds of pools and loans say the gas."""
    refs = [spec.ref for spec in market.specs[:3]]
    gas = estimate_gas([ref.kind for ref in refs], 1)
    assert gas * 7 == SimRules(SimSettings()).estimate(refs, 1, _snapshot(7))
    assert -(-gas * 7 * 333_333 // 10**6) == SimRules(SimSettings(), cost_ppm=333_333).estimate(refs, 1, _snapshot(7))


def test_estimate_without_a_base_fee_uses_the_setting(market: Market) -> None:
    """Where the head told no fee, the one that it returns to is expected."""
    refs = [market.specs[0].ref]
    assert estimate_gas([refs[0].kind], 0) * 11 == SimRules(SimSettings(base_fee_wei=11)).estimate(refs, 0, _snapshot(0))


def test_compose_encodes_funds_steps_and_guards(make_flow: MakeFlow) -> None:
    """The bytes say what is handed over, what is done and what must be left; equal plans give equal bytes."""
    flow = make_flow([], funds=[(WETH.id, 1_000)], guards=[(WETH.id, 1_001), (USDC.id, 0)], expires=9)
    rules = SimRules(SimSettings())
    unsigned = rules.compose(flow, [SWAP], WALLET, _snapshot(7))
    assert isinstance(unsigned, Unsigned)
    assert unsigned == rules.compose(flow, [SWAP], WALLET, _snapshot(9))
    handed = decode_call(unsigned.payload)
    call = decode_flow(handed.program)
    gas = call_gas(handed.program)
    assert ((WETH.address, 1_000),) == handed.funds
    assert ((SWAP,), ((WETH.address, 1_001),), 9) == (call.steps, call.guards, call.expires)
    assert (gas, gas, 9) == (unsigned.compute, unsigned.compute_limit, unsigned.expires)
    assert gas * 7 == rules.cost(unsigned, _snapshot(7))


def test_compose_more_gas_than_a_block_holds_cannot_fit(make_flow: MakeFlow) -> None:
    """A plan that no block can hold says how much it needs."""
    steps = [V3Swap("0x" + "aa" * 20, WETH.address, USDC.address, True, None, 0)] * 254
    answer = SimRules(SimSettings()).compose(make_flow([]), steps, WALLET, _snapshot(7))
    assert isinstance(answer, CannotFit)
    assert ("gas", BLOCK_GAS_LIMIT) == (answer.what, answer.limit)
    assert answer.found > answer.limit


def test_compose_never_pays_more_than_the_plan_s_cap(make_flow: MakeFlow) -> None:
    """Gas limit times the offered fee stays within what the book reserves."""
    flow = make_flow([], cost_cap=10**15)
    unsigned = SimRules(SimSettings()).compose(flow, [SWAP], WALLET, _snapshot(7))
    assert isinstance(unsigned, Unsigned)
    fee = decode_call(unsigned.payload).max_fee
    assert 10**15 - unsigned.compute_limit < fee * unsigned.compute_limit <= 10**15


def test_swap_cost_is_the_least_that_a_swap_can_cost() -> None:
    """Searchers may leave out what cannot pay for the cheapest kind of swap, at the fee they name or the usual one."""
    assert min(SWAP_GAS.values()) * 7 == SimRules(SimSettings()).swap_cost(7)
    assert min(SWAP_GAS.values()) * 11 == SimRules(SimSettings(base_fee_wei=11)).swap_cost(0)
    assert 0 == SimRules(SimSettings(), cost_ppm=0).swap_cost(7)


@pytest.mark.parametrize("nested", [False, True])
def test_compose_more_addresses_than_a_program_names_cannot_fit(make_flow: MakeFlow, nested: bool) -> None:
    """A program names 255 addresses at most, those inside loans counted."""
    steps = [V2Swap(f"0x{place:040x}", WETH.address, USDC.address, True, 3_000, None, 0) for place in range(1, 255)]
    chosen = [FlashLoan("sim", VAULT, WETH.address, 5, 1, tuple(steps))] if nested else steps
    answer = SimRules(SimSettings()).compose(make_flow([]), chosen, WALLET, _snapshot(7))
    assert CannotFit("addresses", 255, 257 if nested else 256) == answer


def test_plugin_rules_believe_what_own_cost_says_and_the_link_s_know_better(market: Market) -> None:
    """A run may misjudge its own costs; what the chain takes is the chain's to say."""
    chain = SimChain(SimSettings(own_cost_ppm=0))
    refs = [market.specs[0].ref]
    assert 0 == chain.rules().estimate(refs, 0, _snapshot(7))
    assert 0 < chain.link(LinkSetup(seed=1)).rules.estimate(refs, 0, _snapshot(7))
