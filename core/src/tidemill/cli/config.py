"""``tidemill config``: write, check and show configurations."""

from pathlib import Path

import click

from tidemill.api.config import CONFIG_FILE, check_config, write_default_config
from tidemill.cli.output import print_json

_FILE = click.argument("file", type=click.Path(path_type=Path), required=False)


@click.group(name="config")
def command() -> None:
    """Write, check and show configurations."""


@command.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path(CONFIG_FILE), show_default=True, help="Where to write it.")
def init(out: Path) -> None:
    """Write the default configuration, with comments."""
    path = write_default_config(out)
    click.echo(f"wrote {path}; `tidemill config check {path}` checks it")


@command.command()
@_FILE
def check(file: Path | None) -> None:
    """Check FILE and every plugin that it enables; print all errors, start nothing.

    Without FILE: tidemill.toml in the current folder, else the default configuration.
    """
    checked = check_config(file)
    count = len(checked.registry)
    click.echo(f"{checked.config.source}: ok, {count} plugin{'s' if count != 1 else ''} enabled, mode {checked.config.mode}")


@command.command()
@_FILE
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(file: Path | None, as_json: bool) -> None:
    """Print the effective configuration: defaults written out, variables applied, secrets as references."""
    checked = check_config(file)
    if as_json:
        print_json(checked.to_tables())
    else:
        click.echo(checked.to_toml(), nl=False)
