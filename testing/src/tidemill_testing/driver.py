"""Drives an assembled pipeline over its market or a tape with nothing around it, and keeps what it would have written and told."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from tidemill.api.opening import opening_batch
from tidemill.config.model import PluginTable
from tidemill.config.settings import make_settings
from tidemill.discovery.load import load_plugins
from tidemill.discovery.scan import find_plugins
from tidemill.domain.events import Batch, Head
from tidemill.domain.ids import ChainId
from tidemill.domain.note import Note
from tidemill.domain.records import Row
from tidemill.hookspecs.chain import Chain, ChainLink, ChainRules, LinkSetup
from tidemill.hookspecs.price import SourceSetup
from tidemill.pipeline.assemble import Pipeline
from tidemill.pipeline.lockstep import Lockstep
from tidemill.pipeline.notices import Notices
from tidemill.pipeline.pace import Pace
from tidemill.pipeline.paper import PaperDesk
from tidemill.pipeline.sources import in_order
from tidemill.stages.effects import Effects
from tidemill.stages.guard import Fault
from tidemill.tape.reader import TapeReader

PLAYER = "recorded"
"""The chain plugin whose link plays tapes."""


class KeepingDriver(Lockstep):
    """The driver of every run; it keeps ledger rows, notes and plugins' faults in order."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.rows: list[Row] = []
        self.told: list[Note] = []
        self.faults: list[Fault] = []

    async def feed(self, batch: Batch, *, decide: bool) -> Effects:
        effects = await super().feed(batch, decide=decide)
        self.rows.extend(effects.rows)
        self.told.extend(effects.notes)
        self.faults.extend(effects.faults)
        return effects


async def play(pipeline: Pipeline, tape: TapeReader | None, seed: int, blocks: int) -> KeepingDriver:
    """Run the pipeline until its market or the tape ends, or after so many heads; return the driver with all that came of it."""
    links = _tape_links(pipeline, tape, blocks) if tape is not None else _links(pipeline, seed, blocks)
    rules: dict[ChainId, ChainRules] = {
        chain: pipeline.chains[chain].rules() if tape is not None else link.rules for chain, link in links.items()
    }
    driver = KeepingDriver(
        core=pipeline.core,
        links=links,
        paper=PaperDesk(pipeline.config.execution.latency_blocks, rules, pipeline.supervisor),
        supervisor=pipeline.supervisor,
        notices=Notices(()),
        pace=Pace.parse("max"),
    )
    chains = [link.batches() for link in links.values()]
    prices: list[AsyncIterator[Batch]] = []
    if tape is None:
        setup = SourceSetup(seed, blocks)
        prices = [source.batches(setup) for source in pipeline.prices]
    await driver.feed(opening_batch(pipeline.books, {}), decide=False)
    await driver.run(in_order(chains, prices), lambda: False, lambda: None)
    return driver


def _links(pipeline: Pipeline, seed: int, blocks: int) -> dict[ChainId, ChainLink]:
    return {chain: plugin.link(LinkSetup(seed, blocks)) for chain, plugin in pipeline.chains.items()}


def _tape_links(pipeline: Pipeline, tape: TapeReader, blocks: int) -> dict[ChainId, ChainLink]:
    links = {}
    for place, chain in enumerate(tape.header.chains):
        plugin = pipeline.chains[chain]
        if plugin.name != PLAYER:
            table = PluginTable("chain", PLAYER, settings={"chain": chain})
            loaded = load_plugins((table,), find_plugins()).loaded("chain")[0]
            made = loaded.make(make_settings(table, loaded.plugin_class, {}))
            assert isinstance(made, Chain)  # discovery checked the class
            plugin = made
        played = _market_batches(tape, (chain,) if place else (chain, None), blocks)
        links[chain] = plugin.link(LinkSetup(0, blocks, played))
    return links


def _market_batches(tape: TapeReader, chains: Sequence[ChainId | None], blocks: int) -> Iterator[Batch]:
    heads = 0
    for record in tape.records():
        batch = record.batch
        if not batch.is_answer and batch.chain in chains:
            heads += sum(isinstance(event, Head) for event in batch.events)
            if blocks and heads > blocks:
                return
            yield batch
