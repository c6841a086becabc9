"""``tidemill signer``: reads its policy once, opens the keys that it names, and serves until it is told to end."""

from functools import partial
from pathlib import Path

import click

from tidemill_command_signer.passphrase import PassphraseSource, passphrase_options


@click.command()
@click.option(
    "--config", type=click.Path(path_type=Path), metavar="F", help="The configuration with [signer]; tidemill.toml here by default."
)
@passphrase_options("the keystore")
def signer(config: Path | None, passphrase: PassphraseSource) -> None:
    """Sign what [signer] of the configuration allows, for runs of this user, until Ctrl-C, SIGTERM, or its terminal is closed.

    It reads its configuration once: what is changed later holds at its next start. A key that is rotated or removed meanwhile counts with
    the next request.
    """
    from tidemill import load_config, signing_setup
    from tidemill_command_signer.session import Session
    from tidemill_command_signer.undumpable import forbid_dumps

    forbid_dumps()
    setup = signing_setup(load_config(config))
    with Session(setup) as session:
        session.unlock(passphrase.read("passphrase of the keystore"))
        session.serve(click.echo, partial(click.echo, err=True))
