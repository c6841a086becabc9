"""A run with real money: what must hold before it starts, what an earlier run left open, and how it reaches its signer."""

import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from attrs import frozen

from tidemill.api.signing import SigningSetup, signing_setup
from tidemill.config.model import Config
from tidemill.domain.events import OpenIntent
from tidemill.domain.finding import Finding
from tidemill.domain.ids import AssetId, BookId, ChainId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Flow
from tidemill.domain.records import ResultRow
from tidemill.domain.transaction import Wallet
from tidemill.errors import SignerError, UsageError, VenueError
from tidemill.hookspecs.chain import ChainLink
from tidemill.ledger.intents import IntentBook
from tidemill.ledger.journal import REFUSED
from tidemill.ledger.plan_text import plan_from_text
from tidemill.pipeline.assemble import Pipeline
from tidemill.pipeline.brake import Brake
from tidemill.pipeline.execution import Execution
from tidemill.pipeline.live import LiveExecution
from tidemill.pipeline.writer import LedgerWriter
from tidemill.signing.client import SignerClient
from tidemill.signing.protocol import Hello

SUBJECT = "live"


@frozen
class Going:
    """How plans are carried out: with real money also what may stop it, and what earlier runs left open."""

    execution: Execution
    brake: Brake | None = None
    intents: tuple[OpenIntent, ...] = ()
    changed: tuple[IntentRecord, ...] = ()
    """New states of these, to be kept in one commit with what the opening books of them."""


def wants_live(config: Config, *, live: bool, tape: Path | None) -> bool:
    """Return whether a run trades with real money: where the configuration and the command line both say so.

    Raises:
        UsageError: only one of them does, or what is to be played is a tape.
    """
    if live and tape is not None:
        raise UsageError("a tape is played on paper alone: leave --live out")
    if live and config.mode != "live":
        raise UsageError('--live alone is not enough: real money also needs mode = "live" in the configuration')
    if config.mode == "live" and not live and tape is None:
        raise UsageError('mode = "live" alone is not enough: real money also needs --live; set mode = "paper" to trade on paper')
    return live


def live_setup(pipeline: Pipeline) -> SigningSetup:
    """Return what is signed and how, where nothing in the configuration stands in the way of real money.

    Raises:
        UsageError: it names everything that does. ConfigError: ``[signer]`` or a codec is wrong.
    """
    refuse(tuple(static_findings(pipeline)))
    return signing_setup(pipeline.config)


@asynccontextmanager
async def executing(
    pipeline: Pipeline, setup: SigningSetup, links: Mapping[ChainId, ChainLink], writer: LedgerWriter, data: Path, run: int
) -> AsyncIterator[Going]:
    """Reach the signer, take up what earlier runs left open, and let SIGUSR1 stop all that leaves, for as long as this lasts.

    Raises:
        UsageError: an emergency stop holds, or the signer cannot be used as it is. SignerError: it does not answer.
    """
    brake = Brake(data)
    brake.load()
    refuse(tuple(brake_findings(brake)))
    async with signing(pipeline, setup, data) as signer:
        left = await left_open(writer, links)
        with _signalled(brake):
            yield Going(live_execution(pipeline, links, signer, writer, brake, left.book, run), brake, left.intents, left.changed)


@contextmanager
def _signalled(brake: Brake) -> Iterator[None]:
    # No thread but the main one can receive signals
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGUSR1, lambda *_: brake.pull("SIGUSR1", "signal"))
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


@frozen
class LeftOpen:
    """What an earlier run left open: all transactions as they are kept, and what the core must know of their plans."""

    book: IntentBook
    intents: tuple[OpenIntent, ...]
    changed: tuple[IntentRecord, ...]


def static_findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Say what of a configuration stands in the way of real money, without asking anybody."""
    config = pipeline.config
    if config.signer is None:
        yield _wrong("no [signer] says what may be signed", "add the table [signer]; docs/how-to/run-the-signer.md shows one")
    if pipeline.store is None:
        yield _wrong("no store is enabled: nothing could be kept", "add [stores.sqlite]")
    if not config.enabled("risk"):
        yield _wrong("no risk check is enabled: nothing limits a loss", "add [risk.limits]")
    taken: dict[tuple[ChainId, str], BookId] = {}
    for book in pipeline.books:
        for chain in pipeline.chains:
            account = book.accounts.get(chain, "")
            if not account:
                where = f'[books.{book.id}.accounts] "{chain}" = "<address>"'
                yield _wrong(f"book {book.id} has no account on {chain}", f"name the address that pays: {where}")
            elif taken.setdefault((chain, account), book.id) != book.id:
                said = f"books {taken[chain, account]} and {book.id} share the account {account} on {chain}"
                yield _wrong(said, "give each book its own: what the chain says of one account cannot be split")


def signer_findings(pipeline: Pipeline, setup: SigningSetup, hello: Hello) -> Iterator[Finding]:
    """Say what of a signer stands in the way."""
    if not hello.live:
        yield _wrong(f"the signer at {setup.socket} has its own switch off", "set live = true in [signer], and start the signer again")
    addresses = {address for _, address in hello.accounts}
    for chain in pipeline.chains:
        if chain not in hello.chains:
            yield _wrong(f"the signer signs nothing on {chain}", f'add [signer.chains."{chain}"], and start the signer again')
    for book in pipeline.books:
        for chain, account in book.accounts.items():
            if chain in pipeline.chains and account not in addresses:
                yield _wrong(
                    f"the signer has no key of {account}, which book {book.id} pays from on {chain}", "`tidemill keys list` shows them"
                )


def brake_findings(brake: Brake) -> Iterator[Finding]:
    """Say whether an emergency stop holds."""
    stopped = brake.stopped
    if stopped is not None:
        said = f"stopped by {stopped.by}{f' at {stopped.at}' if stopped.at else ''}: {stopped.cause}"
        yield _wrong(said, "`tidemill resume --cause TEXT` lets trading go on")


def refuse(findings: Sequence[Finding]) -> None:
    """Raise unless nothing is wrong.

    Raises:
        UsageError: it names everything that is, each with its remedy.
    """
    wrong = [finding for finding in findings if finding.severity == "error"]
    if wrong:
        lines = [f"{finding.message}: {finding.remedy}" for finding in wrong]
        raise UsageError("\n".join(["live trading does not start:", *lines]))


@asynccontextmanager
async def signing(pipeline: Pipeline, setup: SigningSetup, data: Path) -> AsyncIterator[SignerClient]:
    """Connect to the signer and become the only one whom the books' accounts sign for, for as long as this lasts.

    Raises:
        UsageError: the signer cannot be used as it is. SignerError: it does not answer, or another run holds an account.
    """
    async with SignerClient(setup.socket, setup.codecs) as client:
        refuse(tuple(signer_findings(pipeline, setup, await client.hello())))
        for account in sorted({book.accounts[chain] for book in pipeline.books for chain in pipeline.chains}):
            await client.lease(account, f"tidemill run, process {os.getpid()}, {data}")
        yield client


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
    return LeftOpen(book, tuple(intents), tuple(changed))


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


def live_execution(
    pipeline: Pipeline,
    links: Mapping[ChainId, ChainLink],
    signer: SignerClient,
    writer: LedgerWriter,
    brake: Brake,
    book: IntentBook,
    run: int,
) -> LiveExecution:
    """Return what carries out the plans of a run with real money."""
    wallets = wallets_of(pipeline)
    return LiveExecution(
        links=links,
        rules=pipeline.core.market.rules,
        wallets=wallets,
        signer=signer,
        intents=book,
        writer=writer,
        brake=brake,
        run=run,
        patience=pipeline.config.execution.patience_blocks + PATIENCE,
        assets=watched_assets(pipeline),
        every=EVERY,
    )


EVERY = 50
"""So many blocks lie between two looks at what the chain says we hold."""
PATIENCE = 3
"""So many blocks more than a plan may wait a transaction may be silent before it counts as unknown."""


def wallets_of(pipeline: Pipeline) -> dict[tuple[BookId, ChainId], Wallet]:
    """Return the public addresses of each book on each chain."""
    return {
        (book.id, identifier): chain.wallet(book.id, book.accounts.get(identifier, ""))
        for book in pipeline.books
        for identifier, chain in pipeline.chains.items()
    }


def watched_assets(pipeline: Pipeline) -> tuple[AssetId, ...]:
    """Return the assets whose balances the chain is asked for: verified ones, those of the configuration, the native coins."""
    found = {*(book.base for book in pipeline.books), *(asset.id for asset in pipeline.assets)}
    for rules in pipeline.core.market.rules.values():
        found.add(rules.native)
    return tuple(sorted(found))


def unreachable(error: SignerError) -> Finding:
    """Say that no signer answers."""
    return _wrong(str(error), "start one with `tidemill signer`, and look at its [signer] socket")


def _wrong(message: str, remedy: str) -> Finding:
    return Finding(SUBJECT, "error", message, remedy)
