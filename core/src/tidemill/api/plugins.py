"""The installed plugins, from their metadata: none is imported."""

from pathlib import Path

from attrs import frozen

from tidemill.api.config import load_config
from tidemill.config.model import Config
from tidemill.discovery.scan import find_plugins


@frozen
class PluginListing:
    """An installed plugin.

    ``name`` is ``<folder>.<name>``, ``interface`` the version of its kind's interface that it is made for, ``enabled`` whether the
    configuration asks for it, ``sentence`` what its distribution says of itself. ``refused`` says why this kernel does not load it, or
    is "".
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
            enabled=plugin.path in enabled,
            sentence=plugin.summary,
            interface=plugin.interface_version,
            refused=plugin.refusal or "",
        )
        for plugin in find_plugins()
    )
