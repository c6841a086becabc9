"""Rules of what a pool offers beside quotes, so that searching and sizing need fewer of them: curves and shortcuts."""

from fractions import Fraction

from hypothesis import given

from tidemill.domain.pool import Curve
from tidemill.units import PPM_SCALE
from tidemill_testing.conformance.dex.bench import DexBench, Lane, on_lanes
from tidemill_testing.conformance.rule import rule


class DexCurveRules(DexBench):
    """Rules 32 to 34."""

    @rule("DEX-32", "a curve keeps within its slack")
    def test_curve_keeps_within_its_slack(self) -> None:
        """A search that believes the curve takes amounts from it.

        If this fails: measure ``x`` of a segment from its ``in_from``, join the segments without a gap from 0 on, and state a slack that
        covers every rounding; or return ``NoCurve``.
        """
        lanes = [(lane, curve) for lane in self.lanes() if isinstance(curve := self._curve(lane), Curve)]
        for lane, curve in lanes:
            ends = [0, *(segment.in_to for segment in curve.segments)]
            starts = [segment.in_from for segment in curve.segments]
            if starts != ends[:-1] or sorted(ends) != ends or ends[-1] > 1 << lane.high or any(one.b <= 0 for one in curve.segments):
                self.broken(f"expected segments from 0 on without a gap, up to {1 << lane.high}, b > 0, found {curve} ({lane})")
            for most in (1 << max(lane.high - 8, 0), 1):
                small = lane.loaded.pool.segments(lane.sell, lane.buy, lane.at, most)
                if isinstance(small, Curve) and small.segments and small.segments[-1].in_to > most:
                    self.broken(f"asked for inputs up to {most}, it draws up to {small.segments[-1].in_to} ({lane})")
        curve_by_lane = {id(lane): curve for lane, curve in lanes}
        if not lanes:
            return

        @self.examples(40 + 6 * len(lanes))
        @given(on_lanes([lane for lane, _ in lanes], 1))
        def holds(drawn: tuple[Lane, list[int]]) -> None:
            lane, (amount,) = drawn
            curve = curve_by_lane[id(lane)]
            if amount > curve.segments[-1].in_to:
                return
            shown, out = _paid(curve, amount), lane.loaded.pool.amount_out(lane.sell, lane.buy, amount, lane.at)
            if abs(shown - out) > curve.slack:
                self.broken(f"{amount} in pays {out}, the curve says {shown.__floor__()}, its slack is {curve.slack} ({lane})")

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

    def _curve(self, lane: Lane) -> object:
        return lane.loaded.pool.segments(lane.sell, lane.buy, lane.at, 1 << lane.high)

    @rule("DEX-34", "its shortcuts agree with its quotes")
    def test_shortcuts_agree_with_quotes(self) -> None:
        """A pool that has ``curve_reserves`` is searched as a constant product, one that has ``spot_rate`` is left out where it cannot pay.

        If this fails: give ``curve_reserves`` only for a constant product over its whole range with the fee on the input, and a
        ``spot_rate`` (numerator, denominator) that no amount's quote exceeds; else leave these methods out.
        """
        lanes = self.lanes()

        @self.examples(40 + 6 * len(lanes))
        @given(on_lanes(lanes, 1))
        def holds(drawn: tuple[Lane, list[int]]) -> None:
            lane, (amount,) = drawn
            pool, out = lane.loaded.pool, lane.out(amount)
            curve_reserves, spot_rate = getattr(pool, "curve_reserves", None), getattr(pool, "spot_rate", None)
            reserves = curve_reserves(lane.sell, lane.buy) if curve_reserves else None
            rate = spot_rate(lane.sell, lane.buy) if spot_rate else None
            if out is None:
                return
            if reserves is not None and pool.fee_ppm is not None:
                net = amount * (PPM_SCALE - pool.fee_ppm)
                shown = net * reserves[1] // (reserves[0] * PPM_SCALE + net)
                if abs(shown - out) > 1:
                    self.broken(f"{amount} in pays {out}, a constant product of curve_reserves {reserves} {shown} ({lane})")
            if rate is not None and out * rate[1] > amount * rate[0]:
                self.broken(f"{amount} in pays {out}, more than spot_rate {rate} ({lane})")

        holds()


def _paid(curve: Curve, amount: int) -> Fraction:
    """Return what the curve says for an amount that it covers."""
    paid = Fraction(0)
    for segment in curve.segments:
        x = min(amount, segment.in_to) - segment.in_from
        if x > 0:
            paid += Fraction(segment.a * x, segment.b + segment.c * x)
    return paid
