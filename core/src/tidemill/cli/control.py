"""``tidemill status``, ``pause``, ``resume`` and ``stop``: a running instance over its Unix socket."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tidemill.api.commanded import Commanded
    from tidemill.api.connect import Instance


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that all four have."""
    text = "Folder of the run; by default that of ./tidemill.toml, else tidemill-data."
    folder = click.option("--data", type=click.Path(path_type=Path), help=text)
    return folder(click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(function))


def _cause(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--cause", default="", metavar="TEXT", help="Why, in a line; it stands on the tape, in notes and in the status.")(
        function
    )


_STRATEGY = click.argument("strategy", default="")


def _instance(data: Path | None) -> "Instance":
    from tidemill.api.config import load_config
    from tidemill.api.connect import Instance

    return Instance(data or Path(load_config().data))


def _say(done: "Commanded", as_json: bool) -> None:
    if as_json:
        from tidemill.cli.output import print_json

        print_json(done)
    else:
        click.echo(done.text)


@click.command()
@_options
def status(data: Path | None, as_json: bool) -> None:
    """Show what a running instance is at.

    Exit code 1 where none runs.
    """
    from tidemill.api.status import status_json
    from tidemill.api.status_text import status_lines
    from tidemill.cli.output import print_json

    found = _instance(data).status()
    if as_json:
        print_json(status_json(found))
    else:
        click.echo("\n".join(status_lines(found)))


@click.command()
@_STRATEGY
@_cause
@_options
def pause(strategy: str, cause: str, data: Path | None, as_json: bool) -> None:
    """Ask STRATEGY, or without a name all strategies, no longer.

    The run goes on, plans in flight settle. A pause lasts until `tidemill resume`, or until the run ends.
    """
    _say(_instance(data).pause(strategy, cause), as_json)


@click.command()
@_STRATEGY
@_cause
@_options
def resume(strategy: str, cause: str, data: Path | None, as_json: bool) -> None:
    """Ask STRATEGY, or without a name all paused strategies, again.

    Without a name it also ends an emergency stop (`stop --now`), also where no run is on; that needs --cause.
    """
    from tidemill.api.connect import release_folder
    from tidemill.api.live.noting import hand_over
    from tidemill.api.running import find_running

    instance = _instance(data)
    if not strategy and find_running(instance.data) is None and instance.data.is_dir():
        try:
            _say(release_folder(instance.data, cause), as_json)
        finally:
            hand_over(instance.data, "resume")
    else:
        _say(instance.resume(strategy, cause), as_json)


@click.command()
@click.option("--now", is_flag=True, help="Let nothing leave any more, at once; the run goes on and watches what is out.")
@click.option("--flatten", "selling", is_flag=True, help="With --now: sell what is not the base asset back into it; nothing else leaves.")
@_cause
@_options
def stop(now: bool, selling: bool, cause: str, data: Path | None, as_json: bool) -> None:
    """End a run as Ctrl-C does: what is in flight settles, the summary is told.

    Returns as soon as the run has taken it in. With --now it does not end: from this moment nothing is broadcast, also after a restart,
    until `tidemill resume --cause TEXT`.
    """
    if now:
        # Nothing else is imported before it is done
        from tidemill.api.emergency import flatten, folder_of_a_run, stop_now

        folder = data or folder_of_a_run()
        _say((flatten if selling else stop_now)(folder, cause), as_json)
        from tidemill.api.live.noting import hand_over

        hand_over(folder, "stop")
    elif cause or selling:
        raise click.UsageError(f"--{'cause' if cause else 'flatten'} goes with --now")
    else:
        _say(_instance(data).stop(), as_json)
