"""The main job: one pipeline over a simulated market, a tape, or live data, with paper fills."""

import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
from anyio.abc import SocketListener
from attrs import evolve, field, frozen
from attrs.converters import optional

from tidemill.api.config import check_config, load_config
from tidemill.api.links import charging_rules, open_links
from tidemill.api.live.executing import Cleared, Going, cleared, executing
from tidemill.api.live.gates import live_setup
from tidemill.api.live.mode import wants_live
from tidemill.api.live.noting import keep_noting, owner_line
from tidemill.api.live.silence import notice_silence
from tidemill.api.live.stays import stays
from tidemill.api.opening import Held, opening_batch
from tidemill.api.operator import Operator, RunFacts
from tidemill.api.run_facts import ledger_header, run_header, tape_header
from tidemill.api.signing import SigningSetup
from tidemill.api.tape import chosen_config
from tidemill.config.model import Config
from tidemill.domain.events import Batch
from tidemill.domain.ids import AssetId, BookId, ChainId
from tidemill.domain.intent import IntentRecord
from tidemill.domain.note import RunHeader, Summary
from tidemill.domain.note_json import summary_json
from tidemill.errors import ConfigError, PluginError, TidemillError
from tidemill.hookspecs.chain import ChainLink
from tidemill.hookspecs.notifier import Notifier
from tidemill.hookspecs.price import SourceSetup
from tidemill.ledger.accounts import WALLET
from tidemill.pipeline.apart import isolation_of, notices_of, price_streams
from tidemill.pipeline.assemble import Pipeline, assemble
from tidemill.pipeline.control import ControlServer, listen
from tidemill.pipeline.control_folder import ControlFolder
from tidemill.pipeline.execution import PaperExecution
from tidemill.pipeline.live import LiveExecution
from tidemill.pipeline.lockstep import Lockstep
from tidemill.pipeline.memory import MemoryWatch
from tidemill.pipeline.notices import Notices
from tidemill.pipeline.pace import Pace
from tidemill.pipeline.paper import PaperDesk
from tidemill.pipeline.sources import in_order
from tidemill.pipeline.stop import Stop
from tidemill.pipeline.supervise import needed
from tidemill.pipeline.trace import traced_plugins
from tidemill.pipeline.warming import Warming
from tidemill.pipeline.watchdog import Watchdog
from tidemill.pipeline.writer import LedgerWriter
from tidemill.tape.reader import TapeReader
from tidemill.tape.writer import TapeWriter

T = TypeVar("T")


@frozen
class RunOptions:
    """What a command line may say beside the configuration; None leaves the configuration's word.

    ``blocks`` ends the run after so many heads (0: never), ``seconds`` after so much wall time (0: never). ``tape`` plays a tape's market,
    ``record`` writes one. ``data`` is the ledger's folder. All three may be given as text.
    ``trace_hooks`` prints every call across plugins' interfaces to standard error. ``without_paper_hours`` goes live without the hours on
    paper that the configuration asks for; it stands in the signer's audit trail and in the ledger.
    """

    tape: Path | None = field(default=None, converter=optional(Path))
    live: bool = False
    blocks: int = 0
    seconds: int = 0
    seed: int | None = None
    speed: str | None = None
    record: Path | None = field(default=None, converter=optional(Path))
    data: Path | None = field(default=None, converter=optional(Path))
    trace_hooks: bool = False
    without_paper_hours: bool = False


@frozen
class Job:
    """A run that is about to begin."""

    pipeline: Pipeline
    options: RunOptions
    tape: TapeReader | None
    seed: int
    data: Path
    notices: Notices
    stop: Stop
    setup: SigningSetup | None = None

    @property
    def kind(self) -> str:
        """What is run, for people: the chains, or the tape's kind."""
        return self.tape.header.kind if self.tape is not None else ", ".join(sorted(self.pipeline.chains))

    def told(self, tell: Callable[[Pipeline, str, int], T]) -> T:
        """Return what the run says of itself to its ledger or its tape."""
        return tell(self.pipeline, self.kind, self.seed)

    def header(self) -> RunHeader:
        """Return what notifiers are told, with what has been found so far."""
        return run_header(self.pipeline, self.kind, self.seed, self.options.tape)


@frozen
class Control:
    """How a run is reached: where it listens, None where it cannot, and what it says of itself."""

    listener: SocketListener | None
    facts: RunFacts


def run(
    config: Config | Path | str | None = None,
    options: RunOptions | None = None,
    *,
    notifiers: Sequence[Notifier] | None = None,
) -> Summary:
    """Run until the input ends, the options end it, or SIGINT or SIGTERM asks for the end; then drain, and return the summary.

    Args:
        config: a configuration, or the path of one; None: the tape's own, else the default for what is run.
        options: what a command line may add.
        notifiers: who is told, in place of those that the configuration enables.

    Raises:
        ConfigError: all that is wrong with the configuration; nothing was started.
        UsageError: the options cannot be followed; nothing was started.
        PluginError: a plugin cannot be used; nothing was started.
        TapeDamaged: the tape is cut or altered.
        LedgerError: the ledger cannot be opened or written; what was written stays sound.
        ControlError: another instance runs on the same folder.
    """
    options = options or RunOptions()
    pace = Pace.parse(options.speed) if options.speed is not None else None
    tape = TapeReader(options.tape) if options.tape is not None else None
    if tape is not None:
        tape.validate()
    chosen = chosen_config(tape.header, config) if tape is not None else config if isinstance(config, Config) else load_config(config)
    waived = options.without_paper_hours
    live = wants_live(chosen, live=options.live, tape=options.tape, without_paper_hours=waived)
    pipeline = _assembled(config, chosen, trace=options.trace_hooks, live=live)
    setup = live_setup(pipeline) if live else None
    job = Job(
        pipeline=pipeline,
        options=options,
        tape=tape,
        seed=chosen.seed if options.seed is None else options.seed,
        data=options.data or Path(chosen.data),
        notices=notices_of(pipeline, notifiers),
        stop=Stop(),
        setup=setup,
    )
    try:
        return anyio.run(_run, job, pace or Pace.parse(chosen.speed))
    except BaseExceptionGroup as group:
        raise first_cause(group) from None


def first_cause(error: BaseException) -> BaseException:
    """Return what a task group wrapped: the first of our own errors, else the first of all."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    causes = [first_cause(one) for one in error.exceptions]
    return next((one for one in causes if isinstance(one, TidemillError)), causes[0])


def _assembled(config: Config | Path | str | None, chosen: Config, *, trace: bool, live: bool) -> Pipeline:
    """Assemble the pipeline; where a file is wrong, everything that is wrong with it is told at once."""
    try:
        return assemble(chosen, traced_plugins(chosen.tables, sys.stderr.write) if trace else None, live=live)
    except (ConfigError, PluginError):
        if isinstance(config, Path | str):
            check_config(config)
        raise


async def _run(job: Job, pace: Pace) -> Summary:
    links = open_links(job.pipeline, job.tape, job.seed, job.options.blocks)
    recorder = TapeWriter(job.options.record, job.told(tape_header)) if job.options.record is not None else None
    folder = ControlFolder(job.data)
    writer = LedgerWriter(job.pipeline.store, job.data) if job.pipeline.store is not None else None
    isolation = isolation_of(job.pipeline)
    stack = AsyncExitStack()

    def rescue(seconds: float) -> None:
        if recorder is not None:
            recorder.flush()
        if writer is not None:
            writer.drain(seconds)

    try:
        if isolation is not None:
            isolation.start()
        held = held_before(writer) if writer is not None else {}
        start: Cleared | None = None
        if job.setup is not None and writer is not None:
            waived = job.options.without_paper_hours
            start = await stack.enter_async_context(cleared(job.pipeline, job.setup, links, writer, job.data, waived=waived))
        gate = start.gate if start is not None else None
        header = job.told(partial(ledger_header, tape=job.tape is not None, gate=gate))
        number = writer.begin(header) if writer is not None else 0
        listener = await listen(folder)
        rules = charging_rules(job.pipeline, links, played=job.tape is not None)
        warming = Warming(job.pipeline.parts.searcher if job.pipeline.config.execution.warm else None)
        desk = PaperDesk(job.pipeline.config.execution.latency_blocks, rules, job.pipeline.supervisor)
        going = Going(PaperExecution(desk))
        if start is not None and writer is not None:
            going = await stack.enter_async_context(executing(job.pipeline, start, links, writer, number))
        driver = Lockstep(
            core=job.pipeline.core,
            links=links,
            execution=going.execution,
            supervisor=job.pipeline.supervisor,
            notices=job.notices,
            pace=pace,
            writer=writer,
            recorder=recorder,
            isolation=isolation,
            memory=MemoryWatch(job.pipeline.config.execution.memory_warn_mb),
            warming=warming,
            brake=going.brake,
        )
        control = Control(listener, RunFacts(job.header(), anyio.current_time(), str(job.options.record or ""), job.data, number))
        with Watchdog(job.pipeline.config.execution.watchdog_s, job.pipeline.supervisor, job.stop, rescue) as watchdog:
            warming.start()
            first = opening_batch(job.pipeline.books, held, going.intents, going.groups, live=job.setup is not None)
            summary = await _drive(driver, job, links, first, going.changed, control, watchdog)
        if writer is not None:
            writer.finish(summary.ledger_hash)
        if recorder is not None:
            recorder.close(ledger_hash=summary.ledger_hash, summary=summary_json(summary))
            recorder = None
        return summary
    finally:
        await stack.aclose()
        if isolation is not None:
            isolation.close()
        await folder.close()
        if recorder is not None:
            recorder.abandon()
        if writer is not None:
            writer.close()


async def _drive(
    driver: Lockstep,
    job: Job,
    links: dict[ChainId, ChainLink],
    first: Batch,
    changed: Sequence[IntentRecord],
    control: Control,
    watchdog: Watchdog,
) -> Summary:
    """Run the driver with the tasks around it; the notifiers hear the summary last."""
    async with anyio.create_task_group() as helpers:
        helpers.start_soon(job.stop.on_signals)
        helpers.start_soon(watchdog.turn)
        if job.options.seconds:
            helpers.start_soon(job.stop.after, job.options.seconds)
        if isinstance(driver.execution, LiveExecution) and driver.execution.signer is not None:
            helpers.start_soon(driver.execution.signer.watch)
            helpers.start_soon(notice_silence, driver)
            helpers.start_soon(keep_noting, driver.execution.brake.notes, driver.execution.signer.socket, owner_line(job.data))
        job.stop.on_ask = driver.wait_no_longer
        async with anyio.create_task_group() as telling:
            telling.start_soon(job.notices.run)
            try:
                await driver.feed(first, decide=False, intents=changed)
                if control.listener is not None:
                    operator = Operator(driver, job.pipeline.supervisor, control.facts)
                    helpers.start_soon(ControlServer(operator.answer).serve, control.listener)
                with closing(driver.collector):
                    await driver.run(in_order(*_streams(job, links)), job.stop, lambda: job.notices.start(job.header()))
            except BaseException:
                telling.cancel_scope.cancel()
                helpers.cancel_scope.cancel()
                raise
            state = job.pipeline.core.market.state
            tape = job.options.record or job.options.tape
            summary = job.pipeline.core.tally.summary(
                driver.digest.hexdigest(), state.assets, tape=str(tape) if tape else "", ledger=str(job.data) if job.pipeline.store else ""
            )
            summary = evolve(summary, stays=stays(driver))
            watchdog.closing = True
            job.notices.finish(summary)
        helpers.cancel_scope.cancel()
    return summary


def _streams(job: Job, links: Mapping[ChainId, ChainLink]) -> tuple[list[AsyncIterator[Batch]], Sequence[AsyncIterator[Batch | None]]]:
    chains: list[AsyncIterator[Batch]] = [
        needed(f"chains.{job.pipeline.chains[chain].name}", link.batches) for chain, link in links.items()
    ]
    if job.tape is not None:
        return chains, []
    setup = SourceSetup(job.seed, job.options.blocks)
    return chains, price_streams(job.pipeline, setup)


def held_before(writer: LedgerWriter) -> Held:
    """Return what earlier runs left in the books; 0 where an account of the asset is known and nothing was left."""
    held: dict[tuple[BookId, AssetId], int] = {}
    for (book, account, asset), amount in sorted(writer.balances().items()):
        held[book, asset] = held.get((book, asset), 0) + (amount if account == WALLET else 0)
    return held
