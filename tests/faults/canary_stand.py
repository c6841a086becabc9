"""Drives everything that touches a secret, on a stand with real money, and gathers every place in which one could have been left."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import define, field

from tests.commands import Forks
from tests.faults.live_stand import COMMAND, PASSPHRASE, Stand, live_stand
from tests.faults.named.altered import altered, included, until

TOKEN = "canary-token-7f3a9c51d2e84b60"
VARIABLE = "ACME_TOKEN"
PIPED = bytes(range(7, 135, 4))
"""A key that is given over a pipe."""
ACME = """
import structlog

from tidemill import Secret, Strategy, hookimpl, settings


@settings
class AcmeSettings:
    token: Secret


class Acme(Strategy):
    name = "acme"
    settings: AcmeSettings

    def find_opportunities(self, snapshot):
        token = self.settings.token.reveal()
        structlog.get_logger("acme").warning("asking", url=f"https://rpc.example/{token}", headers={"x": [token]})
        if snapshot.head("sim:1").height % 4 == 2:
            raise OSError(f"GET https://rpc.example/{token}: 403")
        return iter(())


@hookimpl
def tidemill_register_strategies():
    return [Acme]
"""
METADATA = "Metadata-Version: 2.4\nName: acme\nVersion: 1.0\nSummary: Asks a service with a token.\n"
NOSY = """
import copy, gc, os, pickle, sys, traceback

shown = []

def stack_with_locals():
    shown.append(1)
    if len(shown) > 4:
        return
    frames = traceback.walk_stack(sys._getframe(1))
    with open(f"stack-{os.getpid()}.txt", "a") as file:
        file.writelines(traceback.StackSummary.extract(frames, capture_locals=True).format())

def every_object(*modules):
    shows = (repr, str, vars, pickle.dumps, copy.copy, lambda one: one.__getstate__())
    with open(f"objects-{os.getpid()}.txt", "a") as file:
        for one in gc.get_objects():
            if str(type(one).__module__).startswith(modules):
                for show in shows:
                    try:
                        file.write(repr(show(one))[:200_000] + "\\n")
                    except Exception as error:
                        file.write(repr(error) + "\\n")
"""
IN_THE_RUN = """
real, calls = module.LiveExecution.take, []

async def take(self, intent, height):
    calls.append(height)
    if len(calls) == 1:
        every_object("tidemill.signing", "tidemill.config", "tidemill.api", "tidemill.pipeline", "acme")
    stack_with_locals()
    return await real(self, intent, height)

module.LiveExecution.take = take
"""
CRASH = """
async def take(self, intent, height):
    stack_with_locals()
    raise RuntimeError("a fault of ours")

module.LiveExecution.take = take
"""
DEBUG = "\nreal = module.configure_logging\nmodule.configure_logging = lambda **given: real(**{**given, 'level': 'debug'})\n"
SIGNER = """
real, calls = module.SigningDesk._signature, []

def _signature(self, codec, key, payload):
    calls.append(key)
    if len(calls) == 1:
        with open("dumpable", "w") as file:
            import ctypes
            file.write(str(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)))
        every_object("tidemill")
    if len(calls) > CRASH_AFTER:
        raise RuntimeError("a fault of ours")
    return real(self, codec, key, payload)

module.SigningDesk._signature = _signature
"""
CURVES = """
real = module.sign

def sign(scheme, secret, message):
    stack_with_locals()
    return real(scheme, secret, message)

module.sign = sign
"""
SEALING = """
real = module.unseal

def unseal(sealed, passphrase, bound):
    stack_with_locals()
    return real(sealed, passphrase, bound)

module.unseal = unseal
"""


@define
class Gathered:
    """What was looked into: contents by kind of place and by name, the secrets, and what the system says of the signer."""

    canaries: dict[str, bytes] = field(factory=dict)
    places: dict[str, dict[str, bytes]] = field(factory=dict)
    limits: str = ""
    dumpable: str = ""

    def add(self, kind: str, name: str, content: bytes) -> None:
        """Take in one place."""
        self.places.setdefault(kind, {})[name] = content


def gathered(folder: Path, patch: pytest.MonkeyPatch, forks: Forks) -> Gathered:
    """Drive a whole stand in an empty folder; return every place that is left of it."""
    found = Gathered()
    site, temporary = folder / "site", folder / "tmp"
    for one in (site, temporary, site / "acme-1.0.dist-info"):
        one.mkdir()
    (site / "acme.py").write_text(ACME)
    (site / "acme-1.0.dist-info" / "METADATA").write_text(METADATA)
    (site / "acme-1.0.dist-info" / "entry_points.txt").write_text("[tidemill.strategy.v1]\nacme = acme\n")
    for name, value in ((VARIABLE, TOKEN), ("TMPDIR", str(temporary)), ("PYTHONPATH", str(site)), ("PYTHONDONTWRITEBYTECODE", "")):
        patch.setenv(name, value)
    with _sampled(found), live_stand(folder, fresh=True) as stand:
        path = folder / "tidemill.toml"
        path.write_text(path.read_text("utf-8") + f'[strategies.acme]\ntoken = "env:{VARIABLE}"\n')
        _keys(found, stand)
        _runs(found, stand)
        _questions(found, stand, forks)
        _crashes(found, stand)
    _files(found, folder)
    return found


def _say(found: Gathered, stand: Stand, *arguments: str, given: bytes = b"") -> int:
    done = subprocess.run([COMMAND, *arguments], cwd=stand.folder, input=given, capture_output=True, check=False)
    name = f"{len(found.places.get('output of commands', {}))}: tidemill {' '.join(arguments)}"
    found.add("output of commands", name, done.stdout + done.stderr)
    return done.returncode


def _keys(found: Gathered, stand: Stand) -> None:
    """Every command of keys, right and wrong."""
    from tidemill_command_signer.formats.web3 import read_web3
    from tidemill_command_signer.keystore import SecretBytes

    (stand.folder / "wrong").write_text("another passphrase altogether")
    (stand.folder / "wrong").chmod(0o600)
    (stand.folder / "site" / "sitecustomize.py").write_text(
        altered({"tidemill_command_signer.keystore.sealing": SEALING, "tidemill_command_signer.keystore.curves": CURVES}, NOSY)
    )
    own, wrong = ("--keystore", "keys", "--passphrase-file", "pass"), ("--keystore", "keys", "--passphrase-file", "wrong")
    _ended(found, stand, "at first")
    said = [
        _say(found, stand, "keys", "export", "main", "--to", "web3", "--out", "web3.json", "--file-passphrase-file", "pass", *own),
        _say(found, stand, "keys", "import", "piped", "--from", "hex", "--file", "-", *own, given=PIPED.hex().encode()),
        _say(found, stand, "keys", "export", "piped", "--to", "web3", "--out", "piped.json", "--file-passphrase-file", "pass", *own),
        _say(found, stand, "keys", "rotate", "piped", *own),
        _say(found, stand, "keys", "add", "sol", "--scheme", "ed25519", *own),
        _say(found, stand, "keys", "export", "sol", "--to", "solana", "--out", "id.json", *own),
        _say(found, stand, "keys", "list", "--keystore", "keys", "--json"),
    ]
    refused = [
        _say(found, stand, "keys", "export", "main", "--to", "web3", "--out", "no.json", "--file-passphrase-file", "pass", *wrong),
        _say(found, stand, "keys", "import", "twin", "--from", "web3", "--file", "web3.json", "--file-passphrase-file", "pass", *own),
        _say(found, stand, "keys", "import", "bad", "--from", "web3", "--file", "web3.json", "--file-passphrase-file", "wrong", *own),
        _say(found, stand, "keys", "import", "bad", "--from", "solana", "--file", "-", *own, given=PIPED.hex().encode()),
        _say(found, stand, "keys", "import", "bad", "--from", "hex", "--file", "-", *own, given=PIPED.hex().encode() + b"zz"),
        _say(found, stand, "keys", "export", "nobody", "--to", "web3", "--out", "no.json", *own),
        _say(found, stand, "signer", "--passphrase-file", "wrong"),
        _say(found, stand, "signer", "--passphrase-file", "tidemill.toml"),
    ]
    assert ([0] * len(said), set()) == (said, {0}.intersection(refused))
    key = read_web3(SecretBytes((stand.folder / "web3.json").read_bytes()), SecretBytes(PASSPHRASE.encode())).reveal()
    seed = bytes(int(one) for one in (stand.folder / "id.json").read_text("utf-8").strip(" []\n").split(",")[:32])
    # An export without a passphrase is the key: that is what was asked for
    (stand.folder / "id.json").unlink()
    found.canaries |= {"key": key, "key given over a pipe": PIPED, "key of Solana": seed}
    found.canaries |= {"passphrase": PASSPHRASE.encode(), "secret of a plugin": TOKEN.encode()}


def _signer(found: Gathered, stand: Stand, crash_after: int) -> None:
    """Start a signer that shows its stack and its objects, and crashes after so many signatures."""
    patches = {
        "tidemill_command_signer.desk": SIGNER.replace("CRASH_AFTER", str(crash_after)),
        "tidemill_command_signer.keystore.curves": CURVES,
        "tidemill_command_signer.keystore.sealing": SEALING,
    }
    (stand.folder / "site" / "sitecustomize.py").write_text(altered(patches, NOSY))
    stand.restart_signer()
    found.limits = Path(f"/proc/{stand.signer.pid}/limits").read_text("utf-8")


def _ended(found: Gathered, stand: Stand, name: str) -> None:
    stand.signer.terminate()
    found.add("output of the signer", name, stand.signer.communicate()[0].encode())


def _run(found: Gathered, stand: Stand, name: str, *options: str, first: str = "") -> int:
    status, out, err = stand.run(*options, first=first)
    found.add("output of runs", name, (out + err).encode())
    return status


def _runs(found: Gathered, stand: Stand) -> None:
    """A run that records, traces and logs all it can, with a plugin that fails; and one whose plans the signer refuses."""
    _signer(found, stand, 1_000)
    first = altered({"tidemill.pipeline.live": IN_THE_RUN, "tidemill.cli.log": DEBUG}, NOSY)
    assert 0 == _run(found, stand, "recorded", "--blocks", "12", "--record", "run.tape", "--trace-hooks", first=first)
    before = len(included(stand))
    process = stand.start_writing(stand.folder / "said", "--blocks", "4000", first=first)
    until(lambda: len(included(stand)) > before, "a trade")
    for arguments in (("status", "--json"), ("status",), ("pause", "acme"), ("resume", "acme")):
        _say(found, stand, *arguments, "--data", "data")
    # Killed, so that the ledger's log stays
    assert stand.kill(process, 0)
    for path in sorted((stand.folder / "data").iterdir()):
        if path.is_file():
            found.add("ledger and its log, of a run that was killed", path.name, path.read_bytes())
    _ended(found, stand, "of runs")
    path = stand.folder / "tidemill.toml"
    whole = path.read_text("utf-8")
    path.write_text(whole.replace('max_fee = "1"', 'max_fee = "0.000000000000000001"'))
    _signer(found, stand, 1_000)
    _run(found, stand, "refused", "--blocks", "4")
    _ended(found, stand, "of plans that are refused")
    path.write_text(whole)
    _say(found, stand, "run", "--live", "--blocks", "1")


def _questions(found: Gathered, stand: Stand, forks: Forks) -> None:
    """Every command that tells of a configuration, a ledger, a tape or the trail."""
    (stand.folder / "site" / "sitecustomize.py").write_text("")
    variables = {name: os.environ[name] for name in (VARIABLE, "TMPDIR", "PYTHONPATH")}
    data = ("--data", "data")
    for arguments in (
        ("ledger", "export", *data), ("ledger", "show", "--json", *data), ("ledger", "show", *data), ("ledger", "verify", *data),
        ("ledger", "hash", *data), ("audit", "verify"), ("audit", "verify", "--json"), ("config", "show"), ("config", "check"),
        ("explain",), ("plugins",), ("plugins", "--json"), ("tape", "info", "run.tape"), ("tape", "validate", "run.tape"),
        ("replay", "run.tape", "--json"), ("replay", "run.tape"), ("doctor",), ("doctor", "--json"), ("status", *data),
        ("check", "plugin", "site"), ("positions", *data), ("exposure", *data), ("why", "0x00", *data), ("doctor", "--live"),
    ):  # fmt: skip
        done = forks.run(*arguments, cwd=stand.folder, env=variables)
        assert done.code in (0, 1, 2), done
        found.add("output of commands", f"tidemill {' '.join(arguments)}", (done.out + done.err).encode())


def _crashes(found: Gathered, stand: Stand) -> None:
    """A fault of ours in the run, then one in the signer while it holds the key."""
    _signer(found, stand, 2)
    _run(found, stand, "crashed", "--blocks", "40", first=altered({"tidemill.pipeline.live": CRASH, "tidemill.cli.log": DEBUG}, NOSY))
    _run(found, stand, "its signer crashed", "--blocks", "60", "--record", "crashed.tape")
    _ended(found, stand, "that crashed")
    found.dumpable = (stand.folder / "dumpable").read_text("utf-8")


def _files(found: Gathered, folder: Path) -> None:
    """Take in every file that is left, but the one that holds the passphrase by its purpose; tapes unpacked as well."""
    from tidemill.errors import TidemillError
    from tidemill.tape.reader import TapeReader

    kinds = {"keys": "keystore and audit trail", "data": "ledger", "tmp": "temporary files", "site": "plugins with their bytecode"}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in ("pass", "wrong"):
            name = str(path.relative_to(folder))
            kind = kinds.get(name.partition("/")[0], "other files")
            if name.startswith(("stack-", "objects-")):
                kind = {"stack": "stacks with local variables", "objects": "objects, as text and pickled"}[name.partition("-")[0]]
            found.add("tapes" if path.suffix == ".tape" else kind, name, path.read_bytes())
        if path.suffix == ".tape":
            reader, told = TapeReader(path), []
            try:
                told += [repr(record) for record in reader.records()]
            except TidemillError as error:
                told.append(repr(error))
            found.add("tapes", f"{path.name}, unpacked", "\n".join([repr(reader.header), *told]).encode())
    found.add("temporary files", "names", "\n".join(map(str, (folder / "tmp").rglob("*"))).encode())
    shutil.rmtree(folder / "tmp")


@contextmanager
def _sampled(found: Gathered) -> Iterator[None]:
    """Look again and again at the argument lists and environments of all processes below this one."""
    over, seen = threading.Event(), {"argument lists": set[bytes](), "environments": set[bytes]()}

    def look() -> None:
        while not over.is_set():
            for pid in _below(os.getpid()):
                seen["argument lists"].add(_read(pid, "cmdline"))
                kept = [one for one in _read(pid, "environ").split(b"\0") if not one.startswith(f"{VARIABLE}=".encode())]
                seen["environments"].add(b"\0".join(kept))
            time.sleep(0.05)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        for kind, contents in seen.items():
            for place, content in enumerate(sorted(contents)):
                found.add(kind, str(place), content)


def _below(root: int) -> list[int]:
    """Return the processes that a process has begun, and those that they have."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _read(int(entry.name), "stat").rpartition(b")")[2].split()
            if len(fields) > 1:
                parents[int(entry.name)] = int(fields[1])
    found: list[int] = []
    for pid in parents:
        one = pid
        while (one := parents.get(one, 0)) and one != root:
            pass
        if one == root:
            found.append(pid)
    return found


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def everything(found: Gathered) -> Mapping[str, bytes]:
    """Return all contents by a name that says what they are."""
    return {f"{kind} · {name}": content for kind, places in found.places.items() for name, content in places.items()}
