"""Installing and uninstalling plugins in the environment in use, without ever changing the host."""

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from tidemill import __version__
from tidemill.api.checks.versions import normal
from tidemill.api.config import find_config
from tidemill.api.installing.request import HOST, distribution_of, requested
from tidemill.api.installing.resolve import PlannedPackage, resolve
from tidemill.api.installing.tool import Tool, tool_of
from tidemill.api.installing.wheel import Wheel, local_wheels, read_wheel
from tidemill.api.running import data_folder, find_running
from tidemill.config.load import draft_config
from tidemill.config.read import read_file
from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.scan import find_plugins
from tidemill.errors import UsageError
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
        UsageError: nothing of that name can be installed, a live run is on, or it would change the host.
        InstallFailed: pip or uv found no solution.
    """
    _refuse_while_live(data)
    tool = tool_of(python)
    target = requested(name)
    options = [*(["--no-index"] if no_index else []), *(part for folder in find_links for part in ("--find-links", str(folder)))]
    with tempfile.TemporaryDirectory(prefix="tidemill-wheels-") as folder:
        versions = installed_versions(tool)
        local: dict[str, Wheel] = {}
        if isinstance(target, Path):
            local = _local(tool, target, Path(folder), frozenset(versions), options)
            options += ["--find-links", folder]
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text(f"{HOST}=={versions.get(HOST, __version__)}\n", "utf-8")
        wanted = [str(wheel.path) for wheel in local.values()] or [str(target)]
        packages = resolve(tool, wanted, local, versions, constraints, options)
        if any(package.name == HOST for package in packages):
            raise UsageError(f"installing {name} would change {HOST} itself, which is never done from within it: upgrade it by hand first")
        yield InstallPlan(tool, packages, tuple(options))


def plan_uninstall(name: str, *, config: Path | None = None, data: Path | None = None, python: str = sys.executable) -> UninstallPlan:
    """Find out what uninstalling a plugin means; nothing is uninstalled.

    Args:
        name: ``dex.uniswap``, or a distribution.
        config: whose tables are looked through; None: ``tidemill.toml`` in the current folder, where there is one.
        data: as for ``plan_install``.
        python: as for ``plan_install``.

    Raises:
        UsageError: no such plugin is installed, it is the host, or a live run is on.
    """
    _refuse_while_live(data, config)
    tool = tool_of(python)
    found = installed_plugins(tool)
    distribution = distribution_of(name, found)
    own = [plugin for plugin in found if plugin.distribution == distribution]
    return UninstallPlan(tool, distribution, own[0].version, tuple(plugin.path for plugin in own), _tables(own, config))


def installed_plugins(tool: Tool) -> tuple[PluginMetadata, ...]:
    """Return the plugins that are installed in an environment."""
    return find_plugins() if tool.python == sys.executable else find_plugins(_asked(tool, "sys.path"))


def installed_versions(tool: Tool) -> dict[str, str]:
    """Return the version of every distribution of an environment, by normal name."""
    pairs: list[list[str]] = _asked(tool, "[[d.metadata['Name'], d.version] for d in importlib.metadata.distributions()]")
    versions: dict[str, str] = {}
    for name, version in pairs:
        versions.setdefault(normal(name or ""), version)
    return versions


def _asked(tool: Tool, expression: str) -> list:  # type: ignore[type-arg]  # JSON of what was asked
    """Return what an environment's own interpreter says; -P keeps the current folder out of its path."""
    asking = Tool("python", (tool.python,), tool.python)
    code = f"import importlib.metadata, json, sys; print(json.dumps({expression}))"
    answer: list = json.loads(asking.run(["-P", "-c", code], "asking", "look at that environment").stdout)  # type: ignore[type-arg]  # JSON
    return answer


def _local(tool: Tool, target: Path, out: Path, installed: frozenset[str], options: Sequence[str]) -> dict[str, Wheel]:
    """Return the wheels that lie here, by name; the plugin's own first."""
    wheels = [read_wheel(target)] if target.suffix == ".whl" else list(local_wheels(tool, target, out, installed, options))
    groups = wheels[0].groups
    if not groups:
        raise UsageError(f"{target}: is no plugin: it has no entry point in a group of Tidemill's; `tidemill check plugin` says more")
    for group in groups:
        _, kind, version = group.split(".")
        refusal = PluginMetadata(kind, "", int(version[1:]), wheels[0].name, wheels[0].version, "", "").refusal
        if refusal is not None:
            raise UsageError(f"{target}: {wheels[0].name} {refusal}")
    return {wheel.name: wheel for wheel in wheels}


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
