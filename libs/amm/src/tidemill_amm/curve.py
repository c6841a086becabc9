"""A pool's output as a function of its input, in pieces that searching and sizing can compute with."""

from typing import NamedTuple

Piece = tuple[int, int, int, int, int]
"""(in_from, in_to, a, b, c): for inputs from ``in_from`` to ``in_to`` in base units, and with ``x`` measured from ``in_from``, the piece
adds ``a * x / (b + c * x)`` base units of output to those before it; a > 0, b > 0, c > 0."""


class PoolCurve(NamedTuple):
    """Pieces that join without a gap from an input of 0 on, and how far quotes stray from them.

    The sum of the pieces is an exact rational that rises and bends down throughout, across the joints as well. For every integer input up
    to the last ``in_to`` the pool fills the whole input, and what it pays is within ``slack`` base units of that sum. Without pieces the
    pool takes nothing in this direction, or a unit or two, or what it takes is not loaded.
    """

    pieces: tuple[Piece, ...]
    slack: int
