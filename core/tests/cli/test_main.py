"""The frame of the command line: lazy, quick, and every error has its exit code."""

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module

import click
import pytest
from click.testing import Result

from tidemill import __version__
from tidemill.cli import main as frame
from tidemill.cli.main import COMMANDS, Entry
from tidemill.errors import ConfigError, LedgerError, PluginLoadError, Problem, UsageError

Tidemill = Callable[..., Result]
HEAVY = (
    "attr",
    "attrs",
    "cattrs",
    "structlog",
    "tomlkit",
    "pluggy",
    "anyio",
    "rich",
    "alembic",
    "sqlalchemy",
    "pyarrow",
    "numpy",
    "importlib.metadata",
)

HINT = "Usage: tidemill failing [OPTIONS]\nTry 'tidemill failing --help' for help.\n\n"


def raising(error: BaseException) -> click.Command:
    @click.command()
    def failing() -> None:
        raise error

    return failing


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Puts a command in place that raises."""

    def put(error: BaseException) -> None:
        monkeypatch.setattr(frame, "failing", raising(error), raising=False)
        monkeypatch.setitem(COMMANDS, "failing", Entry("tidemill.cli.main:failing", "Fails."))

    return put


FRAME = {"tidemill", "tidemill.cli", "tidemill.cli.main"}
LOOKING = {"tidemill.discovery", *(f"tidemill.discovery.{name}" for name in ("commands", "entry_points", "reserved"))}


@pytest.mark.parametrize(("option", "expected"), [("--version", FRAME), ("--help", FRAME | LOOKING)])
def test_r7_version_and_help_import_nothing_heavy(option: str, expected: set[str]) -> None:
    """R7: neither the version nor the help imports what a command would need, nor any command; the help looks for those of plugins."""
    call = f"try: main([{option!r}])\nexcept SystemExit: pass"
    code = f"import sys\nfrom tidemill.cli.main import main\n{call}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())

    assert set() == loaded & set(HEAVY)
    assert expected == {name for name in loaded if name.startswith("tidemill")}


def test_r7_import_of_tidemill_imports_nothing_heavy() -> None:
    """R7: the package itself is lazy."""
    done = subprocess.run([sys.executable, "-c", "import sys, tidemill; print(*sys.modules)"], capture_output=True, text=True, check=True)

    assert set() == set(done.stdout.split()) & {*HEAVY, "click", "web3", "solana", "solders", "numba", "pandas"}


def test_main_version_says_name_and_version(tidemill: Tidemill) -> None:
    """The version is one line."""
    result = tidemill("--version")

    assert (0, f"tidemill {__version__}\n") == (result.exit_code, result.output)


def test_main_help_lists_every_command_with_its_line(tidemill: Tidemill) -> None:
    """The help shows the table of commands, in its order."""
    lines = [
        line.strip()
        for line in tidemill("--help").output.partition("Commands:")[2].partition("Commands of plugins:")[0].splitlines()
        if line.strip()
    ]

    assert [[name, entry.help] for name, entry in COMMANDS.items()] == [line.split(maxsplit=1) for line in lines]


@pytest.mark.parametrize("name", COMMANDS)
def test_main_every_command_of_the_table_is_there(name: str, tidemill: Tidemill) -> None:
    """A command that the help lists can be called, and has a help of its own."""
    module, _, attribute = COMMANDS[name].target.partition(":")

    assert isinstance(getattr(import_module(module), attribute), click.Command)
    assert (0, True) == ((result := tidemill(name, "--help")).exit_code, f"tidemill {name}" in result.output)


def test_main_unknown_command_suggests_the_nearest(tidemill: Tidemill) -> None:
    """A slip is answered with what was meant, exit code 2; an unlike word with the fact alone."""
    slip, other = tidemill("explian"), tidemill("zzz")

    assert (2, 2) == (slip.exit_code, other.exit_code)
    assert "no such command 'explian'; did you mean explain?" in slip.stderr
    assert "no such command 'zzz'\n" in other.stderr


def test_main_without_arguments_shows_the_help(tidemill: Tidemill) -> None:
    """No command at all is a usage error that shows the help."""
    result = tidemill()

    assert (2, True) == (result.exit_code, "Commands:" in result.output)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ConfigError([Problem("$.a", "is wrong", "x.toml", 3)]), 2, "x.toml:3  $.a  is wrong\n1 error, nothing was started\n"),
        (UsageError("no such pool"), 2, "no such pool\n"),
        (LedgerError("the disk is full"), 1, "the disk is full\n"),
        (PluginLoadError("dex.orca", "boom", distribution="acme"), 1, "plugin dex.orca (acme): boom\n"),
        (click.UsageError("two options"), 2, "Error: two options\n"),
        (click.ClickException("click"), 1, "Error: click\n"),
        (click.exceptions.Exit(7), 7, ""),
        (KeyboardInterrupt(), 130, "\n"),
        (click.Abort(), 130, ""),
    ],
)
def test_main_error_has_its_exit_code_and_message(
    error: BaseException, code: int, message: str, tidemill: Tidemill, failing: Callable[[BaseException], None]
) -> None:
    """Our errors are messages on stderr without a traceback: 2 for usage and configuration, 1 for the rest, 130 when interrupted."""
    failing(error)

    result = tidemill("failing")

    assert (code, "", message) == (result.exit_code, result.stdout, result.stderr.removeprefix(HINT))


def test_main_bug_keeps_its_traceback(tidemill: Tidemill, failing: Callable[[BaseException], None]) -> None:
    """What nobody foresaw is not hidden."""
    failing(ZeroDivisionError("bug"))

    assert isinstance(tidemill("failing").exception, ZeroDivisionError)


def test_main_called_from_python_raises(failing: Callable[[BaseException], None]) -> None:
    """Without standalone mode errors are the caller's."""
    failing(UsageError("no"))

    with pytest.raises(UsageError):
        frame.main(["failing"], standalone_mode=False)


def test_main_for_shell_completion_knows_its_commands() -> None:
    """What a shell asks for is the table, then commands of plugins; a name that is neither is no command."""
    context = click.Context(frame.main)

    known = frame.main.list_commands(context)

    assert (list(COMMANDS), None) == (known[: len(COMMANDS)], frame.main.get_command(context, "zzz"))
