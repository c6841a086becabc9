"""What the core asks the world to do; whatever comes of it returns as a batch."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from attrs import frozen

from tidemill.domain.events import Proposals
from tidemill.domain.ids import ChainId, Key, PlanId
from tidemill.domain.note import Note
from tidemill.domain.plan import Plan
from tidemill.domain.pool import Watch
from tidemill.domain.records import Row
from tidemill.domain.transaction import Unsigned
from tidemill.stages.guard import Fault


@frozen
class Intent:
    """A plan that passed the door, with its bytes; ``height`` is the head that it was made at.

    ``reopened``: its outcome was rolled back, and the same bytes may go out again. ``group`` is what a leg belongs to: all new legs of one
    group leave together, one after the other, or none does.
    """

    plan: Plan
    unsigned: Unsigned
    height: int
    reopened: bool = False
    group: PlanId | None = None


@frozen
class Effects:
    """Carried out by I/O tasks in this order: rows, intents, reads and watches, notes.

    ``proposals`` are answers of strategies that are not deterministic: they come back as a batch, so that a replay has them. ``halt`` says
    why trading must stop, ``stop`` why an operator ends the run.
    """

    rows: tuple[Row, ...] = ()
    intents: tuple[Intent, ...] = ()
    reads: tuple[tuple[ChainId, tuple[Key, ...]], ...] = ()
    watches: tuple[tuple[ChainId, Watch], ...] = ()
    notes: tuple[Note, ...] = ()
    faults: tuple[Fault, ...] = ()
    proposals: tuple[Proposals, ...] = ()
    halt: str = ""
    stop: str = ""


NOTHING = Effects()


def sent_together(intents: Sequence[Intent]) -> Iterator[tuple[Intent, ...]]:
    """Yield the intents in order: the new legs of one group together, every other one alone."""
    for group, found in groupby(intents, key=lambda intent: None if intent.reopened else intent.group):
        if group is None:
            yield from ((intent,) for intent in found)
        else:
            yield tuple(found)
