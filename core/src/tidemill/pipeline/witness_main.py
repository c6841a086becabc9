"""The witness of a run, a process of its own that outlives whatever holds the run's interpreter: see ``witness``.

Run as a script, with nothing but the standard library: ``witness_main.py PROCESS STACKS``. Over its standard input it is told every
second how many seconds may pass until it is told again; at the end of that input it ends.
"""

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

LOOK_S = 0.25
"""It counts its own looks: time in which it stood still itself, as on a machine that sleeps, is one look."""
STACKS_S = 3
"""A process has so long to write its stacks."""
_STDIN, _STDERR = 0, 2
_STAT_BYTES = 4_096
_STACKS_BYTES = 200_000


def watch(process: int, stacks: int) -> None:
    """Watch until the input ends, or the process has been silent for too long: then say so and end it."""
    looks, limit = 0, 0.0
    while True:
        if select.select([_STDIN], [], [], LOOK_S)[0]:
            told = os.read(_STDIN, 65_536)
            if not told:
                return
            looks, limit = 0, float(told.split()[-1])
        elif is_stopped(process):
            # From outside, or from its terminal: nobody knows when it goes on, and then it has all its time again
            looks = 0
        else:
            looks += 1
        if limit and looks * LOOK_S >= limit:
            end(process, stacks, looks * LOOK_S)
            return


def is_stopped(process: int) -> bool:
    """Whether a process is stopped by a signal or a debugger."""
    try:
        file = os.open(f"/proc/{process}/stat", os.O_RDONLY)
        try:
            state = os.read(file, _STAT_BYTES).rpartition(b")")[2].split()[0].decode()
        finally:
            os.close(file)
    except (OSError, IndexError):
        state = _asked(process)
    return state[:1] in ("T", "t")


def _asked(process: int) -> str:
    """Return a process's state where there is no folder of processes, "" where nobody knows."""
    try:
        command = ["/bin/ps", "-o", "state=", "-p", str(process)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    except OSError:
        return ""


def end(process: int, stacks: int, seconds: float) -> None:
    """Say what hangs, have the process write its stacks, kill it, and show them."""
    say(
        f"the run is ended: code that does not return, and never gives up the interpreter, nothing has moved for {seconds:.0f} s\n"
        "what was decided before is in the ledger, which `tidemill ledger verify` checks; the next run goes on from it\n"
        'mend the plugin whose line is below, or give a strategy or a notifier a process of its own: isolation = "process"\n'
    )
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGUSR2)
        _written(stacks)
        os.kill(process, signal.SIGKILL)
    held = os.pread(stacks, _STACKS_BYTES, 0).decode("utf-8", "replace")
    say(f"the stacks of its threads, the innermost line first:\n{held}" if held else "its stacks could not be had\n")


def _written(stacks: int) -> None:
    """Wait until the stacks are there and grow no more, or for so long."""
    size = 0
    for _ in range(round(STACKS_S / LOOK_S)):
        before, size = size, os.fstat(stacks).st_size
        if size and size == before:
            return
        time.sleep(LOOK_S)


def say(text: str) -> None:
    """Write to standard error, also where nobody reads it."""
    with suppress(OSError):
        os.write(_STDERR, text.encode("utf-8", "replace"))


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    watch(int(sys.argv[1]), int(sys.argv[2]))
