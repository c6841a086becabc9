"""Everything between a configuration and real money, looked at as a live run looks at it when it starts."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import anyio

from tidemill.api.config import Checked
from tidemill.api.ledger import Ledger, open_ledger
from tidemill.api.links import open_links
from tidemill.api.live.asking_history import Past
from tidemill.api.live.asking_signer import greeting
from tidemill.api.live.configured import static_findings
from tidemill.api.live.gates import Surroundings, gate_findings
from tidemill.api.live.paper_hours import paper_hours
from tidemill.api.running import RunningInstance, find_running
from tidemill.api.signing import SigningSetup, signing_setup
from tidemill.config.model import Config
from tidemill.domain.finding import Finding
from tidemill.errors import ConfigError, PluginError, TidemillError
from tidemill.pipeline.assemble import Pipeline, assemble


def live(checked: Checked, data: Path) -> Iterator[Finding]:
    """Look at all of it; no account is leased, nothing is signed, and a run that is on goes on.

    Args:
        checked: a configuration of which everything is right.
        data: the ledger's folder; it need not be there yet.
    """
    config = checked.config
    if config.mode == "live":
        yield Finding("mode", "ok", "live")
    else:
        yield Finding("mode", "error", f'mode is "{config.mode}"', 'set mode = "live" in the configuration, and give `tidemill run` --live')
    pipeline = assemble(config, checked.registry, live=True)
    yield from static_findings(pipeline)
    if config.signer is None:
        return
    try:
        setup = signing_setup(config)
    except ConfigError as error:
        for problem in error.problems:
            yield Finding("codecs", "error", f"{problem.path}: {problem.message}", "mend it; `tidemill config check` reads it again")
        return
    except PluginError as error:
        yield Finding("codecs", "error", str(error), "tell its author, with this line")
        return
    yield from _asked(pipeline, setup, data)


def _asked(pipeline: Pipeline, setup: SigningSetup, data: Path) -> Iterator[Finding]:
    with ExitStack() as stack:
        ledger = _ledger(stack, pipeline, data)
        hours = paper_hours(pipeline, ledger, datetime.now(UTC))
        links = open_links(pipeline, None, pipeline.config.seed, 0)
        past = Past(data, ledger.intents(ended=True), ledger.results) if ledger is not None else Past(data, (), lambda plan: ())
        running = find_running(data)

        async def ask() -> tuple[Finding, ...]:
            return tuple(await gate_findings(pipeline, Surroundings(setup, await greeting(setup), links, data, hours, past, running)))

        yield from anyio.run(ask)
        yield _open_intents(ledger, running)


def _ledger(stack: ExitStack, pipeline: Pipeline, data: Path) -> Ledger | None:
    """Return the ledger, None where there is none that can be read: what is wrong with it is told where the folder is looked at."""
    if pipeline.store is None or not data.is_dir():
        return None
    try:
        return stack.enter_context(open_ledger(data, store=_store_of(pipeline.config)))
    except TidemillError:
        return None


def _store_of(config: Config) -> str:
    return config.enabled("store")[0].name


def _open_intents(ledger: Ledger | None, running: RunningInstance | None) -> Finding:
    count = len(ledger.intents()) if ledger is not None else 0
    if count and running is not None:
        return Finding("open intents", "ok", f"{count} at this moment, which the run that is on sees to: `tidemill exposure` asks it")
    if not count:
        return Finding("open intents", "ok", "none is left from earlier runs")
    return Finding("open intents", "ok", f"{count} left from earlier runs: the next run takes {'it' if count == 1 else 'them'} up")
