"""Rows of the ledger, as the kernel hands them to a store. Amounts are base units; no wall clock, no run number.

``seq`` counts the rows of one run from 1, whatever their type: it is their canonical order.
"""

from attrs import frozen

from tidemill.domain.ids import AssetId, BookId, ChainId, OpportunityId, PlanId, PoolId, address_of


@frozen
class Posting:
    """One line of an entry: ``amount`` is added to ``account`` (signed base units); per asset the lines of an entry sum to zero."""

    account: str
    asset: AssetId
    amount: int


@frozen
class EntryRow:
    """One double entry. ``kind``: opening, fill, cost, adjustment, reversal; ``ref`` is the plan or entry it belongs to."""

    seq: int
    id: str
    book: BookId
    chain: ChainId
    height: int
    kind: str
    ref: str
    postings: tuple[Posting, ...]


@frozen
class OpportunityRow:
    """One opportunity of one book and what was decided: ``decision`` is taken or rejected.

    A rejected one has the ``rule`` and the ``reason`` why; of a taken one ``reason`` is what its strategy gave, and there is no rule.

    Table ``arbitrage_opportunities``. ``route`` is the pools in order, ``amount`` and ``profit`` are the finder's.
    """

    seq: int
    id: OpportunityId
    book: BookId
    strategy: str
    kind: str
    chain: ChainId
    height: int
    asset: AssetId
    route: tuple[str, ...]
    amount: int
    profit: int
    decision: str
    rule: str
    reason: str
    plan: PlanId | None


@frozen
class IntentRow:
    """A plan that left the core. ``state``: planned, broadcast, filled, reverted, dead, unknown, refused, reopened.

    A group of plans has rows of its own, beside those of its legs: planned, complete, exposed, unwinding, unwound, kept, failed, reopened.
    What is sent on its way back has the group's id as ``opportunity``.
    """

    seq: int
    plan: PlanId
    opportunity: OpportunityId
    book: BookId
    strategy: str
    chain: ChainId
    height: int
    state: str
    reserved: tuple[tuple[AssetId, int], ...]
    cost_cap: int
    digest: str
    flow: str


@frozen
class ResultRow:
    """What became of a plan. Table ``execution_results``. ``changes`` are balance changes without ``cost`` (native base units)."""

    seq: int
    plan: PlanId
    book: BookId
    strategy: str
    chain: ChainId
    height: int
    block_hash: str
    status: str
    changes: tuple[tuple[AssetId, int], ...]
    cost: int
    reason: str


Row = EntryRow | OpportunityRow | IntentRow | ResultRow


def mentions(row: Row, text: str) -> bool:
    """Whether one of the ids that a row names begins with a text.

    Ids are those of plans, opportunities, entries, and of pools on a route, a pool's address counting like its whole id. What an entry
    belongs to is looked through whole, since an adjustment gives its reason there.
    """
    if isinstance(row, EntryRow):
        return row.id.startswith(text) or text in row.ref
    named: tuple[str, ...]
    match row:
        case OpportunityRow():
            named = (row.id, row.plan or "", *row.route, *(address_of(PoolId(pool)) for pool in row.route))
        case IntentRow():
            named = (row.plan, row.opportunity)
        case _:
            named = (row.plan,)
    return any(name.startswith(text) for name in named)
