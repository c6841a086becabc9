"""Reads ``entry_points.txt`` beside each installed distribution, and nothing else.

``importlib.metadata`` reads and parses the metadata of every distribution: over some seventy of them that is most of a command's start.
Here one listing a folder of ``sys.path`` and one small read a distribution are enough; the metadata proper is read for ours alone.
What is not a folder (a zip file, the finder of a frozen program) is left to ``importlib.metadata``. This module imports nothing but the
standard library, since ``tidemill --help`` asks it for the commands of plugins.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from importlib.metadata import Distribution

_SUFFIXES = {".dist-info": "METADATA", ".egg-info": "PKG-INFO"}
_GROUP = re.compile(r"tidemill\.(?P<kind>[a-z_]+)\.v(?P<version>[0-9]+)")
_ENTRY = re.compile(r"(?P<name>[^=\s][^=]*?)\s*=\s*(?P<module>[\w.]+(?:\s*:\s*[\w.]+)?)\s*(?:\[.*\])?")
_MARK = "[tidemill."


class EntryPoint(NamedTuple):
    """One entry point of a group ``tidemill.<kind>.v<interface_version>``, with what its distribution says of itself.

    Its fields are those of ``PluginMetadata``, in that order, which imports more than ``tidemill --help`` may.
    """

    kind: str
    name: str
    interface_version: int
    distribution: str
    version: str
    summary: str
    module: str


def find_entry_points(path: Sequence[str] | None = None, mark: str = _MARK) -> tuple[EntryPoint, ...]:
    """Return every entry point of ours, sorted; imports no plugin.

    Args:
        path: where to look instead of ``sys.path`` and its other finders. Of two distributions of one name the first counts, as
            for imports.
        mark: distributions whose ``entry_points.txt`` does not hold this text are passed over.
    """
    seen: set[str] = set()
    found: set[EntryPoint] = set()
    for entry in dict.fromkeys(sys.path if path is None else path):
        place = Path(entry or os.curdir)
        if place.is_dir():
            found.update(_in_folder(place, seen, mark))
        elif place.is_file():
            found.update(_in_file(entry, seen))
    if path is None:
        for finder in sys.meta_path:
            lists = getattr(finder, "find_distributions", None)
            if lists is not None and finder is not PathFinder:
                found.update(_by_importlib(lists(_everything()), seen))
    return tuple(sorted(found))


def _everything() -> object:
    from importlib.metadata import DistributionFinder

    return DistributionFinder.Context()


def _in_folder(folder: Path, seen: set[str], mark: str) -> Iterator[EntryPoint]:
    try:
        with os.scandir(folder) as members:
            names = sorted(member.name for member in members if member.name.endswith(tuple(_SUFFIXES)))
    except OSError:  # a folder of sys.path that may not be read holds nothing that could be imported
        return
    for name in names:
        stem, _, ending = name.rpartition(".")
        distribution = _normal(stem.partition("-")[0])
        if distribution in seen:
            continue
        seen.add(distribution)
        text = _text(folder / name / "entry_points.txt")
        if mark in text:
            yield from _ours(text, _text(folder / name / _SUFFIXES[f".{ending}"]))


def _in_file(entry: str, seen: set[str]) -> Iterator[EntryPoint]:
    from importlib.metadata import DistributionFinder, MetadataPathFinder

    return _by_importlib(MetadataPathFinder.find_distributions(DistributionFinder.Context(path=[entry])), seen)


def _by_importlib(distributions: "Iterable[Distribution]", seen: set[str]) -> Iterator[EntryPoint]:
    for distribution in distributions:
        header = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
        name = _normal(_field(header, "Name"))
        if name not in seen:
            seen.add(name)
            yield from _ours(distribution.read_text("entry_points.txt") or "", header)


def _ours(entry_points: str, header: str) -> Iterator[EntryPoint]:
    group: re.Match[str] | None = None
    for line in map(str.strip, entry_points.splitlines()):
        if line.startswith("["):
            group = _GROUP.fullmatch(line.strip("[]").strip())
        elif group is not None and (entry := _ENTRY.fullmatch(line)):
            yield EntryPoint(
                kind=group["kind"],
                name=entry["name"],
                interface_version=int(group["version"]),
                distribution=_field(header, "Name"),
                version=_field(header, "Version"),
                summary=_field(header, "Summary"),
                module=re.sub(r"\s", "", entry["module"]),
            )


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:  # most distributions have no entry points
        return ""


def _field(header: str, name: str) -> str:
    """Return a field of the metadata's head; it ends at the first empty line, where the description begins."""
    head = header.partition("\n\n")[0]
    found = re.search(rf"^{name}:[ \t]*(.*)$", head, re.MULTILINE)
    return found[1].strip() if found else ""


def _normal(name: str) -> str:
    # As ``versions.normal``, whose module imports attrs
    return re.sub(r"[-_.]+", "-", name).lower()
