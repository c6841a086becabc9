"""What a sandbox blocks, what it lets through, and what it says."""

import ctypes
import datetime as dt
import io
import linecache
import logging
import mmap
import os
import random
import secrets
import select
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from pathlib import Path
from random import Random, randint  # noqa: TID251
from time import perf_counter as ticks

import pytest
import structlog

from tidemill_testing.conformance.sandbox import OutsideWorld, Sandbox, folder_of, sandbox

HERE = Path(__file__).resolve()


def _environment() -> object:
    return os.environ.get("HOME"), os.getenv("USER")


def _map_over_clock() -> list[float]:
    return [call() for call in (ticks,)]


def _clock() -> Iterator[float]:
    yield ticks()


def _record() -> logging.LogRecord:
    return logging.LogRecord("", 0, "", 0, "", (), None)


def _called_back() -> object:
    """Something outside that code of the standard library asks for on behalf of this file."""

    class Loud(str):
        __slots__ = ()

        def __str__(self) -> str:
            return str(FILE.readline())

    return warnings.formatwarning(Loud(), UserWarning, "", 1, "")


def _logged_all_the_same() -> None:
    logging.disable(logging.NOTSET)
    logging.getLogger("acme").error("found")


EARLIER = Random(1)
FILE = HERE.open("rb")
RECORD = _record()
POOL = ThreadPoolExecutor(1)

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
    ("environment", lambda: os.environ["HOME"]),
    ("environment", lambda: "HOME" in os.environ),
    ("environment", lambda: os.environ.update(ACME="1")),
    ("clock", lambda: time.gmtime()),  # noqa: PLW0108 the count of arguments is read from the call
    ("clock", lambda: time.strftime("%Y")),
    ("clock", lambda: time.asctime()),  # noqa: PLW0108
    ("clock", lambda: next(_clock())),
    ("clock", lambda: sorted([2, 1], key=lambda _: ticks())),
    ("machine", lambda: dt.datetime.fromtimestamp(0)),  # noqa: DTZ006
    ("machine", lambda: dt.date.fromtimestamp(0)),  # noqa: DTZ012
    ("machine", lambda: dt.datetime(2023, 1, 1).timestamp()),  # noqa: DTZ001
    ("machine", os.uname),
    ("machine", os.cpu_count),
    ("chance", EARLIER.random),
    ("chance", lambda: EARLIER.choice([1, 2])),
    ("file", lambda: io.open(HERE)),  # noqa: UP020, SIM115
    ("file", lambda: io.FileIO(str(HERE))),
    ("file", lambda: mmap.mmap(FILE.fileno(), 0, prot=mmap.PROT_READ)),
    ("file", lambda: sqlite3.connect(":memory:")),
    ("file", lambda: logging.FileHandler(HERE.with_name("acme.log"))),
    ("stream", FILE.readline),
    ("stream", lambda: os.read(FILE.fileno(), 1)),
    ("stream", lambda: print("found")),  # noqa: T201
    ("stream", lambda: sys.stderr.write("found")),
    ("network", lambda: select.select([], [], [], 0)),
    ("environment", ssl.create_default_context),
    ("thread", lambda: POOL.submit(print)),
    ("process", lambda: signal.alarm(0)),
    ("process", lambda: sys.setprofile(None)),
    ("native code", lambda: ctypes.CDLL(None)),
    ("file", lambda: Context().run(open, HERE)),
    ("clock", lambda: _record().created),
    ("clock", lambda: logging.getLogger("acme").makeRecord("", 0, "", 0, "", (), None).created),
    ("clock", lambda: logging.Formatter().formatTime(RECORD)),
    ("clock", _logged_all_the_same),
    ("stream", _called_back),
    ("file", lambda: linecache.getlines("/proc/uptime")),
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

        text = io.StringIO()
        print("found", file=text)
        year = time.gmtime(1_700_000_000).tm_year
        seconds = at.timestamp()

    assert (Random(4).random(), 2023, 5) == (first, at.year, name.version)
    assert ("found\n", 2023, 1_700_000_000) == (text.getvalue(), year, seconds)
    assert not box.calls


def test_sandbox_import_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module may be imported inside, whatever it reads then."""
    (tmp_path / "late_module_of_acme.py").write_text("import time\nBORN = time.time()\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    with sandbox() as box:
        import late_module_of_acme  # type: ignore[import-not-found]  # made above

    assert late_module_of_acme.BORN
    assert not box.calls


def test_sandbox_what_is_logged_inside_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """Logging is no way out, and no handler brings a time back; before and after the block, and in one around it, all is as configured."""
    logger, bound = logging.getLogger("acme"), structlog.get_logger("acme")
    with structlog.testing.capture_logs() as events:
        bound.warning("before")
        with sandbox() as box:
            with sandbox():
                logger.warning("inside")
            logger.warning("inside %s", caplog.handler)
            bound.warning("inside", at=1)
            structlog.get_logger("other").error("inside")
        bound.warning("after")
        logger.warning("after")

    assert ["after"] == caplog.messages
    assert ["before", "after"] == [event["event"] for event in events]
    assert not box.calls


def test_sandbox_time_stamp_of_structlog_is_blocked() -> None:
    """A processor that a plugin calls itself stamps nothing, and the place is the plugin's own."""
    with sandbox(HERE, collect=True) as box:
        structlog.processors.TimeStamper()(None, "", {})

    assert ["clock"] == [call.reach for call in box.calls]
    assert box.calls[0].place.startswith(f"{HERE}:")


def test_sandbox_level_that_was_off_stays_off() -> None:
    """What an author switched off before is off afterwards, and processors that are no list are left alone."""
    before = structlog.get_config()
    logging.disable(logging.INFO)
    structlog.configure(processors=(structlog.processors.KeyValueRenderer(),))
    try:
        with sandbox():
            pass
        assert logging.INFO == logging.root.manager.disable
        assert 1 == len(structlog.get_config()["processors"])
    finally:
        logging.disable(logging.NOTSET)
        structlog.configure(**before)


def test_sandbox_warning_shows_source_of_loaded_modules() -> None:
    """A warning is written with the line that gave it, as a traceback is: source code is as constant as code."""
    linecache.clearcache()
    with sandbox() as box:
        text = warnings.formatwarning("acme is old", UserWarning, str(HERE), 1)

    assert '"""What a sandbox blocks' in text
    assert not box.calls


def test_sandbox_own_folder_may_be_read_not_written(tmp_path: Path) -> None:
    """Package data is as constant as code: it may be read, and nothing else may."""
    file = tmp_path / "pairs.json"
    file.write_text("[]", "utf-8")

    with sandbox(tmp_path):
        assert file.exists()
        assert "[]" == file.read_text("utf-8")
    with pytest.raises(OutsideWorld, match="open"), sandbox(tmp_path):
        os.open(file, os.O_WRONLY)
    with pytest.raises(OutsideWorld, match="open"), sandbox(tmp_path):
        file.write_text("{}", "utf-8")
    with pytest.raises(OutsideWorld, match="open"), sandbox(tmp_path / "other"):
        file.read_text("utf-8")

    assert "[]" == file.read_text("utf-8")


def test_sandbox_socket_that_was_open_before_is_blocked() -> None:
    """Nobody may be asked through a connection that was made earlier."""
    one, other = socket.socketpair()
    with one, other, sandbox(collect=True) as box:
        one.send(b"x")

    assert ["network"] == [call.reach for call in box.calls]


def test_sandbox_name_of_another_module_exempts_nothing() -> None:
    """Code that calls itself logging or the import system is not taken for it."""
    for name in ("logging", "importlib._bootstrap"):
        with pytest.raises(OutsideWorld), sandbox():
            exec("import time; time.time()", {"__name__": name})


def test_sandbox_inside_another_gives_it_back() -> None:
    """After the inner block the outer one blocks again."""
    with sandbox(collect=True) as outer:
        with sandbox(collect=True) as inner:
            time.time()
        time.time()

    assert [1, 1] == [len(inner.calls), len(outer.calls)]


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
    assert HERE == folder_of(type("Lone", (), {"__module__": __name__})) or __name__ not in sys.modules
