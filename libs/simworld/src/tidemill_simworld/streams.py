"""Random numbers that repeat on every machine: splitmix64 on Python integers.

Generator: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014, with the constants of variant 13 that
``java.util.SplittableRandom`` and Vigna's ``splitmix64.c`` use.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")

_MASK: Final = (1 << 64) - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15
_PPM: Final = 1_000_000
# A sum of four 16-bit draws has mean 131_070 and standard deviation sqrt(4 * (2**32 - 1) / 12) = 37_837.
_SUM_MEAN: Final = 131_070
_SUM_DEVIATION: Final = 37_837


class Stream:
    """A stream of random numbers, named by a seed and labels; equal names give equal numbers.

    Streams of different names do not influence each other, so that one kind of order flow may draw more often without changing another.
    """

    __slots__ = ("_state",)

    def __init__(self, seed: int, *labels: str | int) -> None:
        name = "\x1f".join(map(str, (seed, *labels)))
        self._state = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")

    @classmethod
    def of_state(cls, state: int) -> "Stream":
        """Return the generator at a bare 64-bit state, as the published test vectors state it."""
        stream = cls.__new__(cls)
        stream._state = state & _MASK
        return stream

    def bits(self) -> int:
        """Return the next 64 random bits."""
        self._state = state = (self._state + _GOLDEN) & _MASK
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ state >> 27) * 0x94D049BB133111EB & _MASK
        return state ^ state >> 31

    def below(self, limit: int) -> int:
        """Return a number in ``0 .. limit - 1``; ``0 < limit <= 2**32``, where the bias of the multiplication is below 2**-32."""
        return self.bits() * limit >> 64

    def between(self, low: int, high: int) -> int:
        """Return a number in ``low .. high``, both included, evenly spread."""
        return low + (self.bits() * (high - low + 1) >> 64)

    def chance(self, ppm: int) -> bool:
        """Return true in ``ppm`` of a million cases."""
        return self.bits() * _PPM >> 64 < ppm

    def pick(self, choices: Sequence[T]) -> T:
        """Return one element of a sequence that is not empty, each equally likely."""
        return choices[self.bits() * len(choices) >> 64]

    def weighted(self, cumulative: Sequence[int]) -> int:
        """Return an index, by weight; ``cumulative`` holds the running sums of the weights, which rise and end above 0."""
        target = self.bits() * cumulative[-1] >> 64
        low, high = 0, len(cumulative) - 1
        while low < high:
            middle = (low + high) // 2
            if cumulative[middle] > target:
                high = middle
            else:
                low = middle + 1
        return low

    def bell(self, deviation: int) -> int:
        """Return a number around 0 with standard deviation ``deviation``, bell-shaped, never beyond 3.47 deviations.

        The sum of four even draws (Irwin and Hall), rounded towards minus infinity.
        """
        bits = self.bits()
        total = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
        return (total - _SUM_MEAN) * deviation // _SUM_DEVIATION

    def scaled(self, low: int, high: int) -> int:
        """Return a number in ``low .. high``, spread evenly over the binary orders of magnitude; ``0 < low <= high``.

        An order of magnitude is picked first, then a number within it, so that small amounts are frequent and large ones rare.
        """
        orders = (high // low).bit_length()
        order = self.bits() * orders >> 64
        bottom = low << order
        return self.between(bottom, min(high, 2 * bottom - 1))
