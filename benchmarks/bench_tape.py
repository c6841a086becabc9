"""Tapes, timed: `uv run python benchmarks/bench_tape.py [PAIRS]`.

Prints medians and the machine they were taken on: pool states written and read a second, by the size of a batch, and beside it the same
states as JSON lines in the same run, as a ratio: a busy machine slows both. PAIRS, a file of `tape import uniswap-v2-pairs`, adds the
import, the reading, the market and the scan of a whole snapshot.
"""

import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter_ns

from attrs import asdict, astuple

from tidemill.api.tape import import_tape, open_tape
from tidemill.domain.events import Batch, Head, States
from tidemill.domain.ids import ChainId, Key
from tidemill.tape.header import TapeHeader
from tidemill.tape.reader import TapeReader
from tidemill.tape.writer import TapeWriter

CHAIN = ChainId("sim:1")
STATES = 65_536
POOLS = 3_000
ROUNDS = 5


def batches(size: int) -> list[Batch]:
    """So many pool states in batches of `size`, each with its head."""
    values = [(Key(f"0x{place % POOLS:040x}:0x8"), (place << 80).to_bytes(32, "big")) for place in range(STATES)]
    made = []
    for height, start in enumerate(range(0, STATES, size), 1):
        events = (States(CHAIN, tuple(values[start : start + size])), Head(CHAIN, height, f"0x{height:064x}", "", height * 12))
        made.append(Batch("bench", height, CHAIN, height, f"0x{height:064x}", "", "confirmed", height, height, events))
    return made


def median_ns(call: Callable[[], object]) -> int:
    """The median over rounds."""
    taken = []
    for _ in range(ROUNDS):
        started = perf_counter_ns()
        call()
        taken.append(perf_counter_ns() - started)
    return int(median(taken))


def write_tape(path: Path, recorded: list[Batch]) -> None:
    """Writes all batches as a tape."""
    with TapeWriter(path, TapeHeader("bench", (CHAIN,)), overwrite=True) as tape:
        for batch in recorded:
            tape.write(batch)


def write_lines(path: Path, recorded: list[Batch]) -> None:
    """Writes all batches as JSON lines, one a batch, bytes as hexadecimal text."""
    with path.open("w") as file:
        for batch in recorded:
            *envelope, events = astuple(batch, recurse=False)
            plain = [{name: value for name, value in asdict(event).items() if name != "values"} for event in events]
            values = [
                [key, value.hex()] for event in events if isinstance(event, States) for key, value in event.values if value is not None
            ]
            file.write(json.dumps([envelope, plain, values]) + "\n")


def read_lines(path: Path) -> None:
    """Reads the JSON lines into batches."""
    with path.open() as file:
        for line in file:
            envelope, (states, head), values = json.loads(line)
            found = States(**states, values=tuple((key, bytes.fromhex(value)) for key, value in values))
            Batch(*(*envelope, (found, Head(**head))))


def say(text: str) -> None:
    """Prints a line."""
    sys.stdout.write(f"{text}\n")


def main(arguments: list[str]) -> None:
    """Prints the table."""
    say(f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}, medians of {ROUNDS}")
    with tempfile.TemporaryDirectory() as folder:
        tape, lines = Path(folder, "t.tape"), Path(folder, "t.jsonl")
        say("states a batch  written/s    read/s  JSON lines read/s  ratio  bytes a state")
        for size in (1, 16, 256):
            recorded = batches(size)
            written = median_ns(lambda recorded=recorded: write_tape(tape, recorded))  # type: ignore[misc]
            write_lines(lines, recorded)
            read = median_ns(lambda: sum(1 for _ in TapeReader(tape).records()))
            plain = median_ns(lambda: read_lines(lines))
            rates = [STATES * 1_000_000_000 // taken for taken in (written, read, plain)]
            say(f"{size:>14}  {rates[0]:>9,}  {rates[1]:>8,}  {rates[2]:>17,}  {plain / read:>5.1f}  {tape.stat().st_size / STATES:>13.1f}")
        if arguments:
            snapshot(Path(arguments[0]), Path(folder, "pairs.tape"))


def snapshot(pairs: Path, tape: Path) -> None:
    """Prints what a whole snapshot takes; the last step is the command, in a process of its own, from start to end."""
    command = [sys.executable, "-c", "from tidemill.cli.main import main; main()", "scan", str(tape), "--start", "WETH", "--hops", "3"]
    steps: dict[str, Callable[[], object]] = {
        "import": lambda: import_tape("uniswap-v2-pairs", pairs, tape, overwrite=True),
        "read": lambda: list(TapeReader(tape).records()),
        "validate": lambda: TapeReader(tape).validate(),
        "market": lambda: open_tape(tape).market_at(),
        "tidemill scan, 3 hops": lambda: subprocess.run(command, check=True, capture_output=True),  # noqa: S603 - this program itself
    }
    for name, step in steps.items():
        say(f"{name:<24}{median_ns(step) / 1e9:>6.2f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
