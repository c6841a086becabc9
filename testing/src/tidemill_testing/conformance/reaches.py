"""What a call reaches for beside its arguments: told from the audit event, the builtin or the Python function that is called."""

import _random
import _socket
import _thread
import dis
import io
import mmap
import os
import random
import select
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from types import CodeType, FrameType, ModuleType
from typing import Any, Literal

Reach = Literal["clock", "chance", "file", "stream", "network", "process", "thread", "environment", "machine", "native code"]
Found = tuple[Reach, str]
"""What is reached for, and the call's name."""

_EVENTS: dict[str, Reach] = {
    "open": "file",
    "builtins.input": "stream",
    "os.putenv": "environment",
    "os.unsetenv": "environment",
    "os.system": "process",
    "os.exec": "process",
    "os.fork": "process",
    "os.forkpty": "process",
    "os.posix_spawn": "process",
    "os.spawn": "process",
    "os.startfile": "process",
    "os.kill": "process",
    "pty.spawn": "process",
    "subprocess.Popen": "process",
    "_thread.start_new_thread": "thread",
    "_thread.start_joinable_thread": "thread",
    "ctypes.dlopen": "native code",
    "ctypes.dlsym": "native code",
}
_EVENT_FAMILIES: dict[str, Reach] = {
    "socket": "network",
    "http": "network",
    "urllib": "network",
    "ftplib": "network",
    "smtplib": "network",
    "os": "file",
    "shutil": "file",
    "glob": "file",
    "pathlib": "file",
    "tempfile": "file",
    "mmap": "file",
    "sqlite3": "file",
    "fcntl": "file",
}


def of_event(event: str) -> Reach | None:
    """Return what an audit event (PEP 578) reaches for; None for one that only computes."""
    return _EVENTS.get(event) or _EVENT_FAMILIES.get(event.partition(".")[0])


def _named(module: Any, names: str) -> Iterator[Any]:
    for name in names.split():
        found = getattr(module, name, None)
        if found is not None:
            yield found


_CLOCKS = "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time process_time_ns thread_time thread_time_ns"
_MACHINE = "uname cpu_count process_cpu_count sched_getaffinity getloadavg times getuid geteuid getgid getlogin"
_BUILTINS: dict[Any, Reach] = {
    **dict.fromkeys(_named(time, f"{_CLOCKS} clock_gettime clock_gettime_ns sleep localtime ctime"), "clock"),
    **dict.fromkeys(_named(os, "stat lstat access getcwd readlink statvfs fstat"), "file"),
    **dict.fromkeys(_named(os, "read pread readv write pwrite writev sendfile fsync"), "stream"),
    **dict.fromkeys(_named(os, "urandom getrandom"), "chance"),
    **dict.fromkeys(_named(_thread, "start_new_thread start_new start_joinable_thread"), "thread"),
    **dict.fromkeys(_named(os, "getpid getppid"), "process"),
    **dict.fromkeys(_named(signal, "signal alarm setitimer raise_signal sigwait pause"), "process"),
    # Not by its audit event: that comes too where a profile function has raised, and is taken off
    sys.setprofile: "process",
    **dict.fromkeys(_named(os, _MACHINE), "machine"),
    **dict.fromkeys(_named(uuid, "_generate_time_safe"), "chance"),
    **dict.fromkeys(_named(select, "select poll epoll"), "network"),
}
_NOW_UNLESS: dict[Any, int] = {time.gmtime: 1, time.asctime: 1, time.strftime: 2}
"""These take the time themselves where they are given fewer arguments."""


def of_builtin(function: Any, frame: FrameType) -> Found | None:
    """Return what a builtin that ``frame`` is about to call reaches for; None for one that only computes."""
    owner = getattr(function, "__self__", None)
    if not (owner is None or type(owner) is ModuleType):
        judge = _JUDGES.get(type(owner)) or _judge_of(type(owner))
        return judge(owner, function.__name__, frame)
    reach = _BUILTINS.get(function)
    if reach is None and function in _NOW_UNLESS and _count(frame) < _NOW_UNLESS[function]:
        reach = "clock"
    if reach is None and function is print and "file" not in _keywords(frame):
        reach = "stream"
    return (reach, f"{function.__module__}.{function.__name__}") if reach is not None else None


Judge = Callable[[Any, str, FrameType], Found | None]

_GLOBAL_RANDOM = getattr(random.getrandbits, "__self__", None)
_TALKS = frozenset({"read", "read1", "readall", "readinto", "readinto1", "readline", "readlines", "peek", "write", "writelines", "flush"})
_STREAMS = (io.TextIOWrapper, io.BufferedReader, io.BufferedWriter, io.BufferedRandom, io.FileIO, mmap.mmap)
DRAWS_FROM_EARLIER = "of a generator that was made and seeded earlier"


def _pure(owner: Any, name: str, frame: FrameType) -> Found | None:
    return None


def _of_class(owner: type, name: str, frame: FrameType) -> Found | None:
    if not issubclass(owner, date):
        return None
    if name in ("now", "utcnow", "today"):
        return "clock", f"{owner.__name__}.{name}"
    local = name == "fromtimestamp" and _count(frame) < (2 if issubclass(owner, datetime) else 9)
    return ("machine", f"{owner.__name__}.{name} in the local time zone") if local else None


def _of_time(owner: datetime, name: str, frame: FrameType) -> Found | None:
    local = owner.tzinfo is None and name in ("timestamp", "astimezone")
    return ("machine", f"datetime.{name} in the local time zone") if local else None


def _of_random(owner: Any, name: str, frame: FrameType) -> Found | None:
    if owner is _GLOBAL_RANDOM:
        return "chance", f"random.{name}"
    return ("chance", f"{type(owner).__name__}.{name} {DRAWS_FROM_EARLIER}") if name in ("random", "getrandbits") else None


def _of_stream(owner: Any, name: str, frame: FrameType) -> Found | None:
    return ("stream", f"{type(owner).__name__}.{name}") if name in _TALKS else None


def _of_socket(owner: Any, name: str, frame: FrameType) -> Found | None:
    return "network", f"socket.{name}"


_KINDS: tuple[tuple[tuple[type, ...], Judge], ...] = (
    ((type,), _of_class),
    ((datetime,), _of_time),
    ((_random.Random,), _of_random),
    (_STREAMS, _of_stream),
    ((_socket.socket,), _of_socket),
)
_JUDGES: dict[type, Judge] = {}


def _judge_of(kind: type) -> Judge:
    """Return who judges methods of objects of a class; kept, for it is asked at every call."""
    found = next((judge for kinds, judge in _KINDS if issubclass(kind, kinds)), _pure)
    # A plugin's own classes come and go, and must not be kept
    if kind.__module__ in sys.builtin_module_names or found is not _pure:
        _JUDGES[kind] = found
    return found


_PYTHON: dict[CodeType, Found] = {
    **{getattr(type(os.environ), name).__code__: ("environment", f"os.environ.{name}") for name in ("__getitem__", "__iter__", "__len__")},
    ThreadPoolExecutor.submit.__code__: ("thread", "ThreadPoolExecutor.submit"),
}
_SEED = random.Random.seed.__code__


def of_python(frame: FrameType) -> Found | None:
    """Return what a Python function that begins reaches for: the environment, another thread, or a seed taken from chance."""
    if frame.f_code is _SEED and frame.f_locals.get("a") is None:
        return "chance", "random.Random() without a seed"
    return _PYTHON.get(frame.f_code)


def seeded(frame: FrameType) -> object | None:
    """Return the generator that is given a seed by the function that begins; None where another function begins."""
    found = frame.f_locals.get("self") if frame.f_code is _SEED else None
    return found if found is not _GLOBAL_RANDOM else None


def _count(frame: FrameType) -> int:
    """Return how many arguments the call that stands at a frame's instruction passes; many where that cannot be told."""
    place = frame.f_lasti
    written = frame.f_code.co_code
    return written[place + 1] if dis.opname[written[place]] in ("CALL", "PRECALL", "CALL_KW") else 255


def _keywords(frame: FrameType) -> tuple[str, ...]:
    """Return the names of the keyword arguments of the call that stands at a frame's instruction."""
    before = [one for one in dis.get_instructions(frame.f_code) if frame.f_lasti - 8 <= one.offset <= frame.f_lasti]
    for one in before[::-1]:
        names = frame.f_code.co_consts[one.arg] if one.opname in ("KW_NAMES", "LOAD_CONST") and one.arg is not None else None
        if isinstance(names, tuple) and all(isinstance(name, str) for name in names):
            return names
        if one.opname not in ("CALL", "PRECALL", "CALL_KW", "CACHE"):
            break
    return ()
