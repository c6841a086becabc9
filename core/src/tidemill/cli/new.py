"""``tidemill new``: write what an author starts from."""

from pathlib import Path

import click


@click.group(name="new")
def command() -> None:
    """Write a new plugin package."""


@command.command()
@click.argument("kind")
@click.argument("name")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    default=Path(),
    show_default="the current folder",
    help="Where the package's folder is written.",
)
def plugin(kind: str, name: str, folder: Path) -> None:
    """Write a package with a plugin of KIND called NAME: it works, and passes its conformance suite, at once.

    NAME is lower case letters, digits and single underscores. Nothing that is there is overwritten.
    """
    from tidemill.api.scaffold import new_plugin
    from tidemill.hookspecs.kinds import KIND_BY_NAME

    made = new_plugin(kind, name, folder)
    names = made.names
    enable = f"[{names.folder}.{names.name}] in tidemill.toml" if KIND_BY_NAME[kind].configured else f"tidemill {names.command} --help"
    click.echo(f"wrote {made.folder}: {len(made.files)} files, a {names.kind} plugin that works")
    click.echo(f"test it: cd {made.folder} && pip install -e . tidemill-testing pytest && python -m pytest")
    click.echo(f"use it:  {enable}; quality.toml lists what is still to do, `tidemill check plugin .` verifies it")
