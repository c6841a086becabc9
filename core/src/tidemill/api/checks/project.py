"""Rules over pyproject.toml: entry points, names, bounds, README, licence."""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from tidemill import __version__
from tidemill.api.checks.rule import Fault, static_rule
from tidemill.api.checks.source import GROUP_NAME, GROUPS, PluginSource, nearest_group, texts
from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.packages import PACKAGES
from tidemill.discovery.reserved import clash, command_name
from tidemill.discovery.versions import normal, parse_requirement

HOST = "tidemill"
README_LINES = 2
"""A README has at least so many lines that are not empty: a heading alone tells nobody what the plugin does."""
LICENCES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "LICENCE.md", "LICENCE.txt", "COPYING")


@static_rule("PKG-01", "entry points stand in the group of a kind")
def known_group(source: PluginSource) -> Iterator[Fault]:
    """The group carries the kind and the version of its interface: in any other, the plugin is refused without being imported."""
    for entry in source.entries:
        if entry.kind is not None:
            continue
        keys = ("project", "entry-points", entry.group, entry.name)
        found = GROUP_NAME.fullmatch(entry.group)
        near = nearest_group(entry.group) or ", ".join(GROUPS)
        refusal = _refusal(found["kind"], int(found["version"]), source.distribution) if found is not None else ""
        reason = f"{entry.name} {refusal}" if refusal else f"{entry.group} is the group of no kind"
        yield source.fault(reason, f'put {entry.name} into [project.entry-points."{near}"]', *keys)


def _refusal(kind: str, version: int, distribution: str) -> str:
    return PluginMetadata(kind, "", version, distribution, "", "", "").refusal or ""


@static_rule("PKG-06", "a plugin's name is its own")
def own_name(source: PluginSource) -> Iterator[Fault]:
    """Two owners of one name cannot both be enabled, and the name of a plugin of ours would hide it."""
    for entry in source.entries:
        keys = ("project", "entry-points", entry.group, entry.name)
        if not entry.name.replace("-", "_").isidentifier() or entry.name != entry.name.lower():
            remedy = "use small letters, digits, - and _: it becomes the name of a table in the configuration"
            yield source.fault(f'"{entry.name}" is no name for a plugin', remedy, *keys)
        if entry.kind is None:
            continue
        path = f"{entry.kind.folder}.{entry.name}"
        owner = PACKAGES.get(path, source.distribution)
        if normal(owner) != normal(source.distribution):
            yield source.fault(f"{path} is that of {owner}", "choose another name", *keys)
        taken = clash(command_name(entry.name)) if entry.kind.name == "command" else ""
        if taken:
            yield source.fault(taken, "choose another name", *keys)


@static_rule("PKG-07", "the bounds on tidemill are closed and hold this version")
def host_bounds(source: PluginSource) -> Iterator[Fault]:
    """Without an upper bound a new interface breaks the plugin at run time; with a wrong one, installing it would change the host."""
    minor = ".".join(__version__.split(".")[:2])
    following = f"{minor.split('.')[0]}.{int(minor.split('.')[1]) + 1}"
    remedy = f'write "{HOST}>={minor},<{following}"'
    own = False
    for place, text in enumerate(texts(source.project.get("dependencies"))):
        bounds = parse_requirement(text)
        if bounds is None or bounds.name != HOST:
            continue
        own = True
        fault = _bounds_fault(text, bounds.url, has_lower=bounds.has_lower, has_upper=bounds.has_upper, below=bounds.below(__version__))
        if fault:
            yield source.fault(fault, remedy, "project", "dependencies", place)
    if not own:
        yield source.fault(f"{HOST} is not among the dependencies", remedy, "project", "dependencies")


def _bounds_fault(text: str, url: str, *, has_lower: bool, has_upper: bool, below: bool | None) -> str:
    if url:
        return f'"{text}" names a file or an address, which ties it to one machine'
    if below is not None:
        change = "downgrade" if below else "change"
        return f'"{text}" does not hold tidemill {__version__}: installing it would {change} the host'
    if not has_upper:
        return f'"{text}" has no upper bound: it would be installed beside interfaces that it does not know'
    return "" if has_lower else f'"{text}" has no lower bound: it would be installed beside interfaces that it does not know'


@static_rule("PKG-15", "there is a README")
def readme(source: PluginSource) -> Iterator[Fault]:
    """The README is what a user reads before trusting the plugin with money."""
    given = source.project.get("readme")
    name = given.get("file") if isinstance(given, dict) else given
    if name is None and isinstance(given, dict) and given.get("text"):
        return
    if not isinstance(name, str):
        yield source.fault("[project] names no readme", 'write README.md and readme = "README.md"', "project", "name")
        return
    lines = _lines(source.folder / name)
    if lines is None:
        yield source.fault(f"{name} is not there", f"write {name}: what it does, its settings, an example table", "project", "readme")
    elif len(lines) < README_LINES:
        yield Fault(Path(name), 0, "says next to nothing", "say what the plugin does, its settings, and show an example table")


@static_rule("PKG-16", "there is a licence")
def licence(source: PluginSource) -> Iterator[Fault]:
    """Without a licence nobody but its author may run it."""
    files = [*LICENCES, *texts(source.project.get("license-files"))]
    if not source.project.get("license") and not any((source.folder / name).is_file() for name in files):
        yield source.fault("no licence is stated", 'add license = "Apache-2.0", or another, and a LICENSE file', "project", "name")
    name = source.project.get("license")
    if isinstance(name, dict) and name.get("file") and not (source.folder / str(name["file"])).is_file():
        yield source.fault(f"{name['file']} is not there", "write it, or state the licence by its SPDX name", "project", "license")


def _lines(path: Path) -> list[str] | None:
    try:
        return [line for line in path.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    except OSError:
        return None


def nearest(name: str, known: list[str]) -> str:
    """Return "; did you mean …?" where a known name is like the given one, else ""."""
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""
