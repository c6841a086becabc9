"""What curves say for amounts."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.curves import curve_out
from tidemill.domain.pool import Curve, Segment
from tidemill.errors import UsageError

LINE = Curve((Segment(0, 10, 3, 2, 0), Segment(10, 15, 1, 1, 0)), 0)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    """One to five segments, some that pay whole units only, some within a hair of them."""
    ends = sorted(draw(st.sets(st.integers(1, 1 << 90), min_size=1, max_size=5)))
    segments = []
    for start, end in zip([0, *ends], ends, strict=False):
        b = draw(st.integers(1, 1 << 200) | st.sampled_from([1, 3, 1 << 64, 1 << 65]))
        segments.append(
            Segment(
                start, end, draw(st.integers(1, 1 << 200) | st.just(b) | st.just(b + 1)), b, draw(st.integers(0, 1 << 100) | st.just(0))
            )
        )
    return Curve(tuple(segments), 0)


@given(curves(), st.data())
def test_curve_out_any_curve_is_the_sum_of_its_segments_rounded_once(curve: Curve, data: st.DataObject) -> None:
    """Each segment that the amount has left behind counts whole, the one it ends in up to there; the exact sum is rounded."""
    amount = data.draw(st.integers(0, curve.segments[-1].in_to))
    exact = Fraction(0)
    for one in curve.segments:
        x = max(min(amount, one.in_to) - one.in_from, 0)
        exact += Fraction(one.a * x, one.b + one.c * x)

    assert (exact.__floor__(), exact.__ceil__()) == (curve_out(curve, amount), curve_out(curve, amount, round_up=True))


def test_curve_out_at_joints_is_exact() -> None:
    """A whole number stays what it is, rounded either way; nothing in pays nothing."""
    assert [0, 1, 15, 20] == [curve_out(LINE, amount) for amount in (0, 1, 10, 15)]
    assert [0, 2, 15, 20] == [curve_out(LINE, amount, round_up=True) for amount in (0, 1, 10, 15)]


@pytest.mark.parametrize(("curve", "amount"), [(LINE, 16), (LINE, -1), (Curve((), 0), 1)])
def test_curve_out_beyond_the_curve_is_refused(curve: Curve, amount: int) -> None:
    """A curve says nothing of amounts that it does not cover."""
    with pytest.raises(UsageError, match=rf"expected an amount that the curve covers, 0 to \d+, found {amount}"):
        curve_out(curve, amount)
