"""The real periphery of V3 (v3-periphery 1.4.4): what its position manager mints."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tidemill_amm.concentrated import liquidity_for_amounts, sqrt_ratio_at_tick
from tidemill_testing import bytecode as oracle

pytestmark = pytest.mark.bytecode
PACKAGE = "@uniswap/v3-periphery"
NOBODY = "0x" + "00" * 20
FULL = 10**30


@pytest.fixture(scope="module")
def pool(bytecode: "oracle.Chain") -> "oracle.V3Pool":
    return oracle.V3Pool(bytecode, 3_000, 60)


@pytest.fixture(scope="module")
def position_manager(bytecode: "oracle.Chain", pool: "oracle.V3Pool") -> str:
    """Deployed beside the pool's factory, and allowed to take both tokens."""
    manager = bytecode.deploy(PACKAGE, "NonfungiblePositionManager", ["address"] * 3, [pool.factory, NOBODY, NOBODY])
    for token in (pool.token0, pool.token1):
        token.set_balance(oracle.OWNER, FULL)
        bytecode.call(token.address, "approve(address,uint256)", [manager, FULL])
    return manager


def alone(price: int, lower: int, upper: int, amount0: int, amount1: int) -> tuple[int, int]:
    """What each amount would mint if there were enough of the other."""
    low, high = sqrt_ratio_at_tick(lower), sqrt_ratio_at_tick(upper)
    inside = min(max(price, low), high)
    by_token0 = amount0 * (inside * high >> 96) // (high - inside) if inside < high else 0
    return by_token0, (amount1 << 96) // (inside - low) if low < inside else 0


@settings(max_examples=60)
@given(st.integers(-80_000, 80_000), st.integers(-900, 900), st.integers(1, 900), st.integers(0, 10**24), st.integers(0, 10**24))
def test_liquidity_for_amounts_equals_position_manager(
    pool: "oracle.V3Pool", position_manager: str, tick: int, lower: int, width: int, amount0: int, amount1: int
) -> None:
    """Below, inside and above the range: the manager mints exactly this liquidity for these amounts."""
    lower, upper = lower * 60, (lower + width) * 60
    price = sqrt_ratio_at_tick(tick) + 1
    expected = liquidity_for_amounts(price, lower, upper, amount0, amount1)
    struct = "(address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256)"
    tokens = pool.token0.address, pool.token1.address
    wanted = (*tokens, 3_000, lower, upper, amount0, amount1, 0, 0, oracle.OWNER, pool.chain.timestamp)
    # The manager mints nothing for nothing, and reverts where one of the amounts alone would leave uint128
    assume(expected and max(alone(price, lower, upper, amount0, amount1)) < 1 << 128)
    with pool.chain.rolled_back():
        pool.install(price, tick, 0, {})
        _, minted, *_ = pool.chain.call(position_manager, f"mint({struct})", [wanted], ["uint256", "uint128", "uint256", "uint256"])

    assert minted == expected
