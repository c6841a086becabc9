"""What tokens are worth, as the arcs tell it."""

from array import array
from collections.abc import Callable
from typing import Any

import pytest

from tidemill_search_cycles.compiled import Kernels
from tidemill_search_cycles.compound import CompoundCycles
from tidemill_search_cycles.graph.arrays import Arrays
from tidemill_search_cycles.kernels import values

Make = Callable[..., Any]
Lay = Callable[..., Arrays]


def _relative(arrays: Arrays, worth: "array[float]") -> list[float]:
    sides = zip(arrays.arc_rate, arrays.arc_from, arrays.arc_to, strict=True)
    return [rate * worth[buy] / worth[sell] for rate, sell, buy in sides]


def test_values_of_sound_pools_are_their_prices(either: CompoundCycles, lay: Lay) -> None:
    """Along pairs that agree every token is worth what they say, fees left out, whichever is the root."""
    price = [1.0, 1.5, 0.75, 1.25]
    pairs = [(0, 1), (1, 2), (2, 3), (0, 3)]
    rows: list[dict[int, tuple[float, float]]] = [{} for _ in price]
    for one, two in pairs:
        rows[one][two] = (price[one] / price[two] * 0.997, 1e-6)
        rows[two][one] = (price[two] / price[one] * 0.997, 1e-6)
    worth = either.values(lay(rows), 4)
    assert [price[token] / price[0] for token in range(4)] == pytest.approx([worth[token] / worth[0] for token in range(4)], rel=1e-12)


def test_values_trust_the_deep_and_narrow_pair(either: CompoundCycles, lay: Lay) -> None:
    """Where two ways contradict, the one over deep pools of a small fee is believed."""
    thin, deep = 1e-3, 1e-7
    rows = [
        {1: (1.1 * 0.99, thin), 2: (0.9995, deep)},
        {0: (0.99 / 1.1, thin), 2: (0.9995, deep)},
        {0: (0.9995, deep), 1: (0.9995, deep)},
    ]
    worth = either.values(lay(rows), 3)
    assert worth[0] == pytest.approx(worth[1], rel=1e-4)


def test_values_of_parts_apart_are_each_of_their_own(either: CompoundCycles, lay: Lay) -> None:
    """Parts that no arc joins, and tokens without any arc, have values too."""
    rows: list[dict[int, tuple[float, float]]] = [{1: (2.0, 1e-6)}, {0: (0.49, 1e-6)}, {3: (0.25, 1e-6)}, {2: (3.9, 1e-6)}, {}]
    worth = either.values(lay(rows), 5)
    assert worth[0] / worth[1] == pytest.approx((2.0 / 0.49) ** 0.5)
    assert worth[2] / worth[3] == pytest.approx((0.25 / 3.9) ** 0.5)
    assert 1.0 == worth[4]


@pytest.mark.parametrize("one_way", [(0, 1), (1, 0)])
def test_values_of_a_pair_open_one_way_follow_it(either: CompoundCycles, lay: Lay, one_way: tuple[int, int]) -> None:
    """A pair of which one direction is closed still says what its tokens are worth."""
    rows = [{1: (0.0, 0.0)}, {0: (0.0, 0.0)}]
    sell, buy = one_way
    rows[sell][buy] = (3.0, 1e-6)
    worth = either.values(lay(rows), 2)
    assert worth[sell] / worth[buy] == pytest.approx(3.0)


def test_values_out_of_all_proportion_count_as_one(either: CompoundCycles, lay: Lay) -> None:
    """A token that would be worth next to nothing or everything is put at 1, so that relative rates stay within doubles."""
    rows = [{1: (2.0**40, 1e-6)}, {0: (2.0**-40, 1e-6), 2: (0.99, 1e-6)}, {1: (0.99, 1e-6)}]
    worth = either.values(lay(rows), 3)
    assert all(1.0 / values.STRANGE < one < values.STRANGE for one in worth)


@pytest.mark.parametrize("seed", range(4))
def test_mispriced_arcs_are_few_and_the_planted_ones(quick: CompoundCycles, market: Make, seed: int) -> None:
    """In a market with three mispriced pools among two thousand only some arcs are above 1 under the values found."""
    made = market(seed, 500, 2000, 3)
    own = sum(rate > 1.0 for rate in _relative(made.arrays, made.price))
    found = sum(rate > 1.0 for rate in _relative(made.arrays, quick.values(made.arrays, made.tokens)))
    assert 0 < own
    assert found <= 4 * own + 4


def test_settle_makes_no_arc_mispriced(twins: Kernels, market: Make) -> None:
    """No arc that was at 1 or below is above it after, and no token rises by more than the cap."""
    made = market(9, 200, 800, 8, 1)
    arrays, count = made.arrays, made.tokens
    worth = array("d", made.price)
    for token in range(0, count, 3):
        worth[token] *= 1.003
    before = _relative(arrays, worth)
    (row_start, row_len, arc_to, rate) = twins.views([arrays.row_start, arrays.row_len, arrays.arc_to, arrays.arc_rate])
    base, order = array("d", worth), array("i", range(count))
    old = array("d", worth)
    settle = twins.of(values.settle)
    rounds = settle(count, rate, *twins.views([order]), row_start, row_len, arc_to, *twins.views([worth, base]))
    after = _relative(arrays, worth)
    assert 0 < rounds
    assert [] == [arc for arc in range(len(before)) if before[arc] <= 1.0 and after[arc] > 1.0 + 2.0 * values.STEP]
    assert all(one <= was * (1.0 + values.CAP) * (1.0 + 1e-15) for one, was in zip(worth, old, strict=True))
    assert sum(one > 1.0 + values.STEP for one in after) < sum(one > 1.0 + values.STEP for one in before)
