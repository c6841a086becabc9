"""What looking at the chains found and did: a frozen value, the same over an instance's socket and from Python."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen
from cattrs.errors import BaseValidationError

from tidemill.api.plain import converter
from tidemill.domain.asset import Asset
from tidemill.domain.book import BookState
from tidemill.domain.ids import AssetId, BookId, ChainId, PlanId
from tidemill.domain.intent import IntentRecord
from tidemill.domain.records import EntryRow, ResultRow, Row
from tidemill.errors import ControlError
from tidemill.ledger.accounts import WALLET
from tidemill.units import BaseUnits


@frozen
class Difference:
    """A balance of a book that was brought to what its chain says: by how much, to what it ``holds`` now, and why."""

    book: BookId
    chain: ChainId
    asset: AssetId
    account: str
    height: int
    amount: BaseUnits
    holds: BaseUnits
    reason: str


@frozen
class Moved:
    """A transaction of ours that came into another state: ``was`` is "" for one that was made to take a slot.

    ``since`` is the height at which it did. ``outcome`` is what became of its plan, where that was booked now: filled, reverted, dead, and
    with it what it changed, and cost in base units of the native coin.
    """

    number: int
    plan: PlanId
    book: BookId
    chain: ChainId
    tx: str
    was: str
    now: str
    since: int
    reason: str
    outcome: str
    changes: Mapping[AssetId, int]
    cost: BaseUnits
    native: AssetId


@frozen
class Reconciled:
    """What was found and done; nothing of it where ``moved`` and ``differences`` are empty.

    ``by`` is who looked: the ``run`` that is on, or the command itself, which wrote its entries as a run of their own (0: none was
    needed, or ``dry_run``). ``heights`` are the blocks it was looked at, ``balanced`` the ones at which books and chains were compared: a
    chain on which something is out is not, since it would count twice or not at all. ``open`` are the transactions that have not ended,
    ``out`` those of them that no block holds, ``late`` those of ``out`` whose time is over: one that takes their slot ends them, and a live
    run signs that. ``stopped`` says what kept bytes from being sent again, "" for nothing.
    """

    data: str
    by: str
    dry_run: bool
    run: int
    heights: Mapping[ChainId, int]
    balanced: Mapping[ChainId, int]
    moved: tuple[Moved, ...]
    differences: tuple[Difference, ...]
    open: int
    out: int
    late: int
    stopped: str
    assets: tuple[Asset, ...]

    @property
    def nothing(self) -> bool:
        """Whether nothing differed and nothing was to be done."""
        return not (self.moved or self.differences)


def moved(
    before: Iterable[IntentRecord], after: Sequence[IntentRecord], rows: Sequence[Row], natives: Mapping[ChainId, AssetId]
) -> tuple[Moved, ...]:
    """Return the transactions whose state differs, with what was booked of their plans meanwhile."""
    was = {record.number: record.state for record in before}
    results = {row.plan: row for row in rows if isinstance(row, ResultRow)}
    found = []
    for record in after:
        if was.get(record.number) is not record.state:
            result = results.get(record.plan) if record.flow else None
            found.append(
                Moved(
                    number=record.number,
                    plan=record.plan,
                    book=record.book,
                    chain=record.chain,
                    tx=record.tx,
                    was=was[record.number].value if record.number in was else "",
                    now=record.state.value,
                    since=record.since,
                    reason=record.reason,
                    outcome=result.status if result is not None else "",
                    changes=dict(result.changes) if result is not None else {},
                    cost=BaseUnits(result.cost if result is not None else 0),
                    native=natives[record.chain],
                )
            )
    return tuple(found)


def differences(
    rows: Sequence[Row], books: Mapping[BookId, BookState], accounts: Mapping[tuple[BookId, ChainId], str]
) -> tuple[Difference, ...]:
    """Return the adjustments among rows, each with what its book holds afterwards."""
    adjusted = [row for row in rows if isinstance(row, EntryRow) and row.kind == "adjustment"]
    return tuple(
        Difference(
            book=row.book,
            chain=row.chain,
            asset=line.asset,
            account=accounts.get((row.book, row.chain), ""),
            height=row.height,
            amount=BaseUnits(line.amount),
            holds=BaseUnits(books[row.book].balances.get(line.asset, 0)),
            reason=row.ref,
        )
        for row in adjusted
        for line in row.postings
        if line.account == WALLET
    )


def reconciled_json(found: Reconciled) -> dict[str, Any]:
    """Return it as plain values; amounts are strings of base units."""
    plain: dict[str, Any] = converter().unstructure(found)
    return {**plain, "nothing": found.nothing}


def reconciled_from_json(plain: Mapping[str, Any]) -> Reconciled:
    """Return the value of plain ones.

    Raises:
        ControlError: they are none: the instance is of another version.
    """
    try:
        return converter().structure({key: value for key, value in plain.items() if key != "nothing"}, Reconciled)
    except (BaseValidationError, ValueError, TypeError, KeyError) as error:
        raise ControlError("what the instance answered cannot be read: it is of another version of Tidemill") from error
