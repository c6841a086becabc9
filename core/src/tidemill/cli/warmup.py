"""``tidemill warmup``: the search kernels, compiled before they are needed."""

from pathlib import Path

import attrs
import click

from tidemill.api.warmup import warmup
from tidemill.cli.output import print_json


@click.command(name="warmup")
@click.option("--config", "config", type=click.Path(path_type=Path), help="Whose searcher is made ready; else the default's.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(config: Path | None, as_json: bool) -> None:
    """Compile the search kernels into the cache, so that runs and scans begin with them."""
    warmed = warmup(config)
    if as_json:
        print_json(attrs.asdict(warmed) if warmed is not None else {})
    else:
        click.echo(f"{warmed.plugin}: {warmed.text}" if warmed is not None else "no searcher is enabled: nothing to make ready")
