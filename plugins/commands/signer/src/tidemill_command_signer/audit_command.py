"""``tidemill audit verify``: is the trail as it was written?"""

import json
from pathlib import Path

import click

_PATH = click.Path(path_type=Path)


@click.group()
def audit() -> None:
    """Look at the trail of every use of a key."""


@audit.command("verify")
@click.argument("file", type=_PATH, required=False)
@click.option("--config", type=_PATH, metavar="F", help="The configuration whose keystore has the trail; without it tidemill.toml here.")
@click.option("--json", "as_json", is_flag=True, help="Give the result as one object.")
def verify_command(file: Path | None, config: Path | None, as_json: bool) -> None:
    """Say whether FILE, or the trail of the configuration's keystore, is as it was written, and else the first line that is not.

    Compare the hash of the last entry with one that was noted elsewhere: who may write the keystore could write the whole trail anew.
    """
    from tidemill_command_signer.audit import LOG, verify
    from tidemill_command_signer.location import keystore_folder

    path = file if file is not None else keystore_folder(None, config) / LOG
    found = verify(path)
    if as_json:
        facts = {"file": str(path), "sound": found.sound, "entries": found.count, "hash": found.hash, "line": found.line}
        click.echo(json.dumps({**facts, "fault": found.fault}))
    elif found.sound:
        click.echo(f"{path}: sound, {found.count} entries, the last is {found.hash}")
    else:
        click.echo(f"{path}: {found.fault}", err=True)
    if not found.sound:
        raise click.exceptions.Exit(1)
