"""Counting what goes by, while a tape is written and while it is checked."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tidemill.domain.events import Batch, Head
from tidemill.domain.ids import ChainId
from tidemill.tape.header import Closing, Span


class Tally:
    """Counts batches, answers, events per kind and the heads of each chain."""

    def __init__(self) -> None:
        self.records = 0
        self.answers = 0
        self._events: Counter[type] = Counter()
        self._spans: dict[ChainId, list[int]] = {}

    def add(self, batch: Batch) -> None:
        """Count one batch and its events."""
        self.records += 1
        self.answers += batch.is_answer
        self._events.update(map(type, batch.events))
        for event in batch.events:
            if type(event) is Head:
                self._widen(event)

    def _widen(self, head: Head) -> None:
        span = self._spans.setdefault(head.chain, [0, head.height, head.height, head.unix_time, head.unix_time])
        span[0] += 1
        span[1], span[2] = min(span[1], head.height), max(span[2], head.height)
        span[3], span[4] = min(span[3], head.unix_time), max(span[4], head.unix_time)

    def closing(
        self, *, frames: int, size: int, ledger_hash: str = "", summary: Mapping[str, Any] | None = None, continues: bool = False
    ) -> Closing:
        """Return the closing record over what was counted; ``frames`` and ``size`` are those before it."""
        return Closing(
            records=self.records,
            answers=self.answers,
            events=tuple(sorted((kind.__name__, count) for kind, count in self._events.items())),
            spans=tuple(Span(chain, *self._spans[chain]) for chain in sorted(self._spans)),
            frames=frames,
            size=size,
            ledger_hash=ledger_hash,
            summary=dict(summary or {}),
            continues=continues,
        )
