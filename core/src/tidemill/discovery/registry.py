"""The plugins of a run: which table, which distribution, which class."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from attrs import frozen

from tidemill.discovery.metadata import PluginMetadata
from tidemill.errors import PluginContractError, PluginError, TidemillError, said
from tidemill.hookspecs.plugin import Plugin

if TYPE_CHECKING:
    from tidemill.config.model import PluginTable

T = TypeVar("T")


@frozen
class Loaded:
    """An enabled plugin: its table in the configuration, where it was installed from, and its class."""

    table: "PluginTable"
    metadata: PluginMetadata
    plugin_class: type[Plugin]

    def call(self, what: str, function: Callable[[], T]) -> T:
        """Call the plugin's code while the pipeline is assembled.

        Raises:
            PluginContractError: it raised anything that is not one of ours; the cause is kept.
            PluginError: its own, with the distribution added where it was not named.
        """
        try:
            return function()
        except PluginError as error:
            if error.distribution:
                raise
            raise type(error)(self.metadata.path, error.message, distribution=self.metadata.distribution) from error
        except (TidemillError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise PluginContractError(
                self.metadata.path, f"{what} raised {said(error)}", distribution=self.metadata.distribution
            ) from error

    def make(self, settings: object) -> Plugin:
        """Return an instance with checked settings.

        Raises:
            PluginContractError: its constructor raised.
        """
        return self.call("its constructor", lambda: self.plugin_class(settings))


class Registry:
    """All loaded plugins, in the order of the configuration."""

    def __init__(self, plugins: tuple[Loaded, ...] = ()) -> None:
        self._plugins = plugins

    def __iter__(self) -> Iterator[Loaded]:
        return iter(self._plugins)

    def __len__(self) -> int:
        return len(self._plugins)

    def loaded(self, kind: str) -> tuple[Loaded, ...]:
        """Return the plugins of a kind, in the order of the configuration."""
        return tuple(plugin for plugin in self._plugins if plugin.metadata.kind == kind)
