"""The types of what kernels take; the second argument is what a compiled twin is built for."""

from collections.abc import MutableSequence
from typing import Annotated

Ints = Annotated[MutableSequence[int], "int32"]
Longs = Annotated[MutableSequence[int], "int64"]
Doubles = Annotated[MutableSequence[float], "float64"]
Whole = Annotated[int, "int64"]
Real = Annotated[float, "float64"]
