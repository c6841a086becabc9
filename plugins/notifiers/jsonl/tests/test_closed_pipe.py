"""Whoever reads through a pipe may leave: nothing more is written, and nothing is complained about."""

import os
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from tidemill.domain.note import Note, RunHeader, Summary
from tidemill_notifier_jsonl import JsonLinesNotifier, JsonLinesSettings

HEADER = RunHeader("0.1.0", "paper", "sim:1", 1, ())
NOTE = Note("fill", "info", 7, 0, "gained")
SUMMARY = Summary(1, 2, 3, 4, 5, 6, 7, {}, {}, "5f2c")
CONFIG = """
speed = "max"
[chains.sim]
tokens = 10
pools = 20
[dex.uniswap]
[search.cycles]
[strategies.spatial]
[notifiers.jsonl]
path = "-"
[books.main]
base = "USDC"
"""


@pytest.mark.parametrize("notes", [0, 1])
def test_notifier_is_quiet_for_good_once_its_reader_has_gone(notes: int) -> None:
    """Nothing is raised, at the header or later; what the stream still holds goes nowhere when it is closed."""
    reader, writer = os.pipe()
    stream = os.fdopen(writer, "w", encoding="utf-8")
    notifier = JsonLinesNotifier(stream=stream)
    read = b""

    async def told() -> None:
        nonlocal read
        if notes:
            await notifier.start(HEADER)
            read = os.read(reader, 65_536)
        os.close(reader)
        await notifier.start(HEADER)
        await notifier.tell([NOTE])
        await notifier.finish(SUMMARY)

    anyio.run(told)
    stream.write("more")
    stream.close()

    assert (notes, True) == (read.count(b"\n"), stream.closed)


def test_file_of_its_own_that_nobody_reads_is_a_failure(tmp_path: Path) -> None:
    """A named pipe that was asked for is a target like any: that it is lost is told."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    notifier = JsonLinesNotifier(JsonLinesSettings(path=str(path)))

    async def told() -> None:
        await notifier.start(HEADER)
        os.close(reader)
        with pytest.raises(BrokenPipeError):
            await notifier.tell([NOTE])
        again = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        await notifier.finish(SUMMARY)
        assert b'"event": "summary"' in os.read(again, 65_536)
        os.close(again)

    anyio.run(told)


def test_run_whose_reader_leaves_ends_well_and_silently(tmp_path: Path) -> None:
    """``tidemill run | head -1``: exit code 0, and nothing on standard error."""
    (tmp_path / "tidemill.toml").write_text(CONFIG)
    code = "from tidemill.cli.main import main; main(['run', '--blocks', '8'])"
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        said = run.stderr.read()

    assert (0, b"") == (run.returncode, said)
