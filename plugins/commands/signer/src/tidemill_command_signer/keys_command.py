"""``tidemill keys``: what people do with keys. No option takes a secret, and nothing secret is ever printed."""

import json
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tidemill.domain.signing import Scheme
from tidemill.errors import UsageError
from tidemill_command_signer.keystore.facts import SCHEMES, KeyFacts, check_name
from tidemill_command_signer.passphrase import PassphraseSource, passphrase_options

if TYPE_CHECKING:
    from tidemill_command_signer.keystore.secret import SecretBytes
    from tidemill_command_signer.keystore.store import Keystore

Function = Callable[..., Any]
_PATH = click.Path(path_type=Path)
_PROMPT = "passphrase of the keystore"
_passphrase = passphrase_options("the keystore")
_file_passphrase = passphrase_options("the Web3 file", "file")


def _in_keystore(command: Function) -> Function:
    """Give a command the options that name a keystore, and its function the ``Keystore``."""

    @wraps(command)
    def call(keystore: Path | None, config: Path | None, **given: Any) -> Any:
        from tidemill_command_signer.keystore.store import Keystore
        from tidemill_command_signer.location import keystore_folder
        from tidemill_command_signer.undumpable import forbid_dumps

        forbid_dumps()
        return command(store=Keystore(keystore_folder(keystore, config)), **given)

    folder = click.option("--keystore", type=_PATH, metavar="DIR", help="The keystore; the configuration's by default, else tidemill-keys.")
    config = click.option("--config", type=_PATH, metavar="F", help="The configuration whose keystore it is.")
    return folder(config(call))


def _ask(store: "Keystore", passphrase: PassphraseSource) -> "SecretBytes":
    """Return the keystore's passphrase: a new one where it has no key yet."""
    new = not store.folder.exists() or not store.names()
    return passphrase.read(f"new {_PROMPT}" if new else _PROMPT, new=new)


@click.group()
def keys() -> None:
    """Make, import, list, export, rotate and remove the keys that `tidemill signer` signs with."""


@keys.command()
@click.argument("name")
@click.option("--scheme", type=click.Choice(SCHEMES), required=True, help="secp256k1 for EVM chains, ed25519 for Solana.")
@_in_keystore
@_passphrase
def add(name: str, scheme: Scheme, store: "Keystore", passphrase: PassphraseSource) -> None:
    """Make a new key called NAME."""
    check_name(name)
    with _ask(store, passphrase) as opened:
        _say("added", store.add(name, scheme, opened))
    click.echo("Keep a copy of its file and of the passphrase: nobody else has either.", err=True)


@keys.command(name="import")
@click.argument("name")
@click.option("--from", "form", type=click.Choice(("web3", "solana", "hex")), required=True, help="What the file is.")
@click.option("--file", "path", type=_PATH, required=True, metavar="F", help="The file with the key; - is standard input.")
@click.option("--scheme", type=click.Choice(SCHEMES), help="Of a key in hex; secp256k1 by default.")
@_in_keystore
@_passphrase
@_file_passphrase
def import_(
    name: str,
    form: str,
    path: Path,
    scheme: Scheme | None,
    store: "Keystore",
    passphrase: PassphraseSource,
    file_passphrase: PassphraseSource,
) -> None:
    """Keep a key of another program as NAME."""
    from tidemill_command_signer.transfer import read_file, read_key, scheme_of

    check_name(name)
    wanted, piped = scheme_of(form, scheme), str(path) == "-"
    if piped and 0 in (passphrase.fd, file_passphrase.fd):
        raise UsageError("standard input cannot hold the key and a passphrase: name a file for one of them")
    with read_file(path) as text, read_key(form, text, wanted, file_passphrase) as secret, _ask(store, passphrase) as opened:
        _say("imported", store.import_key(name, wanted, secret, opened, form))
    if not piped:
        click.echo(f"{path} still holds the key: remove it once you have a copy of the keystore.", err=True)


@keys.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@_in_keystore
def list_(as_json: bool, store: "Keystore") -> None:
    """List the keys with their addresses, as their files say; no passphrase is needed."""
    from tidemill_command_signer.keystore.errors import KeystoreError

    rows, faults = [], []
    for name in store.names():
        try:
            rows.append(_row(store.describe(name)))
        except KeystoreError as error:
            faults.append(str(error))
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
    elif rows:
        _print_table(rows)
    elif not faults:
        click.echo(f"{store.folder} holds no keys")
    if faults:
        raise KeystoreError("\n".join(faults))


@keys.command()
@click.argument("name")
@click.option(
    "--to", "form", type=click.Choice(("web3", "solana", "base58")), required=True, help="web3 has a passphrase; the others none."
)
@click.option("--out", type=_PATH, required=True, metavar="F", help="The file to write, not there yet; you alone can read it.")
@_in_keystore
@_passphrase
@_file_passphrase
def export(name: str, form: str, out: Path, store: "Keystore", passphrase: PassphraseSource, file_passphrase: PassphraseSource) -> None:
    """Write the key NAME to a file for another program; it stays in the keystore."""
    from tidemill_command_signer.keystore.files import write_new
    from tidemill_command_signer.transfer import check_out, exporter

    check_out(out)
    scheme = store.check(name, "export").scheme
    with (
        passphrase.read(_PROMPT) as opened,
        exporter(form, scheme, file_passphrase) as write,
        store.export_key(name, opened, write, form) as text,
    ):
        write_new(out, text)
    click.echo(f"exported {name} to {out}")
    if form != "web3":
        click.echo(f"{out} holds the key in the open: whoever reads it has the key.", err=True)


@keys.command()
@click.argument("name")
@_in_keystore
@_passphrase
def rotate(name: str, store: "Keystore", passphrase: PassphraseSource) -> None:
    """Make a new key called NAME; the old one signs nothing more, and is kept until it is removed."""
    store.check(name, "rotate")
    with passphrase.read(_PROMPT) as opened:
        new, old = store.rotate(name, opened)
    _say("rotated", new)
    _say("kept", old)
    click.echo(
        "What the old address holds stays there. A signer that runs takes the new key with its next request;\n"
        "name the new address in [books.NAME.accounts], and start the run again.",
        err=True,
    )


@keys.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask: for scripts.")
@_in_keystore
def remove(name: str, yes: bool, store: "Keystore") -> None:
    """Delete the key NAME; without a copy, what its address holds is lost."""
    if name in store.names() and not yes:
        if not _at_terminal():
            raise UsageError(f"there is no terminal to ask whether {name} shall be removed: say so with --yes")
        click.confirm(f"Remove {name} from {store.folder}? Without a copy, what its address holds is lost", abort=True)
    store.remove(name)
    click.echo(f"removed {name}")


def _at_terminal() -> bool:
    return sys.stdin.isatty()


def _say(done: str, facts: KeyFacts) -> None:
    click.echo(f"{done} {facts.name}  {facts.scheme}  {_row(facts)['address']}")


def _row(facts: KeyFacts) -> dict[str, str | int]:
    from tidemill_command_signer.address import address_of

    return {
        "name": facts.name, "scheme": facts.scheme, "address": address_of(facts.scheme, facts.public_key),
        "public_key": facts.public_key.hex(), "created": facts.created, "role": facts.role, "version": facts.version,
    }  # fmt: skip


def _print_table(rows: list[dict[str, str | int]]) -> None:
    shown = ("name", "scheme", "address", "role", "version", "created")
    table = [shown, *(tuple(str(row[column]) for column in shown) for row in rows)]
    widths = [max(len(line[place]) for line in table) for place in range(len(shown))]
    for line in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
