"""How much of what an exhaustive search finds the beam finds, on markets small enough to search exhaustively."""

from collections.abc import Callable
from typing import Any

import pytest

from tidemill_search_cycles.compound import CompoundCycles, Loops, Wanted

BestOf = Callable[[Any, int, int], float]
Make = Callable[..., Any]

SHAPES = [(120, 2, 0), (180, 4, 1), (150, 6, 1), (200, 6, 0)]
"""Pools, mispriced ones, planted rings: what an exhaustive search gets through in some hundredths of a second."""


def _shares(
    quick: CompoundCycles, market: Make, best_of: BestOf, seeds: range, width: int, least: int, tokens: int | None = None
) -> list[float]:
    """What part of the best gain each market's answer has; an answer that claims to be exact must have all of it."""
    shares = []
    for seed in seeds:
        pools, mispriced, rings = SHAPES[seed % len(SHAPES)]
        made = market(seed, 20 + seed * 14 % 41 if tokens is None else tokens, pools, mispriced, rings)
        best = best_of(made, least, 12)
        found: Loops = quick.everywhere(made.arrays, made.tokens, Wanted(20, least, 12, width))
        share = (found.cycles[0].product - 1.0) / (best - 1.0) if found.cycles and best > 1.0 else float(best <= 1.0)
        assert not found.exact or share > 1.0 - 1e-9, f"seed {seed}: {share} of the best, and said to be exact"
        assert share < 1.0 + 1e-9, f"seed {seed}: better than the best"
        shares.append(share)
    return shares


@pytest.mark.parametrize(("width", "mean"), [(64, 0.99), (256, 0.999)])
def test_everywhere_on_small_markets_finds_the_best(quick: CompoundCycles, market: Make, best_of: BestOf, width: int, mean: float) -> None:
    """Over sixty markets of up to sixty tokens the best cycle's gain is at least 99 % of the true best at width 64, 99.9 % at 256."""
    shares = _shares(quick, market, best_of, range(60), width, 2)
    assert mean <= sum(shares) / len(shares)


@pytest.mark.parametrize(("width", "mean"), [(64, 0.99), (256, 0.999)])
def test_everywhere_on_markets_of_sixty_tokens_finds_the_best(
    quick: CompoundCycles, market: Make, best_of: BestOf, width: int, mean: float
) -> None:
    """The same over twenty-four markets of sixty tokens each."""
    shares = _shares(quick, market, best_of, range(200, 224), width, 2, 60)
    assert mean <= sum(shares) / len(shares)


def test_everywhere_of_many_hops_finds_the_best_of_these(quick: CompoundCycles, market: Make, best_of: BestOf) -> None:
    """With ``min_hops`` the best is that of the long cycles, and is found as well."""
    shares = _shares(quick, market, best_of, range(100, 124), 64, 8)
    assert 0.99 <= sum(shares) / len(shares)


@pytest.mark.heavy
@pytest.mark.parametrize(("width", "mean"), [(64, 0.99), (256, 0.999)])
def test_everywhere_on_many_small_markets_finds_the_best(
    quick: CompoundCycles, market: Make, best_of: BestOf, width: int, mean: float
) -> None:
    """The same over three hundred markets, for all lengths and for long cycles, and over ninety of sixty tokens."""
    for least in (2, 8):
        for seeds, tokens in ((range(1000, 1300), None), (range(2000, 2090), 60)):
            shares = _shares(quick, market, best_of, seeds, width, least, tokens)
            assert mean <= sum(shares) / len(shares)


@pytest.mark.parametrize(("tokens", "pools", "seed"), [(1000, 4000, 1), (1000, 4000, 2), (2000, 6000, 3)])
def test_everywhere_finds_planted_rings(quick: CompoundCycles, market: Make, tokens: int, pools: int, seed: int) -> None:
    """Cycles of ten to twelve hops that were planted are all found when long ones are asked for, however much more short ones gain."""
    made = market(seed, tokens, pools, 12, 3)
    found = quick.everywhere(made.arrays, made.tokens, Wanted(20, 10, 12, 64))
    rings = {frozenset(made.arrays.arc_from[arc] for arc in loop.arcs) for loop in found.cycles}
    assert [] == [ring for ring in made.planted if frozenset(ring) not in rings]


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(10, 18))
@pytest.mark.parametrize("width", [64, 256])
def test_everywhere_finds_planted_rings_of_many_markets(quick: CompoundCycles, market: Make, seed: int, width: int) -> None:
    """The same at 5,000 tokens."""
    made = market(seed, 5000, 20000, 12, 3)
    found = quick.everywhere(made.arrays, made.tokens, Wanted(20, 10, 12, width))
    rings = {frozenset(made.arrays.arc_from[arc] for arc in loop.arcs) for loop in found.cycles}
    assert [] == [ring for ring in made.planted if frozenset(ring) not in rings]


@pytest.mark.parametrize("seed", range(8))
def test_through_an_arc_finds_the_best_cycle_of_the_market(quick: CompoundCycles, market: Make, best_of: BestOf, seed: int) -> None:
    """Anchored at the arcs of the best cycle, each answer leads with it, without values of tokens."""
    made = market(seed + 40, 50, 160, 4, 1)
    best = best_of(made, 2, 12)
    whole = quick.everywhere(made.arrays, made.tokens, Wanted(5, width=256))
    if best <= 1.0:
        pytest.fail("the market was meant to hold a gain")
    for anchor in whole.cycles[0].arcs:
        found = quick.through(made.arrays, made.tokens, [anchor], Wanted(5, width=256))
        assert found.cycles[0].product == pytest.approx(best, rel=1e-12)
        assert all(loop.arcs[0] == anchor for loop in found.cycles)
