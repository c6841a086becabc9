"""Rules of what a pool offers beside quotes, so that searching and sizing need fewer of them: its curves."""

from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given

from tidemill.domain.curves import curve_out
from tidemill.domain.pool import Curve, Segment
from tidemill_testing.conformance.dex.bench import DexBench, Lane, on_lanes
from tidemill_testing.conformance.rule import rule

_MOST_JOINTS = 24


class DexCurveRules(DexBench):
    """Rules 32, 33, 38 and 39."""

    @rule("DEX-32", "a curve keeps within its slack")
    def test_curve_keeps_within_its_slack(self) -> None:
        """A search that believes the curve takes amounts from it.

        If this fails: measure ``x`` of a segment from its ``in_from``, join the segments without a gap from 0 on, and state a slack that
        covers every rounding; or return ``NoCurve``.
        """
        lanes = self._drawn()
        for lane, curve in lanes:
            ends = [0, *(segment.in_to for segment in curve.segments)]
            starts = [segment.in_from for segment in curve.segments]
            ordered = all(one < other for one, other in pairwise(ends))
            if starts != ends[:-1] or not ordered or ends[-1] > 1 << lane.high or any(one.b <= 0 for one in curve.segments):
                self.broken(f"expected segments from 0 on without a gap, up to {1 << lane.high}, b > 0, found {curve} ({lane})")
            for most in (1 << max(lane.high - 8, 0), 1):
                small = lane.loaded.pool.segments(lane.sell, lane.buy, lane.at, most)
                if isinstance(small, Curve) and small.segments and small.segments[-1].in_to > most:
                    self.broken(f"asked for inputs up to {most}, it draws up to {small.segments[-1].in_to} ({lane})")
            for amount in _joints(curve):
                self._keeps(lane, curve, amount)
        curve_by_lane = {id(lane): curve for lane, curve in lanes}
        if not lanes:
            return

        @self.examples(40 + 6 * len(lanes))
        @given(on_lanes([lane for lane, _ in lanes], 1))
        def holds(drawn: tuple[Lane, list[int]]) -> None:
            lane, (amount,) = drawn
            curve = curve_by_lane[id(lane)]
            if curve.segments and amount <= curve.segments[-1].in_to:
                self._keeps(lane, curve, amount)

        holds()

    @rule("DEX-33", "a curve is given", needs="segments")
    def test_curve_is_given(self) -> None:
        """Who declares curves is searched by them; without one the pool is probed.

        If this fails: give a ``Curve`` for every direction that quotes, or take 'segments' out of the capabilities.
        """
        for lane in self.lanes():
            curve = self._curve(lane)
            if not isinstance(curve, Curve) or not curve.segments:
                self.broken(f"expected a curve, found {curve!r} ({lane})")

    @rule("DEX-38", "a curve bends down")
    def test_curve_bends_down(self) -> None:
        """Sizing stops where one more unit no longer pays: on a curve that turns up again it would stop too early.

        If this fails: give segments with ``a > 0`` and ``c >= 0``, in the order in which the pool uses them, none of which begins steeper
        than the one before it ends; where a segment ends on a rounded input, round it down.
        """
        for lane, curve in self._drawn():
            for place, one in enumerate(curve.segments):
                if one.a <= 0 or one.c < 0:
                    self.broken(f"expected a > 0 and c >= 0, found {one} ({lane})")
                if place and _steeper(curve.segments[place - 1], one):
                    self.broken(f"it begins {one}, steeper than it ended {curve.segments[place - 1]} ({lane})")

    def _drawn(self) -> list[tuple[Lane, Curve]]:
        return [(lane, curve) for lane in self.lanes() if isinstance(curve := self._curve(lane), Curve)]

    def _keeps(self, lane: Lane, curve: Curve, amount: int) -> None:
        out = lane.loaded.pool.amount_out(lane.sell, lane.buy, amount, lane.at)
        low, high = curve_out(curve, amount), curve_out(curve, amount, round_up=True)
        if not high - curve.slack <= out <= low + curve.slack:
            self.broken(f"{amount} in pays {out}, the curve says {low}, its slack is {curve.slack} ({lane})")

    def _curve(self, lane: Lane) -> object:
        return lane.loaded.pool.segments(lane.sell, lane.buy, lane.at, 1 << lane.high)

    @rule("DEX-39", "no quote is better than its curve begins")
    def test_no_quote_is_better_than_its_curve_begins(self) -> None:
        """A searcher leaves a pool out where ``a / b`` of its first segment cannot pay, whatever the slack: a better quote is never found.

        If this fails: begin the curve with the rate of the first unit, the fee taken off and nothing else, rounded up where it must be; or
        return ``NoCurve``.
        """
        drawn_lanes = [(lane, curve.segments[0]) for lane, curve in self._drawn() if curve.segments]
        lanes, begins = [lane for lane, _ in drawn_lanes], {id(lane): first for lane, first in drawn_lanes}
        if not lanes:
            return

        @self.examples(40 + 6 * len(lanes))
        @given(on_lanes(lanes, 1))
        def holds(drawn: tuple[Lane, list[int]]) -> None:
            lane, (amount,) = drawn
            first, out = begins[id(lane)], lane.out(amount)
            if out is not None and out * first.b > amount * first.a:
                self.broken(f"{amount} in pays {out}, more than {first} begins with ({lane})")

        holds()


def _joints(curve: Curve) -> Iterator[int]:
    """Yield the amounts at the joints of a curve and next to them, of so many joints from its beginning to its end."""
    ends = [segment.in_to for segment in curve.segments]
    for end in ends[:: -(-len(ends) // _MOST_JOINTS)] if ends else ():
        yield from (amount for amount in (end - 1, end, end + 1) if 0 < amount <= ends[-1])


def _steeper(before: Segment, one: Segment) -> bool:
    """Tell whether a segment begins steeper than the one before it ends."""
    end = before.b + before.c * (before.in_to - before.in_from)
    return one.a * end * end > before.a * before.b * one.b
