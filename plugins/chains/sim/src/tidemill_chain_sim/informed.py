"""Informed flow: traders who know the reference price and trade a pool back to the edge of its fee band when that pays for the gas."""

from math import isqrt
from typing import Final

from tidemill_chain_sim.draft import Draft, Hop
from tidemill_chain_sim.market import is_deep
from tidemill_chain_sim.pools import PPB, PairState, PoolSpec, PoolState, swap, value_ratio_ppb
from tidemill_simworld import Stream, Token

TRADER: Final = "0x51b0000000000000000000000000000000001f04"
GAS: Final = 140_000
"""Gas of one swap through a trader's own contract."""

_PPM: Final = 1_000_000
_NO_END: Final = 1 << 120
"""More than any pool takes before it meets its price limit."""


def trade_informed(draft: Draft, draw: Stream) -> None:
    """Look at every pool; those beyond their fee band are traded back by chance, more often between hubs."""
    chosen = draft.market.settings
    for spec in draft.market.specs:
        ratio, keep = value_ratio_ppb(spec, draft.pools[spec.index], draft.prices), _PPM - spec.venue.fee_ppm
        sells_token0 = ratio * keep > PPB * _PPM
        if not sells_token0 and PPB * keep <= ratio * _PPM:
            continue
        if draw.chance(chosen.informed_hub_ppm if is_deep(spec) else chosen.informed_tail_ppm):
            _trade_back(draft, spec, sells_token0)


def _trade_back(draft: Draft, spec: PoolSpec, zero_for_one: bool) -> None:
    state = draft.pools[spec.index]
    amount, limit = _back_to_band(spec, state, zero_for_one, draft.prices)
    done = swap(spec, state, zero_for_one, amount, draft.time, limit) if amount > 0 else None
    if done is None:
        return
    sold, bought = (spec.token0, spec.token1) if zero_for_one else (spec.token1, spec.token0)
    gain = worth(bought, done.amount_out, draft.prices) - worth(sold, done.amount_in, draft.prices)
    if gain > gas_worth(GAS, draft.fee, draft.prices):
        draft.commit((Hop(spec.index, zero_for_one, done),), TRADER)


def _back_to_band(spec: PoolSpec, state: PoolState, zero_for_one: bool, prices: tuple[int, ...]) -> tuple[int, int | None]:
    """Return amount and price limit that bring the marginal price, fee included, to the reference; base units, rounded down."""
    worth0 = prices[spec.token0.index] * spec.token1.unit
    worth1 = prices[spec.token1.index] * spec.token0.unit
    keep = _PPM - spec.venue.fee_ppm
    if isinstance(state, PairState):
        # r1' / r0' * worth1 / worth0 * keep = 1 with r0' * r1' unchanged, and the mirror image
        product = state.reserve0 * state.reserve1
        if zero_for_one:
            return isqrt(product * worth1 * keep // (worth0 * _PPM)) - state.reserve0, None
        return isqrt(product * worth0 * keep // (worth1 * _PPM)) - state.reserve1, None
    if zero_for_one:
        limit = isqrt((worth0 * _PPM << 192) // (worth1 * keep))
        return (_NO_END if limit < state.core.sqrt_price_x96 else 0), limit
    limit = isqrt((worth0 * keep << 192) // (worth1 * _PPM))
    return (_NO_END if limit > state.core.sqrt_price_x96 else 0), limit


def worth(token: Token, amount: int, prices: tuple[int, ...]) -> int:
    """Return the value of base units of a token in 1e-12 US dollars at reference prices, rounded down."""
    return amount * prices[token.index] // token.unit


def gas_worth(gas: int, fee: int, prices: tuple[int, ...]) -> int:
    """Return what gas at a fee (wei a gas) costs in 1e-12 US dollars; the native coin is worth the first token, its twin."""
    return gas * fee * prices[0] // 10**18
