"""A stand for runs with real money: a chain in a node of its own, a signer with a key, and runs that may be killed at any time."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from attrs import define, frozen

from tests.forked import Forked
from tidemill.domain.intent import IntentRecord
from tidemill.domain.records import EntryRow
from tidemill_chain_sim.client import NodeClient
from tidemill_simworld import EXECUTOR, HUBS
from tidemill_testing.sim_node import SimNodeProcess, sim_node

PASSPHRASE = "a canary that nobody may ever see"
BLOCKS = 6
START_S = 60
COMMAND = str(Path(sys.executable).with_name("tidemill"))
QUIET: Mapping[str, Any] = {"tokens": 12, "pools": 40, "warmup_blocks": 20, "competitor_share_ppm": 200_000, "front_ppm": 700_000}
"""A small market in which much is left over, so that every block has plans of ours."""

CONFIG = """\
mode = "live"
seed = {seed}
speed = "max"
data = "data"
[execution]
warm = false
[chains.sim]
node = "{node}"
{settings}
[prices.sim]
tokens = {tokens}
[lenders.sim]
[dex.uniswap]
[dex.sushiswap]
[dex.quickswap]
[dex.pancakeswap]
[search.cycles]
[strategies.triangular]
[strategies.spatial]
[risk.limits]
max_trade = "1_000_000_000 USDC"
[stores.sqlite]
[codecs.sim]
[books.main]
base = "USDC"
[books.main.accounts]
"sim:1" = "{account}"
[signer]
keystore = "keys"
live = true
[signer.chains."sim:1"]
keys = ["main"]
decimals = 18
max_value = "0"
max_value_per_day = "0"
max_fee = "1"
max_fee_per_day = "1_000"
[signer.chains."sim:1".targets]
"{executor}" = ["*"]
{spends}
"""


@frozen
class Booked:
    """What a stand's ledger says: the balances of the wallet, all intents with their numbers, and what was adjusted in which run."""

    balances: Mapping[str, int]
    intents: tuple[IntentRecord, ...]
    adjustments: tuple[tuple[int, EntryRow], ...] = ()


@define
class Stand:
    """A folder with keys, a configuration and a ledger; a node and a signer that outlive the runs."""

    folder: Path
    node: SimNodeProcess
    account: str
    signer: subprocess.Popen[str]
    fresh: bool = False
    """Whether its runs, signers and commands are the installed program in interpreters of their own; else forks of a warm process."""
    always: str = ""
    """What Python runs first in every run, before what a single run is given."""

    @property
    def chain(self) -> NodeClient:
        """The chain's own account of what happened."""
        return NodeClient(self.node.socket)

    def start(self, *options: str, first: str = "", **env: str) -> subprocess.Popen[str]:
        """Start a run; ``first`` is what Python runs before anything else."""
        return self._started(options, first, env, subprocess.PIPE, subprocess.PIPE)

    def start_writing(self, out: Path, *options: str, first: str = "", **env: str) -> subprocess.Popen[str]:
        """Start a run that writes what it says into a file: a pipe that nobody reads would hold it up once it is full."""
        with out.open("w") as file:
            return self._started(options, first, env, file, subprocess.STDOUT)

    def _started(self, options: Sequence[str], first: str, env: Mapping[str, str], out: IO[str] | int, err: int) -> subprocess.Popen[str]:
        site = self.folder / "site"
        site.mkdir(exist_ok=True)
        (site / "sitecustomize.py").write_text(self.always + first)
        command = ["run", "--live", "--json", *(options or ("--blocks", str(BLOCKS)))]
        environment = _environment(PYTHONPATH=str(site), **env)
        return _popen(command, cwd=self.folder, env=environment, stdout=out, stderr=err, start_new_session=True, fresh=self.fresh)

    def run(self, *options: str, first: str = "", **env: str) -> tuple[int, str, str]:
        """Run to the end: status, standard output, standard error."""
        process = self.start(*options, first=first, **env)
        out, err = process.communicate(timeout=START_S * 2)
        return process.returncode, out, err

    def kill(self, process: subprocess.Popen[str], after_s: float) -> bool:
        """Kill a run after so many seconds; False where it had ended before."""
        try:
            process.wait(timeout=after_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return True
        process.communicate()
        return False

    def restart_signer(self) -> None:
        """Kill the signer, in the middle of whatever it does, and start another one."""
        _end_signer(self.signer)
        self.signer = _start_signer(self.folder, self.fresh)

    def restart_node(self) -> None:
        """Kill the node, and start one that has the same chain; the stand needs a ``state``."""
        self.node.kill()
        self.node.start()

    def command(self, *arguments: str) -> tuple[int, str]:
        """Run another command of the program in the stand's folder: status, and all that it says."""
        said = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        with _popen(arguments, cwd=self.folder, env=_environment(), fresh=self.fresh, **said) as process:
            out, _ = process.communicate()
        return process.returncode, out

    def booked(self) -> Booked:
        """Read the ledger, which no run may hold now."""
        from tidemill_store_sqlite import SqliteStore

        store = SqliteStore()
        store.open(self.folder / "data", write=False)
        try:
            assert [] == list(store.check())
            balances = {asset: amount for (_, account, asset), amount in store.balances().items() if account == "wallet"}
            rows = ((run.run, row) for run in store.runs() for row in store.rows(run.run))
            adjusted = tuple((run, row) for run, row in rows if isinstance(row, EntryRow) and row.kind == "adjustment")
            return Booked({str(asset): amount for asset, amount in balances.items()}, tuple(store.intents(ended=True)), adjusted)
        finally:
            store.close()


@contextmanager
def live_stand(
    folder: Path, *, seed: int = 3, state: Path | None = None, key: str = "", fresh: bool = False, **settings: Any
) -> Iterator[Stand]:
    """Make a stand; its node and its signer end with the block.

    Args:
        folder: of all that the stand keeps.
        seed: of the chain.
        state: the file in which the node keeps the chain.
        key: the account's private key in hex; "" makes a new one.
        fresh: whether every process begins as a user's does, with an interpreter of its own: the clock, the modules and the seed of
            hashes that it begins with are then its own.
        **settings: of ``[chains.sim]``.
    """
    chosen = {**QUIET, **settings}
    (folder / "pass").write_text(PASSPHRASE)
    (folder / "pass").chmod(0o600)
    scheme = "ed25519" if chosen.get("accounts") == "svm" else "secp256k1"
    made = ("import", "main", "--from", "hex", "--file", "-") if key else ("add", "main")
    _tidemill(folder, "keys", *made, "--scheme", scheme, "--keystore", "keys", "--passphrase-file", "pass", given=key, fresh=fresh)
    listed = json.loads(_tidemill(folder, "keys", "list", "--keystore", "keys", "--json", fresh=fresh).splitlines()[0])
    account = str(listed["address"]) if scheme == "ed25519" else str(listed["address"]).lower()
    with sim_node(seed=seed, settings=chosen, state=state) as node:
        spends = "\n".join(
            f'[signer.chains."sim:1".spends."sim:1/erc20:{hub.address}"]\ndecimals = {hub.decimals}\n'
            'per_transaction = "1_000_000_000"\nper_day = "1_000_000_000_000"'
            for hub in HUBS
        )
        lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in chosen.items())
        (folder / "tidemill.toml").write_text(
            CONFIG.format(
                seed=seed, node=node.socket, settings=lines, tokens=chosen["tokens"], account=account, executor=EXECUTOR, spends=spends
            )
        )
        stand = Stand(folder, node, account, _start_signer(folder, fresh), fresh)
        try:
            yield stand
        finally:
            _end_signer(stand.signer)


def _popen(arguments: Sequence[str], *, fresh: bool, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen([COMMAND, *arguments], text=True, **options) if fresh else Forked(arguments, **options)


def _start_signer(folder: Path, fresh: bool) -> subprocess.Popen[str]:
    socket = folder / "keys" / "signer.sock"
    socket.unlink(missing_ok=True)
    said = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    signer = _popen(("signer", "--passphrase-file", "pass"), cwd=folder, env=_environment(), fresh=fresh, **said)
    try:
        _wait_for(socket, signer)
    except AssertionError:
        _end_signer(signer)
        raise
    return signer


def _end_signer(signer: subprocess.Popen[str]) -> None:
    signer.kill()
    signer.wait()
    if signer.stdout is not None:
        signer.stdout.close()


def _tidemill(folder: Path, *arguments: str, fresh: bool, given: str = "") -> str:
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with _popen(arguments, cwd=folder, env=_environment(), fresh=fresh, **streams) as process:
        out, err = process.communicate(given)
    assert 0 == process.returncode, err
    return out


def _environment(**changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    # Compiling what it imports would be half of what a run does until it is killed
    return {**kept, "PYTHONDONTWRITEBYTECODE": "", **changes}


def _wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + START_S
    while not path.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until, f"{path} did not appear"
        time.sleep(0.05)


def wait_until(done: Callable[[], bool], out: Path) -> None:
    """Wait until something is so; where that takes too long, say what the run told."""
    until = time.monotonic() + START_S
    while not done():
        assert time.monotonic() < until, out.read_text()[-2_000:]
        time.sleep(0.02)
