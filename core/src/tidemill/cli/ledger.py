"""``tidemill ledger``: show, verify, hash and export."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tidemill.api.ledger import Ledger, RunCheck

DATA = Path("tidemill-data")


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every subcommand has."""
    chosen = click.option("--run", type=click.IntRange(min=1), help="The number of a run; the latest by default.")
    folder = click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True, help="Folder of the ledger.")
    return chosen(folder(function))


def _json(help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option("--json", "as_json", is_flag=True, help=help_text)


def _opened(data: Path) -> "Ledger":
    from tidemill.api.ledger import open_ledger

    return open_ledger(data)


@click.group(name="ledger")
def command() -> None:
    """Show, verify, hash and export the ledger."""


@command.command()
@_options
@_json("Print one JSON object.")
def show(run: int | None, data: Path, as_json: bool) -> None:
    """Show a run's gains, costs and last fills, and the balances as they stand."""
    from tidemill.api.ledger_view import view_json, view_lines, view_of

    with _opened(data) as ledger:
        view = view_of(ledger, run)
    if as_json:
        click.echo(json.dumps(view_json(view), ensure_ascii=False))
    else:
        click.echo("\n".join(view_lines(view)))


@command.command()
@_options
@_json("Print one JSON object.")
def verify(run: int | None, data: Path, as_json: bool) -> None:
    """Check the file and every run, or the one named by --run: exit code 1 with each problem named, 0 when all is sound.

    A run that was broken off is told; what it wrote is checked like any other.
    """
    with _opened(data) as ledger:
        found = ledger.verify(run)
    if as_json:
        runs = [
            {"run": one.run, "rows": one.rows, "closed": one.closed, "ledger_hash": one.ledger_hash, "problems": list(one.problems)}
            for one in found.runs
        ]
        click.echo(json.dumps({"sound": found.sound, "runs": runs, "problems": list(found.problems)}, ensure_ascii=False))
    else:
        for one in found.runs:
            click.echo(_checked(one))
        for problem in found.problems:
            click.echo(problem)
        count = len(found.problems)
        click.echo(f"{data}: {count} problem{'s' if count != 1 else ''}" if count else f"{data}: sound")
    if not found.sound:
        click.get_current_context().exit(1)


def _checked(run: "RunCheck") -> str:
    state = f"hash {run.ledger_hash}" if run.closed else "not closed: it was broken off, or is still running"
    if run.problems:
        return f"run {run.run}: {run.rows:,} rows, {state}"
    return f"run {run.run}: {run.rows:,} rows{'' if run.closed else ' so far'}, balanced, {state}"


@command.command(name="hash")
@_options
@_json("Print one JSON object.")
def hash_(run: int | None, data: Path, as_json: bool) -> None:
    """Print the SHA-256 over a run's rows, as they are now."""
    with _opened(data) as ledger:
        number, found = ledger.run(run).run, ledger.hash(run)
    click.echo(json.dumps({"run": number, "ledger_hash": found}) if as_json else found)


@command.command()
@_options
@click.option("--format", "form", type=click.Choice(["json", "csv"]), default="json", show_default=True, help="JSON lines, or CSV.")
@_json("The same as --format json.")
def export(run: int | None, data: Path, form: str, as_json: bool) -> None:
    """Print a run's rows, in order; amounts are base units."""
    with _opened(data) as ledger:
        for line in ledger.export(run, "csv" if form == "csv" and not as_json else "json"):
            click.echo(line)
