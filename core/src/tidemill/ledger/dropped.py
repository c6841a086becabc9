"""How a run says that it takes back what an earlier one booked: by the reason of an adjustment, since rows of an ended run never change."""

import re

from tidemill.domain.ids import PlanId

MARK = "which an earlier run booked, was dropped"
"""What every such reason holds, and no other."""
_REASON = re.compile(rf"the block of plan (\S+), {MARK}")


def dropped_reason(plan: PlanId) -> str:
    """Return the reason of the adjustments that undo what an earlier run booked of a plan."""
    return f"the block of plan {plan}, {MARK}"


def dropped_plan(reason: str) -> PlanId | None:
    """Return the plan that an adjustment undoes for that reason; None for any other reason."""
    found = _REASON.fullmatch(reason)
    return PlanId(found[1]) if found is not None else None
