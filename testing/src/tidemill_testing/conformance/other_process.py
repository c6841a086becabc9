"""A process that lives as long as the test run and computes answers under a fixed ``PYTHONHASHSEED``; started once for each seed.

Run as a program it is the other side: it reads pieces of work from stdin and writes what they gave to stdout.
"""

import atexit
import importlib
import importlib.util
import inspect
import os
import pickle
import struct
import subprocess
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

TIMEOUT_S = 60
_LENGTH = struct.Struct("<Q")


def importable(plugin: type) -> bool:
    """Tell whether another process could find the class: it stands in a module's file, not inside a function."""
    return "<locals>" not in plugin.__qualname__ and inspect.getsourcefile(plugin) is not None


def in_other_process(work: Callable[[Any], list[str]], plugin: type, argument: object, hash_seed: int) -> list[str]:
    """Return what ``work`` gives in a process under another ``PYTHONHASHSEED``.

    Args:
        work: a function of a module that can be imported, given the unpickled argument.
        plugin: its module is loaded first, by its file where it cannot be imported by its name.
        argument: anything that can be pickled; classes of the plugin's module may stand in it.
        hash_seed: 0 to 4294967295.

    Raises:
        AssertionError: the work raised, or the process ended or did not answer in time.
    """
    file = str(Path(inspect.getfile(plugin)).resolve())
    sent = pickle.dumps((sys.path, plugin.__module__, file, work.__module__, work.__qualname__, pickle.dumps(argument)))
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
        raise AssertionError(f"a process with PYTHONHASHSEED={hash_seed} ended, or did not answer within {TIMEOUT_S} s")
    lines, failure = pickle.loads(answer)  # noqa: S301 from our own process
    if failure:
        raise AssertionError(f"a process with PYTHONHASHSEED={hash_seed} raised {failure}")
    answers: list[str] = lines
    return answers


_running: dict[int, subprocess.Popen[bytes]] = {}


def _process(hash_seed: int) -> subprocess.Popen[bytes]:
    running = _running.get(hash_seed)
    if running is None or running.poll() is not None:
        if not _running:
            atexit.register(_end_all)
        environment = os.environ | {"PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
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
    """Do a piece of work; return its answer, or an empty one and what was raised."""
    path, module, file, work_module, work_name, argument = pickle.loads(work)  # noqa: S301 from our own parent
    sys.path[:] = path
    try:
        load(module, file)
        function = getattr(importlib.import_module(work_module), work_name)
        return function(pickle.loads(argument)), ""  # noqa: S301 from our own parent
    except Exception as error:  # noqa: BLE001 whatever it is, the parent tells it
        return [], f"{type(error).__name__}: {error}"


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
