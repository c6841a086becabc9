"""Serves the control socket of a running instance: who may speak, how much, how long; what is said is in ``protocol``."""

import os
from collections.abc import Awaitable, Callable, Mapping

import anyio
import structlog
from anyio.abc import SocketAttribute, SocketListener, SocketStream

from tidemill.errors import ControlError
from tidemill.pipeline import control_folder
from tidemill.pipeline.protocol import REQUEST_BYTES, Request, decode_request, encode_error, encode_value
from tidemill.pipeline.supervise import isolated

CLIENTS = 16
"""So many connections are served at a time; others wait in the kernel's queue."""
IDLE_S = 5
"""A client that sends no whole request, or takes no answer, for so long is left."""
FOLLOW_S = 10
"""A command that has not had its turn between two batches for so long is not followed."""
PAUSE_S = 1

Answer = Callable[[Request], Awaitable[Mapping[str, object]]]
"""Follows a request and returns the answer's value; raises ``ControlError`` where it is refused."""


class ControlServer:
    """Takes requests from the user whose process this is, and from nobody else.

    Whatever a client does ends its own connection at most: it never reaches the run but by a request that was understood whole.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._places = anyio.Semaphore(CLIENTS)
        self._log = structlog.get_logger("tidemill.control")

    async def serve(self, listener: SocketListener) -> None:
        """Serve for as long as this is awaited."""
        async with anyio.create_task_group() as clients:
            while True:
                await self._places.acquire()
                try:
                    # First, here and before `receive`: these two complain where a run ends as a client comes or goes, this does not
                    await anyio.wait_readable(listener.extra(SocketAttribute.raw_socket))  # noqa: S610
                    stream = await listener.accept()
                except OSError as error:
                    # Too many open files, most likely: the run must not end for it
                    self._places.release()
                    self._log.warning("a control connection could not be taken", reason=str(error))
                    await anyio.sleep(PAUSE_S)
                else:
                    clients.start_soon(self._client, stream)

    async def _client(self, stream: SocketStream) -> None:
        try:
            failed = await isolated("control", self._converse, stream)
            if failed is not None:
                self._log.error("a control request failed", reason=failed.reason)
        finally:
            self._places.release()
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)

    async def _converse(self, stream: SocketStream) -> None:
        try:
            if await self._admits(stream):
                await self._requests(stream)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            return  # the client went away: half a request is no request

    async def _admits(self, stream: SocketStream) -> bool:
        try:
            # anyio's typed attribute: no query
            peer = control_folder.peer_of(stream.extra(SocketAttribute.raw_socket))  # noqa: S610
        except ControlError as error:
            await _send(stream, encode_error(str(error)))
            return False
        if peer.uid == os.geteuid():
            return True
        self._log.warning("a control connection of another user was refused", user=peer.uid, process=peer.pid)
        await _send(stream, encode_error(f"this instance belongs to user {os.geteuid()}: user {peer.uid} is refused"))
        return False

    async def _requests(self, stream: SocketStream) -> None:
        lines = _Lines(stream)
        while True:
            try:
                line = await lines.next()
            except ControlError as error:
                await _send(stream, encode_error(str(error)))
                return
            # A command that was taken in is answered, even where it ends this very run
            with anyio.CancelScope(shield=True):
                if not await _send(stream, await self._answered(line)):
                    return

    async def _answered(self, line: bytes) -> bytes:
        with anyio.move_on_after(FOLLOW_S):
            try:
                return encode_value(await self._answer(decode_request(line)))
            except ControlError as error:
                return encode_error(str(error))
        return encode_error(f"the run is busy with one batch for more than {FOLLOW_S} s: nothing was done, try again")


class _Lines:
    """The lines of a connection, none longer than a request may be."""

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream
        self._held = b""

    async def next(self) -> bytes:
        """Return the next whole line.

        Raises:
            ControlError: it is too long, or does not come in time. EndOfStream: the client went away.
        """
        with anyio.move_on_after(IDLE_S):
            while b"\n" not in self._held[:REQUEST_BYTES]:
                if len(self._held) >= REQUEST_BYTES:
                    raise ControlError(f"a request of more than {REQUEST_BYTES} bytes: nothing was done")
                await anyio.wait_readable(self._stream.extra(SocketAttribute.raw_socket))  # noqa: S610
                self._held += await self._stream.receive(REQUEST_BYTES)
            line, _, self._held = self._held.partition(b"\n")
            return line
        raise ControlError(f"no whole request within {IDLE_S} s: nothing was done")


async def _send(stream: SocketStream, line: bytes) -> bool:
    """Send an answer; False where the client does not take it in time."""
    with anyio.move_on_after(IDLE_S) as patience:
        await stream.send(line)
    return not patience.cancelled_caught


async def listen(folder: control_folder.ControlFolder) -> SocketListener | None:
    """Open an instance's socket; where its folder cannot hold one, say so once and return None: the run goes on without.

    Raises:
        ControlError: another instance holds the folder.
    """
    try:
        return await folder.open()
    except OSError as error:
        reason = error.strerror or str(error)
    structlog.get_logger("tidemill.control").warning(
        "no control socket: status, pause, resume and stop cannot reach this run; Ctrl-C ends it", reason=reason
    )
    return None
