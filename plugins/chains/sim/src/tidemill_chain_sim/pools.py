"""Pools of the simulated chain: what is fixed about one, its state, and how a swap changes it."""

from typing import NamedTuple

from attrs import frozen

from tidemill.domain.ids import pool_id
from tidemill.domain.pool import PoolRef
from tidemill_amm import AmmError, concentrated, constant_product
from tidemill_amm.concentrated import ConcentratedState, MissingState, SwapResult
from tidemill_chain_sim.venues import Kind, Venue
from tidemill_simworld import CHAIN, Token

PPB = 1_000_000_000


@frozen
class PoolSpec:
    """What never changes about a pool. ``depth`` is what it held at the start, whole US dollars, both sides."""

    index: int
    venue: Venue
    address: str
    token0: Token
    token1: Token
    depth: int

    @property
    def kind(self) -> Kind:
        """``v2`` or ``v3``."""
        return self.venue.kind

    @property
    def ref(self) -> PoolRef:
        """The pool as the market describes it."""
        return PoolRef(
            id=pool_id(CHAIN, self.venue.dex, self.address),
            dex=self.venue.dex,
            chain=CHAIN,
            address=self.address,
            assets=(self.token0.id, self.token1.id),
            kind=self.venue.kind,
            fee_ppm=self.venue.fee_ppm,
            details=(("tick_spacing", self.venue.tick_spacing),) if self.venue.kind == "v3" else (),
        )


class PairState(NamedTuple):
    """A constant product pair: reserves in base units and the time of its last change, seconds since 1970."""

    reserve0: int
    reserve1: int
    timestamp: int


class RangeState(NamedTuple):
    """A concentrated pool, and the positions (lower tick, upper tick, liquidity) that market makers of the order flow may burn."""

    core: ConcentratedState
    positions: tuple[tuple[int, int, int], ...]


PoolState = PairState | RangeState


class Swap(NamedTuple):
    """A swap as it happened, base units: what went in and came out, the pool after it, and for a concentrated one the contract's result."""

    amount_in: int
    amount_out: int
    state: PoolState
    result: SwapResult | None


def amount_out(spec: PoolSpec, state: PoolState, zero_for_one: bool, amount: int) -> int:
    """Return what a pool pays for exactly ``amount`` (>= 0), base units rounded down; 0 where it cannot fill all of it."""
    if isinstance(state, PairState):
        reserves = (state[0], state[1]) if zero_for_one else (state[1], state[0])
        return constant_product.amount_out(amount, *reserves, spec.venue.fee_ppm)
    return concentrated.amount_out(state.core, zero_for_one, amount)


def swap(spec: PoolSpec, state: PoolState, zero_for_one: bool, amount: int, time: int, limit: int | None = None) -> Swap | None:
    """Return a swap of exactly ``amount`` (> 0), or None where the pool would revert.

    A pair refuses an input that buys nothing; a concentrated pool takes it.

    Args:
        spec: the pool.
        state: its state before.
        zero_for_one: whether token0 goes in.
        amount: base units of what goes in.
        time: the block's, seconds since 1970.
        limit: for a concentrated pool, the Q64.96 price at which the swap stops; it may then take less than ``amount``. A pair has no
            such limit and ignores it.
    """
    try:
        if isinstance(state, PairState):
            return _pair_swap(spec, state, zero_for_one, amount, time)
        result = concentrated.swap(state.core, zero_for_one, amount, limit)
    except AmmError:
        return None
    if isinstance(result, MissingState) or not (result.filled or limit is not None):
        return None
    return Swap(result.amount_in, result.amount_out, RangeState(result.state, state.positions), result)


def _pair_swap(spec: PoolSpec, state: PairState, zero_for_one: bool, amount: int, time: int) -> Swap | None:
    if zero_for_one:
        after = constant_product.pool_after(amount, state.reserve0, state.reserve1, spec.venue.fee_ppm)
        moved = PairState(after.reserve_in, after.reserve_out, time)
    else:
        after = constant_product.pool_after(amount, state.reserve1, state.reserve0, spec.venue.fee_ppm)
        moved = PairState(after.reserve_out, after.reserve_in, time)
    return Swap(amount, after.amount_out, moved, None) if after.amount_out else None


def value_ratio_ppb(spec: PoolSpec, state: PoolState, prices: tuple[int, ...]) -> int:
    """Return what the pool pays in value for one unit of value of token0, before its fee, at the margin: 10**9 is fair.

    ``prices`` are reference prices of all tokens, in the order of their index. Rounded down.
    """
    worth0 = prices[spec.token0.index] * spec.token1.unit
    worth1 = prices[spec.token1.index] * spec.token0.unit
    if isinstance(state, PairState):
        return state.reserve1 * worth1 * PPB // (state.reserve0 * worth0)
    price = state.core.sqrt_price_x96
    return (price * price * worth1 * PPB >> 192) // worth0


def held(spec: PoolSpec, state: PoolState) -> tuple[int, int]:
    """Return what liquidity near the price could trade, as virtual reserves of both tokens in base units."""
    if isinstance(state, PairState):
        return state.reserve0, state.reserve1
    core = state.core
    return (core.liquidity << 96) // core.sqrt_price_x96, core.liquidity * core.sqrt_price_x96 >> 96
