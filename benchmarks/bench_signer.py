"""What a signature costs through the signer's socket: `uv run python -m benchmarks.bench_signer`.

A real `tidemill signer` with the codec of the simulated chain signs a swap, each time with another nonce or block hash, so that none is
given again. A round is 100 of them, one after another, timed by the clock on the wall in the client: the request, the codec's reading, the
policy, the signature, its check, the entry of the audit trail with its sync, the answer, and the client's own check of it. The trail's head
follows the answer: a request that follows at once waits for it, and is timed beside those that find the signer idle.

`TMPDIR` names a folder on another disk.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter_ns

from benchmarks.measure import MILLISECONDS, Case, report
from benchmarks.signer_peers import LENGTH, exactly, signature
from tidemill import load_config, signing_setup
from tidemill.domain.ids import ChainId, PlanId
from tidemill.domain.transaction import Unsigned
from tidemill.signing.client import SignerClient
from tidemill_command_signer.keystore import Keystore, SecretBytes
from tidemill_evm.executor import encode_flow
from tidemill_evm.steps import V2Swap
from tidemill_simworld import EXECUTOR
from tidemill_simworld.envelope import encode_call, seal

ROUND = 100
DISK = "the disk alone: a line of an entry's length appended and synced"
ROUNDS = 5
CHAIN = ChainId("sim:1")
TOKEN, POOL = "0x" + "a1" * 20, "0x" + "b2" * 20
WORDS = b"a passphrase of the benchmark"
SCHEMES = {"main": "secp256k1", "sol": "ed25519"}
CONFIG = f"""
[codecs.sim]
[signer]
keystore = "keys"
live = true
[signer.chains."{CHAIN}"]
keys = ["main", "sol"]
decimals = 18
max_fee = 1
max_fee_per_day = 1_000_000
[signer.chains."{CHAIN}".targets]
{EXECUTOR} = ["*"]
[signer.chains."{CHAIN}".spends."{CHAIN}/erc20:{TOKEN}"]
decimals = 0
per_transaction = 10
per_day = 1_000_000_000
"""


class Running:
    """A signer with two keys, one connection to it, and the accounts of its keys."""

    def __init__(self, folder: Path) -> None:
        (folder / "tidemill.toml").write_text(CONFIG)
        store = Keystore(folder / "keys")
        for name, scheme in SCHEMES.items():
            store.add(name, "ed25519" if scheme == "ed25519" else "secp256k1", SecretBytes(WORDS))
        readable, writable = os.pipe()
        os.write(writable, WORDS)
        os.close(writable)
        command = [sys.executable, "-c", "from tidemill.cli.main import main; main()", "signer", "--passphrase-fd", str(readable)]
        self.process = subprocess.Popen(command, cwd=folder, pass_fds=[readable], stdout=subprocess.PIPE, text=True)  # noqa: S603
        os.close(readable)
        for line in self.process.stdout or ():
            if line.startswith("listens"):
                break
        setup = signing_setup(load_config(folder / "tidemill.toml"))
        self.codec = setup.codecs["sim"]
        self.ring = store.unlock(SecretBytes(WORDS), list(SCHEMES))
        self.accounts = {name: self.codec.account(self.ring.scheme(name), self.ring.public_key(name)) for name in SCHEMES}
        self.loop = asyncio.new_event_loop()
        self.client = SignerClient(setup.socket, setup.codecs)
        self.loop.run_until_complete(self._begin())
        self._slot = 0

    async def _begin(self) -> None:
        await self.client.__aenter__()
        for account in self.accounts.values():
            await self.client.lease(account, "the benchmark")

    def transaction(self, key: str) -> Unsigned:
        """Return a swap that was not signed before."""
        self._slot += 1
        call = encode_call([(TOKEN, 10)], encode_flow((V2Swap(POOL, TOKEN, TOKEN, True, 3_000, 10, 0),), (), 9), 10**9)
        slot = f"nonce:{self._slot}" if key == "main" else f"blockhash:0x{self._slot:064x}"
        return seal(Unsigned(PlanId("bench"), CHAIN, call, 200_000, 9), self.accounts[key], slot, 9)

    def end(self) -> None:
        """Leave the signer and end it."""
        self.loop.run_until_complete(self.client.__aexit__(None, None, None))
        self.loop.close()
        self.process.terminate()
        self.process.wait()


def through_signer(running: Running, key: str, *, rests: bool) -> Callable[[], list[float]]:
    """Return a round through the real signer; one that ``rests`` finds it idle each time, since a greeting in between has its turn last."""

    async def signed() -> list[float]:
        times = []
        for _ in range(ROUND):
            unsigned = running.transaction(key)
            started = perf_counter_ns()
            await running.client.sign(unsigned, running.accounts[key], 1)
            times.append((perf_counter_ns() - started) / 1_000_000)
            if rests:
                await running.client.hello()
        return times

    return lambda: running.loop.run_until_complete(signed())


def without_socket(running: Running, key: str) -> Callable[[], list[float]]:
    """Return a round in this process: the codec's message, the signature, and the two joined."""

    def signed() -> list[float]:
        times = []
        for _ in range(ROUND):
            payload = running.transaction(key).payload
            started = perf_counter_ns()
            running.codec.join(payload, running.ring.sign(key, running.codec.message(payload)))
            times.append((perf_counter_ns() - started) / 1_000_000)
        return times

    return signed


def bare_socket(scheme: str) -> Callable[[], list[float]]:
    """Return a round over a plain Unix socket to a process that signs whatever it gets."""
    message = b"m" * 32
    expected = signature(scheme, message)

    def signed() -> list[float]:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "benchmarks.signer_peers", str(theirs.fileno()), scheme]
        times = []
        with ours, subprocess.Popen(command, pass_fds=[theirs.fileno()]):  # noqa: S603
            theirs.close()
            for _ in range(ROUND + 1):
                started = perf_counter_ns()
                ours.sendall(LENGTH.pack(len(message)) + message)
                if expected != exactly(ours, LENGTH.unpack(exactly(ours, LENGTH.size))[0]):
                    raise RuntimeError("the peer gave another signature")
                times.append((perf_counter_ns() - started) / 1_000_000)
            ours.shutdown(socket.SHUT_RDWR)
        return times[1:]

    return signed


def synced(folder: Path) -> Callable[[], float]:
    """Return a round of appending a line of an entry's length and syncing it, nothing more."""

    def once() -> float:
        times = []
        file = os.open(folder / "synced", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for _ in range(ROUND):
            started = perf_counter_ns()
            os.write(file, b"x" * 700)
            os.fsync(file)
            times.append((perf_counter_ns() - started) / 1_000_000)
        os.close(file)
        return median(times)

    return once


def _median(once: Callable[[], list[float]]) -> float:
    return median(once())


def cases(running: Running, folder: Path) -> Iterator[Case]:
    """For each scheme: through the signer, its slowest in a hundred, one after the other at once, and the two peers."""
    yield Case(DISK, MILLISECONDS, synced(folder))
    for key, (name, target) in {"main": ("secp256k1", 3), "sol": ("ed25519", 1)}.items():
        seen: list[list[float]] = []
        idle, busy = (through_signer(running, key, rests=rests) for rests in (True, False))
        alone, bare = without_socket(running, key), bare_socket(SCHEMES[key])

        def once(idle: Callable[[], list[float]] = idle, seen: list[list[float]] = seen) -> float:
            seen.append(idle())
            return median(seen[-1])

        def slow(seen: list[list[float]] = seen) -> float:
            return quantiles(seen[-1], n=100)[98]

        peers = (f"{name}: in this process, no policy and no trail", f"{name}: over a bare socket, whatever is asked")
        yield Case(f"{name}: through the signer, synced audit entry included", MILLISECONDS, once, target, (DISK, *peers))
        yield Case(f"{name}: the slowest of a hundred (p99)", MILLISECONDS, slow)
        yield Case(f"{name}: where the next follows at once", MILLISECONDS, partial(_median, busy))
        yield Case(peers[0], MILLISECONDS, partial(_median, alone))
        yield Case(peers[1], MILLISECONDS, partial(_median, bare))


def main() -> None:
    """Measure and print."""
    with TemporaryDirectory() as name:
        running = Running(Path(name))
        try:
            remark = "Times are on the wall, median of each round's hundred: a signature waits for the disk, which no processor time shows."
            report("The signer: a signature over its socket", list(cases(running, Path(name))), ROUNDS, (remark,))
        finally:
            running.end()


if __name__ == "__main__":
    main()
