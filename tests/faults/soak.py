"""Trades with real money on the simulated chain for simulated hours while it, its node, plugins and the signer fail: the soak.

It is done twice with one seed. Both must come to one ledger, hash for hash, whose balances are the chain's own, and memory must not grow.
`nox -s soak` does 24 hours, the default tests some minutes.
"""

import hashlib
import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import evolve, frozen

from tests.faults.live_judge import judged
from tests.faults.live_stand import Stand, live_stand
from tests.faults.soak_memory import Sample, slope, warm
from tests.faults.soak_script import CHAIN, FIRST, RISK_PPM, STRATEGY_PPM, Part, parts
from tidemill.domain.records import IntentRow
from tidemill.ledger.verify import IN_FLIGHT
from tidemill_chain_sim.settings import SimSettings
from tidemill_store_sqlite import SqliteStore

HOUR_S = 3600
LOOKS_AN_HOUR = 12
TIMES = 2
MARKET: Mapping[str, Any] = {"tokens": 10, "pools": 24}
"""Few pools: a block takes milliseconds, and plans leave in every third of them all the same."""
PLUGINS: Mapping[str, Mapping[str, str]] = {
    "soak_watch": {"strategies": "strategy"},
    "soak_faulty": {"strategies": "strategy", "risk": "risk"},
}
"""The soak's own plugins by module: the folders of the configuration in which each stands, with the kind."""
POLL_S = 0.02


@frozen
class Soaked:
    """What a soak came to: one hash over the hashes of all its runs, what happened, and whether books and chain agree."""

    ledger: str
    blocks: int
    fills: int
    reverts: int
    faults: Mapping[str, int]
    samples: tuple[Sample, ...]
    books: str
    seconds: int

    @property
    def balanced(self) -> bool:
        """Whether every transaction is booked once, and every balance is the chain's."""
        return self.books == "0 kills: 0 lost, 0 doubled, ledger balanced"


def soak(folder: Path, hours: str, seed: int, block_time_s: int = SimSettings().block_time_s) -> Soaked:
    """Trade for so many hours of simulated time, and return what came of it."""
    begun = time.monotonic()
    script = parts(round(float(hours) * HOUR_S) // block_time_s, block_time_s, seed)
    faults: Counter[str] = Counter({"runs begun anew": len(script) - 1, "signers killed": len(script)})
    ended: Counter[str] = Counter()
    # Names of transactions follow from the key, and from them what the chain does about each
    key = hashlib.sha256(f"key of soak {seed}".encode()).hexdigest()
    with live_stand(folder, seed=seed, key=key, fresh=True, block_time_s=block_time_s, **MARKET, **CHAIN) as stand:
        _install(stand, block_time_s)
        stand.always = FIRST
        for number, part in enumerate(script):
            for line in _run(stand, number, part, seed, HOUR_S // block_time_s // LOOKS_AN_HOUR):
                if line["event"] == "plugin" and line["state"] == "failed":
                    faults[f"failures of {line['plugin']}"] += 1
                if line["event"] == "summary":
                    ended.update({name: line[name] for name in ("blocks", "fills", "reverts")})
        faults.update(stand.chain.happened())
        books = f"{judged(stand, 0)}{forgotten(stand.folder)}"
        samples = tuple(Sample(**json.loads(line)) for line in (folder / "samples").read_text("ascii").splitlines())
        ledger = _hash(folder)
    seconds = round(time.monotonic() - begun)
    return Soaked(ledger, ended["blocks"], ended["fills"], ended["reverts"], dict(sorted(faults.items())), samples, books, seconds)


def _install(stand: Stand, block_time_s: int) -> None:
    """Install the soak's plugins where runs look for them, enable them, and let prices begin where the chain is."""
    site, tables = stand.folder / "site", []
    for module, kinds in PLUGINS.items():
        distribution = module.replace("_", "-")
        metadata = site / f"{module}-1.0.0.dist-info"
        metadata.mkdir(parents=True)
        points = "".join(f"[tidemill.{kind}.v1]\n{module} = {module}\n" for kind in kinds.values())
        (metadata / "entry_points.txt").write_text(points, "utf-8")
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.4\nName: {distribution}\nVersion: 1.0.0\nSummary: Part of a soak.\n", "utf-8"
        )
        shutil.copy(Path(__file__).with_name(f"{module}.py"), site)
        tables += [f"[{folder}.{module}]\n" for folder in kinds]
    config = stand.folder / "tidemill.toml"
    prices = f'[prices.sim]\nnode = "{stand.node.socket}"\nblock_time_s = {block_time_s}\n'
    config.write_text(config.read_text("utf-8").replace("[prices.sim]\n", prices) + "\n" + "".join(tables), "utf-8")


def _run(stand: Stand, number: int, part: Part, seed: int, every: int) -> Iterator[dict[str, Any]]:
    """Carry out one run of the script, and yield what it says."""
    folder = stand.folder
    ask, done = folder / "ask", folder / "done"
    kill_at = stand.chain.hello().head.height + part.blocks - 1 - part.signer_before_end
    chosen = {
        "run": number, "seed": seed, "every": every, "kill_signer_at": kill_at, "strategy_ppm": STRATEGY_PPM, "risk_ppm": RISK_PPM,
        "samples": str(folder / "samples"), "signer": str(folder / "signer.pid"), "ask": str(ask), "done": str(done),
    }  # fmt: skip
    out, signer = folder / "run.log", folder / "signer.pid"
    signer.write_text(str(stand.signer.pid), "ascii")
    process = stand.start_writing(out, "--blocks", str(part.blocks), SOAK=json.dumps(chosen))
    while process.poll() is None:
        if ask.exists():
            ask.unlink()
            stand.restart_signer()
            signer.write_text(str(stand.signer.pid), "ascii")
            done.touch()
        time.sleep(POLL_S)
    said = out.read_text("utf-8").splitlines()
    assert process.returncode == 0, said[-20:]
    return map(json.loads, said)


def _hash(folder: Path) -> str:
    """Return a hash over the ledgers of all runs, in order."""
    with _ledger(folder) as store:
        return hashlib.sha256("\n".join(run.ledger_hash for run in store.runs()).encode()).hexdigest()


def forgotten(folder: Path) -> str:
    """Say how many plans the ledger still has in flight though their transactions have ended: they would hold back others for ever."""
    with _ledger(folder) as store:
        rows = (row for run in store.runs() for row in store.rows(run.run))
        states = {row.plan: row.state for row in rows if isinstance(row, IntentRow)}
        out = {record.plan for record in store.intents()}
    forgotten = sum(state in IN_FLIGHT and plan not in out for plan, state in states.items())
    return f", {forgotten} plans forgotten in flight" if forgotten else ""


@contextmanager
def _ledger(folder: Path) -> Iterator[SqliteStore]:
    store = SqliteStore()
    store.open(folder / "data", write=False)
    try:
        yield store
    finally:
        store.close()


def report(hours: str, soaked: Sequence[Soaked]) -> tuple[bool, str]:
    """Return whether all is well with soaks of one seed, and the line that says so."""
    first = soaked[0]
    same = len({one.ledger for one in soaked}) == 1
    balanced = all(one.balanced for one in soaked)
    grown = slope(warm(first.samples))
    hashes = f"same hash {'twice' if same else 'NOT'} ({', '.join(dict.fromkeys(one.ledger[:12] for one in soaked))})"
    books = "ledger balanced" if balanced else "; ".join(one.books for one in soaked if not one.balanced)
    memory = "memory not measured" if grown is None else f"memory {grown:+.2f} MB/h"
    line = (
        f"{hours} h simulated, {first.blocks} blocks, {first.fills} fills, {sum(first.faults.values())} faults: {hashes}, {memory}, {books}"
    )
    return same and balanced, line


def _in_a_folder(hours: str, seed: int) -> Soaked:
    """Soak, and say what happened."""
    with TemporaryDirectory(prefix="soak-") as name:
        one = soak(Path(name), hours, seed)
    faults = ", ".join(f"{name} {count}" for name, count in one.faults.items())
    run, signer = slope(warm(one.samples)), slope(warm([evolve(sample, held=sample.signer) for sample in one.samples]))
    sys.stdout.write(f"a soak of {one.seconds} s: {one.reverts} reverts; {faults}; {one.books}; {one.ledger}; ")
    sys.stdout.write(f"memory of runs {run}, of signers {signer} MB/h\n")
    sys.stdout.flush()
    return one


def main(hours: str = "24", seed: str = "1") -> int:
    """Soak twice at once, and print what it came to; return the exit code."""
    with ThreadPoolExecutor(TIMES) as both:
        soaked = list(both.map(lambda _: _in_a_folder(hours, int(seed)), range(TIMES)))
    fine, line = report(hours, soaked)
    sys.stdout.write(f"{line}\n")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
