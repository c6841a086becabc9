"""``tidemill reconcile``: the books beside the chains."""

from pathlib import Path

import click


@click.command(name="reconcile")
@click.option("--config", type=click.Path(path_type=Path), help="The configuration; ./tidemill.toml by default.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the ledger; by default that of the configuration.")
@click.option("--dry-run", is_flag=True, help="Say what differs, and change nothing: nothing is written, nothing is sent.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; amounts are base units.")
def command(config: Path | None, data: Path | None, dry_run: bool, as_json: bool) -> None:
    """Ask the chains what became of all that is open and what the accounts hold; book it, and print what was found and done.

    Where a run is on, it looks at once. Where none is, the ledger and the chains are opened here: what is found becomes a run of its own
    in the ledger, a difference an entry that says why. Nothing is ever signed, and no signer is needed. Bytes that were signed and are on
    disk may be sent again as they are, unless an emergency stop holds. It takes up to half a minute where something is still out. A second
    time, with nothing new on the chain, it does nothing.
    """
    from tidemill.api.reconcile import reconcile
    from tidemill.api.reconciled import reconciled_json
    from tidemill.api.reconciled_text import reconciled_lines
    from tidemill.cli.log import configure_logging
    from tidemill.cli.output import print_json

    configure_logging(as_json=as_json)
    found = reconcile(config, data, dry_run=dry_run)
    if as_json:
        print_json(reconciled_json(found))
    else:
        click.echo("\n".join(reconciled_lines(found)))
