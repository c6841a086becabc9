"""Compiled twins of the kernels, where numba is there: equal bits, sooner.

A kernel is a plain function over arrays. Its twin is the same code with the twins of the kernels it calls in its globals, compiled by numba
for fixed types. Compiling takes seconds, so it never happens by itself: ``warm`` does it, or loads what an earlier run compiled. Until
then, and where numba is absent or fails, the plain functions answer.

Compiled code is kept in ``NUMBA_CACHE_DIR``, else in the user's cache folder, in a folder for this source; its files are trusted only
where they are as they were written.
"""

import hashlib
import importlib.util
import json
import os
import pickle
import shutil
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from types import FunctionType
from typing import Any, get_type_hints

from tidemill_search_cycles.kernels import (
    bounds,
    compound,
    hubs,
    ladder,
    listing,
    netting,
    pairs,
    probe,
    renew,
    short,
    sizing,
    through,
    values,
)

Kernel = Callable[..., Any]

KERNELS: tuple[Kernel, ...] = (
    *(pairs.reseat, renew.renew, hubs.fill_hubs, hubs.make_lists, hubs.survey, short.scan, through.through),
    *(listing.order_tokens, listing.list_starts, listing.set_limits, ladder.probe_edges),
    *(bounds.reach_out, bounds.turn, bounds.reach_back, bounds.narrow, bounds.tabulate, bounds.release, compound.grow),
    *(values.middle_rates, values.spread, values.smooth, values.settle, values.relative_rates),
    *(probe.appraise, probe.probe, sizing.size_cycles, netting.settle),
)
"""What is called from Python; what these call is compiled with them."""
_PACKAGE = f"{__package__}.kernels."
_MANIFEST = "manifest.json"
_VARIABLE = "NUMBA_CACHE_DIR"
_BROKEN: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    RuntimeError,
    SystemError,
    TypeError,
    ValueError,
    AssertionError,
    NotImplementedError,
    pickle.PickleError,
)
"""What numba, LLVM and a cache that somebody else wrote raise when they cannot go on."""


class Kernels:
    """The kernels as they run now: plain ones over arrays, or compiled ones over the same memory."""

    def __init__(self, twins: dict[Kernel, Kernel]) -> None:
        self._twins = twins

    def __reduce__(self) -> tuple[Callable[[], "Kernels"], tuple[()]]:
        """In another process, those that it runs."""
        return kernels, ()

    @property
    def compiled(self) -> bool:
        """True for compiled ones."""
        return bool(self._twins)

    def of(self, function: Kernel) -> Kernel:
        """Return what runs for a kernel."""
        return self._twins.get(function, function)

    def views(self, arrays: Sequence["array[Any]"]) -> tuple[Any, ...]:
        """Return arrays as these kernels take them: themselves, or their addresses, good as long as the arrays are."""
        return tuple(held.buffer_info()[0] for held in arrays) if self._twins else tuple(arrays)


_PLAIN = Kernels({})
_current = _PLAIN


def kernels() -> Kernels:
    """Return the kernels as they run now: the plain ones until ``warm`` has been through."""
    return _current


def warm() -> str:
    """Compile the kernels, or load them from the cache, and let them run from now on; return one sentence on what became of it.

    May be called from any thread: whoever has the plain kernels in hand goes on with them, and both find the same.
    """
    global _current  # noqa: PLW0603 one process, one set of kernels
    if _current.compiled:
        return "the search kernels are compiled already"
    if not _finds_numba():
        return "numba is not installed, the search runs its plain kernels: install tidemill-search-cycles[numba] for compiled ones"
    kept, reason = cache_folder(), ""
    for folder in (kept, kept, None) if kept is not None else (None,):
        try:
            twins, loaded = _compile_all(folder)
        except _broken() as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:120]
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            continue
        _current = Kernels(twins)
        if folder is None:
            return "the search kernels were compiled for this process alone, as no folder can keep them"
        return f"the search kernels were {'loaded from' if loaded else 'compiled and are kept in'} {folder}"
    return f"numba cannot compile the search kernels ({reason}): the search runs its plain ones, which find the same"


def _finds_numba() -> bool:
    """Tell whether numba is there to be tried; a finder that fails tells nothing, and trying will."""
    with suppress(*_BROKEN):
        return importlib.util.find_spec("numba") is not None
    return True


def _broken() -> tuple[type[Exception], ...]:
    errors: Any = sys.modules.get("numba.core.errors")
    return (*_BROKEN, errors.NumbaError) if errors is not None else _BROKEN


def cool() -> None:
    """Let the plain kernels run again."""
    global _current  # noqa: PLW0603 one process, one set of kernels
    _current = _PLAIN


def compiled(function: Kernel, folder: Path | None = None) -> Kernel:
    """Return a compiled twin of one kernel, kept in a folder where one is given.

    Annotated with the types of ``kernels.arrays`` it is compiled at once, else for what it is first called with.

    Raises:
        ImportError: numba is not installed.
    """
    with _caching_in(folder):
        return _twin(function, {}, folder is not None)


def cache_folder() -> Path | None:
    """Return where compiled kernels are kept; None where no folder can be written. Its name tells the source and Python's version."""
    stated = os.environ.get(_VARIABLE)
    folder = (Path(stated) if stated else _user_cache() / "tidemill") / f"search-cycles-{_digest()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def _user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _digest() -> str:
    """Return what names this source: numba looks at one file at a time, and a kernel's code is spread over several."""
    digest = hashlib.sha256(repr((sys.version_info[:3], sys.implementation.cache_tag)).encode())
    for path in sorted((Path(__file__).parent / "kernels").glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _compile_all(folder: Path | None) -> tuple[dict[Kernel, Kernel], bool]:
    """Return the twins of all kernels, and whether every one of them came from the folder."""
    draft = None
    if folder is not None and not _is_whole(folder):
        # Another process may be at the same: each compiles in a folder of its own, and the last puts its own in place
        draft = Path(mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    made: dict[Kernel, Kernel] = {}
    try:
        with _caching_in(draft or folder):
            for function in KERNELS:
                _twin(function, made, folder is not None)
        twins: list[Any] = [made[function] for function in KERNELS]
        loaded = draft is None and all(twin.stats.cache_hits for twin in twins)
        if folder is not None and not loaded:
            with suppress(OSError):
                _seal(draft or folder)
                _put_in_place(draft, folder)
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
    return {function: _entry(made[function]) for function in KERNELS}, loaded


def _put_in_place(draft: Path | None, folder: Path) -> None:
    if draft is not None and not _is_whole(folder):
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)


def _entry(twin: Any) -> Kernel:
    """Return the compiled function itself: with one signature there is nothing to choose, and choosing costs more than a small search."""
    (result,) = twin.overloads.values()
    entry: Kernel = result.entry_point
    return entry


def _twin(function: Kernel, made: dict[Kernel, Kernel], keep: bool) -> Kernel:
    if function in made:
        return made[function]
    numba: Any = import_module("numba")
    assert isinstance(function, FunctionType)  # noqa: S101 kernels are plain functions
    names = dict(function.__globals__)
    for name in function.__code__.co_names:
        value = names.get(name)
        if isinstance(value, FunctionType) and value.__module__.startswith(_PACKAGE):
            names[name] = _twin(value, made, keep)
    twin = FunctionType(function.__code__, names, function.__name__, function.__defaults__)
    twin.__module__, twin.__qualname__, twin.__doc__ = function.__module__, function.__qualname__, function.__doc__
    signature = _signature(function)
    # Without numba's own reference counts, of which there are none to keep, what is compiled can be put in line
    options = {"cache": keep, "nogil": True, "error_model": "python", "_nrt": signature is None}
    made[function] = numba.njit(signature, **options)(twin) if signature is not None else numba.njit(**options)(twin)
    return made[function]


def _signature(function: FunctionType) -> Any:
    """Return numba's signature from the annotations, None where one names no machine type. Arrays are pointers to their first entry."""
    types: Any = import_module("numba").types
    _take_addresses()
    found = []
    hints = get_type_hints(function, include_extras=True)
    for name in (*function.__code__.co_varnames[: function.__code__.co_argcount], "return"):
        kind = getattr(hints.get(name), "__metadata__", (None,))[0]
        if kind is None:
            return None
        scalar = getattr(types, kind)
        found.append(scalar if hints[name].__origin__ in (int, float) else types.CPointer(scalar))
    return found[-1](*found[:-1])


@cache
def _take_addresses() -> None:
    """Let compiled kernels be given addresses: an array's view costs numba 0.1 us each time, and refers to seven words instead of one."""
    extending: Any = import_module("numba.extending")

    def unbox_address(kind: Any, given: Any, context: Any) -> Any:
        address = context.pyapi.long_as_voidptr(given)
        return extending.NativeValue(context.builder.bitcast(address, context.context.get_value_type(kind)))

    extending.unbox(import_module("numba").types.CPointer)(unbox_address)


@contextmanager
def _caching_in(folder: Path | None) -> Iterator[None]:
    """Let numba keep what is compiled in this block in a folder: it reads the variable again whenever one of its own has changed."""
    if folder is None:
        yield
        return
    config: Any = import_module("numba").config
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = str(folder)
    config.reload_config()
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before
        config.reload_config()


def _sums(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in {".nbi", ".nbc"})
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _seal(folder: Path) -> None:
    """Write down what the files of a cache are."""
    draft = folder / f"{_MANIFEST}.{os.getpid()}"
    draft.write_text(json.dumps(_sums(folder)), encoding="utf-8")
    draft.replace(folder / _MANIFEST)


def _is_whole(folder: Path) -> bool:
    """Tell whether a cache's files are as they were written: a torn one can end the process in LLVM, where nothing is caught."""
    try:
        return bool(json.loads((folder / _MANIFEST).read_text(encoding="utf-8")) == _sums(folder))
    except (OSError, ValueError):
        return False
