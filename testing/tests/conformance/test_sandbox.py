"""What a sandbox blocks, what it lets through, and what it says."""

import datetime as dt
import logging
import os
import random
import secrets
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from random import Random, randint  # noqa: TID251
from time import perf_counter as ticks

import pytest

from tidemill_testing.conformance.sandbox import OutsideWorld, Sandbox, folder_of, sandbox

HERE = Path(__file__).resolve()


def _environment() -> object:
    return os.environ.get("HOME"), os.getenv("USER")


def _map_over_clock() -> list[float]:
    return [call() for call in (ticks,)]


# What is banned elsewhere is called here, so that it is seen to be stopped
REACHES: tuple[tuple[str, Callable[[], object]], ...] = (
    ("clock", time.time),
    ("clock", time.monotonic),
    ("clock", time.perf_counter_ns),
    ("clock", time.process_time),
    ("clock", lambda: time.sleep(0)),
    ("clock", time.localtime),
    ("clock", _map_over_clock),
    ("clock", dt.datetime.now),
    ("clock", lambda: dt.datetime.now(dt.UTC)),
    ("clock", dt.date.today),
    ("chance", random.random),  # noqa: TID251
    ("chance", lambda: random.choice([1, 2])),  # noqa: TID251
    ("chance", lambda: randint(1, 6)),
    ("chance", lambda: random.gauss(0, 1)),
    ("chance", lambda: random.shuffle([1, 2])),  # noqa: TID251
    ("chance", Random),
    ("chance", lambda: random.SystemRandom().random()),
    ("chance", lambda: os.urandom(1)),
    ("chance", secrets.token_hex),
    ("chance", uuid.uuid4),  # noqa: TID251
    ("chance", uuid.uuid1),  # noqa: TID251
    ("file", lambda: HERE.read_text("utf-8")),
    ("file", lambda: os.open(HERE, os.O_RDONLY)),
    ("file", HERE.exists),
    ("file", lambda: list(HERE.parent.iterdir())),
    ("file", Path.cwd),
    ("network", socket.socket),
    ("network", lambda: socket.getaddrinfo("localhost", 80)),
    ("network", socket.gethostname),
    ("process", lambda: subprocess.run([sys.executable, "-c", ""], check=True)),
    ("process", lambda: os.system("true")),
    ("process", os.getpid),
    ("thread", threading.Thread(target=print).start),
    ("environment", _environment),
)


@pytest.mark.parametrize(("reach", "call"), REACHES, ids=range(len(REACHES)))
def test_sandbox_reach_outside_is_blocked_with_its_place(reach: str, call: Callable[[], object]) -> None:
    """Each way out is stopped, named by what it reaches for, and put to this file."""
    with pytest.raises(OutsideWorld) as caught, sandbox():
        call()

    assert reach == caught.value.calls[0].reach
    assert caught.value.calls[0].place.startswith(f"{HERE}:")


def test_sandbox_line_of_call_is_named() -> None:
    """The place is the line of the plugin that made the call."""
    with sandbox(collect=True) as box:
        time.time()

    assert f"{HERE}:{test_sandbox_line_of_call_is_named.__code__.co_firstlineno + 3}" == box.calls[0].place
    assert ["time.time"] == [call.call for call in box.calls]


def test_sandbox_swallowed_call_is_told_all_the_same() -> None:
    """Code that catches whatever is raised does not hide the call."""

    def shy() -> int:
        try:
            return Path("/etc/hostname").stat().st_size
        except BaseException:  # noqa: BLE001 the worst that a plugin can do
            return 0

    with pytest.raises(OutsideWorld, match=r"posix\.stat \(file\) at .*test_sandbox\.py:\d+"), sandbox():
        shy()


def test_sandbox_pure_code_passes() -> None:
    """Computation, seeded random numbers and times made from numbers are not outside."""
    with sandbox() as box:
        first = Random(4).random()
        at = dt.datetime.fromtimestamp(1_700_000_000, dt.UTC)
        name = uuid.uuid5(uuid.NAMESPACE_DNS, "acme")

    assert (Random(4).random(), 2023, 5) == (first, at.year, name.version)
    assert not box.calls


def test_sandbox_import_and_logging_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module may be imported inside, whatever it reads then, and logging stamps its records."""
    (tmp_path / "late_module_of_acme.py").write_text("import time\nBORN = time.time()\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    with sandbox() as box:
        import late_module_of_acme  # type: ignore[import-not-found]  # made above

        logging.getLogger("acme").warning("born %s", late_module_of_acme.BORN)

    assert not box.calls


def test_sandbox_own_folder_may_be_read_not_written(tmp_path: Path) -> None:
    """Package data is as constant as code: it may be read, and nothing else may."""
    file = tmp_path / "pairs.json"
    file.write_text("[]", "utf-8")

    with sandbox(tmp_path):
        assert "[]" == file.read_text("utf-8")
    with pytest.raises(OutsideWorld, match="open"), sandbox(tmp_path):
        file.write_text("{}", "utf-8")
    with pytest.raises(OutsideWorld, match="open"), sandbox(tmp_path / "other"):
        file.read_text("utf-8")

    assert "[]" == file.read_text("utf-8")


def test_sandbox_own_error_of_code_is_kept_as_cause() -> None:
    """Where the code fails after it reached outside, both are told; an error alone passes through."""

    def fails(call: Callable[[], object]) -> None:
        try:
            call()
        except BaseException as error:
            raise KeyError("gone") from error

    with pytest.raises(OutsideWorld) as caught, sandbox():
        fails(time.time)
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(KeyError), sandbox():
        raise KeyError("own")


def test_sandbox_end_gives_the_world_back() -> None:
    """After the block files, clocks and the profiler are as before."""
    before = sys.getprofile()
    with sandbox(collect=True):
        time.time()

    assert before is sys.getprofile()
    assert time.time() > 0
    assert HERE.read_text("utf-8")


def test_folder_of_class_is_its_top_level_package() -> None:
    """A plugin's own package is found from its class."""
    assert "tidemill_testing" == folder_of(Sandbox).name
    assert HERE.parent == folder_of(type("Lone", (), {"__module__": __name__})) or __name__ not in sys.modules
