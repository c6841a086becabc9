"""Several figures of one run: what a round measured once is told by a case for each, such as a median and a 99th percentile."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median

Samples = Mapping[str, Sequence[float]]
"""What a round measured, by the name of the part."""
Figure = Callable[[Sequence[float]], float]


def p99(samples: Sequence[float]) -> float:
    """Return what 99 in 100 samples do not exceed."""
    return sorted(samples)[(len(samples) * 99 - 1) // 100]


class Sampled:
    """A round's work. The case that comes first in the table measures; those after it tell of the same round."""

    def __init__(self, measure: Callable[[], Samples]) -> None:
        self._measure = measure
        self._last: Samples = {}

    def first(self, part: str, figure: Figure = median) -> Callable[[], float]:
        """Return the case that measures, and gives one figure of a part."""

        def once() -> float:
            self._last = self._measure()
            return figure(self._last[part])

        return once

    def then(self, part: str, figure: Figure = median) -> Callable[[], float]:
        """Return a case that gives another figure of the same round."""
        return lambda: figure(self._last[part])
