"""How long gaps between two venues stayed open, read from a pair's kept points; times are in blocks."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from attrs import frozen

from tidemill import PairPoint


@frozen
class Gap:
    """A gap that opened at the end of block ``opened``.

    ``half_life``: blocks until its edge was half of what it opened with, or it closed; ``length``: until it closed. None: not yet.
    ``censored``: it was open at the first point already, so it opened at ``opened`` or before.
    """

    opened: int
    half_life: int | None = None
    length: int | None = None
    censored: bool = False


@frozen
class Past:
    """The gaps of a pair: those that closed and were seen to open, oldest first, and the one that is open, if one is."""

    closed: tuple[Gap, ...] = ()
    present: Gap | None = None

    @property
    def usual(self) -> Fraction | None:
        """Half of the gaps closed within so many blocks; None where none closed."""
        return median(gap.length for gap in self.closed)

    @property
    def half_life(self) -> Fraction | None:
        """Half of the gaps had halved within so many blocks; None where none closed."""
        return median(gap.half_life for gap in self.closed)


def past_of(points: Sequence[PairPoint], least_bps: int) -> Past:
    """Return the gaps in a pair's points: one is open where buying at one venue and selling at the other gains more than ``least_bps``.

    Between two points nothing changed, so that an edge holds until the next point's height.
    """
    closed: list[Gap] = []
    opened: PairPoint | None = None
    halved: int | None = None
    censored = False
    for place, point in enumerate(points):
        edge = point.edge_bps
        if opened is None:
            if edge > least_bps:
                opened, halved, censored = point, None, place == 0
        else:
            age = point.height - opened.height
            if halved is None and (2 * edge <= opened.edge_bps or edge <= least_bps):
                halved = age
            if edge <= least_bps:
                if not censored:
                    closed.append(Gap(opened.height, halved, age))
                opened = None
    return Past(tuple(closed), Gap(opened.height, halved, None, censored) if opened is not None else None)


def median(values: Iterable[int | None]) -> Fraction | None:
    """Return the middle of the values that are there, halfway between the two middle ones of an even number; None without any."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    half = len(known) // 2
    return Fraction(known[half]) if len(known) % 2 else Fraction(known[half - 1] + known[half], 2)
