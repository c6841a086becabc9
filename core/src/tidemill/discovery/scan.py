"""Finds installed plugins by reading ``entry_points.txt`` beside each distribution, and nothing else.

``importlib.metadata`` reads and parses the metadata of every distribution: over some seventy of them that is most of a command's start.
Here one listing a folder of ``sys.path`` and one small read a distribution are enough; the metadata proper is read for ours alone.
What is not a folder (a zip file, the finder of a frozen program) is left to ``importlib.metadata``.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import PathFinder
from importlib.metadata import Distribution, DistributionFinder, MetadataPathFinder
from pathlib import Path

from tidemill.discovery.metadata import PluginMetadata

_SUFFIXES = {".dist-info": "METADATA", ".egg-info": "PKG-INFO"}
_GROUP = re.compile(r"tidemill\.(?P<kind>[a-z_]+)\.v(?P<version>[0-9]+)")
_ENTRY = re.compile(r"(?P<name>[^=\s][^=]*?)\s*=\s*(?P<module>[\w.]+(?:\s*:\s*[\w.]+)?)\s*(?:\[.*\])?")
_MARK = "[tidemill."


def find_plugins(path: Sequence[str] | None = None) -> tuple[PluginMetadata, ...]:
    """Return every plugin that is installed, sorted by kind and name; imports none of them.

    Args:
        path: where to look instead of ``sys.path`` and its other finders. Of two distributions of one name the first counts, as
            for imports.
    """
    seen: set[str] = set()
    found: list[PluginMetadata] = []
    for entry in dict.fromkeys(sys.path if path is None else path):
        place = Path(entry or os.curdir)
        if place.is_dir():
            found += _in_folder(place, seen)
        elif place.is_file():
            found += _by_importlib(MetadataPathFinder.find_distributions(DistributionFinder.Context(path=[entry])), seen)
    if path is None:
        for finder in sys.meta_path:
            lists = getattr(finder, "find_distributions", None)
            if lists is not None and finder is not PathFinder:
                found += _by_importlib(lists(DistributionFinder.Context()), seen)
    return tuple(sorted(set(found)))


def _in_folder(folder: Path, seen: set[str]) -> Iterator[PluginMetadata]:
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
        if _MARK in text:
            yield from _plugins(text, _text(folder / name / _SUFFIXES[f".{ending}"]))


def _by_importlib(distributions: Iterable[Distribution], seen: set[str]) -> Iterator[PluginMetadata]:
    for distribution in distributions:
        header = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
        name = _normal(_field(header, "Name"))
        if name not in seen:
            seen.add(name)
            yield from _plugins(distribution.read_text("entry_points.txt") or "", header)


def _plugins(entry_points: str, header: str) -> Iterator[PluginMetadata]:
    group: re.Match[str] | None = None
    for line in map(str.strip, entry_points.splitlines()):
        if line.startswith("["):
            group = _GROUP.fullmatch(line.strip("[]").strip())
        elif group is not None and (entry := _ENTRY.fullmatch(line)):
            yield PluginMetadata(
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
    return re.sub(r"[-_.]+", "-", name).lower()
