"""Pools that several modules test with, as values and as contracts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from tidemill_amm.concentrated import (
    MAX_TICK,
    MIN_TICK,
    ConcentratedState,
    sqrt_ratio_at_tick,
    tick_at_sqrt_ratio,
    with_liquidity,
)
from tidemill_testing import bytecode as oracle

FEES = (0, 1, 100, 500, 2_500, 3_000, 10_000, 999_999)
# Not 1: a swap that runs to the end of its range looks at 3,466 words then, and every example runs several
SPACINGS = (10, 60, 200, 2_000)
TYCHO_FEES = {"Lowest": (100, 1), "Low": (500, 10), "Medium": (3_000, 60), "High": (10_000, 200)}


@pytest.fixture(scope="session")
def wbtc_weth(recorded: Callable[[str], Path]) -> ConcentratedState:
    """The WBTC/WETH 0.30 % pool of Ethereum at block 24407242, all 458 ticks."""
    pool = json.loads(recorded("evm/chain_data/1/uniswap_v3_wbtc_weth_block_24407242.json").read_text("utf-8"))
    scalars = pool["scalars"]
    return ConcentratedState.from_ticks(
        sqrt_price_x96=scalars["sqrt_price_x96"],
        tick=scalars["tick"],
        liquidity=scalars["liquidity"],
        fee_ppm=scalars["fee"],
        tick_spacing=scalars["tick_spacing"],
        ticks={int(tick): (gross, net) for tick, (gross, net, _) in pool["tick_data"].items()},
    )


@pytest.fixture(scope="session")
def tycho_pools(recorded: Callable[[str], Path]) -> list[ConcentratedState]:
    """17 pools of Ethereum, spacings 1 to 200, with all their ticks, up to 1,415."""
    entries = json.loads(recorded("evm/tycho/use_serialized_state.json").read_text("utf-8"))
    return [tycho_state(entry["state"]["state"]) for entry in entries if entry["state"]["protocol"] == "UniswapV3State"]


def tycho_state(pool: dict[str, Any]) -> ConcentratedState:
    fee_ppm, spacing = TYCHO_FEES[pool["fee"]]
    assert spacing == pool["ticks"]["tick_spacing"]
    nets = {tick["index"]: tick["net_liquidity"] for tick in pool["ticks"]["ticks"]}
    return ConcentratedState.from_ticks(
        sqrt_price_x96=int(pool["sqrt_price"], 16),
        tick=pool["tick"],
        liquidity=pool["liquidity"],
        fee_ppm=fee_ppm,
        tick_spacing=spacing,
        # Gross was not recorded; a swap does not read it, it only has to be there.
        ticks={tick: (abs(net) or 1, net) for tick, net in nets.items()},
    )


@pytest.fixture(scope="session")
def empty_pool() -> Callable[[int, int, int], ConcentratedState]:
    """Makes a pool without liquidity, every word loaded, from sqrt price, fee and spacing."""

    def make(sqrt_price_x96: int, fee_ppm: int = 3_000, tick_spacing: int = 60) -> ConcentratedState:
        return ConcentratedState.from_ticks(
            sqrt_price_x96=sqrt_price_x96,
            tick=tick_at_sqrt_ratio(sqrt_price_x96),
            liquidity=0,
            fee_ppm=fee_ppm,
            tick_spacing=tick_spacing,
            ticks={},
        )

    return make


@pytest.fixture(scope="session")
def simple_pool(empty_pool: Callable[[int, int, int], ConcentratedState]) -> ConcentratedState:
    """Price 1, fee 0.30 %: 2e18 of liquidity from -600 to 600, 10**18 of it out to +-6000, none beyond."""
    pool = empty_pool(1 << 96, 3_000, 60)
    for lower, upper in ((-600, 600), (-6_000, 6_000)):
        made = with_liquidity(pool, lower, upper, 10**18)
        assert isinstance(made, ConcentratedState)
        pool = made
    return pool


@pytest.fixture(scope="session")
def widest_pool(empty_pool: Callable[[int, int, int], ConcentratedState]) -> ConcentratedState:
    """The widest spacing and almost the most liquidity, high up: one step falls so far that 256 bits overflow."""
    top = 54 * 16_383
    made = with_liquidity(empty_pool(sqrt_ratio_at_tick(880_000), 3_000, 16_383), 0, top, 1 << 121)
    assert isinstance(made, ConcentratedState)
    return made


@pytest.fixture(scope="session")
def contract_of(bytecode: "oracle.Chain") -> Callable[[ConcentratedState], "oracle.V3Pool"]:
    """Gives the real pool contract in a state; one contract for each fee and spacing, deployed when first asked for."""
    deployed: dict[tuple[int, int], oracle.V3Pool] = {}

    def install(state: ConcentratedState) -> oracle.V3Pool:
        kind = state.fee_ppm, state.tick_spacing
        if kind not in deployed:
            deployed[kind] = oracle.V3Pool(bytecode, *kind)
        ticks = {tick: (state.liquidity_gross[tick], net) for tick, net in state.liquidity_net.items()}
        deployed[kind].install(state.sqrt_price_x96, state.tick, state.liquidity, ticks)
        return deployed[kind]

    return install


@pytest.fixture(scope="session")
def pools(empty_pool: Callable[[int, int, int], ConcentratedState]) -> st.SearchStrategy[ConcentratedState]:
    """Pools of one to six positions around, beside and away from the price; every word is loaded."""

    @st.composite
    def build(draw: st.DrawFn) -> ConcentratedState:
        spacing = draw(st.sampled_from(SPACINGS))
        tick = draw(st.integers(-400_000, 400_000) | st.integers(-2_000, 2_000))
        base, next_base = sqrt_ratio_at_tick(tick), sqrt_ratio_at_tick(tick + 1)
        price = draw(st.just(base) | st.integers(base, next_base - 1))
        pool = empty_pool(price, draw(st.sampled_from(FEES)), spacing)
        centre = tick // spacing
        for _ in range(draw(st.integers(1, 6))):
            lower = centre + draw(st.integers(-300, 100))
            upper = lower + draw(st.integers(1, 600))
            if MIN_TICK <= lower * spacing and upper * spacing <= MAX_TICK:
                liquidity = 10 ** draw(st.integers(3, 27)) * draw(st.integers(1, 9))
                made = with_liquidity(pool, lower * spacing, upper * spacing, liquidity)
                assert isinstance(made, ConcentratedState)
                pool = made
        return pool

    return build()
