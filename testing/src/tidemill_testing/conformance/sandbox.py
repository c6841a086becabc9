"""A block of code that may only compute: files, sockets, processes, threads, clocks, chance and the environment are out of reach.

Files, sockets, processes and threads are seen by an audit hook (PEP 578), which is installed once and looks only while a sandbox is open in
the same thread. Clocks, chance, the environment and what was opened earlier raise no audit events: a profile function sees each call of
them, whatever name the plugin gave it when it was imported.
"""

import gc
import os
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from types import FrameType, ModuleType, TracebackType
from typing import Any, Self, get_args

from attrs import frozen

from tidemill_testing.conformance.mute import MUTE
from tidemill_testing.conformance.reaches import DRAWS_FROM_EARLIER, Reach, of_builtin, of_event, of_python, seeded


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

    Imports go on working, with all that a module does while it is imported. What is logged in the block is dropped, with ``logging`` and
    with structlog's default processors: a record carries a time stamp, which handlers would hand back. Source code of loaded modules may
    be read by warnings and tracebacks. Files at or below ``reads`` may be read: give the plugin's own package, whose data is as constant
    as its code.

    The block must be left in the thread that entered it. It sees calls that Python code makes. It does not see what compiled code calls
    by itself (``functools.partial(time.time)()``, ``iter(time.time, None)``, a C extension), nor what is read without a call
    (``sys.argv``, a slice of an open ``mmap``), nor what a module read while it was imported: where an answer depends on that, it differs
    from instance to instance or process to process, and the rules that compare answers tell it.
    """

    def __init__(self, *reads: Path | str, collect: bool = False) -> None:
        self.calls: list[OutsideCall] = []
        self._reads = tuple(os.path.realpath(place) for place in reads)
        self._collect = collect
        self._border: FrameType | None = None
        self._outer: Sandbox | None = None
        self._profile: Any = None
        self._collecting = False
        self._seeded: list[object] = []

    def __enter__(self) -> Self:
        _install()
        self._border = sys._getframe(1)
        self._outer, _open.box = _open.box, None
        self._profile, self._collecting = sys.getprofile(), gc.isenabled()
        MUTE.begin()
        # Finalizers of unrelated objects would run inside, and be put to the plugin
        gc.disable()
        sys.setprofile(self._on_profile)
        _open.box = self
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> bool:
        _open.box = None
        sys.setprofile(self._profile)
        MUTE.end()
        _open.box, self._outer, self._border = self._outer, None, None
        self._seeded.clear()
        if self._collecting:
            gc.enable()
        blocked = isinstance(error, _Blocked)
        if self.calls and not self._collect and (blocked or error is None or isinstance(error, Exception)):
            raise OutsideWorld(self.calls) from (None if blocked else error)
        return blocked

    def _on_profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call":
            found = of_builtin(argument, frame)
            if found is not None and not self._is_constant(argument, found, frame):
                self._caught(*found, frame)
        elif event == "call":
            found = of_python(frame)
            if found is not None:
                self._caught(*found, frame)
            generator = seeded(frame)
            if generator is not None:
                self._seeded.append(generator)

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Judge an audit event; raises where it must not happen."""
        reach = of_event(event)
        if reach is None or (event == "open" and self._may_open(arguments)):
            return
        detail = f" {arguments[0]!r}" if event == "open" and arguments else ""
        self._caught(reach, event + detail, sys._getframe(2))

    def _may_open(self, arguments: tuple[Any, ...]) -> bool:
        path, mode, flags = (*arguments, None, None, None)[:3]
        if isinstance(path, int):
            return True  # wraps a descriptor: whoever opened it was judged, and reading from it is
        if (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & _WRITES):
            return False
        return self._may_read(path)

    def _may_read(self, path: object) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        real = os.path.realpath(os.fsdecode(path))
        return any(real == place or real.startswith(place + os.sep) for place in self._reads)

    def _is_constant(self, function: Any, found: tuple[Reach, str], frame: FrameType) -> bool:
        """Tell whether a builtin only reads what may be read, or draws from a generator that was seeded in here."""
        owner = getattr(function, "__self__", None)
        if found[1].endswith(DRAWS_FROM_EARLIER):
            return any(owner is one for one in self._seeded)
        if found[0] == "stream":
            return self._may_read(getattr(owner, "name", None)) if "read" in function.__name__ else False
        if found[0] == "file" and str(frame.f_globals.get("__name__")).partition(".")[0] in ("pathlib", "genericpath"):
            local = frame.f_locals
            return self._may_read(local.get("self", local.get("path", local.get("filename"))))
        return False

    def _caught(self, reach: Reach, call: str, frame: FrameType) -> None:
        if _open.box is not self:
            return  # it is being opened or closed
        inside = list(_frames(frame, self._border))
        if any(map(_is_import, inside)) or any(_is_exempt(one, reach) for one in takewhile(_is_trusted, inside)):
            return
        self.calls.append(OutsideCall(reach, call, _place(inside, self._reads)))
        raise _Blocked(call)


def sandbox(*reads: Path | str, collect: bool = False) -> Sandbox:
    """Return a sandbox for a ``with`` statement; see ``Sandbox``."""
    return Sandbox(*reads, collect=collect)


def folder_of(plugin: type) -> Path:
    """Return the folder of the top-level package that a class is defined in; the file of a lone module, whose folder is not its own."""
    top = sys.modules.get(plugin.__module__.partition(".")[0])
    whole = getattr(top, "__file__", None)
    if whole and hasattr(top, "__path__"):
        return Path(whole).parent
    file = getattr(sys.modules[plugin.__module__], "__file__", None)
    return Path(file) if file else Path()


class _Open(threading.local):
    """The sandbox that is open in a thread."""

    box: Sandbox | None = None


_open = _Open()
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_installed: list[Callable[[str, tuple[Any, ...]], None]] = []


def _install() -> None:
    if not _installed:
        _installed.append(_hook)
        sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    box = _open.box
    if box is not None:
        box.audit(event, arguments)


_ANY: frozenset[Reach] = frozenset(get_args(Reach))
_EXEMPT: dict[str, frozenset[Reach]] = {
    "linecache": frozenset({"file", "stream"}),
    "warnings": frozenset({"stream"}),
    "coverage": _ANY,
}
"""What these may reach for on behalf of whoever calls them."""
_LIBRARY = tuple({os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib")})


def _frames(frame: FrameType | None, border: FrameType | None) -> Iterator[FrameType]:
    """Yield frames from the innermost outwards, up to the one that opened the sandbox, that one included."""
    while frame is not None:
        yield frame
        if frame is border:
            return
        frame = frame.f_back


def _is_import(frame: FrameType) -> bool:
    """Tell whether a frame is of an import in progress."""
    return frame.f_code.co_name == "_find_and_load" and frame.f_globals is vars(sys.modules["_frozen_importlib"])


def _is_trusted(frame: FrameType) -> bool:
    """Tell whether a frame is of the standard library or of a module with an exemption; by the module, not by what it is called.

    A plugin's function that one of them calls back is not theirs, nor is what it calls.
    """
    module = str(frame.f_globals.get("__name__", ""))
    top = module.partition(".")[0]
    known = top in sys.stdlib_module_names or top in _EXEMPT
    return known and frame.f_globals is getattr(sys.modules.get(module), "__dict__", None)


def _is_exempt(frame: FrameType, reach: Reach) -> bool:
    """Tell whether a trusted frame is of a module that may reach for that."""
    top = str(frame.f_globals["__name__"]).partition(".")[0]
    if reach not in _EXEMPT.get(top, ()):
        return False
    return top != "linecache" or _is_source(frame.f_locals.get("filename"))


def _is_source(file: object) -> bool:
    """Tell whether a file is the source of a module that is loaded: as constant as its code."""
    return any(vars(module).get("__file__") == file for module in list(sys.modules.values()) if file and isinstance(module, ModuleType))


def _place(frames: Sequence[FrameType], own_places: tuple[str, ...]) -> str:
    """Return where the plugin's own code made the call: the innermost frame in its folders, else outside the standard library."""
    named = [(frame.f_code.co_filename, frame.f_lineno) for frame in frames]
    own = [one for one in named if one[0].startswith(own_places)] if own_places else []
    others = [one for one in named if not one[0].startswith((*_LIBRARY, "<frozen")) or "site-packages" in one[0]]
    file, line = (own or others or named or [("?", 0)])[0]
    return f"{file}:{line}"
