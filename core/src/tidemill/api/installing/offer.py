"""What a distribution would bring, looked at before anybody is asked: its plugins, and whether they could be loaded here."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tidemill.api.installing.resolve import UNSOLVED, PlannedPackage
from tidemill.api.installing.tool import Tool
from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.packages import PACKAGES
from tidemill.discovery.scan import find_plugins
from tidemill.discovery.versions import normal
from tidemill.errors import UsageError


def offered_by(tool: Tool, package: PlannedPackage, options: Sequence[str]) -> tuple[PluginMetadata, ...]:
    """Unpack the very wheel that would be installed into a folder of its own, and read its entry points; none of it is run.

    Raises:
        InstallFailed: it could not be had.
    """
    with tempfile.TemporaryDirectory(prefix="tidemill-look-") as folder:
        exact, place = Path(folder) / "exact.txt", Path(folder) / "site"
        exact.write_text(f"{package.pinned(tool.name)}\n", "utf-8")
        checked = ["--no-deps", "--require-hashes", "--requirement", str(exact), "--target", str(place), *options]
        if tool.name == "uv":
            call = ["pip", "install", "--python", tool.python, *checked]
        else:
            call = ["install", "--only-binary", ":all:", "--no-compile", *checked]
        tool.run(call, f"fetching {package.name} {package.version}", UNSOLVED)
        return find_plugins([str(place)])


def check_offer(what: str, distribution: str, offered: Sequence[PluginMetadata], present: Sequence[PluginMetadata]) -> None:
    """Refuse what could not be used afterwards.

    Args:
        what: how the person named it.
        distribution: what would be installed.
        offered: its plugins.
        present: the plugins that are installed.

    Raises:
        UsageError: it has no plugin, none that this kernel loads, or one whose name is another's.
    """
    who = distribution if what == distribution else f"{what}: {distribution}"
    if not offered:
        raise UsageError(f"{who} is no plugin: it has no entry point in a group of Tidemill's; nothing was installed")
    fit = [plugin for plugin in offered if plugin.refusal is None]
    if not fit:
        raise UsageError(f"{who} {offered[0].refusal}; nothing was installed")
    for plugin in fit:
        owner = PACKAGES.get(plugin.path, distribution)
        if normal(owner) != normal(distribution):
            raise UsageError(f"{who} has a plugin {plugin.path}, which is the name of one of ours, in {owner}; nothing was installed")
        for other in present:
            if other.path == plugin.path and other.refusal is None and normal(other.distribution) != normal(distribution):
                found = f"{plugin.path}, which is installed already, from {other.distribution} {other.version}"
                remedy = f"`tidemill plugins uninstall {other.distribution}` first, for of two neither could be loaded"
                raise UsageError(f"{who} has a plugin {found}: {remedy}")
