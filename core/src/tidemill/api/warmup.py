"""Makes ready what takes long at its first use: a searcher's compiled kernels."""

from pathlib import Path

import attrs
from attrs import frozen

from tidemill.api.config import load_config
from tidemill.errors import PluginError
from tidemill.pipeline.assemble import assemble
from tidemill.stages.guard import Fault

_NEEDED = ("chain", "search")


@frozen
class Warmed:
    """What was made ready: the searcher as ``search.<name>``, and what it says of it."""

    plugin: str
    text: str


def warmup(config: Path | None = None) -> Warmed | None:
    """Have the searcher of a configuration compile what it needs into its cache; None where no searcher is enabled.

    Args:
        config: the configuration's file; None: ``tidemill.toml`` of this folder, else the default.

    Raises:
        ConfigError: the configuration has errors.
        PluginError: the searcher failed; a run without it ready is only slower.
    """
    loaded = load_config(config)
    pipeline = assemble(attrs.evolve(loaded, tables=tuple(table for table in loaded.tables if table.kind in _NEEDED)))
    searcher = pipeline.parts.searcher
    if searcher is None:
        return None
    path = f"search.{searcher.name}"
    text = pipeline.supervisor.call(path, searcher.warm)
    if isinstance(text, Fault):
        raise PluginError(text.plugin, text.reason)
    return Warmed(path, text or "it needs no warming")
