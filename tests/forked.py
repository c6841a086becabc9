"""Command lines in forks of a process that has imported everything, with all that ``subprocess.Popen`` offers.

A fork is a process like any other: it has a number, files and sockets of its own, and is killed like one. What it does not do is import.
"""

import atexit
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, cast

SERVER = Path(__file__).with_name("fork_server.py")
POLL_S = 0.005
OWN = -1
"""``Popen``'s number for a stream that was not given."""


class ForkServer:
    """The warm process, and the socket over which it is told what to start."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._socket, theirs = socket.socketpair()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TIDEMILL__", "COV"))}
        with theirs:
            command = [sys.executable, str(SERVER), str(theirs.fileno())]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], env=kept)
        self._answers = self._socket.makefile("r", encoding="utf-8")
        assert "ready" == self._read()

    def ask(self, order: Mapping[str, object], streams: Sequence[int] = ()) -> Any:
        """Send an order, with the open files that go with it, and return the answer."""
        with self._lock:
            line = json.dumps(order).encode() + b"\n"
            sent = socket.send_fds(self._socket, [line], list(streams)) if streams else 0
            self._socket.sendall(line[sent:])
            return self._read()

    def close(self) -> None:
        """End the server; what it started goes on."""
        self._answers.close()
        self._socket.close()
        self._process.wait()

    def _read(self) -> Any:
        line = self._answers.readline()
        assert line, "the server of forks has ended"
        return json.loads(line)


@cache
def fork_server() -> ForkServer:
    """Return this process's server, which starts when it is first asked for."""
    server = ForkServer()
    atexit.register(server.close)
    return server


class Forked(subprocess.Popen[str]):
    """``tidemill ARGUMENTS`` in a fork: give the arguments without the program's name, and the other options of ``Popen``.

    Its standard input is empty unless one is given, and the program's modules are there before ``sitecustomize`` runs.

    Args:
        arguments: after ``tidemill``.
        file_size: the most bytes of a file that it may write.
        unprivileged: whether permissions bind it, also where we are root.
        **options: of ``Popen``: cwd, env, stdin, stdout, stderr, start_new_session.
    """

    def __init__(self, arguments: Sequence[str], *, file_size: int | None = None, unprivileged: bool = False, **options: Any) -> None:
        self._limits = {"file_size": file_size, "unprivileged": unprivileged, "session": options.get("start_new_session", False)}
        super().__init__(list(arguments), text=True, encoding="utf-8", **options)

    def _execute_child(self, args: Sequence[str], *given: Any, **_: Any) -> None:
        """Do what ``Popen`` does by fork and exec; it gives everything in the order of its own definition."""
        cwd, env, streams = given[4], given[5], given[9:15]
        empty = os.open(os.devnull, os.O_RDWR)
        try:
            ours = [theirs if theirs != OWN else empty for theirs in (streams[0], streams[3], streams[5])]
            variables = dict(os.environ if env is None else env)
            order = {"arguments": list(args), "cwd": str(cwd or Path.cwd()), "env": variables, **self._limits}
            self.pid = int(fork_server().ask(order, ours))
        finally:
            os.close(empty)
            cast(Any, self)._close_pipe_fds(*streams)

    def poll(self) -> int | None:
        """Return its exit code if it has ended, below zero the signal that ended it."""
        if self.returncode is None:
            status = fork_server().ask({"wait": self.pid})
            if status is not None:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code once it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not within so many seconds.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if until is not None and time.monotonic() >= until:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            time.sleep(POLL_S)
        return code
