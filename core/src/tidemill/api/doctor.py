"""Looks at everything a run stands on, and says what to do about what is wrong; changes nothing."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

from tidemill.api.config import check_config, find_config, load_config
from tidemill.api.diagnosis.folder import config_rights, folder
from tidemill.api.diagnosis.live import live as live_findings
from tidemill.api.diagnosis.machine import machine
from tidemill.api.diagnosis.packages import packages
from tidemill.api.diagnosis.plugins import TIMEOUT_S, ask_plugins
from tidemill.api.running import data_folder
from tidemill.config.load import draft_config
from tidemill.config.model import Config
from tidemill.config.read import read_file
from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.packages import PACKAGES
from tidemill.discovery.scan import find_plugins
from tidemill.domain.finding import Finding
from tidemill.errors import ConfigError, Problem


@frozen
class Diagnosis:
    """Everything that was looked at, in order; ``sound`` is whether nothing is wrong: warnings are allowed."""

    sound: bool
    findings: tuple[Finding, ...]


def doctor(config: Path | str | None = None, *, live: bool = False, timeout_s: float = TIMEOUT_S) -> Diagnosis:
    """Look at Python, clocks, limits, packages, the configuration, its plugins, the data folder and its ledger.

    Args:
        config: the configuration; None as for ``load_config``.
        live: look at all that stands between the configuration and real money as well: what a live run asks at its start.
        timeout_s: how long plugins may take to say what they find.
    """
    findings = (*machine(), *_of(Path(config) if config is not None else find_config(), timeout_s, live=live))
    return Diagnosis(not any(finding.severity == "error" for finding in findings), findings)


def _of(path: Path | None, timeout_s: float, *, live: bool) -> Iterator[Finding]:
    drafted = _draft(path)
    enabled = {table.path for table in drafted.tables if table.enabled} if drafted is not None else set()
    found = find_plugins()
    yield from packages(found, enabled)
    try:
        checked = check_config(path)
    except ConfigError as error:
        for problem in error.problems:
            place = " ".join(filter(None, (f"{problem.file}:{problem.line}" if problem.line else problem.file, problem.path)))
            remedy = _remedy(problem, found, is_default=path is None)
            yield Finding("configuration", "error", f"{place}: {problem.message}", remedy)
        if live:
            remedy = "mend what is wrong with the configuration first, then ask again"
            yield Finding("live", "error", "nothing else of real money could be looked at", remedy)
    else:
        yield Finding(
            "configuration", "ok", f"{checked.config.source}, {len(checked.registry)} plugins enabled, mode {checked.config.mode}"
        )
        yield from ask_plugins(tuple(checked.registry), checked.assembled.plugins, timeout_s)
        if live:
            yield from live_findings(checked, data_folder(path))
    if path is not None:
        yield from config_rights(path)
    if drafted is not None:
        stores = drafted.enabled("store")
        yield from folder(data_folder(path), stores[0].name if stores else None)


def _draft(path: Path | None) -> Config | None:
    """Return what can be read of the configuration, however wrong the rest is."""
    try:
        return draft_config(read_file(path), str(path))[0] if path is not None else load_config()
    except ConfigError:
        return None


def _remedy(problem: Problem, found: Sequence[PluginMetadata], *, is_default: bool) -> str:
    """Return what to do about a problem: it is the plugin's, of a plugin of ours that can be installed, or of the file."""
    path = problem.path.removeprefix("$.")
    owners = [plugin.distribution for plugin in found if plugin.path == path]
    if not owners and path in PACKAGES:
        other = "; all that the default names: pip install 'tidemill[starter]'" if is_default else ", or take its table out"
        return f"`tidemill plugins install {path}`{other}"
    if any(problem.message.endswith(f"({owner})") for owner in owners):
        return f"tell the author of {owners[0]}, with this line; enabled = false in [{path}] goes on without it"
    return "mend it; `tidemill config check` reads it again"
