"""What earlier runs left open: transactions that may still happen, as the chains see them now."""

from collections.abc import Mapping, Sequence

from attrs import frozen

from tidemill.api.open_groups import open_groups
from tidemill.domain.events import OpenGroup, OpenIntent
from tidemill.domain.ids import ChainId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Flow
from tidemill.domain.records import ResultRow
from tidemill.errors import VenueError
from tidemill.hookspecs.chain import ChainLink
from tidemill.ledger.intents import IntentBook
from tidemill.ledger.journal import REFUSED
from tidemill.ledger.plan_text import plan_from_text
from tidemill.pipeline.writer import LedgerWriter


@frozen
class LeftOpen:
    """What an earlier run left open: all transactions as they are kept, and what the core must know of their plans."""

    book: IntentBook
    intents: tuple[OpenIntent, ...]
    changed: tuple[IntentRecord, ...]
    groups: tuple[OpenGroup, ...] = ()


async def left_open(writer: LedgerWriter, links: Mapping[ChainId, ChainLink]) -> LeftOpen:
    """Return what earlier runs left open, as the chains see it now.

    A plan that was booked and whose block is gone is marked as dropped, so that the core takes back what was booked; one that never got
    a signature has ended.
    """
    book = IntentBook(writer.intents(), last=writer.last_intent())
    intents: list[OpenIntent] = []
    changed: list[IntentRecord] = []
    for record in book.open():
        if not record.raw:
            changed.append(book.change(record.number, IntentState.DEAD, record.since, "it was never signed: the run ended before"))
            continue
        if not record.flow:
            continue
        plan = plan_from_text(record.flow)
        assert isinstance(plan, Flow)  # noqa: S101 only flows are signed
        booked = _booked(writer, record) if record.state is IntentState.SEEN else None
        dropped = booked is not None and not await _stands(links[record.chain], record, booked)
        if dropped:
            reason = f"the block at {record.since} that held it is no longer part of the chain"
            changed.append(book.change(record.number, IntentState.BROADCAST, record.since, reason))
        intents.append(OpenIntent(plan, record.tx, None, record.height, record.digest, booked, dropped))
    return LeftOpen(book, tuple(intents), tuple(changed), _groups(writer, changed))


def _groups(writer: LedgerWriter, changed: Sequence[IntentRecord]) -> tuple[OpenGroup, ...]:
    """Return the groups that have not ended; only where there are any all transactions are read."""
    rows = writer.read(lambda store: tuple(store.open_groups()))
    records = {record.number: record for record in (*writer.intents(ended=True), *changed)} if rows else {}
    return open_groups(rows, tuple(records.values()), writer.results)


def _booked(writer: LedgerWriter, record: IntentRecord) -> Outcome | None:
    """Return what the ledger says became of a plan in the block where it was last seen."""
    rows = [row for row in writer.results(record.plan) if row.height == record.since and row.status != REFUSED]
    return _outcome_of(rows[-1]) if rows else None


def _outcome_of(row: ResultRow) -> Outcome:
    return Outcome(OutcomeStatus(row.status), row.height, row.block_hash, (), row.changes, row.cost, row.reason)


async def _stands(link: ChainLink, record: IntentRecord, booked: Outcome) -> bool:
    try:
        now = await link.outcome(record.signed)
    except VenueError:
        # Nobody can say. What is taken back is booked again as soon as it is seen; what stays booked would never be looked at again
        return False
    return (now.status, now.height, now.block_hash) == (booked.status, booked.height, booked.block_hash)
