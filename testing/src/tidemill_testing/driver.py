"""Drives an assembled pipeline over its market or a tape with nothing around it, and keeps what it would have written and told."""

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog

from tidemill.api.links import charging_rules, open_links
from tidemill.api.opening import opening_batch
from tidemill.domain.events import Batch
from tidemill.domain.intent import IntentRecord
from tidemill.domain.note import Note
from tidemill.domain.records import Row
from tidemill.hookspecs.price import SourceSetup
from tidemill.pipeline.assemble import Pipeline
from tidemill.pipeline.execution import PaperExecution
from tidemill.pipeline.lockstep import Lockstep
from tidemill.pipeline.notices import Notices
from tidemill.pipeline.pace import Pace
from tidemill.pipeline.paper import PaperDesk
from tidemill.pipeline.sources import in_order
from tidemill.stages.effects import Effects
from tidemill.stages.guard import Fault
from tidemill.tape.reader import TapeReader


class KeepingDriver(Lockstep):
    """The driver of every run; it keeps ledger rows, notes and plugins' faults in order."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.rows: list[Row] = []
        self.told: list[Note] = []
        self.faults: list[Fault] = []

    async def feed(self, batch: Batch, *, decide: bool, intents: Sequence[IntentRecord] = ()) -> Effects:
        effects = await super().feed(batch, decide=decide, intents=intents)
        self.rows.extend(effects.rows)
        self.told.extend(effects.notes)
        self.faults.extend(effects.faults)
        return effects


async def play(pipeline: Pipeline, tape: TapeReader | None, seed: int, blocks: int) -> KeepingDriver:
    """Run the pipeline until its market or the tape ends, or after so many heads; return the driver with all that came of it."""
    links = open_links(pipeline, tape, seed, blocks)
    rules = charging_rules(pipeline, links, played=tape is not None)
    driver = KeepingDriver(
        core=pipeline.core,
        links=links,
        execution=PaperExecution(PaperDesk(pipeline.config.execution.latency_blocks, rules, pipeline.supervisor)),
        supervisor=pipeline.supervisor,
        notices=Notices(()),
        pace=Pace.parse("max"),
    )
    chains = [link.batches() for link in links.values()]
    prices: list[AsyncIterator[Batch]] = []
    if tape is None:
        setup = SourceSetup(seed, blocks)
        prices = [source.batches(setup) for source in pipeline.prices]
    with _warnings_alone():
        await driver.feed(opening_batch(pipeline.books, {}), decide=False)
        await driver.run(in_order(chains, prices), lambda: False, lambda: None)
    return driver


@contextmanager
def _warnings_alone() -> Iterator[None]:
    """Keep a run's debug lines out of a test's output, where they look like the cause of its failure; a test's own setting stays."""
    if structlog.is_configured():
        yield
        return
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    try:
        yield
    finally:
        structlog.reset_defaults()
