"""Which pools exist: hubs on every venue, and a long tail that trades mostly against hubs."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import chain, combinations, islice
from typing import Final

from tidemill_chain_sim.pools import PoolSpec
from tidemill_chain_sim.venues import FOR_HUBS, FOR_STABLES, FOR_TAIL, Venue
from tidemill_simworld import HUBS, Stream, Token

_HUB_DEPTH: Final = (1_000_000, 20_000_000)
_TAIL_DEPTH: Final = (20_000, 300_000)
_HUB_PART: Final = 5
_TAIL_AGAINST: Final = (0, 0, 1, 0, 2, 1, 3, 4)
"""Which hub a tail token meets in which round, by index: WETH first and most often."""
_TAIL_TO_TAIL_PPM: Final = 60_000

Candidate = tuple[Token, Token, Venue, int]


def lay_out(seed: int, tokens: Sequence[Token], count: int) -> tuple[PoolSpec, ...]:
    """Return ``count`` pools over the tokens, deep ones between hubs first.

    A fifth are pools between hubs ($1M to $20M each), the rest pools of tail tokens ($20k to $300k). Each token of the tail first meets
    WETH on two venues, then a stable, then others. ``count`` is at most what ``most_pools`` allows.
    """
    draw = Stream(seed, "topology")
    hubs, tail = _hub_pools(draw), _tail_pools(draw, tokens)
    deep = list(islice(hubs, count // _HUB_PART))
    thin = list(islice(tail, count - len(deep)))
    chosen = islice(chain(deep, thin, hubs), count)
    return tuple(_spec(index, candidate) for index, candidate in enumerate(chosen))


def most_pools(tokens: int) -> int:
    """Return how many pools there may be over so many tokens."""
    return 6 * tokens


def _spec(index: int, candidate: Candidate) -> PoolSpec:
    one, other, venue, depth = candidate
    token0, token1 = (one, other) if one.address < other.address else (other, one)
    name = f"tidemill simulated pool {venue.dex} {venue.kind} {venue.fee_ppm} {token0.address} {token1.address}"
    return PoolSpec(index, venue, "0x" + hashlib.sha256(name.encode()).digest()[:20].hex(), token0, token1, depth)


def _hub_pools(draw: Stream) -> Iterator[Candidate]:
    """Give every pair of hubs its first venue, then its second, and so on."""
    pairs = list(combinations(HUBS, 2))
    for place in range(max(len(FOR_HUBS), len(FOR_STABLES))):
        for one, other in pairs:
            venues = FOR_STABLES if one.stable and other.stable else FOR_HUBS
            if place < len(venues):
                yield one, other, venues[place], draw.scaled(*_HUB_DEPTH)


def _tail_pools(draw: Stream, tokens: Sequence[Token]) -> Iterator[Candidate]:
    tail = tokens[len(HUBS) :]
    taken: set[tuple[int, int, Venue]] = set()
    for against in chain(_TAIL_AGAINST, *([range(len(HUBS))] * len(FOR_TAIL))):
        for token in tail:
            other = draw.pick(tail) if draw.chance(_TAIL_TO_TAIL_PPM) else HUBS[against]
            if other is token:
                continue
            pair = (min(token.index, other.index), max(token.index, other.index))
            free = [venue for venue in FOR_TAIL if (*pair, venue) not in taken]
            if free:
                venue = draw.pick(free)
                taken.add((*pair, venue))
                yield token, other, venue, draw.scaled(*_TAIL_DEPTH)
