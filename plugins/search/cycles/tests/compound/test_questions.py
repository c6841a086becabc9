"""What odd questions and odd markets give: something defined, always."""

from array import array
from collections.abc import Callable
from typing import Any

import pytest

from tidemill_search_cycles.compound import CompoundCycles, Loops, Wanted
from tidemill_search_cycles.graph.arrays import Arrays
from tidemill_search_cycles.kernels.bounds import HIGH, LOW

Lay = Callable[..., Arrays]
Make = Callable[..., Any]


@pytest.mark.parametrize("effort", [0, -5, 1, 50, 3000, 20_000, 40_000, 60_000, 80_000])
def test_search_short_of_effort_is_not_called_exact(either: CompoundCycles, plain: CompoundCycles, market: Make, effort: int) -> None:
    """Where work ran out the answer says so and holds only cycles that are there; the next answer is whole."""
    made = market(3, 40, 140, 5, 1)
    wanted = Wanted(10, 5)
    whole = either.everywhere(made.arrays, made.tokens, wanted)
    either.left = effort
    found = either.everywhere(made.arrays, made.tokens, wanted)
    assert found.exact is False or either.left >= 0
    assert (len(found.cycles) == 0) or all(loop.product <= whole.cycles[0].product * (1.0 + 1e-12) for loop in found.cycles)
    either.left = effort
    assert either.through(made.arrays, made.tokens, range(9), wanted).exact is False or either.left >= 0
    either.left = 1 << 60
    assert whole == either.everywhere(made.arrays, made.tokens, wanted)
    if effort <= 0:
        either.left = effort
        assert Loops((), False) == either.everywhere(made.arrays, made.tokens, wanted)
        assert Loops((), False, 2, (4, 7)) == either.through(made.arrays, made.tokens, [4, 7], wanted)


@pytest.mark.parametrize(
    "wanted", [Wanted(0), Wanted(5, 6, 4), Wanted(5, width=0), Wanted(5, 2, 1), Wanted(5, 13, 20), Wanted(5, total=0), Wanted(-1)]
)
def test_search_for_nothing_gives_nothing_proven(either: CompoundCycles, market: Make, wanted: Wanted) -> None:
    """No cycles asked for, or none that can be: an empty answer, which is exact, without work."""
    made = market(3, 20, 60, 5, 1)
    assert Loops((), True) == either.everywhere(made.arrays, made.tokens, wanted)
    assert Loops((), True) == either.through(made.arrays, made.tokens, [0, 1], wanted)
    assert Loops((), True) == either.through(made.arrays, made.tokens, [], Wanted(5))
    assert 1 << 60 == either.left


def _full(lay: Lay, tokens: int, rates: Callable[[int, int], float]) -> Arrays:
    """Every token with every other."""
    return lay([{buy: (rates(sell, buy), 1e-6) for buy in range(tokens) if buy != sell} for sell in range(tokens)])


@pytest.mark.parametrize("tokens", [0, 1, 2, 5])
@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf"), 1e300, 1e-300])
def test_search_over_closed_arcs_gives_nothing(either: CompoundCycles, lay: Lay, tokens: int, rate: float) -> None:
    """No tokens, one token, rates of zero or that are no rates: nothing is found, and that is proven."""
    arrays = _full(lay, tokens, lambda _, __: rate)
    found = either.everywhere(arrays, tokens, Wanted(5))
    assert ((), True) == (found.cycles, found.exact)
    found = either.through(arrays, tokens, range(tokens * (tokens - 1)), Wanted(5))
    assert ((), True) == (found.cycles, found.exact)


@pytest.mark.parametrize("odd", [0.0, float("nan"), float("inf"), -3.0, 2.0**50, 2.0**-50, HIGH, LOW])
def test_search_passes_by_arcs_that_are_no_rates(either: CompoundCycles, lay: Lay, odd: float) -> None:
    """One bad rate closes its arc and nothing else."""
    special = {(0, 1): 1.1, (1, 2): 1.1, (2, 0): 1.1, (0, 2): odd}
    arrays = _full(lay, 4, lambda sell, buy: special.get((sell, buy), 0.9))
    odd_arc = next(arc for arc in range(12) if (arrays.arc_from[arc], arrays.arc_to[arc]) == (0, 2))
    for found in (either.everywhere(arrays, 4, Wanted(5, 3, 3)), either.through(arrays, 4, range(12), Wanted(5, 3, 3))):
        assert [0, 1, 2] == sorted(arrays.arc_from[arc] for arc in found.cycles[0].arcs)
        assert all(odd_arc not in loop.arcs for loop in found.cycles)
        assert found.exact


@pytest.mark.parametrize("scale", [2.0**47, 2.0**-47])
def test_products_of_extreme_rates_stay_whole(either: CompoundCycles, lay: Lay, scale: float) -> None:
    """Twelve hops at the ends of the range of rates neither overflow nor vanish."""
    arrays = _full(lay, 12, lambda sell, buy: (1.5 * (scale if sell < 6 else 1.0 / scale)) if buy == (sell + 1) % 12 else 0.0)
    anchor = next(arc for arc in range(132) if arrays.arc_rate[arc] > 0.0)
    for found in (either.everywhere(arrays, 12, Wanted(5)), either.through(arrays, 12, [anchor], Wanted(5))):
        assert [(12, 1.5**12)] == [(len(loop.arcs), loop.product) for loop in found.cycles]
        assert found.exact


def test_through_a_closed_arc_gives_nothing(either: CompoundCycles, market: Make) -> None:
    """An arc without an open pool is on no cycle."""
    made = market(3, 20, 60, 5, 1)
    made.arrays.arc_rate[0] = 0.0
    assert Loops((), True, 1) == either.through(made.arrays, made.tokens, [0], Wanted(5))


def test_search_at_given_rates_ranks_by_them(either: CompoundCycles, market: Make) -> None:
    """Rates at a notional take the place of the arcs' own, and products are theirs."""
    made = market(7, 30, 90, 4, 1)
    probed = array("d", [rate * 0.999 for rate in made.arrays.arc_rate])
    own = either.everywhere(made.arrays, made.tokens, Wanted(5, width=256))
    found = either.everywhere(made.arrays, made.tokens, Wanted(5, width=256), probed)
    product = 1.0
    for arc in found.cycles[0].arcs:
        product *= probed[arc]
    assert product == found.cycles[0].product
    assert product < own.cycles[0].product
    through = either.through(made.arrays, made.tokens, [found.cycles[0].arcs[0]], Wanted(5, width=256), probed)
    assert found.cycles[0] == through.cycles[0]


def test_floor_leaves_out_what_is_not_above_it(either: CompoundCycles, market: Make) -> None:
    """Only cycles above ``floor`` come; those are the same as without it."""
    made = market(4, 24, 60, 3, 0)
    whole = either.everywhere(made.arrays, made.tokens, Wanted(300, width=512))
    floor = whole.cycles[len(whole.cycles) // 2].product
    found = either.everywhere(made.arrays, made.tokens, Wanted(300, width=512, floor=floor))
    assert whole.exact
    assert [loop.product for loop in whole.cycles if loop.product > floor * (1.0 + 1e-12)] == pytest.approx(
        [loop.product for loop in found.cycles if loop.product > floor * (1.0 + 1e-12)], rel=1e-12
    )
    assert all(loop.product > floor for loop in found.cycles)
