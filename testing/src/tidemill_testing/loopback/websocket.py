"""The WebSocket side of a loopback server: replies to messages, and a feed."""

import asyncio
import json
from itertools import count

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State

from tidemill_testing.loopback.answers import name_of
from tidemill_testing.loopback.board import Board, copies_of, late_in, payload_of, wait_out
from tidemill_testing.loopback.faults import CONNECT, PUSH, Act, Answer, Close, Drop, RateLimit, Silence, Status

NORMAL_CLOSURE = 1000


class SocketServer:
    """Speaks to each connection; the feed belongs to the newest one.

    ``feed_after`` names the message that begins the feed on a connection, "": it begins at once.
    """

    def __init__(self, board: Board, feed_after: str) -> None:
        self._board = board
        self._feed_after = feed_after
        self._connections = count(1)
        self._feeding: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._open: set[ServerConnection] = set()

    async def on_handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse a handshake where the script says so."""
        acts = self._board.script.acts(CONNECT, self._board.record.count(CONNECT), 0)
        await wait_out(acts)
        for act in acts:
            match act:
                case Status() | RateLimit():
                    status = act.status if isinstance(act, RateLimit) else act
                    response = connection.respond(status.code, status.body)
                    for name, value in status.headers:
                        response.headers[name] = value
                    return response
                case Silence():
                    # Not for ever: the library waits for handshakes when it ends
                    await self._ended.wait()
                    connection.transport.abort()
                case Close() | Drop():
                    connection.transport.abort()
        return None

    async def serve(self, connection: ServerConnection) -> None:
        """Answer one connection until either side ends it."""
        number = next(self._connections)
        headers = {name.lower(): value for name, value in connection.request.headers.raw_items()} if connection.request else {}
        wire = Wire(connection)
        self._open.add(connection)
        if not self._feed_after:
            self._begin_feed(wire)
        try:
            async for text in connection:
                message = _message(text)
                asked = await self._board.ask("websocket", message, number, headers)
                await wire.send(asked.reply, asked.acts)
                if self._feed_after and name_of(message) == self._feed_after:
                    self._begin_feed(wire)
        except ConnectionClosed:
            return
        finally:
            self._open.discard(connection)

    def stop(self) -> None:
        """End the feed, handshakes that are kept waiting, and connections whose client began to close them and never ended it."""
        self._ended.set()
        self._stop_feed()
        for connection in self._open:
            if connection.state is State.CLOSING:
                connection.transport.abort()

    def _stop_feed(self) -> None:
        if self._feeding is not None:
            self._feeding.cancel()

    def _begin_feed(self, wire: "Wire") -> None:
        self._stop_feed()
        self._feeding = asyncio.ensure_future(self._push(wire))

    async def _push(self, wire: "Wire") -> None:
        try:
            async for message in self._board.feed:
                acts = self._board.script.acts(PUSH, self._board.record.count(PUSH), 0)
                replaced = next((act.result for act in acts if isinstance(act, Answer)), message)
                await wire.send(replaced, acts)
                if wire.is_closed:
                    return
            await wire.connection.close(NORMAL_CLOSURE)
        except ConnectionClosed:
            return


class Wire:
    """Sends over one connection what the acts leave of a message."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.is_closed = False
        self._held: list[tuple[object, tuple[Act, ...]]] = []
        self._timers: list[asyncio.Task[None]] = []

    async def send(self, message: object, acts: tuple[Act, ...]) -> None:
        """Send a message as the acts say; one that is late goes out behind the next, or after its time."""
        await wait_out(acts)
        late = late_in(acts)
        if late is not None:
            self._held.append((message, acts))
            self._timers.append(asyncio.ensure_future(self._send_held_after(late.most_ms / 1_000)))
            return
        await self._send_now(message, acts)
        await self._send_held()

    async def _send_held_after(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        try:
            await self._send_held()
        except ConnectionClosed:
            return

    async def _send_held(self) -> None:
        while self._held and not self.is_closed:
            await self._send_now(*self._held.pop(0))

    async def _send_now(self, message: object, acts: tuple[Act, ...]) -> None:
        for act in acts:
            match act:
                case Silence():
                    return
                case Close():
                    self.is_closed = True
                    await self.connection.close(act.code, act.reason)
                    return
        payload, sent = payload_of(message, acts)
        if sent is not None:
            self.is_closed = True
            self._cut(payload, sent)
            return
        for _ in range(copies_of(acts)):
            await self.connection.send(payload.decode("utf-8", "replace"))

    def _cut(self, payload: bytes, sent: int) -> None:
        """Announce a whole text frame, send part of it, and end the connection (RFC 6455 §5.2: FIN and text, then a 64-bit length)."""
        frame = b"\x81\x7f" + max(len(payload), sent + 1).to_bytes(8, "big") + payload[:sent]
        self.connection.transport.write(frame)
        self.connection.transport.close()


def _message(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
