"""Compares what is kept with what the chains say, and puts right what differs: by the run that is on, or without one.

Nothing is ever signed here. Without a run the very parts of a live run are put together, with nobody to ask for ideas and no signer: it
takes up what was left open, settles it, compares balances, and keeps all of that as a run of its own.
"""

import json
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path

import anyio
from attrs import evolve, frozen

from tidemill.api.config import load_config
from tidemill.api.connect import Instance
from tidemill.api.links import open_links
from tidemill.api.live.asking_history import Past, demand_history
from tidemill.api.live.executing import live_execution
from tidemill.api.live.left_open import left_open
from tidemill.api.opening import opening_batch
from tidemill.api.reconciled import Reconciled, differences, moved
from tidemill.api.run import first_cause, held_before
from tidemill.api.run_facts import ledger_header
from tidemill.api.running import RunningInstance, find_running
from tidemill.api.status_text import span_text
from tidemill.config.model import Config
from tidemill.domain.ids import BookId, ChainId
from tidemill.domain.intent import IntentRecord
from tidemill.errors import LedgerError, Unavailable, UsageError
from tidemill.hookspecs.chain import ChainLink
from tidemill.ledger.open_intents import is_out
from tidemill.pipeline.apart import notices_of
from tidemill.pipeline.assemble import Pipeline, assemble
from tidemill.pipeline.brake import Brake, Stopped
from tidemill.pipeline.control_folder import ControlFolder
from tidemill.pipeline.live import LiveExecution
from tidemill.pipeline.lockstep import Lockstep
from tidemill.pipeline.pace import Pace
from tidemill.pipeline.sources import in_order
from tidemill.pipeline.staged import StagedStore
from tidemill.pipeline.supervise import needed
from tidemill.pipeline.writer import LedgerWriter

MODE = "reconcile"
"""What the ledger calls the mode of a run that only looked."""
HEAD_S = 30
"""So long a chain may take to show a block."""
OUT_S = 30
"""So long it is waited, with new blocks, for what is out to be included."""
SEEN_S = 10
"""So long it is waited for blocks that hold something of ours to become final; they need nobody's attention."""
KINDS = ("chain", "store")
"""The plugins that are needed to look."""


class _Still(Brake):
    """Lets nothing leave, and writes nothing about it."""

    @property
    def stopped(self) -> Stopped | None:
        return Stopped("a dry run sends nothing", "command", "")

    def pull(self, cause: str, by: str) -> None:
        pass


@frozen
class _Look:
    """The parts of one look."""

    pipeline: Pipeline
    driver: Lockstep
    execution: LiveExecution
    links: Mapping[ChainId, ChainLink]
    brake: Brake
    dry_run: bool


def reconcile(config: Config | Path | str | None = None, data: Path | str | None = None, *, dry_run: bool = False) -> Reconciled:
    """Ask the chains what became of everything that is open and what the accounts hold, book it, and return what was found and done.

    Where a run is on, it is asked to do so now. Where none is, the ledger is opened and the chains are asked from here; nothing is signed.
    Bytes that are on disk may be sent again as they are, unless an emergency stop holds. What is found is kept as a run of mode
    ``reconcile`` whose entries say why; where nothing is found nothing is written, so that a second time does nothing.

    Args:
        config: a configuration, or the path of one; None: ``tidemill.toml`` in the current folder.
        data: the folder of the ledger; None: that of the configuration.
        dry_run: say what differs now, and change nothing: nothing is written, nothing is sent. Not beside a run that is on.

    Raises:
        UsageError: the configuration is for paper, or has no store or no account; a run is on beside ``dry_run``; a chain stands behind
            what the ledger has of it, or is another one. ConfigError: it is wrong.
        LedgerError: there is no ledger, or it cannot be read or written. Unavailable: a chain shows no block.
        ControlError: a run is on and does not answer, or one began meanwhile.
    """
    chosen = config if isinstance(config, Config) else load_config(config)
    folder = Path(data) if data is not None else Path(chosen.data)
    running = find_running(folder)
    if running is not None:
        if dry_run:
            raise UsageError(_beside(running))
        return Instance(folder).reconcile()
    if chosen.mode != "live":
        said = 'what its books hold is on no chain, and there is nothing to compare; real money needs mode = "live"'
        raise UsageError(f'{chosen.source}: mode = "{chosen.mode}": {said}')
    pipeline = assemble(settling(chosen), live=True)
    _require(pipeline, folder)
    try:
        return anyio.run(_reconcile, pipeline, folder, dry_run)
    except BaseExceptionGroup as group:
        raise first_cause(group) from None


def _beside(running: RunningInstance) -> str:
    who = f"process {running.process}" if running.process else "its process is not known"
    since = f"up {span_text(running.uptime_s)}" if running.uptime_s is not None else "does not answer"
    return (
        f"a run is on in {running.folder} ({who}, {since}): what it has in hand this moment would show as a difference. `tidemill status` "
        "says at which block it last found books and chain the same, `tidemill reconcile` without --dry-run lets it look now"
    )


def settling(config: Config) -> Config:
    """Return what of a configuration is needed to look: its chains, its store, its books; a strategy that is broken is in nobody's way."""
    tables = tuple(table for table in config.tables if table.kind in KINDS)
    return evolve(config, tables=tables, books=tuple(evolve(book, strategies=None) for book in config.books))


def _require(pipeline: Pipeline, folder: Path) -> None:
    if pipeline.store is None:
        raise UsageError("no store is enabled, and so nothing was kept: add [stores.sqlite]")
    for book in pipeline.books:
        for chain in pipeline.chains:
            if not book.accounts.get(chain):
                raise UsageError(f'book {book.id} has no account on {chain}: add [books.{book.id}.accounts] "{chain}" = "<address>"')
    # Opened to be written a missing ledger would be made: whoever mistyped the folder must not find an empty one
    pipeline.store.open(folder, write=False)
    pipeline.store.close()


async def _reconcile(pipeline: Pipeline, folder: Path, dry_run: bool) -> Reconciled:
    assert pipeline.store is not None  # noqa: S101 it was required
    links = open_links(pipeline, None, pipeline.config.seed, 0)
    store = StagedStore(pipeline.store, keep=not dry_run)
    writer = LedgerWriter(store, folder)
    hold = ControlFolder(folder)
    try:
        if not dry_run:
            await _alone(hold, folder)
        brake = _Still(folder) if dry_run else Brake(folder)
        brake.load()
        held, before = held_before(writer), tuple(writer.intents(ended=True))
        await demand_history(pipeline.parts.market.rules, links, Past(folder, before, writer.results))
        left = await left_open(writer, links)
        source = ", ".join(sorted(pipeline.chains))
        number = writer.begin(_header(pipeline, source))
        execution = live_execution(pipeline, links, None, writer, brake, left.book, number)
        driver = Lockstep(
            core=pipeline.core,
            links=links,
            execution=execution,
            supervisor=pipeline.supervisor,
            notices=notices_of(pipeline, ()),
            pace=Pace.parse("max"),
            writer=writer,
        )
        await driver.feed(opening_batch(pipeline.books, held, left.intents, live=True), decide=False, intents=left.changed)
        await _watch(_Look(pipeline, driver, execution, links, brake, dry_run))
        writer.finish(driver.digest.hexdigest())
        return _result(pipeline, folder, execution, store, before, brake, dry_run)
    finally:
        await hold.close()
        writer.close()


async def _watch(look: _Look) -> None:
    """Follow the chains until nothing is open and everything was compared, or that takes too long; a dry run looks once."""
    streams = [needed(f"chains.{look.pipeline.chains[chain].name}", link.batches) for chain, link in look.links.items()]
    began = anyio.current_time()
    async with aclosing(in_order(streams, ())) as batches:
        while True:
            batch = None
            with anyio.move_on_after(HEAD_S):
                batch = await anext(batches, None)
            if batch is not None:
                await look.driver.step(batch, decide=False)
            missing = sorted(set(look.links) - set(look.driver.core.market.state.chains))
            if batch is None and missing:
                raise Unavailable(f"{', '.join(missing)} showed no block within {HEAD_S} s: nothing was compared, and nothing was changed")
            if batch is None or (not missing and _enough(look, anyio.current_time() - began)):
                return


def _enough(look: _Look, waited_s: float) -> bool:
    # Nothing is sent while an emergency stop holds, and what is late no block takes any more: neither is worth waiting for
    if look.dry_run or look.brake.stopped is not None:
        return True
    execution = look.execution
    heads = {chain: view.head.height for chain, view in look.driver.core.market.state.chains.items()}
    late = sum(len(execution.late(head, chain)) for chain, head in heads.items())
    out = sum(is_out(record) for record in execution.intents.open())
    if out > late or (not out and set(execution.compared) != set(look.links)):
        return waited_s > OUT_S
    return out > 0 or not execution.intents.open() or waited_s > SEEN_S


async def _alone(hold: ControlFolder, folder: Path) -> None:
    try:
        await hold.open()
    except OSError as error:
        raise LedgerError(f"{folder} cannot be written: {error.strerror or error}; with --dry-run it is only read") from error


def _header(pipeline: Pipeline, source: str) -> str:
    return json.dumps({**json.loads(ledger_header(pipeline, source, pipeline.config.seed, tape=False)), "mode": MODE}, sort_keys=True)


def _result(
    pipeline: Pipeline,
    folder: Path,
    execution: LiveExecution,
    store: StagedStore,
    before: tuple[IntentRecord, ...],
    brake: Brake,
    dry_run: bool,
) -> Reconciled:
    accounts: dict[tuple[BookId, ChainId], str] = {
        (book.id, chain): account for book in pipeline.books for chain, account in book.accounts.items()
    }
    known = {asset.id: asset for asset in pipeline.assets}
    found = differences(store.rows_held, pipeline.core.books.states, accounts)
    natives = {chain: rules.native for chain, rules in pipeline.core.market.rules.items()}
    changed = moved(before, execution.intents.records(), store.rows_held, natives)
    named = set(natives.values()) | {one.asset for one in found} | {asset for one in changed for asset in one.changes}
    named |= {asset for asset in known if any(asset in one.reason for one in changed)}
    stopped = brake.stopped
    return Reconciled(
        data=str(folder),
        by="command",
        dry_run=dry_run,
        run=store.run,
        heights={chain: view.head.height for chain, view in sorted(pipeline.core.market.state.chains.items())},
        balanced=dict(sorted(execution.compared.items())),
        moved=changed,
        differences=found,
        open=len(execution.intents.open()),
        out=sum(is_out(record) for record in execution.intents.open()),
        late=sum(len(execution.late(view.head.height, chain)) for chain, view in pipeline.core.market.state.chains.items()),
        stopped=f"{stopped.by}: {stopped.cause}" if stopped is not None and not dry_run else "",
        assets=tuple(known[asset] for asset in sorted(named) if asset in known),
    )
