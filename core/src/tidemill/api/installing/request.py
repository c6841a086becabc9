"""What a person means by the NAME of a plugin: one of ours, a distribution, a folder, a wheel."""

import re
from collections.abc import Sequence
from pathlib import Path

import tidemill
from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.packages import CHECKOUT, PACKAGES
from tidemill.discovery.versions import normal
from tidemill.errors import UsageError
from tidemill.hookspecs.kinds import KIND_BY_FOLDER, KIND_BY_NAME

_PATH = re.compile(r"^[.~]|[/\\]|\.whl$")
_REQUIREMENT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(\[[A-Za-z0-9,._-]+\])?([<>=!~][^;@\s]*)?")
HOST = "tidemill"
IS_HOST = "tidemill is the host, not a plugin: upgrade it with the tool that installed it, while no run is on"


def checkout() -> Path | None:
    """Return the folder of the repository that this kernel runs from, or None where it was installed from a wheel."""
    root = Path(tidemill.__file__).absolute().parents[3]
    return root if (root / "core" / "pyproject.toml").is_file() and (root / "plugins").is_dir() else None


def requested(name: str) -> str | Path:
    """Return the path, or the requirement, that a name stands for.

    Args:
        name: ``dex.uniswap``, a distribution with or without a version, a plugin's folder, or a wheel.

    Raises:
        UsageError: nothing of that name can be installed; the message says what was meant, or what can be given.
    """
    if _PATH.search(name):
        return _existing(Path(name).expanduser())
    if _is_short(name):
        distribution = _distribution_of(name)
    elif _REQUIREMENT.fullmatch(name):
        distribution = name
    else:
        raise UsageError(f"{name!r} is no name of a plugin: give one such as dex.uniswap, a distribution, a folder, or a wheel")
    if normal(re.split(r"[^A-Za-z0-9._-]", distribution, maxsplit=1)[0]) == HOST:
        raise UsageError(IS_HOST)
    root = checkout()
    if root is not None and distribution in CHECKOUT and (root / CHECKOUT[distribution]).is_dir():
        return root / CHECKOUT[distribution]
    return distribution


def distribution_of(name: str, found: Sequence[PluginMetadata]) -> str:
    """Return the installed distribution that a name stands for.

    Args:
        name: ``dex.uniswap``, or a distribution.
        found: what is installed.

    Raises:
        UsageError: no installed plugin has that name, or it is the host.
    """
    if normal(name) == HOST:
        raise UsageError("tidemill is the host, not a plugin: it is not uninstalled from within itself")
    owners = sorted({plugin.distribution for plugin in found if name in (plugin.path, f"{plugin.kind}.{plugin.name}")})
    if not owners:
        owners = sorted({plugin.distribution for plugin in found if normal(plugin.distribution) == normal(name)})
    if len(owners) > 1:
        raise UsageError(f"{name} has several owners, {', '.join(owners)}: name one of these distributions")
    if not owners:
        raise UsageError(f"no plugin {name} is installed; `tidemill plugins` lists what is")
    return owners[0]


def _is_short(name: str) -> bool:
    folder, _, plugin = name.partition(".")
    return (folder in KIND_BY_FOLDER or folder in KIND_BY_NAME) and plugin.isidentifier()


def _distribution_of(name: str) -> str:
    folder, _, plugin = name.partition(".")
    kind = KIND_BY_FOLDER.get(folder) or KIND_BY_NAME[folder]
    path = f"{kind.folder}.{plugin}"
    if path in PACKAGES:
        return PACKAGES[path]
    known = ", ".join(sorted(one for one in PACKAGES if one.startswith(f"{kind.folder}."))) or "none"
    wanted = f"of this kind ours are: {known}; for another's plugin give its distribution, folder or wheel"
    raise UsageError(f"{path} is none of our plugins; {wanted}")


def _existing(path: Path) -> Path:
    if path.is_dir() and (path / "pyproject.toml").is_file():
        return path.absolute()
    if path.is_file() and path.suffix == ".whl":
        return path.absolute()
    found = "it holds no pyproject.toml" if path.is_dir() else "it is no wheel" if path.is_file() else "there is nothing there"
    raise UsageError(f"{path}: {found}; give the folder of a plugin's pyproject.toml, or a file that ends in .whl")
