"""How much memory this process holds, whether it grows, and a limit to it."""

import os
import sys
from contextlib import suppress
from pathlib import Path

from tidemill.errors import name_cause

WARM_UP_HEADS = 64
"""What is held after so many heads is what a run needs; growth is measured from there."""
EVERY_HEADS = 64
"""The process is looked at every so many heads."""
_MB = 1_000_000


def resident_mb(process: int | None = None) -> int:
    """Return what a process (None: this one) holds in memory, in megabytes of 10^6 bytes, rounded down; 0 where nobody can say."""
    with suppress(OSError, ValueError, IndexError):
        return (
            int(Path(f"/proc/{'self' if process is None else process}/statm").read_text("ascii").split()[1])
            * os.sysconf("SC_PAGE_SIZE")
            // _MB
        )
    return 0


def limit_growth(megabytes: int) -> None:
    """Let this process allocate at most so much more data than it holds now (0: any); beyond it gets ``MemoryError``.

    A second line: who reads ``resident_mb`` between two calls sees growth that is slow, this stops one call that takes everything. Where
    the system has no such limit nothing is done.
    """
    if not megabytes or sys.platform == "win32":
        return
    import resource

    with suppress(OSError, ValueError):
        held = int(Path("/proc/self/statm").read_text("ascii").split()[5]) * os.sysconf("SC_PAGE_SIZE")
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = held + megabytes * _MB
        resource.setrlimit(resource.RLIMIT_DATA, (most if hard < 0 else min(most, hard), hard))
        if hard < 0 or most <= hard:
            # Python says of most allocations that fail nothing but MemoryError: whoever set the limit would look for a bug
            name_cause(MemoryError, f"memory_mb = {megabytes} allows its process no more")


class MemoryWatch:
    """Looks every ``EVERY_HEADS`` heads whether the process has grown by ``warn_mb`` megabytes since its first blocks; tells it once.

    Which plugin holds the memory cannot be told truthfully: values of all of them live side by side. ``isolation = "process"`` gives a
    suspect a process, and so a figure, of its own.
    """

    def __init__(self, warn_mb: int) -> None:
        self._warn_mb = warn_mb
        self._heads = 0
        self._base_mb = 0

    def rebase(self) -> None:
        """Measure growth from the next look on: what was loaded until now is no leak."""
        self._base_mb = 0

    def heads(self, count: int) -> str:
        """Take note of new heads; return what is to be told, "" for nothing."""
        before, self._heads = self._heads, self._heads + count
        if not self._warn_mb or self._heads < WARM_UP_HEADS or before // EVERY_HEADS == self._heads // EVERY_HEADS:
            return ""
        held = resident_mb()
        if not self._base_mb:
            self._base_mb = held
            return ""
        if held - self._base_mb < self._warn_mb:
            return ""
        grown, self._warn_mb = held - self._base_mb, 0
        return (
            f"this process holds {held} MB, {grown} MB more than after its first {WARM_UP_HEADS} blocks: a plugin may be leaking; "
            'run the one you suspect with isolation = "process" to see it alone'
        )
