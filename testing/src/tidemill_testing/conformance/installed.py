"""Is a plugin installed, and does its entry point lead to it?"""

import sys
import sysconfig
from pathlib import Path

from tidemill.discovery.contract import class_of
from tidemill.discovery.hooks import Hooks
from tidemill.discovery.scan import find_plugins
from tidemill.errors import PluginLoadError
from tidemill.hookspecs.kinds import Kind
from tidemill.hookspecs.plugin import Plugin


def registered_class(kind: Kind, plugin: type[Plugin]) -> type[Plugin]:
    """Return the class that the kernel would load by the plugin's name; the plugin itself where its package is not installed.

    Raises:
        PluginLoadError: it is installed and no entry point has its name, or the entry point is refused or cannot be imported.
        PluginContractError: what the entry point's hook gives breaks the interface.
    """
    named = [found for found in find_plugins() if found.kind in (kind.name, kind.folder) and found.name == plugin.name]
    if not named:
        if _is_installed(plugin):
            raise PluginLoadError(f"{kind.folder}.{plugin.name}", f"is installed, and no entry point {plugin.name} stands in {kind.group}")
        return plugin
    if named[0].refusal:
        raise PluginLoadError(named[0].path, named[0].refusal, distribution=named[0].distribution)
    return class_of(named[0], Hooks().classes_of(named[0]))


def _is_installed(plugin: type) -> bool:
    file = getattr(sys.modules.get(plugin.__module__), "__file__", None)
    places = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return file is not None and any(Path(file).is_relative_to(place) for place in places)
