"""A plugin of a soak: looks at the memory of its process, and has the signer killed at a height.

It asks for that while ideas are asked for, between two steps of everything else, so that nothing is left to chance.
"""

import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tidemill import Opportunity, Snapshot, Strategy, hookimpl
from tidemill.domain.ids import ChainId

CHAIN = ChainId("sim:1")
CHOSEN: dict[str, Any] = json.loads(os.environ.get("SOAK", "{}"))


class Watch(Strategy):
    """Has no ideas."""

    name: ClassVar[str] = "soak_watch"
    seen: ClassVar[set[int]] = set()
    """Heights at which it did something: a chain that goes back comes to them again."""

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        # The runs that only bring a soak to its end have no script
        if not CHOSEN:
            return iter(())
        height = snapshot.head(CHAIN).height
        looks, kills = height % CHOSEN["every"] == 0, height == CHOSEN["kill_signer_at"]
        if (looks or kills) and height not in self.seen:
            self.seen.add(height)
            if looks:
                _look(height)
            if kills:
                _have_signer_killed()
        return iter(())


def _look(height: int) -> None:
    signer = Path(CHOSEN["signer"]).read_text("ascii")
    found = {"run": CHOSEN["run"], "height": height, "held": _resident("self"), "signer": _resident(signer)}
    with Path(CHOSEN["samples"]).open("a", encoding="ascii") as file:
        file.write(json.dumps(found) + "\n")


def _resident(process: str) -> int:
    """Return what a process holds in memory, in bytes."""
    return int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _have_signer_killed() -> None:
    done = Path(CHOSEN["done"])
    Path(CHOSEN["ask"]).touch()
    while not done.exists():
        time.sleep(0.005)
    done.unlink()


@hookimpl
def tidemill_register_strategies() -> Sequence[type[Strategy]]:
    """Return the strategy."""
    return [Watch]
