"""Serves the signer's socket: who may speak, how much, how long; what is said is in ``tidemill.signing.protocol``."""

import os
from collections.abc import Callable, Mapping
from itertools import count
from typing import Final

import anyio
from anyio.abc import SocketAttribute, SocketListener, SocketStream

from tidemill.errors import SignerError, SignerRefused
from tidemill.signing.place import accept, peer_of, receive_exactly
from tidemill.signing.protocol import (
    HEAD,
    Ask,
    HelloAsk,
    LeaseAsk,
    NoteAsk,
    SignAsk,
    decode_ask,
    encode_error,
    encode_refusal,
    encode_value,
    length_of,
)
from tidemill_command_signer.desk import SigningDesk

CLIENTS: Final = 16
"""So many connections are served at a time; one more is told so and left."""
PATIENCE_S: Final = 5
"""A client that has begun a request and does not end it, or takes no answer, for so long is left; between two requests it may be silent."""
PAUSE_S: Final = 1


class SignerServer:
    """Takes requests from the user whose process this is, and from nobody else.

    Whatever a client does ends its own connection at most. Requests are followed one at a time and each to its end: what was signed is
    in the trail before the next is looked at.
    """

    def __init__(self, desk: SigningDesk, hello: Mapping[str, object], warn: Callable[[str], None]) -> None:
        """Serve a desk.

        Args:
            desk: follows requests.
            hello: what of the greeting's value never changes.
            warn: tells the operator what keeps the signer from signing.
        """
        self._desk = desk
        self._warn = warn
        self._hello = hello
        self._served = 0
        self._connections = count(1)

    async def serve(self, listener: SocketListener) -> None:
        """Serve for as long as this is awaited."""
        async with anyio.create_task_group() as clients:
            while True:
                try:
                    stream = await accept(listener)
                except OSError:
                    # Too many open files, most likely: those who are served go on
                    await anyio.sleep(PAUSE_S)
                else:
                    clients.start_soon(self._client, stream)

    async def _client(self, stream: SocketStream) -> None:
        number = next(self._connections)
        self._served += 1
        try:
            await self._heard(stream, number)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            return  # the client went away: half a request is no request
        finally:
            self._served -= 1
            self._desk.release(number)
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)

    async def _heard(self, stream: SocketStream, number: int) -> None:
        # anyio's typed attribute: no query
        peer = peer_of(stream.extra(SocketAttribute.raw_socket))  # noqa: S610
        try:
            if peer.uid != os.geteuid():
                refused = SignerRefused("peer", f"this signer belongs to user {os.geteuid()}: user {peer.uid} is refused")
                self._desk.refused(refused, user=peer.uid, process=peer.pid)
                await _send(stream, encode_refusal(refused.rule, refused.reason))
            elif self._served > CLIENTS:
                await _send(stream, encode_error(f"the signer serves {CLIENTS} connections already: close one of them"))
            else:
                await self._converse(stream, number, peer.pid)
        except SignerError as error:
            # Without the trail nothing is signed, and nothing can be said in it
            self._warn(str(error))
            await _send(stream, encode_error(str(error)))

    async def _converse(self, stream: SocketStream, number: int, process: int) -> None:
        while True:
            try:
                ask = decode_ask(await _frame(stream))
            except SignerError as error:
                self._desk.refused(SignerRefused("message", str(error)), process=process)
                await _send(stream, encode_error(str(error)))
                return
            # What is written in the trail is answered, even where the signer is being ended
            with anyio.CancelScope(shield=True):
                taken = await _send(stream, self._answered(ask, number))
                self._desk.settle()
            if not taken:
                return

    def _answered(self, ask: Ask, number: int) -> bytes:
        try:
            return encode_value(self._followed(ask, number))
        except SignerRefused as refused:
            return encode_refusal(refused.rule, refused.reason)

    def _followed(self, ask: Ask, number: int) -> Mapping[str, object]:
        match ask:
            case HelloAsk():
                return {**self._hello, **self._desk.greeting()}
            case LeaseAsk():
                return self._desk.lease(ask, number)
            case NoteAsk():
                return self._desk.note(ask)
            case SignAsk():
                return self._desk.sign(ask, number)


async def _frame(stream: SocketStream) -> bytes:
    """Return the content of the next frame; its first byte may take as long as it likes.

    Raises:
        SignerError: it is too long, or does not come whole in time. EndOfStream: the client went away.
    """
    first = await receive_exactly(stream, 1)
    with anyio.move_on_after(PATIENCE_S):
        length = length_of(first + await receive_exactly(stream, HEAD.size - 1))
        return await receive_exactly(stream, length)
    raise SignerError(f"no whole request within {PATIENCE_S} s: nothing was done")


async def _send(stream: SocketStream, frame: bytes) -> bool:
    """Send an answer; False where the client does not take it in time."""
    with anyio.move_on_after(PATIENCE_S) as patience:
        await stream.send(frame)
    return not patience.cancelled_caught
