"""A signer as a process of its own, over a real socket, with two real keys and a codec of the tests."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tidemill import load_config, signing_setup
from tidemill.domain.ids import ChainId, PlanId
from tidemill.domain.transaction import Unsigned
from tidemill.hookspecs.codec import Codec
from tidemill_command_signer.keystore import Keystore, SecretBytes

CHAIN = ChainId("tiny:1")
TOKEN = "tiny:1/erc20:0x00000000000000000000000000000000000000aa"
OTHER = "tiny:1/erc20:0x00000000000000000000000000000000000000bb"
TARGET = "0x00000000000000000000000000000000000000cc"
CODEC = Path(__file__).with_name("tiny.py")
CONFIG = """
[codecs.tiny]

[signer]
keystore = "keys"
live = true

[signer.chains."tiny:1"]
keys = ["main", "sol"]
decimals = 3
max_value = "1"
max_value_per_day = "2"
max_fee = "0.5"
max_fee_per_day = "10"

[signer.chains."tiny:1".targets]
"0x00000000000000000000000000000000000000CC" = ["0x01020304", ""]
program = ["*"]

[signer.chains."tiny:1".spends."tiny:1/erc20:0x00000000000000000000000000000000000000aa"]
decimals = 2
per_transaction = "100"
per_day = "150"
"""
RUN = "from tidemill.cli.main import main; main(prog_name='tidemill')"
KILLED = """
import os, signal
from tidemill_command_signer import server
encode = server.encode_value
def last(value):
    if "raw" in value:
        os.kill(os.getpid(), signal.SIGKILL)
    return encode(value)
server.encode_value = last
"""
"""Ends the signer after its entry is on disk, and before anybody gets the signature."""


class Running:
    """A signer's process; ``lines`` is what it said until it listened."""

    def __init__(self, folder: Path, environment: dict[str, str], before: str = "") -> None:
        command = [sys.executable, "-c", before + RUN, "signer", "--passphrase-file", "passphrase"]
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        self.lines: list[str] = []
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("listens at"):
                break

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """End it, and return its exit code and what it said since."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


class World:
    """A folder with a configuration, a keystore and a passphrase, and the codec both sides use."""

    def __init__(self, folder: Path, site: Path, codec: Codec) -> None:
        self.folder = folder
        self.keys = folder / "keys"
        self.socket = self.keys / "signer.sock"
        self.log = self.keys / "audit.log"
        self.codecs = {"tiny": codec}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDEMILL__")}
        self.environment = {**kept, "PYTHONPATH": str(site)}
        self.accounts: dict[str, str] = {}
        self.signers: list[Running] = []
        self.configure()

    def configure(self, *changes: tuple[str, str]) -> None:
        """Write the configuration, with texts of it replaced."""
        text = CONFIG
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (self.folder / "tidemill.toml").write_text(text)

    def setup(self) -> Any:
        """Return what signer and run agree on."""
        return signing_setup(load_config(self.folder / "tidemill.toml"))

    def start(self, before: str = "") -> Running:
        """Start a signer and wait until it listens, or has ended."""
        self.signers.append(Running(self.folder, self.environment, before))
        return self.signers[-1]

    def entries(self, *events: str) -> list[dict[str, Any]]:
        """Return the entries of the trail, or those of some events."""
        found = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [entry for entry in found if entry["event"] in events or not events]

    def payload(
        self, key: str = "main", *, slot: str = "nonce:1", fee: int = 1, chain: str = CHAIN, account: str = "", **action: Any
    ) -> bytes:
        """Return a transaction of one call, changed in some of its parts."""
        one = {"target": TARGET, "method": "0x01020304", "value": 0, "spends": []} | action
        scheme = "secp256k1" if key == "main" else "ed25519"
        found = {"chain": chain, "account": account or self.accounts[key], "scheme": scheme, "slot": slot, "fee": fee, "actions": [one]}
        return json.dumps(found).encode()

    def unsigned(self, key: str = "main", **changes: Any) -> Unsigned:
        """Return the same as a run hands it to its signer."""
        return Unsigned(PlanId("a-plan"), CHAIN, self.payload(key, **changes), 0, 0, "", 0)


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A keystore with the keys ``main`` (secp256k1) and ``sol`` (ed25519), made once: a guess of its passphrase costs little."""
    from tidemill_command_signer.keystore.sealing import Cost

    folder = tmp_path_factory.mktemp("sealed") / "keys"
    store = Keystore(folder, cost=Cost(8 << 10, 1, 1))
    words = b"correct horse battery staple"
    store.add("main", "secp256k1", SecretBytes(words))
    store.add("sol", "ed25519", SecretBytes(words))
    return folder


def _site(folder: Path) -> Path:
    """Make a folder in which the codec's distribution is installed."""
    metadata = folder / "site" / "acme_tiny-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "entry_points.txt").write_text("[tidemill.codec.v1]\ntiny = acme_tiny\n")
    (metadata / "METADATA").write_text("Metadata-Version: 2.4\nName: acme-tiny\nVersion: 1.0\nSummary: Reads transactions of the tests.\n")
    (folder / "site" / "acme_tiny.py").write_text(CODEC.read_text())
    return folder / "site"


@pytest.fixture
def world(tmp_path: Path, sealed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A signer's folder; every signer that was started in it has ended afterwards."""
    for name in [name for name in os.environ if name.startswith("TIDEMILL__")]:
        monkeypatch.delenv(name)
    site = _site(tmp_path)
    monkeypatch.syspath_prepend(str(site))
    spec = spec_from_file_location("tiny_of_the_tests", CODEC)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path / "world"
    folder.mkdir()
    made = World(folder, site, module.Tiny())
    made.keys.mkdir(mode=0o700)
    for path in sealed.iterdir():
        (made.keys / path.name).touch(0o600)
        (made.keys / path.name).write_bytes(path.read_bytes())
    passphrase = folder / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_text("correct horse battery staple\n")
    store = Keystore(made.keys)
    for name in ("main", "sol"):
        facts = store.describe(name)
        made.accounts[name] = made.codecs["tiny"].account(facts.scheme, facts.public_key)
    yield made
    for signer in made.signers:
        signer.end(signal.SIGKILL)


@pytest.fixture
def names() -> SimpleNamespace:
    """What the world's policy names: chain, token, another token, target."""
    return SimpleNamespace(chain=CHAIN, token=TOKEN, other=OTHER, target=TARGET, killed=KILLED, config=CONFIG)
