"""What is at risk now: transactions that are out, by state, what they hold back and may cost, and legs without their counterpart."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

from tidemill.api.header import LedgerHeader, header_of
from tidemill.api.ledger import Ledger, open_ledger
from tidemill.api.open_groups import open_groups
from tidemill.api.plain import Amounts
from tidemill.api.running import chosen_folder, running_in
from tidemill.domain.asset import Asset
from tidemill.domain.events import OpenGroup
from tidemill.domain.exposure import standing_open, summed
from tidemill.domain.ids import AssetId, BookId, ChainId, PlanId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.domain.outcome import OutcomeStatus
from tidemill.domain.records import IntentRow
from tidemill.ledger.open_intents import by_state, funds_of, heights, is_out
from tidemill.units import BaseUnits


@frozen
class OpenTransaction:
    """One transaction of ours that has not ended.

    ``since`` is the height at which it came into its state, ``blocks`` how many lie between that and the newest one that is known.
    ``reserved`` is what its plan holds back and ``cost_cap`` the most that the chain can take for it, in base units of ``native`` ("" where
    nobody says which coin that is); ``at_risk`` is False once a block holds it: then it is booked.
    """

    number: int
    plan: PlanId
    book: BookId
    strategy: str
    chain: ChainId
    account: str
    state: str
    tx: str
    since: int
    blocks: int
    reserved: Amounts
    cost_cap: BaseUnits
    native: AssetId
    at_risk: bool
    reason: str


@frozen
class AccountExposure:
    """What is open on one account of one chain: how many by state, what is at risk, how long the oldest unknown one has been silent.

    ``oldest_unknown`` is in blocks; None where none is unknown. ``at_risk`` holds what is reserved and what chains may take.
    """

    book: BookId
    chain: ChainId
    account: str
    states: Mapping[str, int]
    at_risk: Amounts
    oldest_unknown: int | None


@frozen
class OpenLegs:
    """A group of plans that has not ended: ``filled`` and ``failed`` of its ``legs`` are proven.

    ``amounts`` are what stands open without its counterpart, signed base units per asset; ``unproven`` are plans that may still add to it.
    ``since`` is the height at which it came into its ``state``, ``unwind`` what its policy does about it.
    """

    group: PlanId
    book: BookId
    strategy: str
    state: str
    since: int
    unwind: str
    legs: int
    filled: int
    failed: int
    amounts: Amounts
    unproven: tuple[PlanId, ...]


@frozen
class Exposure:
    """All that is at risk; ``running`` says whether a run is on, and ``answers`` whether it could be asked.

    ``states`` counts what is open over all accounts, ``at_risk`` sums it up; where nothing is, it is empty. ``groups`` are those that have
    not ended.
    """

    data: str
    running: bool
    answers: bool
    heights: Mapping[ChainId, int]
    open: int
    unknown: int
    states: Mapping[str, int]
    at_risk: Amounts
    accounts: tuple[AccountExposure, ...]
    transactions: tuple[OpenTransaction, ...]
    groups: tuple[OpenLegs, ...]
    assets: tuple[Asset, ...]


def exposure(data: Path | str | None = None) -> Exposure:
    """Return what is at risk, from the transactions that the ledger keeps, with or without a run.

    Args:
        data: the folder of the ledger; None: the one of the configuration in the current folder, else ``tidemill-data``.

    Raises:
        LedgerError: there is no ledger, or it cannot be read. UsageError: it holds no run yet.
    """
    folder = chosen_folder(data)
    going = running_in(folder)
    status = going.status
    with open_ledger(folder) as ledger:
        header, records = header_of(ledger.run()), ledger.intents()
        groups = _groups(ledger)
        seen = heights(ledger.intents(ended=True)) if status is None else {one.chain: one.height for one in status.chains}
    found = tuple(_open(record, header, seen) for record in records)
    at_risk = _sum(found)
    known = {
        *at_risk,
        *(asset for one in found for asset in (*one.reserved, one.native)),
        *(asset for one in groups for asset in one.amounts),
    }
    return Exposure(
        data=str(folder),
        running=going.on,
        answers=going.status is not None,
        heights=seen,
        open=len(found),
        unknown=sum(one.state == IntentState.UNKNOWN for one in found),
        states=by_state(records),
        at_risk=at_risk,
        accounts=_accounts(records, found),
        transactions=found,
        groups=groups,
        assets=tuple(header.assets[asset] for asset in sorted(known) if asset in header.assets),
    )


def _open(record: IntentRecord, header: LedgerHeader, seen: Mapping[ChainId, int]) -> OpenTransaction:
    funds, cap = funds_of(record)
    return OpenTransaction(
        number=record.number,
        plan=record.plan,
        book=record.book,
        strategy=record.strategy,
        chain=record.chain,
        account=record.account,
        state=record.state.value,
        tx=record.tx,
        since=record.since,
        blocks=max(0, seen.get(record.chain, record.since) - record.since),
        reserved=dict(funds),
        cost_cap=BaseUnits(cap),
        native=header.natives.get(record.chain, AssetId("")),
        at_risk=is_out(record),
        reason=record.reason,
    )


def _groups(ledger: Ledger) -> tuple[OpenLegs, ...]:
    rows = {row.plan: row for row in ledger.open_groups()}
    # What an ended transaction did counts as well, and is only read where a group is open
    records = ledger.intents(ended=True) if rows else ()
    return tuple(_legs(one, rows[one.group.id]) for one in open_groups(tuple(rows.values()), records, ledger.results))


def _legs(known: OpenGroup, row: IntentRow) -> OpenLegs:
    outcomes = dict(known.outcomes)
    legs = [leg.id for leg in known.group.plans]
    filled = [plan for plan, outcome in outcomes.items() if outcome.status is OutcomeStatus.FILLED]
    complete = all(plan in filled for plan in legs)
    counted = [plan for plan in filled if not (complete and plan in legs)]
    return OpenLegs(
        group=known.group.id,
        book=row.book,
        strategy=row.strategy,
        state=row.state,
        since=row.height,
        unwind=known.group.unwind,
        legs=len(legs),
        filled=sum(plan in filled for plan in legs),
        failed=sum(plan in outcomes and plan not in filled for plan in legs),
        amounts=dict(standing_open(summed(*(outcomes[plan].changes for plan in counted)))),
        unproven=tuple(plan for plan in (*legs, *known.backs) if plan not in outcomes),
    )


def _accounts(records: Sequence[IntentRecord], found: Sequence[OpenTransaction]) -> tuple[AccountExposure, ...]:
    places = sorted({(one.book, one.chain, one.account) for one in found})
    accounts = []
    for place in places:
        own = [one for one in found if (one.book, one.chain, one.account) == place]
        states = by_state([record for record in records if (record.book, record.chain, record.account) == place])
        silent = [one.blocks for one in own if one.state == IntentState.UNKNOWN]
        accounts.append(AccountExposure(*place, states, _sum(own), max(silent, default=None)))
    return tuple(accounts)


def _sum(found: Sequence[OpenTransaction]) -> dict[AssetId, int]:
    sums: dict[AssetId, int] = {}
    for one in found:
        if one.at_risk:
            for asset, amount in (*one.reserved.items(), *(((one.native, one.cost_cap),) if one.native else ())):
                sums[asset] = sums.get(asset, 0) + amount
    return {asset: amount for asset, amount in sorted(sums.items()) if amount}
