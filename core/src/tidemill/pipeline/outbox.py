"""What a core collects while it folds a batch, until it leaves as effects."""

from attrs import define, field

from tidemill.domain.events import Proposals
from tidemill.domain.ids import ChainId, Key
from tidemill.domain.note import Note
from tidemill.domain.pool import Watch
from tidemill.domain.records import Row
from tidemill.stages.effects import NOTHING, Effects, Intent
from tidemill.stages.guard import Fault

Reads = tuple[tuple[ChainId, tuple[Key, ...]], ...]
Watches = tuple[tuple[ChainId, Watch], ...]


@define
class Outbox:
    """Effects in the making, each kind in the order in which it came about."""

    rows: list[Row] = field(factory=list)
    intents: list[Intent] = field(factory=list)
    notes: list[Note] = field(factory=list)
    faults: list[Fault] = field(factory=list)
    proposals: list[Proposals] = field(factory=list)

    def take(self, reads: Reads, watches: Watches, *, halt: str, stop: str) -> Effects:
        """Return what was collected as one value, with what the market asks for and why the run must end, and begin anew."""
        collected = (self.rows, self.intents, self.notes, self.faults, self.proposals)
        if not (reads or watches or any(collected)):
            return NOTHING if not (halt or stop) else Effects(halt=halt, stop=stop)
        effects = Effects(
            rows=tuple(self.rows),
            intents=tuple(self.intents),
            reads=reads,
            watches=watches,
            notes=tuple(self.notes),
            faults=tuple(self.faults),
            proposals=tuple(self.proposals),
            halt=halt,
            stop=stop,
        )
        for one in collected:
            one.clear()
        return effects
