"""The registry wraps what plugins raise while the pipeline is assembled."""

from functools import partial

import pytest

from tidemill.config.model import PluginTable
from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.registry import Loaded
from tidemill.errors import ConfigError, PluginContractError, PluginLoadError
from tidemill.hookspecs.plugin import Plugin


def loaded(name: str, module: str) -> Loaded:
    plugin_class = type(name, (Plugin,), {"name": name, "__module__": module})
    metadata = PluginMetadata("dex", name, 1, f"acme-{name}", "1", "", module.rpartition(".")[0] or module)
    return Loaded(PluginTable("dex", name), metadata, plugin_class)


def test_call_plugin_raises_names_it() -> None:
    """What a plugin's code raises is put to it, with the cause; our own errors pass."""
    plugin = loaded("orca", "acme_orca")
    named = PluginLoadError("dex.other", "gone", distribution="acme-other")

    with pytest.raises(PluginContractError, match=r"dex\.orca \(acme-orca\): rules\(\) raised ZeroDivisionError") as caught:
        plugin.call("rules()", lambda: 1 // 0)
    with pytest.raises(ConfigError):
        plugin.call("settings", partial(_refuse, ConfigError([])))
    with pytest.raises(PluginLoadError, match="acme-other"):
        plugin.call("settings", partial(_refuse, named))

    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_make_constructor_raises_names_the_plugin() -> None:
    """A constructor that raises is the plugin's fault."""
    plugin = loaded("orca", "acme_orca")

    def broken(self: Plugin, settings: object) -> None:
        raise SystemExit(4)

    plugin.plugin_class.__init__ = broken  # type: ignore[assignment, method-assign]

    with pytest.raises(PluginContractError, match="its constructor raised SystemExit: 4"):
        plugin.make(None)


def _refuse(error: Exception) -> None:
    raise error
