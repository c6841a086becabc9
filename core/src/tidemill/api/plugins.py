"""The installed plugins, from their metadata: none is imported."""

from pathlib import Path

from attrs import frozen

from tidemill.api.config import load_config
from tidemill.config.model import Config
from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.scan import find_plugins
from tidemill.hookspecs.kinds import KIND_BY_NAME


@frozen
class PluginListing:
    """An installed plugin.

    ``name`` is ``<folder>.<name>``, ``interface`` the version of its kind's interface that it is made for. ``enabled`` says whether the
    configuration asks for it; a command is always there to be typed. ``sentence`` is what its distribution says of itself, ``refused``
    why this kernel does not load it, or "".
    """

    name: str
    kind: str
    version: str
    distribution: str
    enabled: bool
    sentence: str
    interface: int
    refused: str


def list_plugins(config: Config | str | Path | None = None) -> tuple[PluginListing, ...]:
    """Return what is installed, sorted by kind and name.

    Args:
        config: whose word ``enabled`` is; a path or None as for ``load_config``.

    Raises:
        ConfigError: the configuration cannot be loaded.
    """
    chosen = config if isinstance(config, Config) else load_config(config)
    enabled = {table.path for table in chosen.tables if table.enabled}
    return tuple(
        PluginListing(
            name=plugin.path,
            kind=plugin.kind,
            version=plugin.version,
            distribution=plugin.distribution,
            enabled=plugin.path in enabled or _is_always_there(plugin),
            sentence=plugin.summary,
            interface=plugin.interface_version,
            refused=plugin.refusal or "",
        )
        for plugin in find_plugins()
    )


def _is_always_there(plugin: PluginMetadata) -> bool:
    return plugin.refusal is None and not KIND_BY_NAME[plugin.kind].configured
