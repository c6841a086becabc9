"""Files that keys come from and go to."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tidemill.domain.signing import Scheme
from tidemill.errors import UsageError
from tidemill_command_signer.formats.plain import read_hex
from tidemill_command_signer.formats.solana import read_solana, write_base58, write_id_json
from tidemill_command_signer.formats.web3 import read_web3, write_web3
from tidemill_command_signer.keystore.secret import SecretBytes

if TYPE_CHECKING:
    from tidemill_command_signer.keystore.store import Write
    from tidemill_command_signer.passphrase import PassphraseSource

LONGEST: Final = 65_536
_SCHEMES: Final[dict[str, Scheme]] = {"web3": "secp256k1", "solana": "ed25519", "base58": "ed25519"}
_PROMPT: Final = "passphrase of the Web3 file"


def scheme_of(form: str, asked: Scheme | None) -> Scheme:
    """Return the scheme of what is imported.

    Raises:
        UsageError: another one was asked for than this form has.
    """
    own = _SCHEMES.get(form)
    if own is not None and asked not in (None, own):
        raise UsageError(f"--from {form} holds keys of {own}: leave --scheme {asked} out")
    return own or asked or "secp256k1"


def read_file(path: Path) -> SecretBytes:
    """Return what a file holds, standard input for "-".

    Raises:
        UsageError: it cannot be read, or is longer than any key's file.
    """
    try:
        if str(path) == "-":
            text = SecretBytes(sys.stdin.buffer.read(LONGEST + 1))
        else:
            with path.open("rb") as file:
                text = SecretBytes(file.read(LONGEST + 1))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if len(text) > LONGEST:
        raise UsageError(f"{path} has more than {LONGEST} bytes: it is no key's file")
    return text


def read_key(form: str, text: SecretBytes, scheme: Scheme, passphrase: "PassphraseSource") -> SecretBytes:
    """Return the secret key in a text; the passphrase is asked for where the form has one.

    Raises:
        UnreadableKey: there is none in it, or it does not open.
    """
    if form == "solana":
        return read_solana(text)
    if form == "hex":
        return read_hex(text, scheme)
    with passphrase.read(_PROMPT) as opened:
        return read_web3(text, opened)


@contextmanager
def exporter(form: str, scheme: Scheme, passphrase: "PassphraseSource") -> Iterator["Write"]:
    """Give what makes the text of an export; a new passphrase is asked for where the form has one.

    Raises:
        UsageError: keys of this scheme have no such form.
    """
    if _SCHEMES[form] != scheme:
        forms = " or ".join(name for name, own in _SCHEMES.items() if own == scheme)
        raise UsageError(f"a key of {scheme} cannot be exported to {form}: expected {forms}")
    if form == "web3":
        with passphrase.read(f"new {_PROMPT}", new=True) as asked:
            yield lambda _, secret: write_web3(secret, asked)
        return
    write = write_id_json if form == "solana" else write_base58
    yield lambda _, secret: write(secret)


def check_out(path: Path) -> None:
    """Hold that an export can go to a file, before anything is asked.

    Raises:
        UsageError: it is there already, is standard output, or its folder is missing.
    """
    if str(path) in ("-", "/dev/stdout"):
        raise UsageError("a key is never printed: name a file with --out")
    if path.is_symlink() or path.exists():
        raise UsageError(f"{path} is there already: remove it, or name another file with --out")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is no folder: make it first")
