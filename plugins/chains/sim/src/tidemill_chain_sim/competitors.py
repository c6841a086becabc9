"""Competitors: arbitrage bots that see the same blocks as everybody and often come first.

They look at the pools that are furthest beyond their fee band, close each with the best two or three hops by marginal prices, size that
cycle exactly, and take it where it pays for its gas.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from tidemill.planning.sizing import best_amount
from tidemill_chain_sim.draft import Draft, Hop
from tidemill_chain_sim.informed import gas_worth, worth
from tidemill_chain_sim.pools import PPB, PoolState, amount_out, held, swap, value_ratio_ppb
from tidemill_simworld import Stream
from tidemill_simworld.tokens import DOLLAR

TRADER: Final = "0x51b0000000000000000000000000000000000b07"
BASE_GAS: Final = 20_000
HOP_GAS: Final = 80_000

_PPM: Final = 1_000_000
_HINT: Final = 200 * DOLLAR
_CAP: Final = 2_000_000 * DOLLAR
_CLOSINGS: Final = 3
_LOST: Final = -(1 << 300)


class Edge(NamedTuple):
    """One direction of a pool. ``gain_ppb`` is the value that comes out for one of value, at the margin, after the fee."""

    gain_ppb: int
    pool: int
    zero_for_one: bool
    sell: int
    buy: int


Edges = dict[int, dict[int, Edge]]
"""The best edge from one token to another, by token indices."""


def compete(draft: Draft, draw: Stream) -> None:
    """Take mispricings, each by the chance that competitors come first: the more it pays, the more of them try."""
    chosen = draft.market.settings
    hot, best = find_edges(draft)
    for edge in _promising(draft, hot)[: chosen.competitor_work]:
        net, size, cycle = max(((*best_size(draft, cycle), cycle) for cycle in close(edge, best)), default=(0, 0, ()))
        if net <= 0:
            continue
        contested = chosen.contested_usd * DOLLAR
        left_ppm = (_PPM - chosen.competitor_share_ppm) * contested // (contested + net)
        hops = carried(draft, cycle, size) if not draw.chance(left_ppm) else None
        if hops is not None:
            draft.commit(hops, TRADER)


def _promising(draft: Draft, hot: Sequence[Edge]) -> list[Edge]:
    """Return the edges that may pay for gas, best first.

    A pool of value V that is off by e loses about e * e * V / 8 to whoever trades it back, both sides counted.
    """
    least = gas_worth(BASE_GAS + 2 * HOP_GAS, draft.fee, draft.prices) // 2
    rough: list[tuple[int, int, Edge]] = []
    for edge in hot:
        spec, excess = draft.market.specs[edge.pool], edge.gain_ppb - PPB
        value = 2 * worth(spec.token0, held(spec, draft.pools[edge.pool])[0], draft.prices)
        profit = excess * excess // PPB * value // (8 * PPB)
        if profit > least:
            rough.append((-profit, edge.pool, edge))
    return [edge for _, _, edge in sorted(rough)]


def find_edges(draft: Draft) -> tuple[list[Edge], Edges]:
    """Return the edges that pay more than they take, best first, and the best edge for each ordered pair of tokens."""
    hot: list[Edge] = []
    best: Edges = {}
    for spec in draft.market.specs:
        ratio, keep = value_ratio_ppb(spec, draft.pools[spec.index], draft.prices), _PPM - spec.venue.fee_ppm
        if not ratio:
            continue
        one, other = spec.token0.index, spec.token1.index
        for edge in (
            Edge(ratio * keep // _PPM, spec.index, True, one, other),
            Edge(PPB * PPB * keep // (ratio * _PPM), spec.index, False, other, one),
        ):
            if edge.gain_ppb > PPB:
                hot.append(edge)
            row = best.setdefault(edge.sell, {})
            known = row.get(edge.buy)
            if known is None or edge > known:
                row[edge.buy] = edge
    hot.sort(key=lambda edge: (-edge.gain_ppb, edge.pool))
    return hot, best


def close(edge: Edge, best: Edges) -> list[tuple[Edge, ...]]:
    """Return the cycles of two and three hops through an edge that gain most at the margin, begun at their lowest token."""
    found: list[tuple[int, tuple[Edge, ...]]] = []
    back = best.get(edge.buy, {})
    for middle, onward in back.items():
        if middle == edge.sell:
            found.append((edge.gain_ppb * onward.gain_ppb // PPB, (edge, onward)))
        elif edge.sell in best[middle]:
            last = best[middle][edge.sell]
            found.append((edge.gain_ppb * onward.gain_ppb * last.gain_ppb // (PPB * PPB), (edge, onward, last)))
    found = [(gain, cycle) for gain, cycle in found if gain > PPB and len({hop.pool for hop in cycle}) == len(cycle)]
    return [_from_lowest(cycle) for _, cycle in sorted(found, reverse=True)[:_CLOSINGS]]


def _from_lowest(cycle: tuple[Edge, ...]) -> tuple[Edge, ...]:
    first = min(range(len(cycle)), key=lambda place: cycle[place].sell)
    return cycle[first:] + cycle[:first]


def best_size(draft: Draft, cycle: Sequence[Edge]) -> tuple[int, int]:
    """Return a cycle's profit after gas, 1e-12 US dollars, at its best input, base units of its first token; the pools are distinct."""
    token = draft.market.tokens[cycle[0].sell]
    price = draft.prices[token.index]
    legs = [(draft.market.specs[edge.pool], draft.pools[edge.pool], edge.zero_for_one) for edge in cycle]

    def profit(amount: int) -> int:
        out = amount
        for spec, state, zero_for_one in legs:
            out = amount_out(spec, state, zero_for_one, out)
        return out - amount if out else _LOST

    size, gain = best_amount(profit, _CAP * token.unit // price, _HINT * token.unit // price)
    return worth(token, gain, draft.prices) - gas_worth(BASE_GAS + HOP_GAS * len(cycle), draft.fee, draft.prices), size


def carried(draft: Draft, cycle: Sequence[Edge], amount: int) -> tuple[Hop, ...] | None:
    """Return the swaps of a cycle over distinct pools, or None where one of them reverts."""
    hops: list[Hop] = []
    for edge in cycle:
        state: PoolState = draft.pools[edge.pool]
        done = swap(draft.market.specs[edge.pool], state, edge.zero_for_one, amount, draft.time)
        if done is None:
            return None
        hops.append(Hop(edge.pool, edge.zero_for_one, done))
        amount = done.amount_out
    return tuple(hops)
