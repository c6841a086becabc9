"""What a pool state may be."""

import pytest
from immutables import Map

from tidemill_amm.concentrated import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    MIN_TICK,
    ConcentratedState,
    complete_words,
    sqrt_ratio_at_tick,
)
from tidemill_amm.errors import AmmError, InvalidFee, InvalidPrice, InvalidTick, LiquidityOverflow

GOOD = {
    "sqrt_price_x96": 1 << 96,
    "tick": 0,
    "liquidity": 0,
    "fee_ppm": 3_000,
    "tick_spacing": 60,
}


def state(**changes: int) -> ConcentratedState:
    return ConcentratedState(**(GOOD | changes), words={}, liquidity_net={})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"sqrt_price_x96": 0}, InvalidPrice),
        ({"sqrt_price_x96": MIN_SQRT_RATIO - 1}, InvalidPrice),
        ({"sqrt_price_x96": MAX_SQRT_RATIO}, InvalidPrice),
        ({"tick": -2}, InvalidTick),
        ({"tick": 1}, InvalidTick),
        ({"tick": MIN_TICK - 1, "sqrt_price_x96": MIN_SQRT_RATIO}, InvalidTick),
        ({"tick": MAX_TICK, "sqrt_price_x96": MAX_SQRT_RATIO - 1}, InvalidTick),
        ({"liquidity": -1}, LiquidityOverflow),
        ({"liquidity": 1 << 128}, LiquidityOverflow),
        ({"fee_ppm": -1}, InvalidFee),
        ({"fee_ppm": 1_000_000}, InvalidFee),
        ({"tick_spacing": 0}, InvalidTick),
        ({"tick_spacing": 16_384}, InvalidTick),
    ],
)
def test_state_impossible_value_raises(changes: dict[str, int], error: type[AmmError]) -> None:
    """No pool contract can hold such a value, and the message says which was found."""
    with pytest.raises(error, match=f"found {changes.get('tick', next(iter(changes.values())))}"):
        state(**changes)


def test_state_tick_below_its_price_is_accepted() -> None:
    """A price that fell exactly onto a tick keeps the tick below it."""
    assert -1 == state(tick=-1).tick


def test_state_plain_mappings_become_immutable() -> None:
    """A state shares its ticks, so nobody may change them afterwards."""
    assert isinstance(state().words, Map)
    assert isinstance(state().liquidity_net, Map)


def test_state_from_ticks_knows_every_word() -> None:
    """Words without ticks are present as 0; each tick sets its bit."""
    pool = ConcentratedState.from_ticks(**GOOD, ticks={-60: (5, 5), 15_360: (5, -5)})

    assert {1 << 255} == {pool.words[-1]}
    assert {1: 1} == {position: word for position, word in pool.words.items() if position == 1}
    assert {0} == {word for position, word in pool.words.items() if position not in (-1, 1)}
    assert [MIN_TICK // 60 >> 8, MAX_TICK // 60 >> 8] == [min(pool.words), max(pool.words)]
    assert {-60: 5, 15_360: -5} == dict(pool.liquidity_net)
    assert {-60: 5, 15_360: 5} == dict(pool.liquidity_gross)


@pytest.mark.parametrize("tick", [61, MIN_TICK - 8, MAX_TICK + 8])
def test_complete_words_unusable_tick_raises(tick: int) -> None:
    """An initialized tick is a multiple of the spacing within the range."""
    with pytest.raises(InvalidTick, match=f"found {tick}"):
        complete_words([tick], 60)


def test_complete_words_without_spacing_raises() -> None:
    """A spacing of 0 divides nothing."""
    with pytest.raises(InvalidTick, match="found 0"):
        complete_words([], 0)


def test_state_moved_shares_its_ticks() -> None:
    """A swap copies no tick: the maps of before and after are the same objects."""
    before = ConcentratedState.from_ticks(**GOOD, ticks={-60: (5, 5), 60: (5, -5)})
    after = before.moved(sqrt_ratio_at_tick(3), 3, 5)

    assert (3, 5, before.fee_ppm) == (after.tick, after.liquidity, after.fee_ppm)
    assert before.words is after.words
    assert before.liquidity_net is after.liquidity_net
