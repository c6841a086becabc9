"""The main job: one pipeline over a simulated market, a tape, or live data, with paper fills."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

import anyio
from attrs import frozen

from tidemill import __version__
from tidemill.api.config import check_config, load_config
from tidemill.api.opening import Held, opening_batch
from tidemill.api.tape import chosen_config
from tidemill.config.model import Config, PluginTable
from tidemill.config.settings import make_settings
from tidemill.config.text import config_to_json
from tidemill.discovery.load import load_plugins
from tidemill.discovery.scan import find_plugins
from tidemill.domain.events import Batch, Head
from tidemill.domain.ids import AssetId, BookId, ChainId
from tidemill.domain.note import RunHeader, Summary
from tidemill.domain.note_json import summary_json
from tidemill.errors import ConfigError, PluginError, TidemillError, UsageError
from tidemill.hookspecs.chain import Chain, ChainLink, ChainRules, LinkSetup
from tidemill.hookspecs.notifier import Notifier
from tidemill.hookspecs.price import SourceSetup
from tidemill.ledger.accounts import WALLET
from tidemill.pipeline.assemble import Pipeline, assemble
from tidemill.pipeline.lockstep import Lockstep
from tidemill.pipeline.notices import Notices
from tidemill.pipeline.pace import Pace
from tidemill.pipeline.paper import PaperDesk
from tidemill.pipeline.sources import in_order
from tidemill.pipeline.stop import Stop
from tidemill.pipeline.supervise import needed, tended
from tidemill.pipeline.writer import LedgerWriter
from tidemill.tape.header import TapeHeader
from tidemill.tape.reader import TapeReader
from tidemill.tape.writer import TapeWriter

NO_SIGNER = 'live trading needs a signer, and this version has none: leave --live out and set mode = "paper"'


PLAYER = "recorded"
"""The chain plugin whose link plays tapes."""


@frozen
class RunOptions:
    """What a command line may say beside the configuration; None leaves the configuration's word.

    ``blocks`` ends the run after so many heads (0: never), ``seconds`` after so much wall time (0: never). ``tape`` plays a tape's market,
    ``record`` writes one. ``data`` is the ledger's folder.
    """

    tape: Path | None = None
    live: bool = False
    blocks: int = 0
    seconds: int = 0
    seed: int | None = None
    speed: str | None = None
    record: Path | None = None
    data: Path | None = None


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

    @property
    def kind(self) -> str:
        """What is run, for people: the chains, or the tape's kind."""
        return self.tape.header.kind if self.tape is not None else ", ".join(sorted(self.pipeline.chains))


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
    """
    options = options or RunOptions()
    pace = Pace.parse(options.speed) if options.speed is not None else None
    tape = TapeReader(options.tape) if options.tape is not None else None
    if tape is not None:
        tape.validate()
    chosen = chosen_config(tape.header, config) if tape is not None else config if isinstance(config, Config) else load_config(config)
    if options.live or chosen.mode == "live":
        raise UsageError(NO_SIGNER)
    pipeline = _assembled(config, chosen)
    job = Job(
        pipeline=pipeline,
        options=options,
        tape=tape,
        seed=chosen.seed if options.seed is None else options.seed,
        data=options.data or Path(chosen.data),
        notices=Notices(pipeline.notifiers if notifiers is None else notifiers),
        stop=Stop(),
    )
    try:
        return anyio.run(_run, job, pace or Pace.parse(chosen.speed))
    except BaseExceptionGroup as group:
        raise _cause(group) from None


def _cause(error: BaseException) -> BaseException:
    """Return what a task group wrapped: the first of our own errors, else the first of all."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    causes = [_cause(one) for one in error.exceptions]
    return next((one for one in causes if isinstance(one, TidemillError)), causes[0])


def _assembled(config: Config | Path | str | None, chosen: Config) -> Pipeline:
    """Assemble the pipeline; where a file is wrong, everything that is wrong with it is told at once."""
    try:
        return assemble(chosen)
    except (ConfigError, PluginError):
        if isinstance(config, Path | str):
            check_config(config)
        raise


async def _run(job: Job, pace: Pace) -> Summary:
    links = open_links(job)
    recorder = _recorder(job)
    writer = LedgerWriter(job.pipeline.store, job.data) if job.pipeline.store is not None else None
    try:
        held = held_before(writer) if writer is not None else {}
        if writer is not None:
            writer.begin(json.dumps(_facts(job), sort_keys=True))
        driver = Lockstep(
            core=job.pipeline.core,
            links=links,
            paper=PaperDesk(job.pipeline.config.execution.latency_blocks, _charging_rules(job, links), job.pipeline.supervisor),
            supervisor=job.pipeline.supervisor,
            notices=job.notices,
            pace=pace,
            writer=writer,
            recorder=recorder,
        )
        summary = await _drive(driver, job, links, held)
        if writer is not None:
            writer.finish(summary.ledger_hash)
        if recorder is not None:
            recorder.close(ledger_hash=summary.ledger_hash, summary=summary_json(summary))
            recorder = None
        return summary
    finally:
        if recorder is not None:
            recorder.abandon()
        if writer is not None:
            writer.close()


async def _drive(driver: Lockstep, job: Job, links: dict[ChainId, ChainLink], held: Held) -> Summary:
    """Run the driver with the tasks around it; the notifiers hear the summary last."""
    async with anyio.create_task_group() as helpers:
        helpers.start_soon(job.stop.on_signals)
        if job.options.seconds:
            helpers.start_soon(job.stop.after, job.options.seconds)
        async with anyio.create_task_group() as telling:
            telling.start_soon(job.notices.run)
            try:
                await driver.feed(opening_batch(job.pipeline.books, held), decide=False)
                await driver.run(in_order(*_streams(job, links)), job.stop, lambda: job.notices.start(_header(job)))
            except BaseException:
                telling.cancel_scope.cancel()
                helpers.cancel_scope.cancel()
                raise
            state = job.pipeline.core.market.state
            tape = job.options.record or job.options.tape
            summary = job.pipeline.core.tally.summary(
                driver.digest.hexdigest(), state.assets, tape=str(tape) if tape else "", ledger=str(job.data) if job.pipeline.store else ""
            )
            job.notices.finish(summary)
        helpers.cancel_scope.cancel()
    return summary


def open_links(job: Job) -> dict[ChainId, ChainLink]:
    """Make the I/O half of every chain; a tape's chain is played by the plugin ``recorded``, whatever the rules come from.

    Raises:
        UsageError: the tape is of a chain that the configuration does not name.
    """
    if job.tape is None:
        setup = LinkSetup(job.seed, job.options.blocks)
        return {chain: plugin.link(setup) for chain, plugin in job.pipeline.chains.items()}
    missing = [chain for chain in job.tape.header.chains if chain not in job.pipeline.chains]
    if missing:
        known = ", ".join(sorted(job.pipeline.chains))
        raise UsageError(f"the tape is of {', '.join(missing)}, the configuration is for {known}: give one that enables its chain")
    first = job.tape.header.chains[0]
    return {chain: _tape_link(job, job.tape, chain, common=chain == first) for chain in job.tape.header.chains}


def _tape_link(job: Job, tape: TapeReader, chain: ChainId, *, common: bool) -> ChainLink:
    """Return the link that plays a tape: that of the plugin ``chains.recorded``, also where the chain's rules are another plugin's."""
    setup = LinkSetup(job.seed, job.options.blocks, _market_batches(tape, (chain, None) if common else (chain,), job.options.blocks))
    plugin = job.pipeline.chains[chain]
    if plugin.name == PLAYER:
        return plugin.link(setup)
    table = PluginTable("chain", PLAYER, settings={"chain": chain})
    loaded = load_plugins((table,), find_plugins()).loaded("chain")[0]
    player = loaded.make(make_settings(table, loaded.plugin_class, {}))
    assert isinstance(player, Chain)  # noqa: S101 discovery checked the class
    return player.link(setup)


def _market_batches(tape: TapeReader, chains: Sequence[ChainId | None], blocks: int) -> Iterator[Batch]:
    """Yield a tape's market batches of these chains (None: those of no chain), up to ``blocks`` heads."""
    heads = 0
    for record in tape.records():
        batch = record.batch
        if batch.is_answer or batch.chain not in chains:
            continue
        heads += sum(isinstance(event, Head) for event in batch.events)
        if blocks and heads > blocks:
            return
        yield batch


def _charging_rules(job: Job, links: Mapping[ChainId, ChainLink]) -> dict[ChainId, ChainRules]:
    """Return the rules that paper fills are charged by: a chain's own link knows what it really costs."""
    if job.tape is not None:
        return {chain: job.pipeline.chains[chain].rules() for chain in links}
    return {chain: link.rules for chain, link in links.items()}


def _streams(job: Job, links: Mapping[ChainId, ChainLink]) -> tuple[list[AsyncIterator[Batch]], list[AsyncIterator[Batch]]]:
    chains: list[AsyncIterator[Batch]] = [
        needed(f"chains.{job.pipeline.chains[chain].name}", link.batches()) for chain, link in links.items()
    ]
    if job.tape is not None:
        return chains, []
    setup = SourceSetup(job.seed, job.options.blocks)
    return chains, [tended(f"prices.{source.name}", source.batches(setup)) for source in job.pipeline.prices]


def held_before(writer: LedgerWriter) -> Held:
    """Return what earlier runs left in the books; 0 where an account of the asset is known and nothing was left."""
    held: dict[tuple[BookId, AssetId], int] = {}
    for (book, account, asset), amount in sorted(writer.balances().items()):
        held[book, asset] = held.get((book, asset), 0) + (amount if account == WALLET else 0)
    return held


def _recorder(job: Job) -> TapeWriter | None:
    if job.options.record is None:
        return None
    header = TapeHeader(
        kind="run",
        chains=tuple(sorted(job.pipeline.chains)),
        source=job.kind,
        seed=job.seed,
        config=config_to_json(job.pipeline.config),
        plugins=job.pipeline.plugins,
        created_by=f"tidemill {__version__}",
    )
    return TapeWriter(job.options.record, header)


def _header(job: Job) -> RunHeader:
    state = job.pipeline.core.market.state
    return RunHeader(
        version=__version__,
        mode=job.pipeline.config.mode,
        source=job.kind,
        seed=job.seed,
        plugins=job.pipeline.plugins,
        pools=len(state.refs),
        assets=len({asset for ref in state.refs.values() for asset in ref.assets}),
        venues=len({(ref.dex, ref.kind) for ref in state.refs.values()}),
        tape=str(job.options.tape) if job.options.tape else "",
    )


def _facts(job: Job) -> dict[str, object]:
    """Return what the ledger keeps beside a run: nothing of it decides anything, nothing of it is secret."""
    return {
        "version": __version__,
        "mode": job.pipeline.config.mode,
        "source": job.kind,
        "seed": job.seed,
        "chains": sorted(job.pipeline.chains),
        "plugins": [list(plugin) for plugin in job.pipeline.plugins],
        "assets": {asset.id: [asset.symbol, asset.decimals] for asset in job.pipeline.assets},
        "config": json.loads(config_to_json(job.pipeline.config)),
    }
