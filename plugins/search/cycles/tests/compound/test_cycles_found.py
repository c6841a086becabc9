"""What every answer of the compound search holds to, plain and compiled."""

from array import array
from collections.abc import Callable
from typing import Any

import pytest

from tidemill_search_cycles.compound import SCRATCH, CompoundCycles, Loops, Wanted
from tidemill_search_cycles.graph.arrays import Arrays

pytestmark = pytest.mark.uncounted

Make = Callable[..., Any]


def _check(made: Any, found: Loops, wanted: Wanted) -> None:
    """Every cycle is closed, simple in tokens, of the right length, above the floor, the product of its rates, and there once."""
    arcs = made.arrays
    seen = set()
    for loop in found.cycles:
        product = 1.0
        for arc in loop.arcs:
            product *= made.arrays.arc_rate[arc]
        assert product == loop.product
        assert product > wanted.floor
        tokens = [arcs.arc_from[arc] for arc in loop.arcs]
        assert [arcs.arc_to[arc] for arc in loop.arcs] == tokens[1:] + tokens[:1]
        assert len(set(tokens)) == len(tokens)
        assert wanted.min_hops <= len(tokens) <= wanted.max_hops
        assert wanted.start in (-1, *tokens)
        seen.add(frozenset(zip(tokens, tokens[1:] + tokens[:1], strict=True)))
    assert len(found.cycles) == len(seen)
    assert [loop.product for loop in found.cycles] == sorted((loop.product for loop in found.cycles), reverse=True)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("least", "most"), [(2, 12), (3, 4), (7, 9), (10, 12), (12, 12)])
def test_everywhere_gives_whole_cycles_each_once(either: CompoundCycles, market: Make, seed: int, least: int, most: int) -> None:
    """Every cycle that is reported is one, of the hops asked for, with the product that its rates have."""
    made = market(seed, 30, 90, 4, 1)
    wanted = Wanted(8, least, most, 16)
    _check(made, either.everywhere(made.arrays, made.tokens, wanted), wanted)


@pytest.mark.parametrize("seed", range(4))
def test_through_a_start_gives_cycles_that_pass_it(either: CompoundCycles, market: Make, seed: int) -> None:
    """With ``start`` only cycles through that token are found, and the best of those is the best of all that pass it."""
    made = market(seed + 20, 30, 100, 5, 1)
    free = either.everywhere(made.arrays, made.tokens, Wanted(200, width=256))
    for start in range(0, 30, 4):
        wanted = Wanted(200, width=256, start=start)
        found = either.everywhere(made.arrays, made.tokens, wanted)
        _check(made, found, wanted)
        passing = [loop.product for loop in free.cycles if start in {made.arrays.arc_from[arc] for arc in loop.arcs}]
        if free.exact and found.exact:
            assert passing[:1] == pytest.approx([loop.product for loop in found.cycles[:1]], rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_everywhere_total_gives_the_best_of_all(quick: CompoundCycles, market: Make, seed: int) -> None:
    """A limit in all leaves the best of what a limit for each anchor finds, for less work."""
    made = market(seed + 60, 40, 110, 3, 1)
    full = quick.everywhere(made.arrays, made.tokens, Wanted(10, width=512))
    spent, quick.left = (1 << 60) - quick.left, 1 << 60
    best = quick.everywhere(made.arrays, made.tokens, Wanted(10, width=512, total=10))
    assert full.exact
    assert best.exact
    assert [loop.product for loop in full.cycles[:10]] == pytest.approx([loop.product for loop in best.cycles], rel=1e-12)
    assert spent >= (1 << 60) - quick.left


def test_everywhere_renumbered_gives_the_same_cycles(quick: CompoundCycles, market: Make) -> None:
    """Tokens and arcs in other places change nothing, if rows keep their order and tokens are scanned in the same order."""
    made = market(5, 60, 200, 6, 1)
    old, count = made.arrays, made.tokens
    number = [(token * 7 + 3) % count for token in range(count)]
    new = Arrays(count, len(old.arc_to) + count, 0, 0)
    # Rows stay whole; they are laid out in the order of the new numbers, with a gap after each.
    place, moved = 0, {}
    for token in sorted(range(count), key=number.__getitem__):
        new.row_start[number[token]], new.row_len[number[token]] = place, old.row_len[token]
        for step in range(old.row_len[token]):
            moved[old.row_start[token] + step] = place + step
        place += old.row_len[token] + 1
    for arc, to in moved.items():
        new.arc_to[to], new.arc_from[to] = number[old.arc_to[arc]], number[old.arc_from[arc]]
        new.arc_back[to], new.arc_rate[to], new.arc_bend[to] = moved[old.arc_back[arc]], old.arc_rate[arc], old.arc_bend[arc]
    for width, effort in ((4, 1 << 60), (64, 1 << 60), (64, 40_000)):
        wanted = Wanted(10, width=width)
        quick.left = effort
        one, left = quick.everywhere(old, count, wanted), quick.left
        quick.left = effort
        two = quick.everywhere(new, count, wanted, scan=number)
        assert [(tuple(moved[arc] for arc in loop.arcs), loop.product) for loop in one.cycles] == [
            (loop.arcs, loop.product) for loop in two.cycles
        ]
        assert (one.exact, left) == (two.exact, quick.left)


def test_values_given_by_the_caller_change_no_exact_answer(quick: CompoundCycles, market: Make) -> None:
    """Values tell where to look, not what is there: any give the same best cycles where the answer is exact."""
    made = market(61, 40, 110, 3, 1)
    wanted = Wanted(10, width=2048)
    true = quick.everywhere(made.arrays, made.tokens, wanted, value=made.price)
    odd = array("d", [(0.0, 1.0, float("nan"), 1.3)[token % 4] for token in range(40)])
    other = quick.everywhere(made.arrays, made.tokens, wanted, value=odd)
    assert true.exact
    assert true.cycles[0].product == pytest.approx(other.cycles[0].product, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("start", "effort"), [(-1, 1 << 60), (3, 1 << 60), (-1, 30_000)])
def test_search_plain_and_compiled_gives_equal_bits(
    plain: CompoundCycles, quick: CompoundCycles, market: Make, seed: int, start: int, effort: int
) -> None:
    """The same cycles, products to the last bit, claims, work left, and every scratch array."""
    made = market(seed + 80, 40, 130, 4, 1)
    wanted = Wanted(6, 3, 12, 12, start)
    for search in (plain, quick):
        search.left = effort
    assert plain.everywhere(made.arrays, made.tokens, wanted) == quick.everywhere(made.arrays, made.tokens, wanted)
    for anchor in range(0, len(made.arrays.arc_to), 17):
        assert plain.through(made.arrays, made.tokens, [anchor], wanted) == quick.through(made.arrays, made.tokens, [anchor], wanted)
    assert plain.left == quick.left
    for name in SCRATCH:
        assert plain.scratch(name).tobytes() == quick.scratch(name).tobytes(), name
