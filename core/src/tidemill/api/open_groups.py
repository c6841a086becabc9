"""Groups of plans that an earlier run left open, with what is proven of their legs."""

from collections.abc import Callable, Sequence

from tidemill.domain.events import OpenGroup
from tidemill.domain.ids import PlanId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Group
from tidemill.domain.records import IntentRow, ResultRow
from tidemill.ledger.plan_text import plan_from_text

Results = Callable[[PlanId], Sequence[ResultRow]]

_INCLUDED = (IntentState.SEEN, IntentState.FINAL, IntentState.REVERTED)


def open_groups(rows: Sequence[IntentRow], records: Sequence[IntentRecord], results: Results) -> tuple[OpenGroup, ...]:
    """Return what a run takes up of groups that have not ended.

    Args:
        rows: the groups, as the store tells.
        records: all transactions of ours, as they are kept now.
        results: what the ledger says became of a plan, oldest first.
    """
    latest = {record.plan: record for record in records if record.flow}
    found = []
    for row in rows:
        group = plan_from_text(row.flow)
        if not isinstance(group, Group):
            continue
        backs = tuple(plan for plan, record in latest.items() if group.id in record.flow and _is_back(record, group))
        plans = (*(leg.id for leg in group.plans), *backs)
        outcomes = ((plan, _outcome(latest.get(plan), results(plan))) for plan in plans)
        found.append(OpenGroup(group, tuple((plan, outcome) for plan, outcome in outcomes if outcome is not None), backs))
    return tuple(found)


def _is_back(record: IntentRecord, group: Group) -> bool:
    return str(plan_from_text(record.flow).opportunity) == group.id


def _outcome(record: IntentRecord | None, booked: Sequence[ResultRow]) -> Outcome | None:
    """Return what is proven of a plan; None where it may still fill."""
    if record is None:
        reason = booked[-1].reason if booked else "it was never signed: the run ended before"
        return Outcome(OutcomeStatus.DEAD, 0, "", reason=reason)
    if record.state in _INCLUDED:
        seen = record.state is IntentState.SEEN
        landed = [row for row in booked if row.status in (OutcomeStatus.FILLED, OutcomeStatus.REVERTED)]
        # Of a block that may still be dropped only what was booked of this very block counts
        row = next((row for row in reversed(landed) if not seen or row.height == record.since), None)
        return Outcome(OutcomeStatus(row.status), row.height, row.block_hash, (), row.changes, row.cost, row.reason) if row else None
    if record.ended:
        return Outcome(OutcomeStatus.DEAD, record.since, "", reason=record.reason or record.state.value)
    return None
