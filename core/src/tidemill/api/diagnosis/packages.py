"""The installed packages: the host, its plugins, and whether they were made for each other."""

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from importlib.metadata import Distribution, distributions

from tidemill import __version__
from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.packages import PACKAGES
from tidemill.discovery.versions import normal, parse_requirement
from tidemill.domain.finding import Finding, Severity


def packages(found: Sequence[PluginMetadata], enabled: AbstractSet[str]) -> Iterator[Finding]:
    """Look at the host, the plugins' interface versions and bounds, and whether anything is installed twice.

    Args:
        found: the installed plugins.
        enabled: ``<folder>.<name>`` of those that the configuration enables: what is wrong with others only warns.
    """
    yield Finding("tidemill", "ok", f"{__version__}, {len(found)} plugins in {len({plugin.distribution for plugin in found})} packages")
    for plugin in found:
        if plugin.refusal is not None:
            remedy = f"{plugin.refusal.rpartition(': ')[2]}, or uninstall it: `tidemill plugins uninstall {plugin.distribution}`"
            yield Finding(plugin.path, _severity(plugin.path in enabled), f"{plugin.refusal} ({plugin.distribution})", remedy)
    yield from _owners([plugin for plugin in found if plugin.refusal is None], enabled)
    ours = {normal(plugin.distribution) for plugin in found} | {"tidemill"}
    needed = {normal(plugin.distribution) for plugin in found if plugin.path in enabled} | {"tidemill"}
    yield from _bounds(list(distributions()), ours, needed)


def _owners(found: Sequence[PluginMetadata], enabled: AbstractSet[str]) -> Iterator[Finding]:
    for path, count in Counter(plugin.path for plugin in found).items():
        if count > 1:
            both = [plugin for plugin in found if plugin.path == path]
            owners = [f"{plugin.distribution} {plugin.version}" for plugin in both]
            # Who took a name that is ours came later, and is the one to go
            ours = PACKAGES.get(path)
            other = next((plugin.distribution for plugin in reversed(both) if plugin.distribution != ours), both[-1].distribution)
            remedy = f"`tidemill plugins uninstall {other}`, or another of them"
            yield Finding(path, _severity(path in enabled), f"has {count} owners: {' and '.join(owners)}", remedy)


def _bounds(installed: Sequence[Distribution], ours: AbstractSet[str], needed: AbstractSet[str]) -> Iterator[Finding]:
    """Tell of the bounds that what is installed does not keep; of several copies of one the first is imported."""
    copies: dict[str, list[Distribution]] = {}
    for distribution in installed:
        copies.setdefault(normal(distribution.metadata["Name"] or ""), []).append(distribution)
    versions = {name: found[0].version for name, found in copies.items()}
    for name in sorted(ours & copies.keys()):
        for text in copies[name][0].requires or ():
            yield from _bound(name, text, versions, needed)
        if len(copies[name]) > 1:
            message = f"{len(copies[name])} copies are installed, {versions[name]} is the one that counts"
            yield Finding(name, "warning", message, f"uninstall {name} until none is left, then install it once")


def _bound(owner: str, text: str, versions: dict[str, str], needed: AbstractSet[str]) -> Iterator[Finding]:
    bounds = parse_requirement(text)
    # A marker may leave it out, as every extra does: then nothing is known to be wrong
    if bounds is None or ";" in text:
        return
    version = versions.get(bounds.name)
    if version is None:
        message, remedy = f"needs {text}, which is not installed", f"install it: pip install '{text}'"
    elif not bounds.allows(version):
        message, remedy = (
            f"needs {text}, installed is {version}",
            f"install a {owner} that fits this tidemill, or the {bounds.name} it wants",
        )
    else:
        return
    yield Finding(owner, _severity(owner in needed), message, remedy)


def _severity(needed: bool) -> Severity:
    return "error" if needed else "warning"
