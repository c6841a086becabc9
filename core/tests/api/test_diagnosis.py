"""What the doctor looks at beside plugins: the machine, the data folder, and whether a run holds it."""

import fcntl
import os
import resource
import shutil
import socket
import time
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tidemill.api.diagnosis import folder as folders
from tidemill.api.diagnosis import machine as machines
from tidemill.api.run import RunOptions, run
from tidemill.api.running import DATA, RunningInstance, data_folder, find_running
from tidemill.domain.finding import Finding, clock_finding


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test looks at an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIDEMILL__DATA", raising=False)


def about(findings: Iterable[Finding], subject: str) -> Finding:
    (found,) = [finding for finding in findings if finding.subject == subject]
    return found


def test_machine_old_python_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that is too old is named with what is wanted."""
    monkeypatch.setattr(machines, "OLDEST_PYTHON", (9, 0))

    assert ("error", "install Python 9.0 or newer, and tidemill into it") == (
        machines.python_version().severity,
        machines.python_version().remedy,
    )


@pytest.mark.parametrize(
    ("wall", "steady", "severity", "message"),
    [
        ((10**9, 2 * 10**9), (0, 10**9), "error", "it is 1970-01-01 00:00:01 UTC here"),
        ((18 * 10**17, 18 * 10**17 + 10**9), (5, 5), "error", "the monotonic clock stands still"),
        ((18 * 10**17, 18 * 10**17 - 10**10), (5, 6), "warning", "the wall clock moved -10001 ms beside the monotonic one"),
    ],
)
def test_machine_clock_that_is_wrong_is_told(
    wall: tuple[int, int], steady: tuple[int, int], severity: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that was never set, stands still or jumps."""
    walls, steadies = iter(wall), iter(steady)
    fake = SimpleNamespace(
        time_ns=lambda: next(walls), monotonic_ns=lambda: next(steadies), sleep=lambda _: None, strftime=time.strftime, gmtime=time.gmtime
    )
    monkeypatch.setattr(machines, "time", fake)

    found = machines.clock()

    assert (severity, message) == (found.severity, found.message)


@pytest.mark.parametrize(
    ("limit", "severity", "remedy"),
    [
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), "ok", ""),
        ((512, 4096), "warning", "`ulimit -n 4096` before the run"),
        ((64, 64), "error", "`ulimit -n 4096` before the run, by an administrator"),
    ],
)
def test_machine_few_open_files_are_told(limit: tuple[int, int], severity: str, remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run opens sockets and files; a limit that is too low ends it in the middle."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: limit)

    assert (severity, remedy) == (machines.open_files().severity, machines.open_files().remedy)


@pytest.mark.parametrize(
    ("venue_ns", "severity", "message"),
    [
        (10**18, "ok", "0 ms ahead of Acme"),
        (10**18 + 300_000_000, "warning", "300 ms behind Acme"),
        (10**18 - 5 * 10**9, "error", "5000 ms ahead of Acme"),
    ],
)
def test_clock_finding_says_how_far_apart(venue_ns: int, severity: str, message: str) -> None:
    """Up to a quarter of a second is fine, two seconds are not."""
    found = clock_finding("Acme", venue_ns, 10**18)

    assert (severity, message, severity == "ok") == (found.severity, found.message, found.remedy == "")


@pytest.mark.parametrize(("free", "severity"), [(5 * 10**9, "ok"), (5 * 10**8, "warning"), (10**6, "error")])
def test_folder_little_room_is_told(free: int, severity: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk ends a run."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))

    assert severity == about(folders.folder(Path("books"), None), "disk").severity


def test_folder_that_cannot_be_used_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in its place, no right to write, and rights for everybody."""
    Path("file").write_text("")
    Path("open").mkdir()
    Path("open").chmod(0o777)
    wide = about(folders.folder(Path("open"), None), "data folder")
    monkeypatch.setattr(os, "access", lambda *_: False)

    assert ("warning", f"chmod o-w {Path('open').absolute()}") == (wide.severity, wide.remedy)
    assert "is no folder" in about(folders.folder(Path("file"), None), "data folder").message
    assert "cannot be written" in about(folders.folder(Path("open"), None), "data folder").message


def test_folder_what_a_killed_run_left_is_told() -> None:
    """A socket without a run is left over; a file in its place is in the way; a lock file alone means nothing."""
    data = Path("books")
    data.mkdir()
    (data / "ledger.lock").write_text("4711\n")
    quiet = [finding for finding in folders.folder(data, "sqlite") if finding.severity != "ok"]
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(data / "control.sock"))
    socket_left = about(folders.folder(data, "sqlite"), "control socket")
    (data / "control.sock").unlink()
    (data / "control.sock").write_text("")
    in_the_way = about(folders.folder(data, "sqlite"), "control socket")

    assert [] == quiet
    assert ("warning", "error") == (socket_left.severity, in_the_way.severity)
    assert "none in books yet" == about(folders.folder(data, "sqlite"), "ledger").message


def test_folder_lock_of_another_user_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock file that cannot be opened would refuse the next run."""
    data = Path("books")
    data.mkdir()
    (data / "ledger.lock").write_text("")
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "ledger.lock" and real(path, mode))

    assert "cannot be opened for writing" in about(folders.folder(data, None), "lock").message


def test_folder_that_a_run_holds_is_told_and_not_verified() -> None:
    """A held folder is no fault: who holds it is said; without its socket the run cannot be asked."""
    run(options=RunOptions(blocks=2, speed="max", data=Path("books")), notifiers=[])
    with Path("books/ledger.lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711\n")
        lock.flush()
        held = find_running(Path("books"))
        found = list(folders.folder(Path("books"), "sqlite"))

    assert held is not None
    assert ("paper", False) == (held.mode, held.may_be_live)
    assert "process 4711 is running on books, in paper mode" == about(iter(found), "run").message
    assert "1 run in books, opened while it is written" == about(iter(found), "ledger").message
    assert "warning" == about(iter(found), "control socket").severity
    assert find_running(Path("books")) is None


def test_running_instance_that_cannot_be_known_counts_as_live() -> None:
    """What holds a folder and says nothing may trade real money."""
    Path("books").mkdir()
    folder = os.open("books", os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    held = find_running(Path("books"))
    os.close(folder)

    assert RunningInstance(Path("books"), "", "unknown") == held
    assert held is not None
    assert held.may_be_live
    assert find_running(Path("nowhere")) is None


def test_data_folder_is_found_in_what_is_wrong_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable counts first, then the file as far as it is TOML, else the default."""
    path = Path("tidemill.toml")
    path.write_text('data = "books"\nmode = 7\n[dex.nothing]\n')
    from_file = data_folder(path)
    path.write_text("data = [")
    broken = data_folder(path)
    monkeypatch.setenv("TIDEMILL__DATA", "elsewhere")

    assert (Path("books"), DATA, Path("elsewhere")) == (from_file, broken, data_folder(path))
    monkeypatch.delenv("TIDEMILL__DATA")
    assert DATA == data_folder(None)
