"""Wheels in a folder: built from a plugin's sources, and what each says of itself."""

import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from email.parser import HeaderParser
from pathlib import Path

from attrs import frozen

from tidemill.api.installing.request import checkout
from tidemill.api.installing.tool import InstallFailed, Tool
from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.packages import CHECKOUT
from tidemill.discovery.scan import find_plugins
from tidemill.discovery.versions import normal, parse_requirement
from tidemill.errors import UsageError


@frozen
class Wheel:
    """A wheel file: ``name`` in its normal form, ``requires`` as its metadata has them, ``plugins`` its entry points of ours."""

    path: Path
    name: str
    version: str
    sha256: str
    requires: tuple[str, ...]
    plugins: tuple[PluginMetadata, ...]


def read_wheel(path: Path) -> Wheel:
    """Read what a wheel says of itself.

    Raises:
        UsageError: it is no wheel, or a damaged one.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.rpartition("/")[2]: name for name in archive.namelist() if name.count("/") == 1 and ".dist-info/" in name}
            if "METADATA" not in names:
                raise UsageError(f"{path}: is no wheel: it holds no .dist-info/METADATA; build it anew")
            header = HeaderParser().parsestr(archive.read(names["METADATA"]).decode("utf-8", "replace"))
            spoiled = archive.testzip()
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise UsageError(f"{path}: is no wheel: {error}; build it anew") from error
    if spoiled is not None:
        raise UsageError(f"{path}: is damaged: {spoiled} in it is not what was packed; build it anew")
    requires = tuple(header.get_all("Requires-Dist", []))
    return Wheel(path, normal(header["Name"] or ""), header["Version"] or "", digest, requires, find_plugins([str(path)]))


def build_wheel(tool: Tool, folder: Path, out: Path, options: Sequence[str]) -> Wheel:
    """Build the wheel of a folder of sources.

    Raises:
        InstallFailed: its build backend failed, or could not be had.
    """
    before = set(out.glob("*.whl"))
    if tool.name == "uv":
        call = ["build", "--wheel", "--python", tool.python, "--out-dir", str(out), *options, str(folder)]
    else:
        call = ["wheel", "--no-deps", "--wheel-dir", str(out), *options, str(folder)]
    tool.run(call, f"building {folder}", f"mend its pyproject.toml; `{tool.name} {' '.join(call[:2])}` in that folder shows all of it")
    made = sorted(set(out.glob("*.whl")) - before)
    if len(made) != 1:
        raise InstallFailed(f"building {folder} made {len(made)} new wheels, expected one: look at its build backend")
    return read_wheel(made[0])


def local_wheels(tool: Tool, folder: Path, out: Path, installed: frozenset[str], options: Sequence[str]) -> Iterator[Wheel]:
    """Build a plugin's wheel, and those of the libraries beside it in the same checkout that are not installed."""
    waiting, seen = [folder], {folder}
    root = checkout()
    while waiting:
        wheel = build_wheel(tool, waiting.pop(), out, options)
        yield wheel
        for text in wheel.requires:
            bounds = parse_requirement(text)
            place = root / CHECKOUT[bounds.name] if root is not None and bounds is not None and bounds.name in CHECKOUT else None
            if bounds is not None and place is not None and place not in seen and bounds.name not in installed and place.is_dir():
                seen.add(place)
                waiting.append(place)
