"""Keystores whose passphrases are cheap to check, and keys that everybody knows."""

from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from tidemill_command_signer.keys import Keys
from tidemill_command_signer.keystore import Keystore, SecretBytes
from tidemill_command_signer.keystore.sealing import Cost

CHEAP = Cost(8 << 10, 1, 1)
WORDS = "correct horse battery staple"
KNOWN = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
KNOWN_ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


@pytest.fixture(autouse=True)
def debuggable(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Leaves the process of the tests as it is; the list grows with each call that would have protected it."""
    calls: list[str] = []
    monkeypatch.setattr("tidemill_command_signer.undumpable.forbid_dumps", lambda: calls.append("forbid_dumps"))
    return calls


@pytest.fixture
def cheap() -> Cost:
    """The least that a file may say a guess costs."""
    return CHEAP


@pytest.fixture
def words() -> SecretBytes:
    """A passphrase."""
    return SecretBytes(WORDS.encode())


@pytest.fixture
def known() -> SecretBytes:
    """The first key of Anvil and Hardhat."""
    return SecretBytes(bytes.fromhex(KNOWN))


@pytest.fixture
def keystore(tmp_path: Path) -> Keystore:
    """An empty keystore."""
    return Keystore(tmp_path / "keys", cost=CHEAP)


@pytest.fixture
def passphrase_file(tmp_path: Path) -> Path:
    """A file of mode 0600 with the passphrase."""
    path = tmp_path / "passphrase"
    path.touch(0o600)
    path.write_text(f"{WORDS}\n")
    return path


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs ``tidemill keys …`` in a folder of its own, as one who has no terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tidemill_command_signer.passphrase._has_terminal", lambda: False)
    monkeypatch.setattr("tidemill_command_signer.keystore.store.Cost", lambda: CHEAP)
    frame = click.Group("tidemill", commands={"keys": Keys().command()})

    def run(*arguments: str | Path, given: str | bytes = b"") -> Result:
        return CliRunner().invoke(frame, ["keys", *map(str, arguments)], input=given)

    return run
