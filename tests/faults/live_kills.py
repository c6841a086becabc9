"""Kills runs that trade with real money, again and again, and compares the books with the chain's own account: the crash lane.

`nox -s faults` runs it with hundreds of kills, the default tests with some: at random times, and at every named point of an intent's way.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from attrs import define, field

from tests.faults.live_stand import Booked, Stand, live_stand
from tidemill.domain.intent import IntentState

INCLUDED = (IntentState.SEEN, IntentState.FINAL, IntentState.REVERTED)
OUT = (IntentState.SIGNED, IntentState.BROADCAST, IntentState.UNKNOWN)
PATIENCE = 20
"""So many runs more may pass until nothing is out any more."""
NATIVE = "sim:1/slip44:60"
SOONEST_S, LATEST_S = 0.6, 2.5
A_STAND = 40
"""So many kills at random on each stand."""
REORGANISING: dict[str, Any] = {"reorganisation_ppm": 150_000, "reorganisation_depth": 2}

POINTS = {
    "before it is signed": ("tidemill.signing.client", "SignerClient.sign", "before"),
    "signed, before it is kept": ("tidemill.signing.client", "SignerClient.sign", "after"),
    "kept, before it is sent": ("tidemill.pipeline.writer", "LedgerWriter.keep_durable", "after"),
    "before the link sends it": ("tidemill_chain_sim.link", "SimLink.broadcast", "before"),
    "sent, before that is kept": ("tidemill_chain_sim.link", "SimLink.broadcast", "after"),
    "before it is asked about": ("tidemill_chain_sim.link", "SimLink.outcome", "before"),
    "its outcome known, before it is kept": ("tidemill_chain_sim.link", "SimLink.outcome", "after"),
    "before a slot is asked for": ("tidemill_chain_sim.link", "SimLink.slot", "before"),
    "before balances are asked for": ("tidemill_chain_sim.link", "SimLink.holdings", "before"),
    "balances known, before they are booked": ("tidemill_chain_sim.link", "SimLink.holdings", "after"),
}
"""Named points of an intent's way: the function at which the process ends, and whether before or after it did its work."""

KILL_AT = """\
import importlib.abc
import os
import signal
import sys

MODULE, NAME, WHEN, COUNT = {module!r}, {name!r}, {when!r}, {count}


def patched(module):
    owner = module
    *path, last = NAME.split(".")
    for part in path:
        owner = getattr(owner, part)
    real, calls = getattr(owner, last), [0]

    async def ending(*args, **kwargs):
        calls[0] += 1
        due = calls[0] == COUNT
        if due and WHEN == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = await real(*args, **kwargs)
        if due:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(owner, last, ending)


class Watching(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != MODULE:
            return None
        sys.meta_path.remove(self)
        import importlib.util
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module
        def exec_module(module):
            load(module)
            patched(module)
        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Watching())
"""


@define
class Tally:
    """What the lane came to: kills that hit, transactions that the books lack, and what they have twice."""

    kills: int = 0
    lost: list[str] = field(factory=list)
    doubled: list[str] = field(factory=list)
    unbalanced: list[str] = field(factory=list)

    def __str__(self) -> str:
        return f"{self.kills} kills: {len(self.lost)} lost, {len(self.doubled)} doubled" + (
            f", unbalanced: {'; '.join(self.unbalanced)}" if self.unbalanced else ", ledger balanced"
        )


def kill_at_random(stand: Stand, kills: int, seed: int) -> int:
    """Kill a run so many times at random moments of its first seconds; return how often it was still alive."""
    random = Random(seed)
    return sum(stand.kill(stand.start("--blocks", "400"), random.uniform(SOONEST_S, LATEST_S)) for _ in range(kills))


def kill_at_points(stand: Stand, calls: int = 2) -> Iterator[tuple[str, bool]]:
    """End a run at each named point, at its first and later calls; yield the point and whether the run came to it."""
    for point, (module, name, when) in POINTS.items():
        for call in range(1, calls + 1):
            status, _, err = stand.run("--blocks", "40", first=KILL_AT.format(module=module, name=name, when=when, count=call))
            assert status in (0, -9), err
            yield f"{point}, call {call}", status == -9


def judged(stand: Stand, kills: int) -> Tally:
    """Let a run come to its end and compare the books with the chain: every transaction once, every balance equal."""
    tally = Tally(kills)
    booked = _ended(stand)
    for _ in range(PATIENCE):
        if not any(one.state in OUT for one in booked.intents):
            break
        booked = _ended(stand)
    _compare(tally, booked, stand)
    return tally


def _ended(stand: Stand) -> Booked:
    status, _, err = stand.run()
    assert status == 0, err
    return stand.booked()


def _compare(tally: Tally, booked: Booked, stand: Stand) -> None:
    statement = stand.chain.statement(stand.account)
    on_chain = {entry.tx for entry in statement}
    included = {one.tx: one for one in booked.intents if one.state in INCLUDED}
    tally.lost += sorted(on_chain - included.keys())
    tally.doubled += sorted(included.keys() - on_chain)
    plans = Counter(one.plan for one in included.values() if one.flow)
    tally.doubled += sorted(str(plan) for plan, count in plans.items() if count > 1)
    view = stand.chain.account(stand.account)
    held = {NATIVE: view.native, **{f"sim:1/erc20:{token}": amount for token, amount in view.tokens}}
    for asset in sorted({*held, *booked.balances}):
        ours, theirs = booked.balances.get(asset, 0), held.get(asset, 0)
        if ours != theirs:
            tally.unbalanced.append(f"{asset}: books {ours}, chain {theirs}")


def main(kills: int) -> int:
    """Kill so many times, a few on each of several stands, and print what it came to; return the exit code."""
    total = Tally()
    for seed in count(1):
        if total.kills >= kills:
            break
        with TemporaryDirectory() as name, live_stand(Path(name), seed=seed, **(REORGANISING if seed % 2 else {})) as stand:
            hits = sum(hit for _, hit in kill_at_points(stand)) if seed <= 2 else 0
            hits += kill_at_random(stand, min(A_STAND, kills - total.kills - hits), seed)
            found = judged(stand, hits)
        for name in ("lost", "doubled", "unbalanced"):
            getattr(total, name).extend(getattr(found, name))
        total.kills += hits
        sys.stdout.write(f"stand {seed}: {found}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{total}\n")
    return 1 if total.lost or total.doubled or total.unbalanced else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
