"""What a recorded chain costs, composes and knows."""

from decimal import Decimal

import pytest
from attrs import evolve

from tidemill import UsageError
from tidemill.domain.answers import CannotFit
from tidemill.domain.ids import MAIN_BOOK, AssetId, BookId, ChainId, OpportunityId, PlanId, PoolId, address_of, erc20, pool_id
from tidemill.domain.plan import Flow
from tidemill.domain.pool import PoolRef
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Unsigned, Wallet
from tidemill_chain_recorded import Recorded, RecordedRules, RecordedSettings
from tidemill_evm.address import normalize_address
from tidemill_evm.executor import addresses_of, decode_flow
from tidemill_evm.gas import estimate_gas
from tidemill_evm.steps import CallSwap, FlashLoan, V2Swap, V3Swap
from tidemill_testing.market import snapshot_of

CHAIN = ChainId("eip155:1")
WETH, USDC = erc20(CHAIN, "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"), erc20(CHAIN, "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
POOL = "0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc"
WALLET = Wallet(CHAIN, "main")
GWEI = 10**9
V2 = V2Swap(POOL, WETH.rpartition(":")[2], USDC.rpartition(":")[2], False, 3_000, 10**18, 0)
V3 = V3Swap(POOL, USDC.rpartition(":")[2], WETH.rpartition(":")[2], True, None, 0)
VAULT = "0xba12222222228d8ba445958a75a0704d566bf2c8"
CALL = CallSwap(VAULT, VAULT, V2.token_in, V2.token_out, b"swap" + bytes(32), 4, None, 1)


@pytest.fixture
def market() -> Snapshot:
    """A market without pools: these rules ask it nothing."""
    return snapshot_of([])


def ref(kind: str) -> PoolRef:
    return PoolRef(pool_id(CHAIN, "uniswap", POOL), "uniswap", CHAIN, POOL, (USDC, WETH), kind, 3_000)


def flow(guards: tuple[tuple[AssetId, int], ...] = ((WETH, 1),), cost_cap: int = 10**18) -> Flow:
    return Flow(PlanId("p"), OpportunityId("o"), "triangular", MAIN_BOOK, CHAIN, (), ((WETH, 10**18),), (), (), guards, 2, cost_cap)


def test_ethereum_is_known_without_further_words() -> None:
    """Native coin, its twin, dollars and verified symbols of Ethereum need no setting."""
    rules = Recorded().rules()
    assert ("eip155:1", "evm", "eip155:1/slip44:60", WETH) == (rules.id, rules.family, rules.native, rules.wrapped)
    assert rules.spends_balance
    assert rules.guards_balance
    assert (USDC, 6) == (rules.verified_assets()["USDC"].id, rules.verified_assets()["USDC"].decimals)
    assert {"ETH", "WETH", "USDC", "USDT", "DAI", "WBTC"} == set(rules.verified_assets())
    assert USDC in rules.dollars


def test_other_chain_says_its_own_coin() -> None:
    """A chain that is not known needs its native coin; its twin and dollars may be stated."""
    with pytest.raises(UsageError, match=r'native coin of eip155:137 is not known: state it in .* native = "eip155:137/slip44:60"'):
        RecordedRules(RecordedSettings(chain="eip155:137"))
    coin, twin = AssetId("eip155:137/slip44:966"), erc20(ChainId("eip155:137"), POOL)
    stated = RecordedSettings(chain="eip155:137", native=coin, wrapped=twin, dollars=(twin,))
    rules = RecordedRules(stated)
    assert (coin, twin, (twin,), {}) == (rules.native, rules.wrapped, rules.dollars, rules.verified_assets())


def test_chain_of_another_family_has_its_own_plugin() -> None:
    """These are the rules of EVM chains."""
    with pytest.raises(UsageError, match=r"has the rules of EVM chains, solana:5eykt is none"):
        RecordedRules(RecordedSettings(chain="solana:5eykt"))


@pytest.mark.parametrize("chain", ["", "ethereum", "eip155:", "eip155:1 ", "EIP155:1", "eip155:1/x"])
def test_chain_that_is_no_id_is_refused(chain: str) -> None:
    """A chain is named by its CAIP-2 id."""
    with pytest.raises(ValueError, match="expected a CAIP-2 id"):
        RecordedSettings(chain=chain)


@pytest.mark.parametrize("price", ["-1", "0.0000000001"])
def test_gas_price_that_is_no_whole_wei_is_refused(price: str) -> None:
    """A price is a whole number of native base units, at least 0."""
    with pytest.raises(ValueError, match="at least 0 with at most 9 decimals"):
        RecordedSettings(gas_price_gwei=Decimal(price))


def test_wallet_has_an_executor_of_its_own() -> None:
    """Each book has an address that calldata can name, the same every time; the account that signs is the configured one."""
    main, other = Recorded().wallet(MAIN_BOOK, "0x" + "11" * 20), Recorded().wallet(BookId("other"))
    assert (CHAIN, "0x" + "11" * 20, "other") == (main.chain, main.owner, other.owner)
    assert main.executor == normalize_address(main.executor) == Recorded().wallet(MAIN_BOOK).executor
    assert main.executor != other.executor


def test_transaction_executes_in_the_next_block() -> None:
    """One block later, one block time later."""
    rules = RecordedRules(RecordedSettings(block_time_s=2))
    assert ChainTime(CHAIN, 8, 102) == rules.executes_at(ChainTime(CHAIN, 7, 100))


def test_estimate_is_gas_at_the_stated_price(market: Snapshot) -> None:
    """With default figures the estimate is that of the EVM library, at 50 gwei."""
    rules = RecordedRules(RecordedSettings())
    assert estimate_gas(["v2", "v3"], 1) * 50 * GWEI == rules.estimate([ref("v2"), ref("v3")], 1, market)


def test_stated_gas_and_price_are_used(market: Snapshot) -> None:
    """Each figure of the settings counts where it belongs; a pool of any other kind is swapped at by a call."""
    rules = RecordedRules(
        RecordedSettings(
            gas_price_gwei=Decimal("0.5"), gas_per_v2_swap=1_000, gas_per_v3_swap=20_000, gas_per_call_swap=50_000, gas_per_loan=300_000
        )
    )
    base = 21_000 * GWEI // 2
    data = 60 * 16 * GWEI // 2
    assert base == rules.estimate([], 0, market)
    assert base + data + 500 * GWEI == rules.estimate([ref("v2")], 0, market)
    assert base + data + 10_000 * GWEI == rules.estimate([ref("v3")], 0, market)
    assert base + data + 25_000 * GWEI == rules.estimate([ref("stable")], 0, market)
    assert base + data + 150_000 * GWEI == rules.estimate([], 1, market)
    assert 500 * GWEI == rules.swap_cost(0)


def test_composed_plan_is_a_program_that_says_the_plan(market: Snapshot) -> None:
    """The payload decodes to the steps, guards and expiry of the plan; equal plans give equal bytes."""
    rules = RecordedRules(RecordedSettings())
    loan = FlashLoan("sim", POOL, V2.token_in, 10**18, 0, (V2, V3, CALL))
    composed = rules.compose(flow(), (loan,), WALLET, market)
    assert isinstance(composed, Unsigned)
    call = decode_flow(composed.payload)
    assert ((loan,), ((WETH.rpartition(":")[2], 1),), 2) == (call.steps, call.guards, call.expires)
    assert composed == rules.compose(flow(), (loan,), WALLET, market)
    assert (PlanId("p"), CHAIN, 2, 64) == (composed.plan, composed.chain, composed.expires, len(composed.digest))


def test_composed_plan_costs_its_gas_at_the_stated_price(market: Snapshot) -> None:
    """Swaps inside a loan count like others, and the calldata by its bytes."""
    rules = RecordedRules(
        RecordedSettings(gas_per_v2_swap=1_000, gas_per_v3_swap=20_000, gas_per_call_swap=4_000_000, gas_per_loan=300_000)
    )
    composed = rules.compose(flow(), (FlashLoan("sim", POOL, V2.token_in, 10**18, 0, (V2, V3, CALL)),), WALLET, market)
    assert isinstance(composed, Unsigned)
    zeros = composed.payload.count(0)
    gas = 21_000 + 4 * zeros + 16 * (len(composed.payload) - zeros) + 4_321_000
    assert gas == composed.compute == composed.compute_limit
    assert gas * 50 * GWEI == rules.cost(composed, market)


def test_plan_beyond_a_limit_does_not_fit(market: Snapshot) -> None:
    """Gas of a block, bytes of a transaction and the plan's own cap bound what can be composed."""
    composed = RecordedRules(RecordedSettings()).compose(flow(), (V2,), WALLET, market)
    assert isinstance(composed, Unsigned)
    gas = composed.compute
    assert CannotFit("gas", gas - 1, gas) == RecordedRules(RecordedSettings(gas_limit=gas - 1)).compose(flow(), (V2,), WALLET, market)
    rules = RecordedRules(RecordedSettings(gas_limit=10**12))
    capped = rules.compose(flow(cost_cap=GWEI), (V2,), WALLET, market)
    assert CannotFit("native base units of cost", GWEI, gas * 50 * GWEI) == capped
    long = tuple(FlashLoan("sim", POOL, V2.token_in, 10**18, 0, (V2,) * 255) for _ in range(50))
    large = rules.compose(flow(), long, WALLET, market)
    assert isinstance(large, CannotFit)
    assert ("bytes of calldata", 128 * 1024) == (large.what, large.limit)


def test_plan_of_more_addresses_than_a_program_names_does_not_fit(market: Snapshot) -> None:
    """Few steps may name many pools, one each: it is the plan that is too large, and no fault of the chain."""
    rules = RecordedRules(RecordedSettings(gas_limit=10**12))
    many = tuple(evolve(V2, pool=f"0x{place:040x}") for place in range(1, 255))
    names = addresses_of(many) | {address_of(asset) for asset, _ in flow().guards}

    assert CannotFit("addresses", 255, len(names)) == rules.compose(flow(), many, WALLET, market)


def test_pool_id_of_a_plan_is_not_needed(market: Snapshot) -> None:
    """A plan without guards composes too: the door has seen it."""
    assert isinstance(RecordedRules(RecordedSettings()).compose(flow(guards=()), (V2,), WALLET, market), Unsigned)
    assert PoolId(f"eip155:1/uniswap:{POOL}") == ref("v2").id
