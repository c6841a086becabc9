"""degenbot, the nearest rival, in an environment of its own: its published wheel, never a dependency of ours.

It wants a Python that is rarely the one that runs this. Where there is none, or the wheel cannot be had, ``open_degenbot`` says why, and
its solver's arithmetic is stated here instead.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from math import isqrt
from pathlib import Path
from typing import Any

from attrs import frozen

from benchmarks import processes

WHEEL, PYTHON = "degenbot==0.6.0a17", "3.13"
WORD = 1 << 512
Reserves = tuple[int, int]
"""What a pool holds of what it is sold, and of what it pays."""
Solved = tuple[int, int] | None
"""What goes in and what is gained."""


@frozen
class Degenbot:
    """The interpreter that has degenbot, and a folder for what it writes at home."""

    python: Path
    home: Path

    def solve(self, cycles: Sequence[Sequence[Reserves]]) -> tuple[list[Solved], float]:
        """Return what it finds in cycles of 30 bp pools, and the seconds of the processor that all of them took.

        Raises:
            RuntimeError: it failed.
        """
        answer = self._ask({"solve": cycles})
        return [(found[0], found[1]) if found else None for found in answer["found"]], float(answer["seconds"])

    def paths(self, pairs: Sequence[tuple[int, int]], start: int, hops: int) -> tuple[int, float]:
        """Return how many paths it lists between tokens, and the seconds of the processor that it took.

        Raises:
            RuntimeError: it failed.
        """
        answer = self._ask({"paths": pairs, "start": start, "hops": hops})
        return int(answer["count"]), float(answer["seconds"])

    def _ask(self, task: dict[str, Any]) -> dict[str, Any]:
        worker = Path(__file__).with_name("degenbot_worker.py")
        environment = {**os.environ, "HOME": str(self.home)}
        environment.pop("PYTHONPATH", None)
        done = subprocess.run(  # noqa: S603 - this benchmark's own command
            [str(self.python), str(worker)], input=json.dumps(task), capture_output=True, text=True, env=environment, check=False
        )
        if done.returncode:
            raise RuntimeError(f"degenbot ended with {done.returncode}: {done.stderr.strip()[-300:]}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


def open_degenbot(folder: Path) -> Degenbot | str:
    """Make the environment in a folder; why not, where it cannot be made."""
    uv = processes.uv()
    if uv is None:
        return "degenbot is left out: there is no uv to make its environment with"
    made = folder / "degenbot"
    # A launcher that chooses between versions may refuse the one asked for, so one that stands beside ours is named by its path
    beside = sorted(Path(sys.base_prefix).parent.glob(f"*{PYTHON}*/bin/python{PYTHON}"))
    for python in [*map(str, beside), PYTHON]:
        if _ran([*uv, "venv", "--quiet", "--clear", "--no-python-downloads", "--python", python, str(made)]):
            break
    else:
        return f"degenbot is left out: its wheel needs Python {PYTHON}, of which uv knows none here"
    interpreter = made / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not _ran([*uv, "pip", "install", "--quiet", "--python", str(interpreter), "--prerelease", "allow", "--only-binary", ":all:", WHEEL]):
        return f"degenbot is left out: {WHEEL} cannot be installed here"
    return Degenbot(interpreter, folder)


def _ran(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - this benchmark's own command


def by_its_arithmetic(cycle: Sequence[Reserves]) -> Solved:
    """Return what the solver's published formula gives, in the words of 512 bits that it multiplies in without looking for overflow.

    Each pool of reserves r, s is the matrix ((997 s, 0), (997, 1000 r)); of their product K = a00, N = a10, M = a11 the best input is
    (sqrt(K M) - M) / N where K > M (degenbot 0.6, ``degenbot-solvers/src/mobius_int.rs``). Stated, not copied; the root is taken exactly.
    """
    top, slope, base = 1, 0, 1
    for held, held_other in cycle:
        slope = (slope * 1_000 * held + top * 997) % WORD
        top, base = top * 997 * held_other % WORD, base * 1_000 * held % WORD
    if top <= base or slope == 0:
        return None
    amount = (isqrt(top * base) - base) // slope
    gained = along(cycle, amount) - amount if amount > 0 else 0
    return (amount, gained) if gained > 0 else None


def along(cycle: Sequence[Reserves], amount: int) -> int:
    """Return what pools of 30 bp pay one after another, rounded down by each as the contract does."""
    for held, held_other in cycle:
        amount = amount * 997 * held_other // (held * 1_000 + amount * 997)
    return amount
