"""What the order flow knows about the pools before it looks at their state: who trades what, and how often."""

from collections.abc import Sequence
from itertools import accumulate

from attrs import frozen

from tidemill_chain_sim.pools import PoolSpec
from tidemill_chain_sim.settings import SimSettings
from tidemill_chain_sim.topology import lay_out
from tidemill_simworld import HUBS, Stream, Token, token_universe

_HEAD_OF_TAIL = 4


@frozen(eq=False)
class Market:
    """The fixed part of a simulated market.

    ``deep`` are pools between hubs, ``deep_weights`` running sums of their depth. ``thin`` holds each tail token's pools,
    ``thin_weights`` running sums of how much the tokens are traded. ``by_pair`` holds pool indices by token indices, lower first.
    """

    seed: int
    settings: SimSettings
    tokens: tuple[Token, ...]
    specs: tuple[PoolSpec, ...]
    deep: tuple[int, ...]
    deep_weights: tuple[int, ...]
    thin: tuple[tuple[int, ...], ...]
    thin_weights: tuple[int, ...]
    by_pair: dict[tuple[int, int], tuple[int, ...]]
    by_address: dict[str, PoolSpec]

    def spec_at(self, address: str) -> PoolSpec | None:
        """Return the pool at an address in lower case, or None."""
        return self.by_address.get(address)

    def pair_pools(self, spec: PoolSpec) -> tuple[int, ...]:
        """Return the indices of all pools that trade the same two tokens."""
        return self.by_pair[pair_key(spec)]


def pair_key(spec: PoolSpec) -> tuple[int, int]:
    """Return the indices of a pool's tokens, lower first."""
    one, other = spec.token0.index, spec.token1.index
    return (one, other) if one < other else (other, one)


def is_deep(spec: PoolSpec) -> bool:
    """Whether a pool trades two hubs."""
    return spec.token0.index < len(HUBS) and spec.token1.index < len(HUBS)


def make_market(seed: int, chosen: SimSettings) -> Market:
    """Lay out tokens and pools, and say how the order flow spreads over them."""
    tokens = token_universe(chosen.tokens)
    specs = lay_out(seed, tokens, chosen.pools)
    deep = tuple(spec.index for spec in specs if is_deep(spec))
    thin = _thin(tokens, specs)
    by_pair: dict[tuple[int, int], tuple[int, ...]] = {}
    for spec in specs:
        by_pair[pair_key(spec)] = (*by_pair.get(pair_key(spec), ()), spec.index)
    return Market(
        seed=seed,
        settings=chosen,
        tokens=tokens,
        specs=specs,
        deep=deep,
        deep_weights=tuple(accumulate(specs[index].depth for index in deep)),
        thin=thin,
        thin_weights=_popularity(seed, len(thin)),
        by_pair=by_pair,
        by_address={spec.address: spec for spec in specs},
    )


def _thin(tokens: Sequence[Token], specs: Sequence[PoolSpec]) -> tuple[tuple[int, ...], ...]:
    pools: dict[int, list[int]] = {}
    for spec in specs:
        for token in (spec.token0, spec.token1):
            if token.index >= len(HUBS):
                pools.setdefault(token.index, []).append(spec.index)
    return tuple(tuple(pools[token.index]) for token in tokens if token.index in pools)


def _popularity(seed: int, count: int) -> tuple[int, ...]:
    """Give each token of the tail a rank by the seed; the n-th is traded in proportion to 1 / (n + 4)."""
    draw = Stream(seed, "popularity")
    ranks = list(range(count))
    for last in range(count - 1, 0, -1):
        other = draw.below(last + 1)
        ranks[last], ranks[other] = ranks[other], ranks[last]
    return tuple(accumulate(1_000_000 // (rank + _HEAD_OF_TAIL) for rank in ranks))
