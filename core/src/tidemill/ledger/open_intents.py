"""What our open transactions hold back and may still cost: figures of what is at risk."""

from collections.abc import Iterable, Mapping, Sequence

from tidemill.domain.ids import AssetId, BookId, ChainId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.domain.plan import Group, Plan
from tidemill.ledger.plan_text import plan_from_text

Reserved = dict[tuple[BookId, AssetId], int]
"""Base units per book and asset."""


def is_out(record: IntentRecord) -> bool:
    """Whether what became of a transaction is not booked: it has not ended, and no block that is known holds it."""
    return not record.ended and record.state is not IntentState.SEEN


def funds_of(record: IntentRecord) -> tuple[tuple[tuple[AssetId, int], ...], int]:
    """Return what a transaction's plan reserves per asset, sorted, and the most that it may cost, in base units of the native coin.

    One that only takes a slot has no plan of its own: it reserves nothing, and costs instead of the one whose slot it takes.

    Raises:
        LedgerError: its plan cannot be read.
    """
    if not record.flow:
        return (), 0
    plan: Plan = plan_from_text(record.flow)
    parts = plan.plans if isinstance(plan, Group) else (plan,)
    sums: dict[AssetId, int] = {}
    for part in parts:
        for asset, amount in part.funds:
            sums[asset] = sums.get(asset, 0) + amount
    return tuple(sorted(sums.items())), sum(part.cost_cap for part in parts)


def reserved(records: Iterable[IntentRecord], natives: Mapping[ChainId, AssetId]) -> Reserved:
    """Return what the transactions that are out hold back of each book, what they may cost included.

    Raises:
        LedgerError: a plan cannot be read.
    """
    sums: Reserved = {}
    for record in records:
        if not is_out(record):
            continue
        funds, cap = funds_of(record)
        native = natives.get(record.chain)
        for asset, amount in (*funds, *(((native, cap),) if native is not None else ())):
            if amount:
                sums[record.book, asset] = sums.get((record.book, asset), 0) + amount
    return dict(sorted(sums.items()))


def heights(records: Iterable[IntentRecord]) -> dict[ChainId, int]:
    """Return the newest height of each chain that the transactions tell of."""
    found: dict[ChainId, int] = {}
    for record in records:
        found[record.chain] = max(found.get(record.chain, 0), record.since, record.height)
    return dict(sorted(found.items()))


def by_state(records: Sequence[IntentRecord]) -> dict[str, int]:
    """Return how many of the transactions are in each open state, in the order in which states follow each other; none left out."""
    order = (IntentState.PLANNED, IntentState.SIGNED, IntentState.BROADCAST, IntentState.SEEN, IntentState.UNKNOWN)
    return {state.value: sum(record.state is state for record in records) for state in order}
