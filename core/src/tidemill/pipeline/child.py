"""A process of its own for one plugin, as its parent sees it: how it is started, spoken to, and ended.

What goes to it is pickled; what comes from it is data and read as JSON, never unpickled: a plugin in it has no way into this process.
It leads a process group of its own, so that Ctrl-C in a terminal goes to the run alone, and ends together with what it has started.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from typing import Any

import anyio

from tidemill.errors import DecodeError, PluginError
from tidemill.pipeline.answer import Reply, decode_reply
from tidemill.pipeline.frames import HEAD, MAX_ANSWER, frame
from tidemill.stages.guard import Fault, PluginFault

START_S = 60
"""So long a process may take to import its plugins."""
SPIN_MS = 2
"""So long an answer is waited for without letting others run: going to sleep and back takes longer than most answers."""
BUFFER = 4 << 20
END_S = 1
"""So long is waited for a process that was killed; one that the kernel holds longer is left to end by itself."""
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[3]); "
    "from tidemill.pipeline.child_main import main; main(int(sys.argv[1]), int(sys.argv[2]))"
)


class Child:
    """One process and the socket to it. Every method that waits has a limit; whoever meets it should ``kill``.

    Args:
        plugin: ``<folder>.<name>``.
        hello: what it is told first, besides: see ``tidemill.pipeline.brief``.
        environ: its environment; None: this process's.

    Raises:
        OSError: no process can be started.
    """

    def __init__(self, plugin: str, hello: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> None:
        ours, theirs = socket.socketpair()
        self.plugin = plugin
        self._socket = ours
        self._held = bytearray()
        self._readable = select.poll()
        self._readable.register(ours, select.POLLIN)
        self._ended = False
        with ExitStack() as unless_started, theirs:
            unless_started.enter_context(ours)
            for one in (ours, theirs):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            ours.setblocking(False)
            # The option of -X means nothing to Python: it is for who looks at the list of processes.
            # Its standard output is our standard error: what a plugin prints there would spoil ours
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and code of ours
                [
                    sys.executable,
                    "-X",
                    f"tidemill: {plugin}",
                    "-P",
                    "-c",
                    _BOOT,
                    str(theirs.fileno()),
                    str(os.getpid()),
                    json.dumps(sys.path),
                ],
                stdin=subprocess.DEVNULL,
                stdout=2,
                pass_fds=(theirs.fileno(),),
                env=environ,
                process_group=0,
            )
            unless_started.pop_all()
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
        reply = await self.reply(START_S)
        if reply.fault:
            raise PluginFault(Fault(self.plugin, f"its process cannot begin: {reply.fault}", deliberate=reply.deliberate))

    async def reply(self, limit_s: float) -> Reply:
        """Return what it says went wrong with what it was told.

        Raises:
            PluginError: as ``receive``, or what came says neither.
        """
        content = await self.receive(limit_s)
        try:
            return decode_reply(content)
        except DecodeError as error:
            raise PluginError(self.plugin, f"its process sent what is no answer: {error}") from None

    async def send(self, data: bytes, limit_s: float) -> None:
        """Send frames.

        Raises:
            PluginError: it died, or did not take them within ``limit_s`` seconds.
        """
        # A batch is taken at once, as a rule: a scope with a limit costs more than to send it
        rest = memoryview(data)[self._send(data) :]
        if not rest:
            return
        with anyio.move_on_after(limit_s):
            while rest:
                await anyio.wait_writable(self._socket)
                rest = rest[self._send(rest) :]
        if rest:
            raise PluginError(self.plugin, f"its process took nothing for {limit_s:g} s")

    def _send(self, data: bytes | memoryview) -> int:
        """Send what is taken without waiting, and return how much that was."""
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            raise PluginError(self.plugin, self._death()) from None

    async def receive(self, limit_s: float) -> bytes:
        """Return the next frame's content.

        Raises:
            PluginError: it died, sent nonsense, or nothing whole within ``limit_s`` seconds.
        """
        # It folds while we do, and has answered by now or within a moment, as a rule
        if (content := self._take()) is not None or (self._soon() and self._read() and (content := self._take()) is not None):
            return content
        with anyio.move_on_after(limit_s):
            while (content := self._take()) is None:
                await anyio.wait_readable(self._socket)
                self._read()
            return content
        # Where this process was stopped meanwhile, the answer may lie there though its time is over
        while (content := self._take()) is None:
            if not self._read():
                raise PluginError(self.plugin, f"its process did not answer within {limit_s:g} s")
        return content

    def _soon(self) -> bool:
        """Wait a moment for something to read."""
        return bool(self._readable.poll(SPIN_MS))

    def _read(self) -> bool:
        """Take in what has come; return whether anything had."""
        try:
            data = self._socket.recv(1 << 20)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            raise PluginError(self.plugin, self._death())
        self._held += data
        return True

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
            code = self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            return "its process closed its connection"
        if code >= 0:
            return f"its process ended with exit code {code}"
        with suppress(ValueError):
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"its process was ended by signal {-code}"

    def kill(self) -> None:
        """End it at once, with what it has started; may be called twice. It holds nothing that would be lost."""
        self._socket.close()
        if not self._ended:
            self._ended = True
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)
