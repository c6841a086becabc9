"""``tidemill explain``: the pipeline, drawn."""

from pathlib import Path

import click
from attrs import fields

from tidemill.api.explain import Explained, explain
from tidemill.cli.output import print_json


@click.command(name="explain")
@click.option("--config", "config", type=click.Path(path_type=Path), help="The configuration to explain.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(config: Path | None, as_json: bool) -> None:
    """Draw the pipeline as configured, with plugin and version behind each box."""
    found = explain(config)
    if as_json:
        print_json({field.name: getattr(found, field.name) for field in fields(Explained) if field.name != "picture"})
        return
    click.echo(f"{found.source} · mode {found.mode}\n\n{found.picture}")
