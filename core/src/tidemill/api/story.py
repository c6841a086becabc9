"""What became of one plan, of an opportunity, or of what went through a pool, read from the rows of all runs and our transactions."""

from collections.abc import Iterable, Mapping, Sequence

from attrs import field, frozen

from tidemill.api.header import header_of
from tidemill.api.ledger import Ledger
from tidemill.api.plain import Amounts
from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, BookId, ChainId, OpportunityId, PlanId, PoolId
from tidemill.domain.intent import IntentRecord, IntentStep
from tidemill.domain.plan import Flow
from tidemill.domain.records import EntryRow, IntentRow, OpportunityRow, ResultRow, Row
from tidemill.ledger.accounts import WALLET
from tidemill.ledger.plan_text import plan_from_text
from tidemill.units import BaseUnits

Numbered = Sequence[tuple[int, Row]]
"""Rows with the runs that wrote them, in order."""


@frozen
class FoundStory:
    """An opportunity in one run, and what was decided for one book; amounts are base units of ``asset``, as its finder gave them."""

    run: int
    id: OpportunityId
    height: int
    chain: ChainId
    strategy: str
    book: BookId
    asset: AssetId
    route: tuple[str, ...]
    amount: BaseUnits
    profit: BaseUnits
    decision: str
    rule: str
    reason: str
    plan: PlanId | None


@frozen
class SwapStory:
    """One swap of a plan; ``amount_in`` None: what the one before left."""

    pool: PoolId
    sell: AssetId
    buy: AssetId
    amount_in: BaseUnits | None


@frozen
class TransactionStory:
    """One transaction of a plan and all that happened to it; ``replaces`` is the number of the one whose slot it took, 0 for none."""

    number: int
    run: int
    tx: str
    account: str
    slot: str
    state: str
    since: int
    reason: str
    replaces: int
    steps: tuple[IntentStep, ...]


@frozen
class ResultStory:
    """What was found to have become of a plan; ``changes`` are the balances' without ``cost``, which is in native base units."""

    run: int
    height: int
    block_hash: str
    status: str
    changes: Amounts
    cost: BaseUnits
    reason: str


@frozen
class EntryStory:
    """One entry of the books that belongs to a plan: what it did to the wallet. ``reason`` is an adjustment's."""

    run: int
    seq: int
    height: int
    kind: str
    wallet: Amounts
    reason: str


@frozen
class StateStory:
    """A state that the core saw a plan in."""

    run: int
    height: int
    state: str


@frozen
class PlanStory:
    """One plan from the door to its end.

    ``height`` is the head at which it was planned, ``basis`` the newest height of the pools' states that it was quoted on; after
    ``expires`` it is void. ``reserved`` and ``cost_cap`` (in base units of ``native``) are what it held back.
    """

    plan: PlanId
    opportunity: OpportunityId
    strategy: str
    book: BookId
    chain: ChainId
    height: int
    basis: int
    expires: int
    reserved: Amounts
    cost_cap: BaseUnits
    native: AssetId
    swaps: tuple[SwapStory, ...]
    states: tuple[StateStory, ...]
    transactions: tuple[TransactionStory, ...]
    results: tuple[ResultStory, ...]
    entries: tuple[EntryStory, ...]


@frozen
class Story:
    """What a reference leads to: ``kind`` is transaction, intent, plan, opportunity or pool, ``id`` the whole of what was named.

    For a pool ``taken`` and ``rejected_by`` count all opportunities through it, and ``found`` and ``plans`` are the newest.
    """

    ref: str
    kind: str
    id: str
    found: tuple[FoundStory, ...]
    plans: tuple[PlanStory, ...]
    assets: tuple[Asset, ...]
    taken: int = 0
    rejected_by: Mapping[str, int] = field(factory=dict)


class Teller:
    """Reads stories from one ledger."""

    def __init__(self, ledger: Ledger, records: Sequence[IntentRecord]) -> None:
        self._ledger = ledger
        self._records = records
        headers = [header_of(info) for info in ledger.runs()]
        self.assets: dict[AssetId, Asset] = {asset: known for header in headers for asset, known in header.assets.items()}
        self._natives = {chain: native for header in headers for chain, native in header.natives.items()}

    def plan(self, plan: PlanId) -> PlanStory:
        """Return the story of a plan that the ledger mentions."""
        rows = list(self._ledger.naming(plan))
        records = [record for record in self._records if record.plan == plan]
        intents = [(run, row) for run, row in rows if isinstance(row, IntentRow) and row.plan == plan]
        flow = next((row.flow for _, row in intents if row.flow), next((record.flow for record in records if record.flow), ""))
        made = plan_from_text(flow) if flow else None
        first = intents[0][1] if intents else None
        chain = first.chain if first is not None else records[0].chain
        return PlanStory(
            plan=plan,
            opportunity=first.opportunity if first is not None else OpportunityId(made.opportunity if made else ""),
            strategy=first.strategy if first is not None else records[0].strategy,
            book=first.book if first is not None else records[0].book,
            chain=chain,
            height=first.height if first is not None else records[0].height,
            basis=max((basis.version[0] for basis in made.basis), default=0) if isinstance(made, Flow) else 0,
            expires=made.expires if isinstance(made, Flow) else 0,
            reserved=dict(first.reserved) if first is not None else {},
            cost_cap=BaseUnits(first.cost_cap if first is not None else 0),
            native=self._natives.get(chain, AssetId("")),
            swaps=_swaps(made) if isinstance(made, Flow) else (),
            states=tuple(StateStory(run, row.height, row.state) for run, row in intents),
            transactions=tuple(self._transaction(record) for record in records),
            results=tuple(_result(run, row) for run, row in rows if isinstance(row, ResultRow) and row.plan == plan),
            entries=self._entries(plan, rows),
        )

    def _transaction(self, record: IntentRecord) -> TransactionStory:
        return TransactionStory(
            number=record.number,
            run=record.run,
            tx=record.tx,
            account=record.account,
            slot=record.slot,
            state=record.state.value,
            since=record.since,
            reason=record.reason,
            replaces=record.replaces,
            steps=self._ledger.steps(record.number),
        )

    def _entries(self, plan: PlanId, rows: Numbered) -> tuple[EntryStory, ...]:
        """Return the entries of a plan, those that reverse them, and adjustments that name it, in order."""
        own = [(run, row) for run, row in rows if isinstance(row, EntryRow)]
        for _, entry in tuple(own):
            own += [(run, row) for run, row in self._ledger.naming(entry.id) if isinstance(row, EntryRow) and row.ref == entry.id]
        ordered = sorted(own, key=lambda one: (one[0], one[1].seq))
        return tuple(_entry(run, row) for run, row in ordered)


def found_in(rows: Iterable[tuple[int, Row]]) -> tuple[FoundStory, ...]:
    """Return the opportunities among rows."""
    return tuple(
        FoundStory(
            run=run,
            id=row.id,
            height=row.height,
            chain=row.chain,
            strategy=row.strategy,
            book=row.book,
            asset=row.asset,
            route=row.route,
            amount=BaseUnits(row.amount),
            profit=BaseUnits(row.profit),
            decision=row.decision,
            rule=row.rule,
            reason=row.reason,
            plan=row.plan,
        )
        for run, row in rows
        if isinstance(row, OpportunityRow)
    )


def _swaps(plan: Flow) -> tuple[SwapStory, ...]:
    return tuple(
        SwapStory(swap.pool, swap.sell, swap.buy, None if swap.amount_in is None else BaseUnits(swap.amount_in)) for swap in plan.swaps
    )


def _result(run: int, row: ResultRow) -> ResultStory:
    return ResultStory(run, row.height, row.block_hash, row.status, dict(row.changes), BaseUnits(row.cost), row.reason)


def _entry(run: int, row: EntryRow) -> EntryStory:
    wallet: dict[AssetId, int] = {}
    for line in row.postings:
        if line.account == WALLET:
            wallet[line.asset] = wallet.get(line.asset, 0) + line.amount
    return EntryStory(run, row.seq, row.height, row.kind, wallet, row.ref if row.kind == "adjustment" else "")
