"""A process of its own for one plugin, as its parent sees it: how it is started, spoken to, and ended.

What goes to it is pickled; what comes from it is data and read as JSON, never unpickled: a plugin in it has no way into this process.
"""

import json
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import anyio

from tidemill.errors import PluginError
from tidemill.pipeline.frames import HEAD, MAX_ANSWER, frame

START_S = 60
"""So long a process may take to import its plugins."""
SPIN_S = 0.002
"""So long an answer is waited for without letting others run: going to sleep and back takes longer than most answers."""
BUFFER = 4 << 20
_BOOT = "import json, sys; sys.path[:] = json.loads(sys.argv[2]); from tidemill.pipeline.child_main import main; main(int(sys.argv[1]))"


class Child:
    """One process and the socket to it. Every method that waits has a limit; whoever meets it should ``kill``."""

    def __init__(self, plugin: str, hello: Mapping[str, Any]) -> None:
        ours, theirs = socket.socketpair()
        for one in (ours, theirs):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        ours.setblocking(False)
        self.plugin = plugin
        self._socket = ours
        self._held = bytearray()
        with theirs:
            # Its standard output is our standard error: what a plugin prints there would spoil ours
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and code of ours
                [sys.executable, "-P", "-c", _BOOT, str(theirs.fileno()), json.dumps(sys.path)],
                stdin=subprocess.DEVNULL,
                stdout=2,
                pass_fds=(theirs.fileno(),),
            )
        self._hello: bytes | None = frame(dict(hello, plugin=plugin))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def ready(self) -> None:
        """Return when it has made its plugin.

        Raises:
            PluginError: it could not, died, or took longer than ``START_S``.
        """
        if self._hello is None:
            return
        await self.send(self._hello, START_S)
        self._hello = None
        answer = json.loads(await self.receive(START_S))
        if answer.get("error"):
            raise PluginError(self.plugin, f"its process cannot begin: {answer['error']}")

    async def send(self, data: bytes, limit_s: float) -> None:
        """Send frames.

        Raises:
            PluginError: it died, or did not take them within ``limit_s`` seconds.
        """
        rest = memoryview(data)
        with anyio.move_on_after(limit_s):
            while rest:
                try:
                    rest = rest[self._socket.send(rest) :]
                except BlockingIOError:
                    await anyio.wait_writable(self._socket)
                except OSError:
                    raise PluginError(self.plugin, self._death()) from None
        if rest:
            raise PluginError(self.plugin, f"its process took nothing for {limit_s:g} s")

    async def receive(self, limit_s: float) -> bytes:
        """Return the next frame's content.

        Raises:
            PluginError: it died, sent nonsense, or nothing whole within ``limit_s`` seconds.
        """
        with anyio.move_on_after(limit_s):
            spun = False
            while True:
                content = self._take()
                if content is not None:
                    return content
                if not spun and select.select([self._socket], [], [], SPIN_S)[0] == []:
                    spun = True
                if spun:
                    await anyio.wait_readable(self._socket)
                    spun = False
                self._read()
        raise PluginError(self.plugin, f"its process did not answer within {limit_s:g} s")

    def _read(self) -> None:
        try:
            data = self._socket.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            raise PluginError(self.plugin, self._death())
        self._held += data

    def _take(self) -> bytes | None:
        if len(self._held) < HEAD.size:
            return None
        (size,) = HEAD.unpack_from(self._held)
        if size > MAX_ANSWER:
            raise PluginError(self.plugin, f"its process sent an answer of {size} bytes: at most {MAX_ANSWER} are taken")
        if len(self._held) < HEAD.size + size:
            return None
        content = bytes(self._held[HEAD.size : HEAD.size + size])
        del self._held[: HEAD.size + size]
        return content

    def _death(self) -> str:
        """Say how it ended; it has closed its socket, so that it ends now if it has not yet."""
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return "its process closed its connection"
        if code >= 0:
            return f"its process ended with exit code {code}"
        with suppress(ValueError):
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"its process was ended by signal {-code}"

    def kill(self) -> None:
        """End it at once; may be called twice. It holds nothing that would be lost."""
        self._socket.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
