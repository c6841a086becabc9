"""Imports the command of a plugin, once somebody typed it."""

import click

from tidemill.config.model import PluginTable
from tidemill.discovery.commands import FoundCommand
from tidemill.discovery.contract import class_of
from tidemill.discovery.hooks import Hooks
from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.registry import Loaded
from tidemill.errors import PluginContractError, PluginLoadError
from tidemill.hookspecs.command import Command


def load_command(found: FoundCommand) -> click.Command:
    """Import a plugin's command and return it.

    Raises:
        PluginLoadError: it is refused, or cannot be imported.
        PluginContractError: it breaks what its interface promises.
    """
    plugin = PluginMetadata(*found.entry)
    if found.refusal:
        raise PluginLoadError(plugin.path, found.refusal, distribution=plugin.distribution)
    loaded = Loaded(PluginTable("command", plugin.name), plugin, class_of(plugin, Hooks().classes_of(plugin)))
    made = loaded.call("its constructor", loaded.plugin_class)
    command = loaded.call("command()", made.command) if isinstance(made, Command) else made
    if not isinstance(command, click.Command):
        message = f"command() returned {command!r}: expected a click command, as @click.command() makes it"
        raise PluginContractError(plugin.path, message, distribution=plugin.distribution)
    return command
