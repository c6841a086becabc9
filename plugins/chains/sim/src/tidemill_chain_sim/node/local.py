"""Where the asks of a link go: to a node in this process, or to one of its own."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from tidemill_chain_sim.engine import Engine
from tidemill_chain_sim.node.asks import Ask
from tidemill_chain_sim.node.chain import SimNode

A = TypeVar("A")


class Node(Protocol):
    """Where asks of a link go."""

    async def ask(self, ask: Ask[A]) -> A:
        """Return the answer to an ask.

        Raises:
            TidemillError: as ``SimNode.answer``.
        """


class LocalNode:
    """A node in this process; its chain is made when it is first needed."""

    def __init__(self, make: Callable[[], Engine]) -> None:
        self._make = make
        self._node: SimNode | None = None

    @property
    def node(self) -> SimNode:
        """The node itself."""
        if self._node is None:
            self._node = SimNode(self._make())
        return self._node

    async def ask(self, ask: Ask[A]) -> A:
        """Return the answer to an ask."""
        return self.node.answer(ask)
