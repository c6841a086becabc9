"""A block of code that may only compute: files, sockets, processes, threads, clocks, chance and the environment are out of reach.

Files, sockets, processes and threads are seen by an audit hook (PEP 578), which is installed once and looks only while a sandbox is open in
the same context. Clocks, chance and the environment raise no audit events: a profile function sees each call of them, whatever name the
plugin gave it when it was imported.
"""

import _thread
import gc
import os
import random
import sys
import sysconfig
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar, Token
from datetime import date
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Literal, Self

from attrs import frozen

Reach = Literal["clock", "chance", "file", "network", "process", "thread", "environment"]


@frozen
class OutsideCall:
    """A call that left the sandbox: what it reaches for, the function or audit event, and ``file:line`` of the plugin's code."""

    reach: Reach
    call: str
    place: str

    def __str__(self) -> str:
        return f"{self.call} ({self.reach}) at {self.place}"


class OutsideWorld(AssertionError):
    """Code in a sandbox reached for the world outside; ``calls`` in the order in which they happened."""

    def __init__(self, calls: Sequence[OutsideCall]) -> None:
        super().__init__("; ".join(map(str, dict.fromkeys(calls))))
        self.calls = tuple(calls)


class _Blocked(BaseException):
    """Stops the call; no ``except Exception`` of the plugin hides it, and the sandbox takes it back at its end."""


class Sandbox:
    """Blocks all that is not computation for the code in its ``with`` block.

    A blocked call does not happen: it raises something that is no ``Exception``. At the end of the block ``OutsideWorld`` lists all calls,
    also those whose exception the code swallowed; with ``collect`` nothing is raised and the caller reads ``calls``.

    Imports go on working, with all that a module does while it is imported. So does logging: its time stamps decide nothing. Files below
    ``reads`` may be read: give the plugin's own package, whose data is as constant as its code.

    The block must be left in the thread that entered it. It cannot see what C code of an extension does by itself.
    """

    def __init__(self, *reads: Path | str, collect: bool = False) -> None:
        self.calls: list[OutsideCall] = []
        self._reads = tuple(os.path.realpath(folder) + os.sep for folder in reads)
        self._collect = collect
        self._border: FrameType | None = None
        self._token: Token[Sandbox | None] | None = None
        self._profile: Any = None
        self._collecting = False

    def __enter__(self) -> Self:
        _install()
        self._border = sys._getframe(1)
        self._profile, self._collecting = sys.getprofile(), gc.isenabled()
        # Finalizers of unrelated objects would run inside, and be put to the plugin
        gc.disable()
        self._token = _open.set(self)
        sys.setprofile(self._on_profile)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> bool:
        sys.setprofile(self._profile)
        assert self._token is not None
        _open.reset(self._token)
        self._border = None
        if self._collecting:
            gc.enable()
        blocked = isinstance(error, _Blocked)
        if self.calls and not self._collect and (blocked or error is None or isinstance(error, Exception)):
            raise OutsideWorld(self.calls) from (None if blocked else error)
        return blocked

    def _on_profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call":
            found = _builtin(argument)
        elif event == "call":
            found = _function(frame)
        else:
            return
        if found is not None:
            self._caught(*found, frame)

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Judge an audit event; raises where it must not happen."""
        reach = _reach_of(event)
        if reach is None or (event == "open" and self._may_read(arguments)):
            return
        detail = f" {arguments[0]!r}" if event == "open" and arguments else ""
        self._caught(reach, event + detail, sys._getframe(2))

    def _may_read(self, arguments: tuple[Any, ...]) -> bool:
        path, mode = (*arguments, None, None)[:2]
        if isinstance(path, int):
            return True  # wraps a descriptor: whoever opened it was judged
        if not isinstance(path, str | bytes | os.PathLike) or (isinstance(mode, str) and set(mode) & set("wax+")):
            return False
        return os.path.realpath(os.fsdecode(path)).startswith(self._reads)

    def _caught(self, reach: Reach, call: str, frame: FrameType) -> None:
        inside = list(_frames(frame, self._border))
        if any(_is_exempt(one) for one in inside):
            return
        self.calls.append(OutsideCall(reach, call, _place(inside, self._reads)))
        raise _Blocked(call)


def sandbox(*reads: Path | str, collect: bool = False) -> Sandbox:
    """Return a sandbox for a ``with`` statement; see ``Sandbox``."""
    return Sandbox(*reads, collect=collect)


def folder_of(plugin: type) -> Path:
    """Return the folder of the top-level package that a class is defined in; of a lone module, the folder it lies in."""
    top = sys.modules.get(plugin.__module__.partition(".")[0])
    file = getattr(top, "__file__", None) or getattr(sys.modules[plugin.__module__], "__file__", None)
    return Path(file).parent if file else Path()


_open: ContextVar[Sandbox | None] = ContextVar("tidemill_sandbox", default=None)
_installed: list[Callable[[str, tuple[Any, ...]], None]] = []


def _install() -> None:
    if not _installed:
        _installed.append(_hook)
        sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    box = _open.get()
    if box is not None:
        box.audit(event, arguments)


_EVENTS: dict[str, Reach] = {
    "open": "file",
    "builtins.input": "file",
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


def _reach_of(event: str) -> Reach | None:
    return _EVENTS.get(event) or _EVENT_FAMILIES.get(event.partition(".")[0])


def _named(module: Any, names: str) -> Iterator[Any]:
    for name in names.split():
        found = getattr(module, name, None)
        if found is not None:
            yield found


_CLOCKS = "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time process_time_ns thread_time thread_time_ns"
_BUILTINS: dict[Any, Reach] = {
    # gmtime and strftime are missing: with an argument they only compute, and a profile function does not see arguments
    **dict.fromkeys(_named(time, f"{_CLOCKS} clock_gettime clock_gettime_ns sleep localtime ctime"), "clock"),
    **dict.fromkeys(_named(os, "stat lstat access getcwd readlink statvfs"), "file"),
    **dict.fromkeys(_named(os, "urandom getrandom"), "chance"),
    **dict.fromkeys(_named(_thread, "start_new_thread start_new start_joinable_thread"), "thread"),
    **dict.fromkeys(_named(os, "getpid getppid getloadavg times"), "process"),
    **dict.fromkeys(_named(uuid, "_generate_time_safe"), "chance"),
}
_GLOBAL_RANDOM = getattr(random.getrandbits, "__self__", None)
_ENVIRONMENT: dict[CodeType, str] = {
    getattr(type(os.environ), name).__code__: f"os.environ.{name}" for name in ("__getitem__", "__iter__", "__len__")
}
_SEED = random.Random.seed.__code__


def _builtin(function: Any) -> tuple[Reach, str] | None:
    """Return what a builtin reaches for, with its name; None for one that only computes."""
    owner = getattr(function, "__self__", None)
    if owner is _GLOBAL_RANDOM:
        return "chance", f"random.{function.__name__}"
    if isinstance(owner, type) and issubclass(owner, date) and function.__name__ in ("now", "utcnow", "today"):
        return "clock", f"{owner.__name__}.{function.__name__}"
    try:
        reach = _BUILTINS.get(function)
    except TypeError:  # a bound method of something that cannot be hashed
        return None
    return (reach, f"{function.__module__}.{function.__name__}") if reach is not None else None


def _function(frame: FrameType) -> tuple[Reach, str] | None:
    """Return what a Python function that begins reaches for: the environment, or a seed taken from chance."""
    named = _ENVIRONMENT.get(frame.f_code)
    if named is not None:
        return "environment", named
    if frame.f_code is _SEED and frame.f_locals.get("a") is None:
        return "chance", "random.Random() without a seed"
    return None


_IMPORTING = {"importlib._bootstrap", "importlib._bootstrap_external", "_frozen_importlib", "_frozen_importlib_external"}
_EXEMPT = {"logging", "structlog", "linecache", "warnings", "coverage"}
_LIBRARY = tuple({os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib")})


def _frames(frame: FrameType | None, border: FrameType | None) -> Iterator[FrameType]:
    """Yield frames from the innermost outwards, up to the one that opened the sandbox, that one included."""
    while frame is not None:
        yield frame
        if frame is border:
            return
        frame = frame.f_back


def _is_exempt(frame: FrameType) -> bool:
    module = str(frame.f_globals.get("__name__", ""))
    return module in _IMPORTING or module.partition(".")[0] in _EXEMPT


def _place(frames: Sequence[FrameType], folders: tuple[str, ...]) -> str:
    """Return where the plugin's own code made the call: the innermost frame in its folders, else outside the standard library."""
    named = [(frame.f_code.co_filename, frame.f_lineno) for frame in frames]
    own = [one for one in named if one[0].startswith(folders)] if folders else []
    others = [one for one in named if not one[0].startswith((*_LIBRARY, "<frozen")) or "site-packages" in one[0]]
    file, line = (own or others or named or [("?", 0)])[0]
    return f"{file}:{line}"
