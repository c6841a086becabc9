"""``tidemill plugins install|uninstall``: shows, asks, does."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner, Result

from tidemill.api import install as installing
from tidemill.api.install import InstallPlan, UninstallPlan
from tidemill.api.installing.resolve import PlannedPackage
from tidemill.api.installing.tool import Tool
from tidemill.cli import plugins as command
from tidemill.cli.main import main
from tidemill.discovery.metadata import PluginMetadata

Tidemill = Callable[..., Result]
ORCA = PluginMetadata("dex", "orca", 1, "acme-orca", "0.2.0", "", "acme_orca")
PLAN = InstallPlan(
    Tool("uv", ("uv",), "/env/bin/python"),
    (PlannedPackage("acme-orca", "0.2.0", ("ab" * 32,), "0.1.0"), PlannedPackage("acme-lib", "1.0", ("cd" * 32, "ef" * 32))),
)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was carried out; planning gives the plan above for every name but ``there``."""
    found: list[str] = []

    @contextmanager
    def plan(name: str, **options: object) -> Iterator[InstallPlan]:
        found.append(f"{name} {options['find_links']} {options['no_index']}")
        yield evolve(PLAN, packages=()) if name == "there" else PLAN

    def carried(plan: InstallPlan) -> tuple[PluginMetadata, ...]:
        found.append("installed")
        return (ORCA, evolve(ORCA, name="old", interface_version=9))

    monkeypatch.setattr(installing, "plan_install", plan)
    monkeypatch.setattr(InstallPlan, "carry_out", carried)
    monkeypatch.setattr(
        installing,
        "plan_uninstall",
        lambda name, **_: UninstallPlan(PLAN.tool, "acme-orca", "0.2.0", ("dex.orca",), ("tidemill.toml:3  [dex.orca]",)),
    )
    monkeypatch.setattr(UninstallPlan, "carry_out", lambda _: found.append("uninstalled"))
    return found


@pytest.fixture
def tidemill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tidemill:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, answer: str | None = None) -> Result:
        if answer is not None:
            monkeypatch.setattr(command, "_is_terminal", lambda: True)
        return CliRunner().invoke(main, ["plugins", *arguments], input=answer, prog_name="tidemill")

    return call


def test_install_yes_shows_every_package_and_installs(tidemill: Tidemill, done: list[str]) -> None:
    """Name, version, hashes and what is replaced stand there before anything is done."""
    result = tidemill("install", "dex.orca", "--yes", "--find-links", "wheels", "--no-index")

    assert 0 == result.exit_code
    assert [
        "with uv, in the environment of /env/bin/python:",
        f"  acme-orca  0.2.0       sha256 {'ab' * 32}  replaces 0.1.0",
        f"  acme-lib   1.0         sha256 {'cd' * 32} or {'ef' * 32}",
        "installed",
        "  dex.orca is there: [dex.orca] in tidemill.toml enables it",
    ] == result.stdout.splitlines()[:5]
    assert "dex.old is made for version 9 of the dex interface" in result.stdout
    assert ["dex.orca (PosixPath('wheels'),) True", "installed"] == done


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("[dex.orca]\n", "dex.orca is there, and the configuration in use enables it"),
        ("[dex.orca]\nenabled = false\n", "dex.orca is there: [dex.orca] in tidemill.toml enables it"),
        ("[dex", "dex.orca is there: [dex.orca] in tidemill.toml enables it"),
    ],
)
def test_install_says_whether_the_configuration_enables_it(config: str, told: str, tidemill: Tidemill, done: list[str]) -> None:
    """The next step is only told where there is one; a configuration that cannot be read enables nothing."""
    Path("tidemill.toml").write_text(config)

    assert told in tidemill("install", "dex.orca", "--yes").stdout


def test_install_a_command_says_how_it_is_typed(tidemill: Tidemill, done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A command has no table: typing it is what enables it."""
    monkeypatch.setattr(InstallPlan, "carry_out", lambda _: (evolve(ORCA, kind="command", name="lag_of"),))

    assert "commands.lag_of is there: `tidemill lag-of --help`" in tidemill("install", "acme-lag", "--yes").stdout


@pytest.mark.parametrize(
    ("answer", "code", "last"), [("y\n", 0, "installed"), ("n\n", 130, "dex.orca () False"), ("", 130, "dex.orca () False")]
)
def test_install_asks_on_a_terminal(answer: str, code: int, last: str, tidemill: Tidemill, done: list[str]) -> None:
    """Only a yes installs."""
    result = tidemill("install", "dex.orca", answer=answer)

    assert (code, last) == (result.exit_code, done[-1])
    assert "install 2 packages?" in result.output


@pytest.mark.parametrize("arguments", [("install", "dex.orca"), ("uninstall", "dex.orca")])
def test_without_a_terminal_and_yes_nothing_is_done(arguments: tuple[str, ...], tidemill: Tidemill, done: list[str]) -> None:
    """What would be done is shown, and refused: there is nobody to ask."""
    result = tidemill(*arguments)

    assert (2, False) == (result.exit_code, {"installed", "uninstalled"} & set(done) != set())
    assert "acme-orca" in result.stdout
    assert "add --yes" in result.stderr


def test_install_what_is_there_says_so(tidemill: Tidemill, done: list[str]) -> None:
    """Nothing to do is no question."""
    assert "there is installed already\n" == tidemill("install", "there").stdout


def test_uninstall_tells_which_tables_still_name_it(tidemill: Tidemill, done: list[str]) -> None:
    """What goes with the distribution, and what a run would then refuse."""
    result = tidemill("uninstall", "dex.orca", "--yes")

    assert [
        "acme-orca 0.2.0, with dex.orca",
        "  tidemill.toml:3  [dex.orca] still names it: remove the table, or set enabled = false",
        "uninstalled",
    ] == result.stdout.splitlines()
    assert ["uninstalled"] == done


def test_options_of_the_list_before_a_command_are_refused(tidemill: Tidemill, done: list[str]) -> None:
    """``plugins --json install`` means nothing, and is not taken for the list."""
    result = tidemill("--json", "install", "dex.orca")

    assert (2, []) == (result.exit_code, done)
    assert "are for the list" in result.stderr


def test_terminal_is_that_of_standard_input() -> None:
    """A pipe is no terminal."""
    assert sys.stdin.isatty() == command._is_terminal()
