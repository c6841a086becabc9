"""A node as tests look at it and after it: the chain's own account of what happened, and a hand on the chain."""

from typing import Any, TypeVar

from tidemill_chain_sim.node.asks import (
    AccountAsk,
    AccountView,
    Ask,
    At,
    Entry,
    HappenedAsk,
    Hello,
    HelloAsk,
    MempoolAsk,
    MineAsk,
    ReorganiseAsk,
    StatementAsk,
    Waiting,
)
from tidemill_chain_sim.node.wire import answer_of, fields_of
from tidemill_simworld.wire import ask_node_now

A = TypeVar("A")
TIMEOUT_S = 30


class NodeClient:
    """Asks the node at a socket, and blocks until it answers.

    Every method raises ``Unavailable`` where no node listens, and ``OutcomeUnknown`` where no answer comes in time.
    """

    def __init__(self, path: str, timeout_s: float = TIMEOUT_S) -> None:
        self._path = path
        self._timeout_s = timeout_s

    def hello(self) -> Hello:
        """Return which chain it is, and its head."""
        return self._ask(HelloAsk())

    def statement(self, account: str) -> tuple[Entry, ...]:
        """Return every included transaction of an account, with its changes and its cost."""
        return self._ask(StatementAsk(account))

    def account(self, account: str, height: int | None = None) -> AccountView:
        """Return what an account holds after a block; None: the head.

        Raises:
            Unavailable: that block is not kept.
        """
        return self._ask(AccountAsk(account, height))

    def mempool(self) -> tuple[Waiting, ...]:
        """Return what waits to be included."""
        return self._ask(MempoolAsk())

    def happened(self) -> dict[str, int]:
        """Return how often each thing went wrong since the node was started, by the name of its setting without its unit."""
        return self._ask(HappenedAsk())

    def mine(self, blocks: int = 1) -> At:
        """Have blocks mined, and return the head."""
        head = self._ask(MineAsk())
        for _ in range(blocks - 1):
            head = self._ask(MineAsk())
        return head

    def reorganise(self, depth: int) -> At:
        """Drop the newest blocks, and return the block that is the head then.

        Raises:
            UsageError: one of them is final, by the settings of reorganisations.
        """
        return self._ask(ReorganiseAsk(depth))

    def _ask(self, ask: Ask[A]) -> A:
        name, fields = fields_of(ask)
        value: Any = ask_node_now(self._path, name, fields, self._timeout_s)
        return answer_of(ask, value)
