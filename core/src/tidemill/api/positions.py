"""What each book holds, where it lies, what of it is promised, and where it came from: from the ledger, with or without a run."""

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from tidemill.api.header import LedgerHeader, header_of
from tidemill.api.ledger import Ledger, open_ledger
from tidemill.api.plain import Amounts
from tidemill.api.running import Running, chosen_folder, running_in
from tidemill.api.status import Status
from tidemill.api.taken_back import taken_back, where_it_belongs
from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, BookId, ChainId, chain_of
from tidemill.ledger.accounts import ADJUSTMENT, CHAIN_COST, LOAN_FEE, TRADING, WALLET
from tidemill.ledger.open_intents import heights, reserved
from tidemill.units import BaseUnits


@frozen
class Holding:
    """What one book holds of one asset; amounts are base units.

    ``began`` is what it started with, and ``began + traded - loan_fees - chain_cost + adjusted`` what it holds: ``traded`` what trading
    brought before ``loan_fees``, ``adjusted`` what was put right because the chain said so, deposits among it. What was booked and taken
    back again, by the same run or a later one, counts in neither. ``reserved`` is promised to transactions that are out. ``account`` is
    the public address that it lies in, "" for paper money. ``value`` is in the book's base asset, rounded down; None where nobody can
    tell.
    """

    book: BookId
    chain: ChainId
    asset: AssetId
    account: str
    held: BaseUnits
    reserved: BaseUnits
    value: BaseUnits | None
    began: BaseUnits
    traded: BaseUnits
    loan_fees: BaseUnits
    chain_cost: BaseUnits
    adjusted: BaseUnits


@frozen
class Positions:
    """All holdings of a ledger.

    ``mode`` is that of its latest ``run``, ``running`` says whether that goes on, and ``answers`` whether it could be
    asked. ``heights`` is the newest block of each chain that is
    known, ``bases`` in what the values of a book are, ``balanced`` up to which block what a chain says was last compared with the books by
    the run that is on.
    """

    data: str
    run: int
    mode: str
    running: bool
    answers: bool
    heights: Mapping[ChainId, int]
    balanced: Mapping[ChainId, int]
    bases: Mapping[BookId, AssetId]
    holdings: tuple[Holding, ...]
    assets: tuple[Asset, ...]


def positions(data: Path | str | None = None) -> Positions:
    """Return what each book holds per chain and asset.

    The ledger is read and nothing is written; a run that is on is asked for what it alone knows, the values.

    Args:
        data: the folder of the ledger; None: the one of the configuration in the current folder, else ``tidemill-data``.

    Raises:
        LedgerError: there is no ledger, or it cannot be read. UsageError: it holds no run yet.
    """
    folder = chosen_folder(data)
    going = running_in(folder)
    with open_ledger(folder) as ledger:
        return _positions(ledger, folder, going)


def _positions(ledger: Ledger, folder: Path, going: Running) -> Positions:
    status = going.status
    info = ledger.run()
    header = header_of(info)
    records = ledger.intents()
    promised = reserved(records, header.natives) if status is None else _reserved_by(status)
    holdings = _holdings(ledger, header, promised, _values(status))
    known = header.assets if status is None else {**header.assets, **{asset.id: asset for asset in status.assets}}
    seen = heights(ledger.intents(ended=True)) if status is None else {one.chain: one.height for one in status.chains}
    return Positions(
        data=str(folder),
        run=info.run,
        mode=header.mode,
        running=going.on,
        answers=going.status is not None,
        heights=seen,
        balanced=dict(status.balanced) if status is not None else {},
        bases=dict(sorted(header.bases.items())),
        holdings=holdings,
        assets=tuple(known[asset] for asset in sorted({one.asset for one in holdings} | set(header.bases.values())) if asset in known),
    )


def _holdings(
    ledger: Ledger, header: LedgerHeader, promised: Mapping[tuple[BookId, AssetId], int], values: Mapping[BookId, Amounts]
) -> tuple[Holding, ...]:
    held = {(book, asset): amount for (book, account, asset), amount in ledger.balances().items() if account == WALLET}
    moved = where_it_belongs(ledger.moved(), taken_back(ledger))

    def through(account: str, book: BookId, asset: AssetId) -> int:
        return moved.get((book, account, asset), 0)

    found = []
    for book, asset in sorted({*held, *promised, *((book, asset) for book, _, asset in moved)}):
        traded, fees = -through(TRADING, book, asset), through(LOAN_FEE, book, asset)
        cost, adjusted = through(CHAIN_COST, book, asset), -through(ADJUSTMENT, book, asset)
        now = held.get((book, asset), 0)
        worth = now if header.bases.get(book) == asset else values.get(book, {}).get(asset)
        found.append(
            Holding(
                book=book,
                chain=chain_of(asset),
                asset=asset,
                account=header.accounts.get((book, chain_of(asset)), ""),
                held=BaseUnits(now),
                reserved=BaseUnits(promised.get((book, asset), 0)),
                value=None if worth is None else BaseUnits(worth),
                began=BaseUnits(now - traded + fees + cost - adjusted),
                traded=BaseUnits(traded),
                loan_fees=BaseUnits(fees),
                chain_cost=BaseUnits(cost),
                adjusted=BaseUnits(adjusted),
            )
        )
    return tuple(found)


def _reserved_by(status: Status) -> dict[tuple[BookId, AssetId], int]:
    return {(book.id, asset): amount for book in status.books for asset, amount in book.reserved.items() if amount}


def _values(status: Status | None) -> dict[BookId, Amounts]:
    return {book.id: book.values for book in status.books} if status is not None else {}
