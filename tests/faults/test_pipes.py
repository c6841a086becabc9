"""Whoever reads a run's output through a pipe may leave: the run goes on quietly to its end, and its ledger is whole."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import LEAN, PATIENCE_S, Tidemill, environment

TIDEMILL = (sys.executable, "-c", "from tidemill.cli.main import main; main()")
RUN = (*TIDEMILL, "run", "--seed", "7", "--speed", "max", "--blocks", "60")


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["console", "json"])
@pytest.mark.parametrize("lines", [0, 3])
def test_run_whose_reader_leaves_goes_on_to_its_end(form: tuple[str, ...], lines: int, tidemill: Tidemill, tmp_path: Path) -> None:
    """At once or after some lines: exit code 0, nothing on standard error, not even as the interpreter ends, and a closed run."""
    with subprocess.Popen(
        [*RUN, *form], cwd=tmp_path, env=environment(LEAN), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        read = [process.stdout.readline() for _ in range(lines)]
        process.stdout.close()
        process.stdout = None
        said = process.stderr.read()
        code = process.wait(PATIENCE_S)

    assert (0, "") == (code, said)
    assert all(line.endswith("\n") for line in read)
    (run,) = tidemill("ledger", "verify", "--json", cwd=tmp_path).lines[0]["runs"]
    assert run["closed"]


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["console", "json"])
def test_run_whose_terminal_is_closed_ends_as_at_ctrl_c(form: tuple[str, ...], tidemill: Tidemill, tmp_path: Path) -> None:
    """The terminal tells it by SIGHUP and takes no more words: what is in flight settles, and the run is closed."""
    process, terminal = pty.fork()
    if not process:
        # Whoever runs these tests may ignore it
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.chdir(tmp_path)
        os.execve(sys.executable, [*TIDEMILL, "run", "--seed", "7", "--speed", "20x", *form], {**environment(LEAN), "TERM": "xterm"})
    said = b""
    while b"fill" not in said:
        said += os.read(terminal, 65_536)
    os.close(terminal)
    _, status = os.waitpid(process, 0)

    assert 0 == os.waitstatus_to_exitcode(status)
    (run,) = tidemill("ledger", "verify", "--json", cwd=tmp_path).lines[0]["runs"]
    assert run["closed"]


def test_command_whose_answer_nobody_reads_has_failed(tmp_path: Path) -> None:
    """Whoever asked for one answer does not get it: that is said, and the exit code is 1, as on a full disk."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*TIDEMILL, "plugins", "--json"], cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, check=False, text=True)
    os.close(writer)

    assert (1, ["Error: standard output cannot be written: Broken pipe"]) == (done.returncode, done.stderr.splitlines())
