"""Commands of plugins: listed without being imported, imported when they are typed, and at fault for themselves alone."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

from tidemill.cli import main as frame
from tidemill.cli.main import COMMANDS
from tidemill.config.load import parse_config
from tidemill.discovery.commands import COMMAND_INTERFACE, find_commands
from tidemill.discovery.reserved import RESERVED_COMMANDS
from tidemill.errors import ConfigError
from tidemill.hookspecs.kinds import KIND_BY_NAME

Tidemill = Callable[..., Result]
Install = Callable[..., Path]

SOURCE = """
import click
from tidemill import Command, hookimpl
from tidemill.errors import LedgerError, UsageError

@click.command()
@click.option("--fail", default="")
def show(fail):
    '''Show something.'''
    if fail:
        raise {"usage": UsageError("no such thing"), "ledger": LedgerError("the disk is full"),
               "bug": ZeroDivisionError("a bug"), "click": click.ClickException("click"), "exit": SystemExit(7),
               "key": KeyError("x")}[fail]
    click.echo("shown")

class Lag(Command):
    name = "lag_of"
    def command(self):
        return show

@hookimpl
def tidemill_register_commands():
    return [Lag]
"""


@pytest.fixture
def lag(install: Install) -> Install:
    """Installs the command ``lag-of`` of acme-lag, from a source."""

    def put(source: str = SOURCE, **options: object) -> Path:
        return install("acme-lag", "acme_lag", source, kind="command", **{"names": ("lag_of",), **options})

    return put


def test_reserved_commands_are_those_of_the_command_line() -> None:
    """What decides whether a plugin's command clashes knows every command that tidemill has."""
    assert set(COMMANDS) == RESERVED_COMMANDS
    assert KIND_BY_NAME["command"].version == COMMAND_INTERFACE


def test_help_lists_a_plugins_command_and_imports_nothing(tidemill: Tidemill, lag: Install) -> None:
    """R10: the name, the sentence and the distribution come from metadata."""
    lag("raise SystemExit('imported')")

    result = tidemill("--help")

    assert "lag-of  Trades the lag. (acme-lag)" in result.stdout.partition("Commands of plugins:")[2]
    assert (0, False) == (result.exit_code, "acme_lag" in sys.modules)


def test_help_without_commands_of_plugins_has_no_section(tidemill: Tidemill, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none is installed, nothing is said of them."""
    monkeypatch.setattr(frame, "_of_plugins", dict)
    assert "plugins:" not in tidemill("--help").stdout


def test_typed_command_runs_with_its_options_and_its_help(tidemill: Tidemill, lag: Install) -> None:
    """A command is what its plugin made, under the plugin's name with dashes."""
    lag()

    assert (0, "shown\n") == ((ran := tidemill("lag-of")).exit_code, ran.stdout)
    assert "Usage: tidemill lag-of [OPTIONS]" in tidemill("lag-of", "--help").stdout
    assert (2, True) == ((slip := tidemill("lag-of", "--zzz")).exit_code, "No such option" in slip.stderr)
    assert "did you mean lag-of?" in tidemill("lag_of").stderr


def test_other_commands_import_no_command(tidemill: Tidemill, lag: Install) -> None:
    """R10: neither our commands nor listing plugins runs a command's code."""
    lag("raise SystemExit('imported')")

    assert [0, 0, 0] == [tidemill(*line.split()).exit_code for line in ("plugins", "explain", "config check")]
    assert "acme_lag" not in sys.modules


@pytest.mark.parametrize(
    ("fail", "code", "told"),
    [
        ("usage", 2, "no such thing\n"),
        ("ledger", 1, "the disk is full\n"),
        ("click", 1, "Error: click\n"),
        ("exit", 7, ""),
        ("bug", 1, "plugin commands.lag_of (acme-lag): its command raised ZeroDivisionError: a bug (acme_lag.py, line 11)\n"),
        ("key", 1, "plugin commands.lag_of (acme-lag): its command raised KeyError: 'x' (acme_lag.py, line 11)\n"),
    ],
)
def test_error_inside_a_plugins_command_is_told_like_ours(fail: str, code: int, told: str, tidemill: Tidemill, lag: Install) -> None:
    """Our errors and click's keep message and exit code; a bug is put to the plugin, by name and distribution, without a traceback."""
    lag()

    result = tidemill("lag-of", "--fail", fail)

    assert (code, "", told) == (result.exit_code, result.stdout, result.stderr)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise RuntimeError('boom')", "cannot import acme_lag: RuntimeError: boom"),
        (SOURCE.replace("return show", "raise RuntimeError('boom')"), "command() raised RuntimeError: boom"),
        (SOURCE.replace("return show", "return 7"), "command() returned 7: expected a click command"),
        (SOURCE.replace("def command", "def commando"), "lacks command, which Command demands"),
        (SOURCE.replace("commands():", "command():"), "did you mean tidemill_register_commands?"),
        (
            SOURCE.replace("def command(self)", "def __init__(self):\n        raise SystemExit\n    def command(self)"),
            "its constructor raised",
        ),
    ],
)
def test_broken_command_costs_only_itself(source: str, words: str, tidemill: Tidemill, lag: Install) -> None:
    """Typed, it is named with its distribution and what is wrong, exit code 1; the help and other commands go on."""
    lag(source)

    result = tidemill("lag-of")

    assert (1, "") == (result.exit_code, result.stdout)
    assert result.stderr.startswith("plugin commands.lag_of (acme-lag): ")
    assert words in result.stderr
    assert (0, 0) == (tidemill("--help").exit_code, tidemill("config", "check").exit_code)


def test_command_of_ours_is_not_shadowed(tidemill: Tidemill, lag: Install) -> None:
    """A plugin that wants one of our names is refused in one sentence, and ours answers."""
    lag("raise SystemExit('imported')", names=("explain",))
    words = "tidemill has a command explain of its own: this one needs another name"
    listed = [json.loads(line) for line in tidemill("plugins", "--json").stdout.splitlines()]

    assert (0, True) == ((ours := tidemill("explain")).exit_code, "mode paper" in ours.stdout)
    assert f"refused (acme-lag): {words}" in " ".join(tidemill("--help").stdout.split())
    assert [(words, False)] == [(one["refused"], one["enabled"]) for one in listed if one["name"] == "commands.explain"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"interface": 2}, "is made for version 2 of the command interface, this tidemill supports version 1: install a newer tidemill"),
        ({"names": ("Lag",)}, "'Lag' cannot be typed as a command"),
    ],
)
def test_command_that_cannot_be_loaded_is_refused_unimported(
    options: dict[str, object], words: str, tidemill: Tidemill, lag: Install
) -> None:
    """A wrong version or a name that cannot be typed is told where it is listed and where it is typed."""
    lag("raise SystemExit('imported')", **options)
    name = "Lag" if "names" in options else "lag-of"

    result = tidemill(name)

    assert (1, True) == (result.exit_code, words in result.stderr)
    assert words in " ".join(tidemill("--help").stdout.split())
    assert "acme_lag" not in sys.modules


def test_command_with_two_owners_names_both(tidemill: Tidemill, lag: Install, install: Install) -> None:
    """A name that two distributions claim is nobody's until one is uninstalled; one of another version does not count."""
    lag()
    install("other-lag", "other_lag", SOURCE, kind="command", names=("lag_of",), version="9.0")
    install("third-lag", "third_lag", SOURCE, kind="command", names=("lag_of",), interface=3)

    result = tidemill("lag-of")

    assert (1, True) == (result.exit_code, "has two owners, acme-lag 1.2.3 and other-lag 9.0: uninstall one" in result.stderr)


def test_command_with_two_spellings_is_refused(tidemill: Tidemill, lag: Install) -> None:
    """Underscores are typed as dashes: two entry points of one distribution may not differ in them alone."""
    lag("raise SystemExit('imported')", names=("lag_of", "lag-of"))

    words = "acme-lag has two entry points that are typed like this, lag-of and lag_of: it needs a newer version"
    assert (1, True) == ((result := tidemill("lag-of")).exit_code, words in result.stderr)
    assert words in " ".join(tidemill("--help").stdout.split())


def test_help_does_not_wait_for_a_command_that_imports_slowly(tidemill: Tidemill, lag: Install, tmp_path: Path) -> None:
    """R7: what a command does while it is imported is done when it is typed, and not before."""
    mark = tmp_path / "imported"
    lag(f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n{SOURCE}")

    assert [(0, False), (0, False), (0, True)] == [
        (tidemill(*line.split()).exit_code, mark.exists()) for line in ("--help", "--version", "lag-of --help")
    ]


def test_command_is_listed_among_plugins_and_explained(tidemill: Tidemill, lag: Install) -> None:
    """``plugins`` says that it is there, ``explain`` draws it behind the last stage."""
    lag()
    listed = [json.loads(line) for line in tidemill("plugins", "--json").stdout.splitlines()]

    assert [("command", True, "")] == [(one["kind"], one["enabled"], one["refused"]) for one in listed if one["name"] == "commands.lag_of"]
    assert re.search(r"commands     .*lag_of 1\.2\.3", tidemill("explain").stdout)


def test_table_of_a_command_is_a_problem() -> None:
    """A configuration that would enable a command is told that there is nothing to enable."""
    with pytest.raises(ConfigError, match=r"\$\.commands  a command has no table: it is there once its package is installed"):
        parse_config("[commands.lag_of]\n", "x.toml", {})


def test_command_called_from_python_raises(lag: Install) -> None:
    """Without standalone mode a plugin's error is the caller's, its cause kept."""
    lag()

    with pytest.raises(Exception, match="its command raised ZeroDivisionError: a bug") as caught:
        frame.main(["lag-of", "--fail", "bug"], standalone_mode=False)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_shell_completion_knows_commands_of_plugins(lag: Install) -> None:
    """Names that can be typed are offered; what is refused is not."""
    installed = find_commands()
    lag(names=("lag_of", "run"))

    assert [*COMMANDS, *sorted([*installed, "lag-of"])] == frame.main.list_commands(click.Context(frame.main))


def test_r7_listing_commands_imports_no_value_of_the_kernel(lag: Install) -> None:
    """R7: the help of an installation with a command of a plugin imports neither attrs nor what commands stand on."""
    site = lag()
    call = "try: main(['--help'])\nexcept SystemExit: pass"
    code = (
        f"import sys\nsys.path.insert(0, {str(site)!r})\nfrom tidemill.cli.main import main\n{call}\nprint(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "lag-of" in done.stdout
    assert set() == set(done.stderr.split()) & {"attr", "attrs", "cattrs", "pluggy", "importlib.metadata", "acme_lag"}


def test_find_commands_elsewhere_gives_them_in_order(lag: Install) -> None:
    """Odd signs of a summary, and folders without commands, do no harm."""
    site = lag(names=("b", "a"), summary="Says\x1b hello")

    assert [("a", "Says  hello"), ("b", "Says  hello")] == [(one.name, one.sentence) for one in find_commands([str(site)]).values()]
    assert {} == find_commands(["/nowhere"])
