"""``tidemill positions``, ``exposure`` and ``why``: what the books say, with or without a run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that all of them have."""
    text = "Folder of the ledger; by default that of ./tidemill.toml, else tidemill-data."
    folder = click.option("--data", type=click.Path(path_type=Path), help=text)
    return folder(click.option("--json", "as_json", is_flag=True, help="Print one JSON object; amounts are base units.")(function))


@click.command()
@_options
def positions(data: Path | None, as_json: bool) -> None:
    """Show what each book holds, in which account, and what it comes from.

    From the ledger, which is only read; a run that is on says what of it is promised, and what it is worth on the market that it sees.
    """
    from tidemill.api.books_text import positions_lines
    from tidemill.api.plain import to_plain
    from tidemill.api.positions import positions as found_in
    from tidemill.cli.output import print_json

    found = found_in(data)
    if as_json:
        print_json(to_plain(found))
    else:
        click.echo("\n".join(positions_lines(found)))


@click.command()
@_options
def exposure(data: Path | None, as_json: bool) -> None:
    """Show what is at risk now: transactions that are out, what they hold back and may cost.

    A transaction that a block holds is booked, and no longer at risk. Unknown is one that no node knows of.
    """
    from tidemill.api.books_text import exposure_lines
    from tidemill.api.exposure import exposure as found_in
    from tidemill.api.plain import to_plain
    from tidemill.cli.output import print_json

    found = found_in(data)
    if as_json:
        print_json(to_plain(found))
    else:
        click.echo("\n".join(exposure_lines(found)))


@click.command()
@click.argument("ref")
@_options
def why(ref: str, data: Path | None, as_json: bool) -> None:
    """Tell what is behind REF, and what became of it.

    REF is the hash of a transaction, the number of an intent, the id of a plan or an opportunity, a pool or its address; or the
    beginning of one, where nothing else begins so. The ledger of all runs is read, and nothing is written.
    """
    from tidemill.api.plain import to_plain
    from tidemill.api.why import why as story_of
    from tidemill.api.why_text import story_lines
    from tidemill.cli.output import print_json

    story = story_of(ref, data)
    if as_json:
        print_json(to_plain(story))
    else:
        click.echo("\n".join(story_lines(story)))
