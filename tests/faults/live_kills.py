"""Kills runs that trade with real money, again and again, and compares the books with the chain's own account: the crash lane.

`nox -s faults` runs it with hundreds of kills, the default tests with some: at random times, and at every named point of an intent's way.
"""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from random import Random
from shutil import rmtree
from tempfile import mkdtemp

from attrs import define, field, frozen

from tests.faults.live_judge import Tally, judged
from tests.faults.live_points import POINTS, ending_at
from tests.faults.live_stand import Stand, live_stand
from tests.faults.live_weather import CALM, WEATHERS, Weather
from tidemill.domain.intent import IntentState
from tidemill.errors import LedgerError

__all__ = ["POINTS", "Tally", "judged", "kill_at_points", "kill_at_random", "main"]

WINDOW_S = 0.6
"""So long after its first line a run is killed at the latest: it trades from some hundredth of a second on."""
EARLY_S, EARLY_FORKED_S = 0.9, 0.2
"""One run in so many is killed before that line, so many seconds after its start at the latest; a fork has imported everything."""
EARLY_IN = 10
DIES_IN = 5
"""In one run of so many the node or the signer is killed before the run is, where they are."""
A_STAND = 34
"""So many kills on each stand."""
CALLS = 2
"""Each named point ends a run so often: at its first call, at its second."""
WITH_POINTS = (1, 5, 6)
"""Stands on which runs are killed at every named point too: with nonces, with block hashes, with broadcasts lost and blocks dropped."""
STANDS_AT_ONCE = 3
START_S = 60
POLL_S = 0.005
LINE = 2_000
TRIES = 3
"""So many runs are started for each kill at most."""


@define
class Hits:
    """Where kills found a run: how many of them in which state of its intents, and what else was killed."""

    states: Counter[str] = field(factory=Counter)
    nodes: int = 0
    signers: int = 0

    def add(self, other: "Hits") -> None:
        """Count another stand's as well."""
        self.states += other.states
        self.nodes += other.nodes
        self.signers += other.signers

    def look(self, stand: Stand) -> None:
        """Count the states of the intents that a killed run left open, each state once."""
        try:
            booked = stand.booked()
        except LedgerError as error:
            # Killed before there was a file, or before it had tables; anything else is wrong
            if "there is no ledger here" not in str(error):
                raise
            self.states["no ledger yet"] += 1
            return
        left = {one.state for one in booked.intents if not one.ended}
        self.states.update(state.value for state in sorted(left))
        if not left:
            self.states["nothing open"] += 1

    def __str__(self) -> str:
        names = [*(state.value for state in IntentState), "nothing open", "no ledger yet"]
        states = ", ".join(f"{name} {self.states[name]}" for name in names if self.states[name])
        return f"left open by a kill: {states}; nodes killed {self.nodes}, signers {self.signers}"


def kill_at_random(stand: Stand, kills: int, seed: int, weather: Weather = CALM, hits: Hits | None = None) -> int:
    """Kill runs until so many were still alive when it came to that, at random moments, most of them while they trade; return how many.

    A run may end before by itself: one that begins right before its chain goes back does not know what to go back to, and halts.

    Args:
        stand: whose runs.
        kills: how often.
        seed: of the moments, and of who else is killed.
        weather: whether node and signer are killed as well.
        hits: counts what the kills left open.

    Raises:
        AssertionError: a run ended with an error of its own.
    """
    random, killed = Random(seed), 0
    for _ in range(kills * TRIES):
        if killed == kills:
            break
        killed += _kill_once(stand, random, weather, hits if hits is not None else Hits())
    return killed


def _kill_once(stand: Stand, random: Random, weather: Weather, hits: Hits) -> bool:
    early, moment, place = random.randrange(EARLY_IN) == 0, random.uniform(0, WINDOW_S), random.random()
    node_dies = weather.node_dies and random.randrange(DIES_IN) == 0
    signer_dies = weather.signer_dies and random.randrange(DIES_IN) == 0
    out = stand.folder / "killed.log"
    process = stand.start_writing(out, "--blocks", "400")
    if early:
        killed = stand.kill(process, place * (EARLY_S if stand.fresh else EARLY_FORKED_S))
    else:
        _wait_for_line(out, process)
        if node_dies or signer_dies:
            time.sleep(place * moment)
        if signer_dies:
            stand.restart_signer()
            hits.signers += 1
        if node_dies:
            stand.restart_node()
            hits.nodes += 1
        killed = stand.kill(process, moment)
    assert killed or process.returncode == 0, f"a run ended with {process.returncode}: {_end_of(out)}"
    hits.look(stand)
    return killed


def _wait_for_line(out: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + START_S
    while not out.stat().st_size and process.poll() is None:
        assert time.monotonic() < until, "a run said nothing"
        time.sleep(POLL_S)


def _end_of(out: Path) -> str:
    return out.read_text("utf-8", "replace")[-LINE:]


def kill_at_points(stand: Stand, calls: int = CALLS) -> Iterator[tuple[str, bool]]:
    """End a run at each named point, at its first and later calls; yield the point and whether the run came to it."""
    for point, (module, name, when) in POINTS.items():
        for call in range(1, calls + 1):
            status, _, err = stand.run("--blocks", "160", first=ending_at(module, name, when, call))
            assert status in (0, -9), err
            yield f"{point}, call {call}", status == -9


@frozen
class Judgement:
    """What one stand came to."""

    tally: Tally
    hits: Hits
    line: str


def try_stand(number: int, kills: int, weather: Weather, points: bool = False, *, fresh: bool = False) -> Judgement:
    """Kill runs on a stand of its own and judge it; its folder is kept where anything is wrong.

    Args:
        number: of the stand: the seed of its chain and of its kills.
        kills: so many at random.
        weather: what else goes wrong.
        points: end a run at each named point as well, twice.
        fresh: whether every run begins with an interpreter of its own, as a user's does.
    """
    folder, hits, began = Path(mkdtemp(prefix=f"tidemill-faults-{number}-")), Hits(), time.monotonic()
    name, tally = f"stand {number} ({weather.name})", Tally()
    try:
        with live_stand(folder, seed=number, state=folder / "chain", fresh=fresh, **weather.settings) as stand:
            tally.kills += sum(hit for _, hit in kill_at_points(stand)) if points else 0
            tally.kills += kill_at_random(stand, kills, number, weather, hits)
            tally.add(judged(stand, 0))
    except AssertionError as error:
        tally.unbalanced.append(f"{name} broke off: {error}")
    where = ""
    if tally.clean:
        rmtree(folder, ignore_errors=True)
    else:
        where = f"; its folder is kept: {folder}"
    return Judgement(tally, hits, f"{name}: {tally} in {time.monotonic() - began:.0f} s{where}")


def main(kills: int) -> int:
    """Kill so many times, a few on each of several stands, and print what it came to; return the exit code."""
    total, hits, began, first = Tally(), Hits(), time.monotonic(), 1
    with ThreadPoolExecutor(STANDS_AT_ONCE) as pool:
        while total.kills < kills and total.clean:
            planned = list(_planned(kills - total.kills, first))
            first += len(planned)
            for found in pool.map(lambda one: try_stand(*one, fresh=True), planned):
                total.add(found.tally)
                hits.add(found.hits)
                sys.stdout.write(f"{found.line}\n")
                sys.stdout.flush()
    sys.stdout.write(f"{hits}; {time.monotonic() - began:.0f} s\n{total}\n")
    return 0 if total.clean else 1


def _planned(kills: int, first: int) -> Iterator[tuple[int, int, Weather, bool]]:
    """Yield stands with so many kills between them: number, kills at random, weather, whether every point is one as well."""
    for number in count(first):
        if kills <= 0:
            return
        points = number in WITH_POINTS and kills > A_STAND
        planned = min(A_STAND, kills)
        yield number, planned - (len(POINTS) * CALLS if points else 0), WEATHERS[(number - 1) % len(WEATHERS)], points
        kills -= planned


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
