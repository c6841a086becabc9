"""How the plans of a run with real money reach signer and chain, for as long as the run lasts."""

import signal
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from attrs import frozen

from tidemill.api.diagnosis.folder import nearest, room
from tidemill.api.live.asking_history import Past
from tidemill.api.live.asking_holdings import watched_assets
from tidemill.api.live.gates import Surroundings, gate_findings, refuse
from tidemill.api.live.left_open import left_open
from tidemill.api.live.noting import note_stops, owner_line
from tidemill.api.live.paper_hours import OPTION, PaperHours, paper_hours
from tidemill.api.signing import SigningSetup
from tidemill.domain.events import OpenGroup, OpenIntent
from tidemill.domain.ids import ChainId
from tidemill.domain.intent import IntentRecord
from tidemill.errors import SignerError
from tidemill.hookspecs.chain import ChainLink
from tidemill.ledger.intents import IntentBook
from tidemill.pipeline.assemble import Pipeline
from tidemill.pipeline.brake import Brake
from tidemill.pipeline.execution import Execution
from tidemill.pipeline.live import LiveExecution
from tidemill.pipeline.writer import LedgerWriter
from tidemill.signing.client import SignerClient
from tidemill.signing.protocol import Hello

EVERY = 50
"""So many blocks lie between two looks at what the chain says we hold."""
PATIENCE = 3
"""So many blocks more than a plan may wait a transaction may be silent before it counts as unknown."""


@frozen
class Going:
    """How plans are carried out: with real money also what may stop it, and what earlier runs left open."""

    execution: Execution
    brake: Brake | None = None
    intents: tuple[OpenIntent, ...] = ()
    changed: tuple[IntentRecord, ...] = ()
    groups: tuple[OpenGroup, ...] = ()
    """New states of these, to be kept in one commit with what the opening books of them."""


@frozen
class Cleared:
    """A run that may trade with real money: the signer that signs for it alone, its brake, and the hours on paper that were found."""

    signer: SignerClient
    brake: Brake
    hours: PaperHours

    @property
    def gate(self) -> Mapping[str, object]:
        """What the ledger says of the hours on paper."""
        return {"required": self.hours.required, "found_s": self.hours.seconds, "waived": self.hours.waived}


@asynccontextmanager
async def cleared(
    pipeline: Pipeline, setup: SigningSetup, links: Mapping[ChainId, ChainLink], writer: LedgerWriter, data: Path, *, waived: bool
) -> AsyncIterator[Cleared]:
    """Ask everything that `tidemill doctor --live` asks, and become the only one whom the books' accounts sign for, while this lasts.

    Where the operator goes without hours on paper (``waived``) the signer writes that into its audit trail.

    Raises:
        UsageError: something stands in the way; it names all that does. SignerError: another run holds an account.
    """
    brake = Brake(data)
    brake.load()
    client = SignerClient(setup.socket, setup.codecs, on_taken=lambda cause: brake.pull(cause, "signer"))
    async with AsyncExitStack() as stack:
        hello = await _met(stack, client)
        # A file STOP counts from the moment a run sees it, whether that run begins or not
        _ = brake.stopped
        hours = writer.read(lambda store: paper_hours(pipeline, store, datetime.now(UTC), waived=waived))
        past = Past(data, tuple(writer.intents(ended=True)), writer.results)
        refuse((room(nearest(data)), *await gate_findings(pipeline, Surroundings(setup, hello, links, data, hours, past))))
        owner = owner_line(data)
        for account in sorted({book.accounts[chain] for book in pipeline.books for chain in pipeline.chains}):
            await client.lease(account, owner)
        if waived:
            await client.note("gate-overridden", owner, f"{OPTION}: {hours.shown} of {hours.required} h on paper")
        await note_stops(brake.notes, setup.socket, owner)
        yield Cleared(client, brake, hours)


async def _met(stack: AsyncExitStack, client: SignerClient) -> Hello | SignerError:
    try:
        await stack.enter_async_context(client)
        return await client.hello()
    except SignerError as error:
        return error


@asynccontextmanager
async def executing(
    pipeline: Pipeline, start: Cleared, links: Mapping[ChainId, ChainLink], writer: LedgerWriter, run: int
) -> AsyncIterator[Going]:
    """Take up what earlier runs left open, and let SIGUSR1 stop all that leaves, for as long as this lasts."""
    left = await left_open(writer, links)
    with _signalled(start.brake):
        execution = live_execution(pipeline, links, start.signer, writer, start.brake, left.book, run)
        yield Going(execution, start.brake, left.intents, left.changed, left.groups)


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


def live_execution(
    pipeline: Pipeline,
    links: Mapping[ChainId, ChainLink],
    signer: SignerClient | None,
    writer: LedgerWriter,
    brake: Brake,
    book: IntentBook,
    run: int,
) -> LiveExecution:
    """Return what carries out the plans of a run with real money; without a signer it settles what is open, and no more."""
    return LiveExecution(
        links=links,
        rules=pipeline.core.market.rules,
        wallets=pipeline.parts.tools.wallets,
        signer=signer,
        intents=book,
        writer=writer,
        brake=brake,
        run=run,
        patience=pipeline.config.execution.patience_blocks + PATIENCE,
        assets=watched_assets(pipeline),
        every=EVERY,
    )
