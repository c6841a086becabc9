"""The pipeline as configured: which plugin, of which version, stands behind each stage."""

from pathlib import Path

from attrs import frozen

from tidemill.api.config import load_config
from tidemill.config.model import Config
from tidemill.discovery.load import choose
from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.scan import find_plugins
from tidemill.errors import ConfigError, PluginError, Problem
from tidemill.hookspecs.kinds import KIND_BY_NAME, KINDS
from tidemill.stages.flow import FLOW, draw_flow


@frozen
class ExplainedPlugin:
    """An enabled plugin: ``name`` is ``<folder>.<name>``."""

    name: str
    kind: str
    version: str
    distribution: str


@frozen
class ExplainedStage:
    """A stage, what it takes and gives, and the plugins that serve it in the configuration's order."""

    name: str
    takes: str
    gives: str
    sentence: str
    plugins: tuple[ExplainedPlugin, ...]


@frozen
class Explained:
    """The pipeline that a configuration makes; ``picture`` is the drawing for people."""

    source: str
    mode: str
    stages: tuple[ExplainedStage, ...]
    picture: str


def explain(config: Config | str | Path | None = None) -> Explained:
    """Return the pipeline that a configuration makes; from the plugins' metadata, none is imported.

    Args:
        config: a configuration; a path or None as for ``load_config``.

    Raises:
        ConfigError: it cannot be loaded, or enables plugins that are not installed or not made for this version.
    """
    chosen = config if isinstance(config, Config) else load_config(config)
    behind = _behind(chosen)
    stages = tuple(
        ExplainedStage(stage.name, stage.takes, stage.gives, stage.sentence, tuple(one for kind in stage.kinds for one in behind[kind]))
        for stage in FLOW
    )
    names = {kind: [f"{one.name.partition('.')[2]} {one.version}" for one in plugins] for kind, plugins in behind.items()}
    return Explained(chosen.source, chosen.mode, stages, draw_flow(names))


def _behind(config: Config) -> dict[str, list[ExplainedPlugin]]:
    found = find_plugins()
    problems: list[Problem] = []
    behind: dict[str, list[ExplainedPlugin]] = {kind.name: [] for kind in KINDS}
    for table in config.tables:
        if not table.enabled:
            continue
        chosen: PluginMetadata | Problem | PluginError = choose(table, found)
        if isinstance(chosen, PluginMetadata):
            behind[table.kind].append(ExplainedPlugin(chosen.path, chosen.kind, chosen.version, chosen.distribution))
        else:
            problems.append(chosen if isinstance(chosen, Problem) else table.fault(chosen))
    if problems:
        raise ConfigError(problems)
    for plugin in found:
        if plugin.refusal is None and not KIND_BY_NAME[plugin.kind].configured:
            behind[plugin.kind].append(ExplainedPlugin(plugin.path, plugin.kind, plugin.version, plugin.distribution))
    return behind
