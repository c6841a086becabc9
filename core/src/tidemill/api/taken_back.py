"""What one run booked and a later one took back, because the block that held it was dropped between them."""

from collections.abc import Iterable, Iterator

from attrs import frozen

from tidemill.api.ledger import Ledger
from tidemill.domain.ids import AssetId, BookId, PlanId
from tidemill.domain.records import EntryRow, IntentRow, Posting, ResultRow, Row
from tidemill.ledger.accounts import WALLET
from tidemill.ledger.dropped import MARK, dropped_plan
from tidemill.ledger.journal import REVERSIBLE

Place = tuple[BookId, str, AssetId]
REASON = "its block was dropped"


@frozen
class TakenBack:
    """The result of a plan that run ``booked_by`` wrote, and run ``run`` took back at ``height`` by ``adjustments``.

    ``result`` and ``entries`` are those of the first run, as they still stand in its rows.
    """

    plan: PlanId
    run: int
    height: int
    booked_by: int
    result: ResultRow
    entries: tuple[EntryRow, ...]
    adjustments: tuple[EntryRow, ...]

    @property
    def wallet(self) -> dict[AssetId, int]:
        """What it did to the wallet, signed base units; sorted by asset, zeros left out."""
        return {asset: amount for asset, amount in sorted(_wallet(self.adjustments).items()) if amount}


def taken_back(ledger: Ledger) -> tuple[TakenBack, ...]:
    """Return what later runs took back of earlier ones, in order; base units throughout.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    if not ledger.last_intent():  # only what was signed can be taken up by a later run, and only its block dropped then
        return ()
    undone: dict[tuple[int, PlanId], list[EntryRow]] = {}
    for run, row in ledger.naming(MARK):
        plan = dropped_plan(row.ref) if isinstance(row, EntryRow) and row.kind == "adjustment" else None
        if plan is not None and isinstance(row, EntryRow):
            undone.setdefault((run, plan), []).append(row)
    return tuple(one for (run, plan), rows in undone.items() for one in _booked(ledger, run, plan, tuple(rows)))


def where_it_belongs(moved: dict[Place, int], found: Iterable[TakenBack]) -> dict[Place, int]:
    """Return what moved through each account, what was taken back counted where it had been booked and not as adjusted.

    ``moved`` is as ``Ledger.moved`` gives it. What the wallet holds does not change by it.
    """
    sums = dict(moved)
    for one in found:
        for entry in (*one.adjustments, *one.entries):
            for line in entry.postings:
                place = (entry.book, line.account, line.asset)
                sums[place] = sums.get(place, 0) - line.amount
    return sums


def _booked(ledger: Ledger, run: int, plan: PlanId, adjustments: tuple[EntryRow, ...]) -> Iterator[TakenBack]:
    """Find what was booked of a plan before a run took it back; nothing where the two do not cancel out."""
    result: tuple[int, ResultRow] | None = None
    entries: list[EntryRow] = []
    for number, row in ledger.naming(plan):
        if number >= run:
            continue
        if isinstance(row, ResultRow):
            result = (number, row)
        elif isinstance(row, EntryRow) and row.ref == plan and row.kind in REVERSIBLE:
            entries.append(row)
        elif _is_reopened(row, plan):
            result, entries = None, []
    if result is not None and not any(_wallet((*entries, *adjustments)).values()):
        yield TakenBack(plan, run, adjustments[0].height, result[0], result[1], tuple(entries), adjustments)


def _is_reopened(row: Row, plan: PlanId) -> bool:
    return isinstance(row, IntentRow) and row.plan == plan and row.state == "reopened"


def _wallet(entries: Iterable[EntryRow]) -> dict[AssetId, int]:
    sums: dict[AssetId, int] = {}
    lines: Iterable[Posting] = (line for entry in entries for line in entry.postings if line.account == WALLET)
    for line in lines:
        sums[line.asset] = sums.get(line.asset, 0) + line.amount
    return sums
