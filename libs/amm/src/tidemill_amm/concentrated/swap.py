"""A swap through a concentrated liquidity pool, with the pool after it.

Equal to ``UniswapV3Pool.swap`` of v3-core 1.0.1 (contracts/UniswapV3Pool.sol) in amounts, price, tick and liquidity.
The protocol's share of the fee moves no amount and is not computed.
"""

from typing import Final

from attrs import define, frozen

from tidemill_amm.concentrated.bitmap import next_in_word, word_position
from tidemill_amm.concentrated.state import MAX_LIQUIDITY, ConcentratedState, MissingState
from tidemill_amm.concentrated.swap_step import swap_step
from tidemill_amm.concentrated.tick_math import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    MIN_TICK,
    sqrt_ratio_at_tick,
    tick_at_sqrt_ratio,
)
from tidemill_amm.errors import InvalidAmount, InvalidPrice, LiquidityOverflow

_INT256: Final = 1 << 255


@frozen
class SwapResult:
    """What a swap moved and the pool it left.

    Attributes:
        amount0: base units of token0 as the pool sees them: above 0 it receives, below 0 it pays.
        amount1: the same of token1.
        sqrt_price_x96: Q64.96 price after the swap.
        tick: the pool's tick after the swap.
        liquidity: liquidity in range after the swap.
        fee: the part of the input that was fee, in base units of the input token; included in the input amount.
        steps: iterations of the contract's loop: word edges and ticks reached, and the last part of a range.
        crossed: initialized ticks crossed, each of which costs gas.
        filled: whether the whole amount was swapped; false where a price limit or the end of liquidity stopped it.
        state: the pool after the swap.
    """

    amount0: int
    amount1: int
    sqrt_price_x96: int
    tick: int
    liquidity: int
    fee: int
    steps: int
    crossed: int
    filled: bool
    state: ConcentratedState

    @property
    def amount_in(self) -> int:
        """Base units the pool received, fee included; 0 where nothing moved."""
        return max(self.amount0, self.amount1, 0)

    @property
    def amount_out(self) -> int:
        """Base units the pool paid, as a positive number; 0 where nothing moved."""
        return -min(self.amount0, self.amount1, 0)


def swap(
    state: ConcentratedState, zero_for_one: bool, amount_specified: int, sqrt_price_limit_x96: int | None = None
) -> SwapResult | MissingState:
    """Return what a swap of ``amount_specified`` moves, or the state that must be loaded to know.

    Args:
        state: the pool before the swap.
        zero_for_one: whether token0 goes in and token1 comes out, so that the price falls.
        amount_specified: base units; above 0 exactly this input (fee included), below 0 exactly this output.
        sqrt_price_limit_x96: Q64.96 price that the swap may reach, not pass. None is the last price a pool allows:
            MIN_SQRT_RATIO + 1 or MAX_SQRT_RATIO - 1.

    Returns:
        A ``SwapResult``, whose ``filled`` is false where the limit or the end of liquidity came first: the amounts
        are then those of the part that was swapped. The input is rounded up, the output down. ``MissingState`` names
        the one word or tick that the contract would read next and that is not loaded.

    Raises:
        InvalidAmount: the amount is 0 or does not fit int256.
        InvalidPrice: the limit is on the wrong side of the price or outside the range.
        LiquidityOverflow: a tick's net liquidity would take the liquidity in range out of uint128.
    """
    limit = _checked_limit(state, zero_for_one, amount_specified, sqrt_price_limit_x96)
    course = _Course(amount_specified, state.sqrt_price_x96, state.tick, state.liquidity)
    while course.remaining and course.price != limit:
        missing = _advance(course, state, zero_for_one, limit)
        if missing is not None:
            return missing
    return _result(course, state, zero_for_one, amount_specified)


@define
class _Course:
    """Where a swap has got to: the loop variables of the contract."""

    remaining: int
    price: int
    tick: int
    liquidity: int
    calculated: int = 0
    fee: int = 0
    steps: int = 0
    crossed: int = 0


def _checked_limit(state: ConcentratedState, zero_for_one: bool, amount: int, limit: int | None) -> int:
    if not -_INT256 <= amount < _INT256 or amount == 0:
        raise InvalidAmount(f"expected an amount other than 0 within int256, found {amount}")
    if limit is None:
        limit = MIN_SQRT_RATIO + 1 if zero_for_one else MAX_SQRT_RATIO - 1
    price = state.sqrt_price_x96
    low, high = (MIN_SQRT_RATIO, price) if zero_for_one else (price, MAX_SQRT_RATIO)
    if not low < limit < high:
        raise InvalidPrice(f"expected a price limit with {low} < limit < {high}, found {limit}")
    return limit


def _advance(course: _Course, state: ConcentratedState, zero_for_one: bool, limit: int) -> MissingState | None:
    """Take one step of the contract's loop, or name what it would need."""
    spacing = state.tick_spacing
    position = word_position(course.tick, spacing, lte=zero_for_one)
    word = state.words.get(position)
    if word is None:
        return MissingState(words=(position,))
    next_tick, initialized = next_in_word(word, course.tick, spacing, lte=zero_for_one)
    next_tick = min(max(next_tick, MIN_TICK), MAX_TICK)
    next_price = sqrt_ratio_at_tick(next_tick)
    target = max(next_price, limit) if zero_for_one else min(next_price, limit)
    before = course.price
    step = swap_step(before, target, course.liquidity, course.remaining, state.fee_ppm)
    course.price = step.sqrt_price_x96
    _account(course, step.amount_in + step.fee, step.amount_out)
    course.fee += step.fee
    course.steps += 1
    if course.price != next_price:
        if course.price != before:
            course.tick = tick_at_sqrt_ratio(course.price)
        return None
    if initialized:
        net = state.liquidity_net.get(next_tick)
        if net is None:
            return MissingState(ticks=(next_tick,))
        course.liquidity = _crossed(course.liquidity, -net if zero_for_one else net, next_tick)
        course.crossed += 1
    course.tick = next_tick - 1 if zero_for_one else next_tick
    return None


def _account(course: _Course, paid_in: int, paid_out: int) -> None:
    if course.remaining > 0:
        course.remaining -= paid_in
        course.calculated -= paid_out
    else:
        course.remaining += paid_out
        course.calculated += paid_in


def _crossed(liquidity: int, delta: int, tick: int) -> int:
    after = liquidity + delta
    if not 0 <= after <= MAX_LIQUIDITY:
        raise LiquidityOverflow(
            f"expected liquidity within uint128 after crossing tick {tick}, found {liquidity} {delta:+d}: "
            "price, liquidity and ticks are not of one block"
        )
    return after


def _result(course: _Course, state: ConcentratedState, zero_for_one: bool, specified: int) -> SwapResult:
    moved, other = specified - course.remaining, course.calculated
    first_is_specified = zero_for_one == (specified > 0)
    return SwapResult(
        amount0=moved if first_is_specified else other,
        amount1=other if first_is_specified else moved,
        sqrt_price_x96=course.price,
        tick=course.tick,
        liquidity=course.liquidity,
        fee=course.fee,
        steps=course.steps,
        crossed=course.crossed,
        filled=course.remaining == 0,
        state=state.moved(course.price, course.tick, course.liquidity),
    )
