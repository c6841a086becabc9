"""A second process with another PYTHONHASHSEED that answers the same questions; one a session, however many suites ask."""

import atexit
import os
import pickle
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import IO, Any

from tidemill.errors import TidemillError
from tidemill_testing.conformance.other_process import load

_SEED = "4242"
_HEAD = struct.Struct(">Q")
_running: list[subprocess.Popen[bytes]] = []


class TwinFailed(TidemillError):
    """The other process could not answer; the message is its own."""


def in_twin(work: Callable[..., Sequence[str]], plugin: type, arguments: tuple[Any, ...]) -> list[str]:
    """Return what ``work(*arguments)`` gives in the other process.

    Args:
        work: a function at module level of an installed package.
        plugin: whose module is imported there first, from its file where its name cannot be imported.
        arguments: what can be pickled.

    Raises:
        TwinFailed: the work raised there, or its arguments cannot be unpickled there.
    """
    twin = _twin()
    assert twin.stdin is not None, "opened with a pipe"
    assert twin.stdout is not None, "opened with a pipe"
    module = sys.modules[plugin.__module__]
    request = (
        list(sys.path),
        plugin.__module__,
        getattr(module, "__file__", ""),
        work.__module__,
        work.__qualname__,
        pickle.dumps(arguments),
    )
    _write(twin.stdin, request)
    answer = _read(twin.stdout)
    if isinstance(answer, list):
        return answer
    raise TwinFailed(f"in a process with PYTHONHASHSEED={_SEED}: {answer}")


def _twin() -> subprocess.Popen[bytes]:
    if not _running or _running[-1].poll() is not None:
        command = [sys.executable, "-m", "tidemill_testing.conformance.twin"]
        environment = {**os.environ, "PYTHONHASHSEED": _SEED, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        _running.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment))  # noqa: S603 ourselves
        atexit.register(_end, _running[-1])
    return _running[-1]


def _end(twin: subprocess.Popen[bytes]) -> None:
    if twin.stdin is not None:
        twin.stdin.close()
    if twin.stdout is not None:
        twin.stdout.close()
    twin.wait()


def _write(stream: IO[bytes], value: object) -> None:
    text = pickle.dumps(value)
    stream.write(_HEAD.pack(len(text)) + text)
    stream.flush()


def _read(stream: IO[bytes]) -> Any:
    head = stream.read(_HEAD.size)
    return pickle.loads(stream.read(_HEAD.unpack(head)[0])) if len(head) == _HEAD.size else None  # noqa: S301 our own process


def _answer(request: tuple[Any, ...]) -> list[str] | str:
    """Return the work's lines, or what went wrong in words: whatever a plugin raises must not end this process."""
    path, plugin_module, file, work_module, work_name, arguments = request
    sys.path[:] = path
    try:
        load(plugin_module, file)
        work: Callable[..., Sequence[str]] = getattr(sys.modules.get(work_module) or __import__(work_module, fromlist=["*"]), work_name)
        return list(work(*pickle.loads(arguments)))  # noqa: S301 from our own parent
    except Exception as error:  # noqa: BLE001 told to the parent, which raises it
        return f"{type(error).__name__}: {error}"


def main() -> None:
    """Answer requests until the parent closes the pipe."""
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    while (request := _read(sys.stdin.buffer)) is not None:
        _write(answers, _answer(request))


if __name__ == "__main__":
    main()
