"""``tidemill new plugin``: three lines that say what to do next, or one that says what is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Tidemill = Callable[..., Result]


def test_new_plugin_says_what_to_do_next(tidemill: Tidemill, tmp_path: Path) -> None:
    """Written where the command was typed, with how to test it and how to use it."""
    result = tidemill("new", "plugin", "notifier", "acme_log")
    lines = result.stdout.splitlines()

    assert (0, "", 3) == (result.exit_code, result.stderr, len(lines))
    assert lines[0].startswith("wrote tidemill-notifier-acme-log: ")
    assert "cd tidemill-notifier-acme-log && pip install -e . tidemill-testing pytest && python -m pytest" in lines[1]
    assert "[notifiers.acme_log] in tidemill.toml" in lines[2]
    assert (tmp_path / "tidemill-notifier-acme-log" / "pyproject.toml").is_file()


def test_new_plugin_command_is_used_by_typing_it(tidemill: Tidemill, tmp_path: Path) -> None:
    """A command has no table: it is typed, with dashes."""
    result = tidemill("new", "plugin", "command", "acme_log", "--dir", "sub")

    assert "tidemill acme-log --help" in result.stdout
    assert (tmp_path / "sub" / "tidemill-command-acme-log" / "quality.toml").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("dx", "acme"), "there is no kind 'dx'; did you mean dex"),
        (("dex", "Acme"), "'Acme' is no name for a plugin"),
        (("dex", "uniswap"), "dex.uniswap is one of our own plugins"),
        (("dex",), "Missing argument 'NAME'"),
        (("store", "acme", "--dir", "/dev/null/acme"), "nothing was written; give a folder that can be written with --dir"),
    ],
)
def test_new_plugin_that_cannot_be_ends_with_2(arguments: tuple[str, ...], words: str, tidemill: Tidemill, tmp_path: Path) -> None:
    """One clear error, exit code 2, and nothing written."""
    result = tidemill("new", "plugin", *arguments)

    assert (2, "") == (result.exit_code, result.stdout)
    assert words in result.stderr
    assert [] == list(tmp_path.iterdir())
