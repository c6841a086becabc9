"""``tidemill replay``: a recorded run folded again."""

import json
from pathlib import Path

import click


@click.command(name="replay")
@click.argument("tape", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON object; a difference as one before it.")
def command(tape: Path, as_json: bool) -> None:
    """Fold a recorded run again, its answers included.

    The ledger hash must be the same; else the first difference is named and the exit code is 1.
    """
    from tidemill.api.replay import replay
    from tidemill.cli.log import configure_logging
    from tidemill.domain.note_json import summary_json

    configure_logging(as_json=as_json)
    result = replay(tape)
    difference = result.difference
    if as_json:
        if difference is not None:
            click.echo(json.dumps({"event": "difference", "place": difference.place, "height": difference.height, "text": str(difference)}))
        click.echo(json.dumps(summary_json(result.summary)))
    else:
        summary = result.summary
        click.echo(f"{summary.blocks} blocks · {summary.fills} fills, {summary.reverts} reverts · ledger hash {summary.ledger_hash}")
        click.echo(str(difference) if difference is not None else "the replay decided the same, batch by batch")
    if difference is not None:
        raise SystemExit(1)
