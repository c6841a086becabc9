"""How long the configuration ran on paper before: counted from the ledger, by what decides and by the wall clock."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from attrs import frozen

from tidemill.config.deciding import deciding_digest
from tidemill.domain.finding import Finding
from tidemill.domain.records import EntryRow, Row
from tidemill.hookspecs.store import RunInfo
from tidemill.pipeline.assemble import Pipeline

OPTION = "--without-paper-hours"
HOUR_S = 3_600


class History(Protocol):
    """The runs of a ledger, as a store or an open ledger tells them."""

    def runs(self) -> Sequence[RunInfo]:
        """Return all runs, oldest first."""

    def rows(self, run: int) -> Iterator[Row]:
        """Yield a run's rows."""


@frozen
class PaperHours:
    """What is asked for and what was found: whole hours that must be there, seconds that are, by so many ``runs``.

    ``waived`` is whether the operator goes without.
    """

    required: int
    seconds: int
    runs: int
    waived: bool = False

    @property
    def enough(self) -> bool:
        """Whether so much time was spent on paper."""
        return self.seconds >= self.required * HOUR_S

    @property
    def shown(self) -> str:
        """What was found, for people: hours to a tenth, rounded down."""
        tenths = self.seconds * 10 // HOUR_S
        return f"{tenths // 10}.{tenths % 10} h in {self.runs} run{'s' if self.runs != 1 else ''}"


def paper_hours(pipeline: Pipeline, history: History | None, now: datetime, *, waived: bool = False) -> PaperHours:
    """Return what a configuration needs and what its ledger shows.

    Args:
        pipeline: whose configuration and chains.
        history: the ledger; None where there is none yet.
        now: this moment; what lies after it does not count.
        waived: the operator goes without.
    """
    rules = pipeline.parts.market.rules.values()
    required = 0 if all(one.play_money for one in rules) else pipeline.config.live.require_paper_hours
    spans = list(_spans(history, deciding_digest(pipeline.config), now)) if history is not None else []
    return PaperHours(required, sum(int(span.total_seconds()) for span in _joined(spans)), len(spans), waived)


def _spans(history: History, deciding: str, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield when runs of the same configuration began and ended: those on paper, over live data, that were closed and saw blocks."""
    for info in history.runs():
        header = _header(info.header)
        if (header.get("mode"), header.get("tape"), header.get("deciding")) != ("paper", False, deciding):
            continue
        begun, ended = _moment(info.started), _moment(info.ended)
        # A run that was broken off has no end in the ledger: nobody knows how long it was well
        if begun is None or ended is None or ended <= begun or begun >= now:
            continue
        if any(not _is_opening(row) for row in history.rows(info.run)):
            yield begun, min(ended, now)


def _is_opening(row: Row) -> bool:
    return isinstance(row, EntryRow) and row.kind == "opening"


def _joined(spans: Sequence[tuple[datetime, datetime]]) -> Iterator[timedelta]:
    """Yield how long the spans are, what several share counted once: a clock that stepped back must not count an hour twice."""
    until = datetime.min.replace(tzinfo=UTC)
    for begun, ended in sorted(spans):
        if ended > until:
            yield ended - max(begun, until)
            until = ended


def _header(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def paper_findings(pipeline: Pipeline, hours: PaperHours) -> Iterator[Finding]:
    """Say whether the configuration was tried for long enough."""
    wanted = pipeline.config.live.require_paper_hours
    if not hours.required and wanted:
        yield Finding("paper hours", "ok", "none are needed: nothing on these chains is worth anything")
    elif not hours.required:
        remedy = "set require_paper_hours in [live] to 24 or more"
        yield Finding("paper hours", "warning", "none are asked for: nothing shows what this configuration does", remedy)
    elif hours.enough:
        yield Finding("paper hours", "ok", f"{hours.shown} of this configuration, {hours.required} h are needed")
    else:
        said = f"{hours.shown} of this configuration are in the ledger, {hours.required} h are needed"
        remedy = (
            f'run it with mode = "paper" on the same data folder; `tidemill run --live {OPTION}` goes without, and the audit trail says so'
        )
        yield Finding("paper hours", "warning" if hours.waived else "error", said, remedy)
