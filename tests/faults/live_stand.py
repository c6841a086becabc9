"""A stand for runs with real money: a chain in a node of its own, a signer with a key, and runs that may be killed at any time."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, frozen

from tidemill.domain.intent import IntentRecord
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
    """What a stand's ledger says: the balances of the wallet, and all intents with their numbers."""

    balances: Mapping[str, int]
    intents: tuple[IntentRecord, ...]


@define
class Stand:
    """A folder with keys, a configuration and a ledger; a node and a signer that outlive the runs."""

    folder: Path
    node: SimNodeProcess
    account: str
    signer: subprocess.Popen[str]

    @property
    def chain(self) -> NodeClient:
        """The chain's own account of what happened."""
        return NodeClient(self.node.socket)

    def start(self, *options: str, first: str = "", **env: str) -> subprocess.Popen[str]:
        """Start a run; ``first`` is what Python runs before anything else."""
        site = self.folder / "site"
        site.mkdir(exist_ok=True)
        (site / "sitecustomize.py").write_text(first)
        command = [COMMAND, "run", "--live", "--json", *(options or ("--blocks", str(BLOCKS)))]
        environment = _environment(PYTHONPATH=str(site), **env)
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

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

    def booked(self) -> Booked:
        """Read the ledger, which no run may hold now."""
        from tidemill_store_sqlite import SqliteStore

        store = SqliteStore()
        store.open(self.folder / "data", write=False)
        try:
            assert [] == list(store.check())
            balances = {asset: amount for (_, account, asset), amount in store.balances().items() if account == "wallet"}
            return Booked({str(asset): amount for asset, amount in balances.items()}, tuple(store.intents(ended=True)))
        finally:
            store.close()


@contextmanager
def live_stand(folder: Path, *, seed: int = 3, state: Path | None = None, **settings: Any) -> Iterator[Stand]:
    """Make a stand; its node and its signer end with the block."""
    chosen = {**QUIET, **settings}
    (folder / "pass").write_text(PASSPHRASE)
    (folder / "pass").chmod(0o600)
    _tidemill(folder, "keys", "add", "main", "--scheme", "secp256k1", "--keystore", "keys", "--passphrase-file", "pass")
    listed = json.loads(_tidemill(folder, "keys", "list", "--keystore", "keys", "--json").splitlines()[0])
    account = str(listed["address"]).lower()
    with sim_node(seed=seed, settings=chosen, state=state) as node:
        spends = "\n".join(
            f'[signer.chains."sim:1".spends."sim:1/erc20:{hub.address}"]\ndecimals = {hub.decimals}\n'
            'per_transaction = "1_000_000_000"\nper_day = "1_000_000_000_000"'
            for hub in HUBS
        )
        lines = "\n".join(f"{name} = {value}" for name, value in chosen.items())
        (folder / "tidemill.toml").write_text(
            CONFIG.format(
                seed=seed, node=node.socket, settings=lines, tokens=chosen["tokens"], account=account, executor=EXECUTOR, spends=spends
            )
        )
        signer = subprocess.Popen(
            [COMMAND, "signer", "--passphrase-file", "pass"],
            cwd=folder, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            _wait_for(folder / "keys" / "signer.sock", signer)
            yield Stand(folder, node, account, signer)
        finally:
            signer.kill()
            signer.wait()
            if signer.stdout is not None:
                signer.stdout.close()


def _tidemill(folder: Path, *arguments: str) -> str:
    command = [COMMAND, *arguments]
    return subprocess.run(command, cwd=folder, env=_environment(), check=True, capture_output=True, text=True).stdout


def _environment(**changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    return {**kept, **changes}


def _wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + START_S
    while not path.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until, f"{path} did not appear"
        time.sleep(0.05)
