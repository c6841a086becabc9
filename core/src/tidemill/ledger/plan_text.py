"""Plans as canonical JSON text: what an intent's ``flow`` column holds, and what a restart reads back."""

import json
from functools import cache
from typing import TYPE_CHECKING, cast

from tidemill.domain.plan import Flow, Group, Orders, Plan
from tidemill.errors import LedgerError

if TYPE_CHECKING:
    from cattrs.preconf.json import JsonConverter


@cache
def _converter() -> "JsonConverter":
    import attrs
    from cattrs.preconf.json import make_converter
    from cattrs.strategies import configure_tagged_union

    # A group names its legs' types in quotes; until they are resolved the converter would pass the legs through as they are
    attrs.resolve_types(Group)
    converter = make_converter(forbid_extra_keys=True)
    configure_tagged_union(Flow | Orders, converter, tag_name="type")
    configure_tagged_union(Flow | Orders | Group, converter, tag_name="type")
    return converter


def plan_to_text(plan: Plan) -> str:
    """Return a plan as JSON: keys sorted, no spaces, amounts as plain integers of any size, the class under ``type``."""
    return json.dumps(_converter().unstructure(plan, unstructure_as=Plan), sort_keys=True, separators=(",", ":"))


def plan_from_text(text: str) -> Plan:
    """Return the plan that ``plan_to_text`` wrote.

    Raises:
        LedgerError: the text is not such a plan.
    """
    from cattrs import BaseValidationError

    try:
        return cast("Plan", _converter().structure(json.loads(text), Plan))  # type: ignore[arg-type]
    except (AttributeError, ValueError, KeyError, TypeError, BaseValidationError) as error:
        raise LedgerError(
            f"not the text of a plan: {error!r} in {text[:80]!r}; the ledger was altered or is from another version"
        ) from error
