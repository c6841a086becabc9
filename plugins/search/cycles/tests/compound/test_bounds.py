"""The bounds against every path there is."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tidemill_search_cycles.compound import CompoundCycles, Wanted
from tidemill_search_cycles.graph.arrays import Arrays

pytestmark = pytest.mark.uncounted

Make = Callable[..., Any]


def _cycles(arrays: Arrays, anchor: int, most: int) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every simple cycle through an arc, by trying all."""
    home = arrays.arc_from[anchor]
    paths: list[tuple[tuple[int, ...], float]] = [((anchor,), arrays.arc_rate[anchor])]
    while paths:
        path, product = paths.pop()
        token = arrays.arc_to[path[-1]]
        passed = {arrays.arc_to[arc] for arc in path}
        for arc in range(arrays.row_start[token], arrays.row_start[token] + arrays.row_len[token]):
            longer = ((*path, arc), product * arrays.arc_rate[arc])
            if arrays.arc_to[arc] == home:
                yield longer
            elif arrays.arc_to[arc] not in passed and len(path) + 1 < most:
                paths.append(longer)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("least", "most"), [(2, 5), (4, 6)])
def test_through_an_arc_equals_trying_all(either: CompoundCycles, market: Make, seed: int, least: int, most: int) -> None:
    """Every gaining cycle through an arc is found when all are asked for, with and without a token that it must pass."""
    made = market(seed + 200, 9, 20, 3, 0, probe=100.0)
    for anchor in range(0, len(made.arrays.arc_to), 3):
        every = {path: product for path, product in _cycles(made.arrays, anchor, most) if len(path) >= least and product > 1.0}
        found = either.through(made.arrays, made.tokens, [anchor], Wanted(500, least, most, 500))
        assert found.exact
        assert every == {loop.arcs: loop.product for loop in found.cycles}
        start = (anchor + seed) % made.tokens
        passing = {path for path in every if start in {made.arrays.arc_from[arc] for arc in path}}
        found = either.through(made.arrays, made.tokens, [anchor], Wanted(500, least, most, 500, start))
        assert found.exact
        assert passing == {loop.arcs for loop in found.cycles}


@pytest.mark.parametrize("seed", range(12))
def test_everywhere_equals_trying_all(either: CompoundCycles, market: Make, seed: int) -> None:
    """Through the mispriced arcs alone every gaining cycle of the market is found."""
    made = market(seed + 300, 9, 20, 3, 0, probe=100.0)
    every: dict[frozenset[int], float] = {}
    for anchor in range(len(made.arrays.arc_to)):
        every |= {frozenset(path): product for path, product in _cycles(made.arrays, anchor, 6) if product > 1.0 + 1e-12}
    found = either.everywhere(made.arrays, made.tokens, Wanted(500, 2, 6, 500))
    assert found.exact
    assert set(every) == {frozenset(loop.arcs) for loop in found.cycles if loop.product > 1.0 + 1e-12}


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("width", [1, 3, 8])
def test_narrow_beam_claims_only_what_is_so(either: CompoundCycles, market: Make, seed: int, width: int) -> None:
    """Where a beam too narrow to hold all paths still claims to be exact, its best are the best there are."""
    made = market(seed + 400, 12, 40, 5, 0, probe=100.0)
    for anchor in range(0, len(made.arrays.arc_to), 5):
        every = sorted((product for path, product in _cycles(made.arrays, anchor, 5) if product > 1.0), reverse=True)[:3]
        found = either.through(made.arrays, made.tokens, [anchor], Wanted(3, 2, 5, width))
        if found.exact:
            assert every == pytest.approx([loop.product for loop in found.cycles], rel=1e-12)
