"""Room for the kernels' work, and their arguments: arrays by the names of their parameters, plain or as views."""

from array import array
from collections.abc import Callable, Mapping
from typing import Any

from tidemill_search_cycles.compiled import Kernels
from tidemill_search_cycles.graph.arrays import Arrays, zeros


class Room:
    """Arrays by name, each as long as was asked for at most, all zero when new."""

    def __init__(self, arrays: Mapping[str, tuple[str, int]]) -> None:
        """Begin with arrays of a typecode and a length."""
        self._held = {name: zeros(kind, length) for name, (kind, length) in arrays.items()}
        self._arguments: dict[Callable[..., Any], tuple[Any, ...]] = {}
        self._seen: tuple[object, ...] = ()

    def __getstate__(self) -> dict[str, object]:
        """Leave out the arguments: addresses mean nothing in another process."""
        return {**self.__dict__, "_arguments": {}, "_seen": ()}

    def __getitem__(self, name: str) -> "array[Any]":
        return self._held[name]

    def ensure(self, length: int, *names: str) -> None:
        """Give arrays at least a length: those that are shorter are replaced by ones of zeros, half as long again."""
        for name in names:
            held = self._held[name]
            if len(held) < length:
                self._held[name] = zeros(held.typecode, length + length // 2)
                self._seen = ()

    def fit(self, length: int, *names: str) -> None:
        """Replace arrays whose length is another one by such of zeros."""
        for name in names:
            held = self._held[name]
            if len(held) != length:
                self._held[name] = zeros(held.typecode, length)
                self._seen = ()

    def arguments(self, function: Callable[..., Any], graph: Arrays, running: Kernels) -> tuple[Any, ...]:
        """Return the arrays that a kernel takes after its numbers, from the graph and from here."""
        seen = (graph, graph.generation, running)
        if seen != self._seen:
            self._arguments.clear()
            self._seen = seen
        found = self._arguments.get(function)
        if found is None:
            names = function.__code__.co_varnames[: function.__code__.co_argcount]
            arrays = [self._held[name] if name in self._held else getattr(graph, name, None) for name in names]
            found = self._arguments[function] = running.views([held for held in arrays if held is not None])
        return found
