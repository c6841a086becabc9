"""``tidemill positions``, ``exposure``, ``why`` and ``reconcile`` over a real ledger."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Tidemill = Callable[..., Result]


@pytest.mark.parametrize(
    ("command", "first"),
    [
        (("positions",), "live, run 2; no run is on"),
        (("exposure",), "open intents 4"),
        (("why", "done"), "planned at block 7"),
        (("why", "2"), "planned at block 7"),
    ],
)
def test_commands_read_the_ledger_in_the_default_folder(command: tuple[str, ...], first: str, tidemill: Tidemill, live_books: Path) -> None:
    """Lines for people without control codes, one object for machines."""
    told, plain = tidemill(*command), json.loads(tidemill(*command, "--json").output)

    assert (0, True) == (told.exit_code, told.output.startswith(first))
    assert "\x1b" not in told.output
    assert plain


def test_data_folder_is_that_of_the_configuration_at_hand(tidemill: Tidemill, live_books: Path) -> None:
    """Also where a plugin that it names is missing: that is no reason not to see one's money."""
    live_books.rename(live_books.parent / "books")
    Path("tidemill.toml").write_text('data = "books"\n[strategies.gone]\n')

    assert 0 == tidemill("positions").exit_code


def test_unknown_reference_ends_with_two(tidemill: Tidemill, live_books: Path) -> None:
    """What was typed is wrong; what comes near it is told."""
    ended = tidemill("why", "0x11ffffffff1")

    assert (2, True) == (ended.exit_code, "near it: transaction 0x11ff" in ended.output)


def test_reconcile_on_paper_is_refused(tidemill: Tidemill) -> None:
    """There is no chain that its books could differ from."""
    ended = tidemill("reconcile", "--dry-run")

    assert (2, True) == (ended.exit_code, 'real money needs mode = "live"' in ended.output)
