"""Where plans go that left the core: paper, or the chain. The driver knows this much of either."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import frozen

from tidemill.domain.events import Batch, Event
from tidemill.domain.ids import ChainId
from tidemill.domain.intent import IntentRecord
from tidemill.domain.snapshot import Snapshot
from tidemill.pipeline.paper import PaperDesk
from tidemill.stages.effects import Intent
from tidemill.stages.guard import Fault


@frozen
class Settled:
    """What became of plans: a batch for the core, and the intents' new states, which are kept together with what the core writes of it."""

    batch: Batch
    intents: tuple[IntentRecord, ...] = ()


class Execution(Protocol):
    """Takes plans and says what became of them."""

    faults: list[Fault]
    """What plugins did wrong since it was last looked at."""
    settles_at_the_end: bool
    """Whether what is in flight can be settled without another block; else the run waits for some."""

    @property
    def waiting(self) -> tuple[ChainId, ...]:
        """The chains on which plans wait for their outcome, by id."""

    async def take(self, intents: Sequence[Intent], heights: Mapping[ChainId, int]) -> Sequence[Event]:
        """Take a plan that left the core, or the legs of one group, in order; return what is known of them at once.

        All legs leave, or where that is known to be impossible beforehand none does.

        Args:
            intents: one plan, or the legs.
            heights: the head of each of their chains.
        """

    def reopened(self, intent: Intent, height: int) -> Sequence[IntentRecord]:
        """Return how a plan stands whose block was dropped: kept in one commit with the entries that take back what was booked."""

    def forget(self, chain: ChainId, above: int) -> None:
        """Hear that what was told of a chain's blocks above a height does not hold any longer, or may not."""

    def due(self, chain: ChainId, height: int) -> bool:
        """Whether outcomes may be known once the events of this height are in: ideas are asked after them."""

    async def settle(self, chain: ChainId, snapshot: Snapshot, block_hash: str, now_ns: int, *, last: bool = False) -> Settled:
        """Return what became of plans of a chain. ``last``: the input is at its end, everything settles on its last market."""


class PaperExecution:
    """Paper plans, behind what the driver asks of any execution."""

    settles_at_the_end = True

    def __init__(self, desk: PaperDesk) -> None:
        self._desk = desk

    @property
    def faults(self) -> list[Fault]:
        """What plugins did wrong since it was last looked at."""
        return self._desk.faults

    @faults.setter
    def faults(self, faults: list[Fault]) -> None:
        self._desk.faults = faults

    @property
    def waiting(self) -> tuple[ChainId, ...]:
        """The chains on which plans wait."""
        return self._desk.waiting

    def reopened(self, intent: Intent, height: int) -> Sequence[IntentRecord]:
        """Return nothing: no transaction stands for a plan."""
        return ()

    def forget(self, chain: ChainId, above: int) -> None:
        """Paper plans remember no blocks."""

    async def take(self, intents: Sequence[Intent], heights: Mapping[ChainId, int]) -> Sequence[Event]:
        """Take plans; nothing is known of them before their heights, and each leg fills, or not, at its own."""
        for intent in intents:
            self._desk.take(intent, heights[intent.plan.chain])
        return ()

    def due(self, chain: ChainId, height: int) -> bool:
        """Whether a plan fills at this height."""
        return self._desk.due(chain, height)

    async def settle(self, chain: ChainId, snapshot: Snapshot, block_hash: str, now_ns: int, *, last: bool = False) -> Settled:
        """Fill what is due."""
        return Settled(self._desk.settle(chain, snapshot, block_hash, now_ns, last=last))
