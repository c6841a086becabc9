"""Gaps read from a pair's points."""

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tidemill import PairPoint
from tidemill.domain.ids import PoolId
from tidemill.domain.offer import Offer
from tidemill_strategy_temporal.gaps import Gap, Past, median, past_of
from tidemill_testing.market import token

Points = Callable[..., tuple[PairPoint, ...]]


def test_past_of_a_gap_that_opened_halved_and_closed(points: Points) -> None:
    """It counts from the block that opened it: when half of that edge was left, and when none was."""
    past = past_of(points((1, -5), (4, 40), (6, 25), (9, 20), (11, 3), (14, 0)), 0)

    assert Past((Gap(4, half_life=5, length=10),)) == past
    assert [10, 5] == [past.usual, past.half_life]


def test_past_of_a_gap_that_is_open(points: Points) -> None:
    """The present gap stands apart, with its half-life where it has halved; it may widen again."""
    assert Gap(4) == past_of(points((1, -5), (4, 40), (6, 25)), 0).present
    assert Gap(4, half_life=2) == past_of(points((1, -5), (4, 40), (6, 20), (7, 60)), 0).present
    assert past_of(points((1, -5), (4, 40), (6, 0)), 0).present is None


def test_past_of_a_gap_that_was_open_at_the_first_point_is_not_counted(points: Points) -> None:
    """When it opened nobody saw: its length would be too short; as the present one it is open since then, or longer."""
    assert Past() == past_of(points((4, 40), (6, 0)), 0)
    assert Past(present=Gap(4, censored=True)) == past_of(points((4, 40), (6, 30)), 0)
    assert Past((Gap(7, 1, 1),)) == past_of(points((4, 40), (6, 0), (7, 5), (8, -1)), 0)


def test_past_counts_from_the_edge_that_is_asked_for(points: Points) -> None:
    """A gap is open above ``least_bps``; one that closes before it halved has halved by then."""
    edges = points((1, 10), (2, 14), (5, 12), (8, 10), (9, 11))

    assert Past((Gap(2, 6, 6),), Gap(9)) == past_of(edges, 10)
    assert Past(present=Gap(2)) == past_of(edges[:3], 10)
    assert Past() == past_of(edges, 14)
    assert Past() == past_of((), 0)


def test_median_is_the_middle_or_halfway_between_the_two() -> None:
    """It is exact, and leaves out what is not known."""
    assert [None, 3, Fraction(5, 2), 4] == [median(values) for values in ([], [9, 1, 3], [4, 1], [None, 4])]


def test_gaps_follow_one_another_and_end_within_the_points() -> None:
    """Whatever the edges: gaps do not overlap, halve no later than they close, and none is open where the last point is closed."""
    edges = st.lists(st.tuples(st.integers(1, 5), st.integers(-20, 20)), max_size=30)

    @given(edges, st.integers(0, 5))
    def holds(steps: list[tuple[int, int]], least: int) -> None:
        heights = [sum(step for step, _ in steps[: place + 1]) for place in range(len(steps))]
        made = tuple(_point(height, edge) for height, (_, edge) in zip(heights, steps, strict=True))
        past = past_of(made, least)
        ends = [(gap.opened, gap.opened + (gap.length or 0)) for gap in past.closed]

        assert all(end <= start for (_, end), (start, _) in pairwise(ends))
        assert all(gap.half_life is not None and gap.length is not None and 0 < gap.half_life <= gap.length for gap in past.closed)
        assert (past.present is not None) == bool(steps and steps[-1][1] > least)

    holds()


def _point(height: int, edge_bps: int) -> PairPoint:
    one, other = token("WETH"), token("DAI")
    cheap, dear = (Offer(PoolId(""), one, other, rate, 10_000, 0, height) for rate in (10_000, 10_000 + edge_bps))
    return PairPoint(height, 0, cheap, dear)
