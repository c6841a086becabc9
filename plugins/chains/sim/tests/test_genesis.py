"""Pools at the start."""

import pytest

from tidemill_amm.concentrated import MAX_TICK
from tidemill_chain_sim.genesis import opening_state, range_around
from tidemill_chain_sim.market import Market
from tidemill_chain_sim.pools import PPB, PairState, held, value_ratio_ppb


def test_opening_state_is_at_the_reference_price(market: Market) -> None:
    """Nothing is planted: every pool opens within a hundredth of a basis point of fair."""
    prices = tuple(token.start_price for token in market.tokens)
    ratios = [value_ratio_ppb(spec, opening_state(spec, prices), prices) for spec in market.specs]
    assert all(abs(ratio - PPB) < 1_000 for ratio in ratios)


def test_opening_state_of_a_pair_holds_half_its_depth_in_each_token(market: Market) -> None:
    """A pair's reserves are worth its depth."""
    prices = tuple(token.start_price for token in market.tokens)
    spec = next(spec for spec in market.specs if spec.kind == "v2")
    state = opening_state(spec, prices)
    assert isinstance(state, PairState)
    for token, reserve in ((spec.token0, state.reserve0), (spec.token1, state.reserve1)):
        worth = reserve * prices[token.index] // token.unit
        assert abs(worth - spec.depth * 10**12 // 2) < spec.depth * 10**6


def test_opening_state_of_a_concentrated_pool_is_deeper_near_the_price(market: Market) -> None:
    """Concentrated liquidity trades like a pair of several times its depth."""
    prices = tuple(token.start_price for token in market.tokens)
    spec = next(spec for spec in market.specs if spec.kind == "v3")
    virtual0, _ = held(spec, opening_state(spec, prices))
    assert virtual0 * prices[spec.token0.index] // spec.token0.unit > spec.depth * 10**12


@pytest.mark.parametrize(
    ("tick", "width", "spacing"), [(0, 1, 60), (-887_000, 46_000, 60), (887_000, 46_000, 200), (17, 2, 1), (59, 60, 60)]
)
def test_range_around_holds_the_tick_on_the_spacing(tick: int, width: int, spacing: int) -> None:
    """A range lies on the spacing, within the ticks a pool has, around its tick."""
    lower, upper = range_around(tick, width, spacing)
    assert (0, 0) == (lower % spacing, upper % spacing)
    assert -MAX_TICK <= lower <= tick < upper <= MAX_TICK
