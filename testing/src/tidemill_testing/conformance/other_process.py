"""A process that lives as long as the test run and computes answers under a fixed ``PYTHONHASHSEED``; started once for each seed.

Run as a program it is the other side: it reads pieces of work from stdin and writes what they gave to stdout.
"""

import atexit
import contextlib
import importlib
import importlib.util
import inspect
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from tidemill.errors import TidemillError
from tidemill_testing.conformance.asking import first_difference

HASH_SEEDS = (1, 4242)
SEEDS_SAID = " and ".join(map(str, HASH_SEEDS))
TIMEOUT_S = 60
_LENGTH = struct.Struct("<Q")


class OtherProcessFailed(TidemillError):
    """The other process gave no answer; the message says under which ``PYTHONHASHSEED`` and why."""


def importable(plugin: type) -> bool:
    """Tell whether another process could find the class: it stands in a module's file, not inside a function."""
    return "<locals>" not in plugin.__qualname__ and inspect.getsourcefile(plugin) is not None


def differs_at(work: Callable[[Any], list[str]], plugin: type, argument: object) -> int | None:
    """Return the first place at which answers under two ``PYTHONHASHSEED`` differ; None where they are the same.

    Arguments and errors are those of ``in_other_process``; a class inside a function cannot be loaded there, and is told.
    """
    if not importable(plugin):
        raise OtherProcessFailed(
            f"{plugin.__qualname__} stands inside a function: define it in a module, so that another process can load it"
        )
    one, other = (in_other_process(work, plugin, argument, seed) for seed in HASH_SEEDS)
    return first_difference(one, other)


def in_other_process(work: Callable[[Any], list[str]], plugin: type, argument: object, hash_seed: int) -> list[str]:
    """Return what ``work`` gives in a process under another ``PYTHONHASHSEED``.

    Args:
        work: a function of a module that can be imported, given the unpickled argument.
        plugin: its module is loaded first, by its file where it cannot be imported by its name.
        argument: anything that can be pickled; classes of the plugin's module may stand in it.
        hash_seed: 0 to 4294967295.

    Raises:
        OtherProcessFailed: the argument cannot be sent, the work raised, or the process ended or did not answer in time.
    """
    file = str(Path(inspect.getfile(plugin)).resolve())
    try:
        told = pickle.dumps(argument)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise OtherProcessFailed(f"it cannot be sent to another process: {type(error).__name__}: {error}") from error
    sent = pickle.dumps((sys.path, _others(plugin), plugin.__module__, file, work.__module__, work.__qualname__, told))
    process = _process(hash_seed)
    assert process.stdin is not None
    assert process.stdout is not None
    overdue = threading.Timer(TIMEOUT_S, process.kill)
    overdue.start()
    try:
        _send(process.stdin, sent)
        answer = _receive(process.stdout)
    except OSError:
        answer = None
    finally:
        overdue.cancel()
    if answer is None:
        _end(hash_seed)
        raise OtherProcessFailed(f"in a process with PYTHONHASHSEED={hash_seed}: it ended, or did not answer within {TIMEOUT_S} s")
    lines, failure = pickle.loads(answer)  # noqa: S301 from our own process
    if failure:
        raise OtherProcessFailed(f"in a process with PYTHONHASHSEED={hash_seed}: {failure}")
    answers: list[str] = lines
    return answers


def _others(plugin: type) -> list[str]:
    """Return the modules of ours that are imported here, but for the plugin's own: they may be kept from work to work."""
    own = plugin.__module__.partition(".")[0]
    tops = {name: name.partition(".")[0] for name in list(sys.modules)}
    return [name for name, top in tops.items() if top.startswith("tidemill") and top != own and not name.endswith("__main__")]


_running: dict[int, subprocess.Popen[bytes]] = {}


def _process(hash_seed: int) -> subprocess.Popen[bytes]:
    running = _running.get(hash_seed)
    if running is None or running.poll() is not None:
        if not _running:
            atexit.register(_end_all)
        # Work is done in children that end without writing what they ran: to measure them would only slow them down
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        environment |= {"PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = [sys.executable, "-m", "tidemill_testing.conformance.other_process"]
        # S603: the command is our own interpreter and module
        running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)  # noqa: S603
        _running[hash_seed] = running
    return running


def _end(hash_seed: int) -> None:
    process = _running.pop(hash_seed)
    process.kill()
    process.communicate()


def _end_all() -> None:
    for hash_seed in list(_running):
        _end(hash_seed)


def _send(stream: BinaryIO | Any, content: bytes) -> None:
    stream.write(_LENGTH.pack(len(content)))
    stream.write(content)
    stream.flush()


def _receive(stream: BinaryIO | Any) -> bytes | None:
    """Return the next message, or None at the end."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    length = _LENGTH.unpack(head)[0]
    content: bytes = stream.read(length)
    return content if len(content) == length else None


def load(module: str, file: str) -> None:
    """Import a module by its name; where that is not its file's, load the file under that name."""
    if getattr(sys.modules.get(module), "__file__", None) == file:
        return
    try:
        if getattr(importlib.import_module(module), "__file__", None) == file:
            return
    except ImportError:
        pass
    spec = importlib.util.spec_from_file_location(module, file)
    assert spec is not None, f"{file} cannot be loaded as {module}"
    assert spec.loader is not None, f"{file} cannot be loaded as {module}"
    parents = module.split(".")[:-1]
    for count in range(1, len(parents) + 1):
        name = ".".join(parents[:count])
        # pytest names a test module by its path: its parents are folders, and no packages
        sys.modules.setdefault(name, types.ModuleType(name))
    made = sys.modules[module] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)


def done(work: bytes) -> tuple[list[str], str]:
    """Do a piece of work; return its answer, or an empty one and what was raised.

    Where the system can fork, it is done in a child: what a plugin's modules keep is gone afterwards, and the next finds them new.
    """
    path, others, module, file, work_module, work_name, argument = pickle.loads(work)  # noqa: S301 from our own parent
    sys.path[:] = path
    # In this process, so that children need not import them again
    for name in others:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    function = getattr(importlib.import_module(work_module), work_name)

    def answer() -> tuple[list[str], str]:
        try:
            load(module, file)
            return function(pickle.loads(argument)), ""  # noqa: S301 from our own parent
        except Exception as error:  # noqa: BLE001 whatever it is, the parent tells it
            return [], f"{type(error).__name__}: {error}"

    return _in_child(answer) if hasattr(os, "fork") else answer()


def _in_child(answer: Callable[[], tuple[list[str], str]]) -> tuple[list[str], str]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            # Who waits for the answer gives up then, and cannot reach this process
            signal.alarm(TIMEOUT_S)
            with os.fdopen(writer, "wb") as stream:
                _send(stream, pickle.dumps(answer()))
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        told = _receive(stream)
    os.waitpid(child, 0)
    found: tuple[list[str], str] = pickle.loads(told) if told is not None else ([], "it ended without an answer")  # noqa: S301 from our own child
    return found


def main() -> None:
    """Serve until stdin ends. What a plugin prints goes to stderr: stdout carries answers."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    work = _receive(sys.stdin.buffer)
    while work is not None:
        _send(answers, pickle.dumps(done(work)))
        work = _receive(sys.stdin.buffer)


if __name__ == "__main__":
    main()
