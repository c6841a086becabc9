"""Retail flow: people who swap because they want the token, mostly in popular pools and mostly at the best one."""

from typing import Final

from tidemill_chain_sim.draft import Draft
from tidemill_chain_sim.market import Market
from tidemill_chain_sim.pools import PoolSpec, amount_out, held
from tidemill_simworld import Stream
from tidemill_simworld.tokens import DOLLAR

TRADER: Final = "0x51b0000000000000000000000000000000000e7a"

_DEEP_PPM: Final = 500_000
_DEEP_USD: Final = (20, 12_000)
_THIN_USD: Final = (10, 4_000)
_ROUTED_PART_PPM: Final = 3_000
"""The most of a pool's depth near the price that a swap takes when it is routed well, and below when not."""
_ASTRAY_PART_PPM: Final = 20_000


def trade_retail(draft: Draft, draw: Stream) -> None:
    """Carry out a block's retail swaps: half to one and a half times the average number of them."""
    market = draft.market
    average = market.settings.retail_per_block
    for _ in range(draw.between(average // 2, average + average // 2)):
        deep = bool(market.deep) and (not market.thin or draw.chance(_DEEP_PPM))
        dollars = draw.scaled(*(_DEEP_USD if deep else _THIN_USD))
        spec = market.specs[_wanted_pool(market, draw, deep)]
        zero_for_one = draw.chance(500_000)
        sold = spec.token0 if zero_for_one else spec.token1
        _place(draft, draw, spec, zero_for_one, dollars * DOLLAR * sold.unit // draft.prices[sold.index])


def _wanted_pool(market: Market, draw: Stream, deep: bool) -> int:
    if deep:
        return market.deep[draw.weighted(market.deep_weights)]
    return draw.pick(market.thin[draw.weighted(market.thin_weights)])


def _place(draft: Draft, draw: Stream, wanted: PoolSpec, zero_for_one: bool, amount: int) -> None:
    chosen, part_ppm = wanted.index, _ASTRAY_PART_PPM
    if not draw.chance(draft.market.settings.badly_routed_ppm):
        chosen, part_ppm = _best(draft, wanted, zero_for_one, amount), _ROUTED_PART_PPM
    spec = draft.market.specs[chosen]
    most = held(spec, draft.pools[chosen])[0 if zero_for_one else 1] * part_ppm // 1_000_000
    amount = min(amount, most)
    if amount > 0:
        draft.swap(chosen, zero_for_one, amount, TRADER)


def _best(draft: Draft, wanted: PoolSpec, zero_for_one: bool, amount: int) -> int:
    """Return the pool of the same pair that pays most, the lowest index among equals."""
    paid = [
        (-amount_out(draft.market.specs[index], draft.pools[index], zero_for_one, amount), index)
        for index in draft.market.pair_pools(wanted)
    ]
    return min(paid)[1]
