"""Installing and uninstalling plugins in the environment in use, without ever changing the host."""

import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from tidemill import __version__
from tidemill.api.config import find_config, load_config
from tidemill.api.installing.environment import Installed, installed_distributions, installed_plugins, needs_of
from tidemill.api.installing.offer import check_offer, offered_by
from tidemill.api.installing.request import HOST, IS_HOST, distribution_of, requested
from tidemill.api.installing.resolve import PlannedPackage, resolve
from tidemill.api.installing.tool import Tool, tool_of
from tidemill.api.installing.wheel import Wheel, local_wheels, read_wheel
from tidemill.api.running import data_folder, find_running
from tidemill.config.load import draft_config
from tidemill.config.read import read_file
from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.versions import normal
from tidemill.errors import ConfigError, UsageError
from tidemill.hookspecs.kinds import KIND_BY_NAME

TRY_AGAIN = "nothing else was changed: mend what it says, then try again"


@frozen
class InstallPlan:
    """What an installation would do: with ``tool`` in the environment of ``python``, these packages and no others."""

    tool: Tool
    packages: tuple[PlannedPackage, ...]
    options: tuple[str, ...] = ()

    def carry_out(self) -> tuple[PluginMetadata, ...]:
        """Install exactly what is planned, checked against the hashes, and return the plugins that came with it.

        Raises:
            InstallFailed: the installer failed; the message holds its last lines.
        """
        with tempfile.TemporaryDirectory(prefix="tidemill-install-") as folder:
            exact = Path(folder) / "exact.txt"
            exact.write_text("".join(f"{package.pinned(self.tool.name)}\n" for package in self.packages), "utf-8")
            checked = ["--no-deps", "--require-hashes", "--requirement", str(exact), *self.options]
            if self.tool.name == "uv":
                call = ["pip", "install", "--python", self.tool.python, "--reinstall", *checked]
            else:
                call = ["install", "--force-reinstall", "--only-binary", ":all:", *checked]
            self.tool.run(call, "installing", TRY_AGAIN)
        names = {package.name for package in self.packages}
        return tuple(plugin for plugin in installed_plugins(self.tool) if normal(plugin.distribution) in names)


@frozen
class UninstallPlan:
    """What uninstalling would do: ``plugins`` go with the distribution, ``named_by`` are the tables of the configuration that name them."""

    tool: Tool
    distribution: str
    version: str
    plugins: tuple[str, ...]
    named_by: tuple[str, ...]

    def carry_out(self) -> None:
        """Uninstall the distribution.

        Raises:
            InstallFailed: the installer failed; the message holds its last lines.
        """
        if self.tool.name == "uv":
            call = ["pip", "uninstall", "--python", self.tool.python, self.distribution]
        else:
            call = ["uninstall", "--yes", self.distribution]
        self.tool.run(call, "uninstalling", TRY_AGAIN)


@contextmanager
def plan_install(
    name: str, *, data: Path | None = None, find_links: Sequence[Path] = (), no_index: bool = False, python: str = sys.executable
) -> Iterator[InstallPlan]:
    """Find out what installing a plugin means, building it where its sources lie here; nothing is installed.

    The plan can be carried out inside the ``with`` block: the wheels that were built for it are removed afterwards.

    Args:
        name: ``dex.uniswap``, a distribution, a plugin's folder, or a wheel.
        data: the data folder in which a run may be on; None: what the configuration names.
        find_links: folders of wheels to look into as well.
        no_index: look nowhere else.
        python: the interpreter whose environment is meant.

    Raises:
        UsageError: nothing of that name can be installed, it is no plugin for this kernel, its name is another's, a live run is on, or it
            would change the host or what others need.
        InstallFailed: pip or uv found no solution.
    """
    _refuse_while_live(data)
    tool = tool_of(python)
    target = requested(name)
    options = [*(["--no-index"] if no_index else []), *(part for folder in find_links for part in ("--find-links", str(folder)))]
    with tempfile.TemporaryDirectory(prefix="tidemill-wheels-") as folder:
        installed = installed_distributions(tool)
        versions = {key: found.version for key, found in installed.items()}
        local: dict[str, Wheel] = {}
        if isinstance(target, Path):
            local = _local(tool, target, Path(folder), frozenset(versions), options)
            options += ["--find-links", folder]
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text(f"{HOST}=={versions.get(HOST, __version__)}\n", "utf-8")
        wanted = [str(wheel.path) for wheel in local.values()] or [str(target)]
        packages = resolve(tool, wanted, local, versions, constraints, options)
        _refuse_to_break(name, packages, installed)
        if isinstance(target, str):
            _look_inside(tool, target, packages, options)
        yield InstallPlan(tool, packages, tuple(options))


def plan_uninstall(name: str, *, config: Path | None = None, data: Path | None = None, python: str = sys.executable) -> UninstallPlan:
    """Find out what uninstalling a plugin means; nothing is uninstalled.

    Args:
        name: ``dex.uniswap``, or a distribution.
        config: whose tables are looked through; None: ``tidemill.toml`` in the current folder, where there is one.
        data: as for ``plan_install``.
        python: as for ``plan_install``.

    Raises:
        UsageError: no such plugin is installed, it is the host, another distribution needs it, or a live run is on.
    """
    _refuse_while_live(data, config)
    tool = tool_of(python)
    found = installed_plugins(tool)
    distribution = distribution_of(name, found)
    own = [plugin for plugin in found if plugin.distribution == distribution]
    needs = needs_of(normal(distribution), [*installed_distributions(tool).values()])
    needed = [f"{owner.name} {owner.version} ({text})" for owner, text in needs]
    if needed:
        raise UsageError(f"{distribution} is needed by {', '.join(needed)}: uninstall what needs it first")
    return UninstallPlan(tool, distribution, own[0].version, tuple(plugin.path for plugin in own), _tables(own, config))


def enabled_tables(config: Path | None = None) -> frozenset[str]:
    """Return the ``<folder>.<name>`` of the tables that a configuration enables, as far as it can be read.

    Args:
        config: its file; None: ``tidemill.toml`` in the current folder, else the default.
    """
    path = config or find_config()
    try:
        drafted = draft_config(read_file(path), str(path))[0] if path is not None else load_config()
    except ConfigError:
        return frozenset()
    return frozenset(table.path for table in drafted.tables if table.enabled)


def _local(tool: Tool, target: Path, out: Path, installed: frozenset[str], options: Sequence[str]) -> dict[str, Wheel]:
    """Return the wheels that lie here, by name; the plugin's own first."""
    wheels = [read_wheel(target)] if target.suffix == ".whl" else list(local_wheels(tool, target, out, installed, options))
    if wheels[0].name == HOST:
        raise UsageError(f"{target}: {IS_HOST}")
    check_offer(str(target), wheels[0].name, wheels[0].plugins, installed_plugins(tool))
    return {wheel.name: wheel for wheel in wheels}


def _look_inside(tool: Tool, target: str, packages: Sequence[PlannedPackage], options: Sequence[str]) -> None:
    """Refuse a distribution that is no plugin for this kernel; what is installed already is looked at where it is."""
    name = normal(re.split(r"[^A-Za-z0-9._-]", target, maxsplit=1)[0])
    present = installed_plugins(tool)
    chosen = [package for package in packages if package.name == name]
    offered = offered_by(tool, chosen[0], options) if chosen else [one for one in present if normal(one.distribution) == name]
    check_offer(target, name, offered, present)


def _refuse_to_break(name: str, packages: Sequence[PlannedPackage], installed: Mapping[str, Installed]) -> None:
    """Refuse what would change the host, or what it and others stand on: pip minds only what it installs itself.

    Raises:
        UsageError: it would.
    """
    if any(package.name == HOST for package in packages):
        raise UsageError(f"installing {name} would change {HOST} itself, which is never done from within it: upgrade it by hand first")
    chosen = {package.name for package in packages}
    others = [found for found in installed.values() if found.name not in chosen]
    for package in packages:
        for owner, text in needs_of(package.name, others, package.version) if package.replaces else ():
            change = f"replace {package.name} {package.replaces} by {package.version}"
            remedy = "nothing was installed: take another version of it, or an environment of its own"
            raise UsageError(f"installing {name} would {change}, but {owner.name} {owner.version} needs {text}; {remedy}")


def _refuse_while_live(data: Path | None, config: Path | None = None) -> None:
    folder = data or data_folder(config or find_config())
    running = find_running(folder)
    if running is not None and running.may_be_live:
        known = "a live run is on" if running.mode == "live" else "a run is on, and what it is cannot be read"
        raise UsageError(
            f"{folder}: {known} (process {running.process or 'unknown'}): `tidemill stop` first; its code may not change under it"
        )


def _tables(plugins: Sequence[PluginMetadata], config: Path | None) -> tuple[str, ...]:
    """Return the tables of a configuration that name plugins, as ``file:line  [dex.orca]``."""
    path = config or find_config()
    if path is None:
        return ()
    chosen, _ = draft_config(read_file(path), str(path))
    names = {plugin.path for plugin in plugins if plugin.kind in KIND_BY_NAME}
    found = [(table.problem("").line, table.path) for table in chosen.tables if table.path in names]
    return tuple(f"{path}:{line}  [{name}]" for line, name in found if line)
