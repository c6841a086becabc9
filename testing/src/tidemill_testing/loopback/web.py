"""The HTTP side of a loopback server: JSON-RPC by POST, pages of JSON by GET."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from itertools import count
from urllib.parse import parse_qsl, urlsplit

from attrs import frozen

from tidemill_testing.loopback.answers import as_bytes
from tidemill_testing.loopback.board import Asked, Board, copies_of, late_in, payload_of, wait_out
from tidemill_testing.loopback.faults import Act, Answer, Close, Duplicate, Late, RateLimit, Silence, Status

PARSE_ERROR = -32_700


@frozen
class Request:
    """A request as it was read: ``target`` is the path with its query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class WebServer:
    """Speaks HTTP/1.1 with connections that stay open."""

    def __init__(self, board: Board, feed_page: str) -> None:
        self._board = board
        self._feed_page = feed_page
        self._connections = count(1)
        self._sent = asyncio.Condition()
        self._responses = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until either side ends it."""
        number = next(self._connections)
        try:
            while (request := await _read(reader)) is not None:
                if not await self._respond(request, number, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # The client went away, which is its right, or the server ends; asyncio's streams report a task that ends as cancelled
            return
        finally:
            writer.close()

    async def _respond(self, request: Request, connection: int, writer: asyncio.StreamWriter) -> bool:
        """Answer a request; tell whether the connection stays open."""
        body, acts = await self._answer(request, connection)
        await wait_out(acts)
        if Silence() in acts:
            await asyncio.Event().wait()
        if any(isinstance(act, Close) for act in acts):
            return False
        late = late_in(acts)
        if late is not None:
            await self._after_the_next(late.most_ms / 1_000)
        status = next((act.status if isinstance(act, RateLimit) else act for act in acts if isinstance(act, Status | RateLimit)), None)
        whole, sent = payload_of(status.body if status is not None else body, acts)
        head = _head(status or Status(200), len(whole))
        for _ in range(copies_of(acts)):
            writer.write(head + whole[:sent])
        await writer.drain()
        async with self._sent:
            self._responses += 1
            self._sent.notify_all()
        return sent is None and request.headers.get("connection", "").lower() != "close"

    async def _after_the_next(self, most_s: float) -> None:
        async with self._sent:
            before = self._responses
            try:
                async with asyncio.timeout(most_s):
                    await self._sent.wait_for(lambda: self._responses > before)
            except TimeoutError:
                return

    async def _answer(self, request: Request, connection: int) -> tuple[object, tuple[Act, ...]]:
        """Return what to send, and the acts that concern the whole response."""
        if request.method != "POST":
            return await self._page(request, connection)
        try:
            message = json.loads(request.body)
        except ValueError:
            return {"jsonrpc": "2.0", "id": None, "error": {"code": PARSE_ERROR, "message": "parse error"}}, ()
        if not isinstance(message, list):
            asked = await self._board.ask("http", message, connection, request.headers)
            return asked.reply, asked.acts
        return _batch([await self._board.ask("http", member, connection, request.headers) for member in message])

    async def _page(self, request: Request, connection: int) -> tuple[object, tuple[Act, ...]]:
        url = urlsplit(request.target)
        name, query = f"{request.method} {url.path}", dict(parse_qsl(url.query))
        asked = await self._board.ask_by_name("http", name, query, None, connection, request.headers)
        if url.path == self._feed_page:
            page = self._board.feed.page()
            return next((act.result for act in asked.acts if isinstance(act, Answer)), page), asked.acts
        if name not in self._board.answers.methods:
            return "", (Status(404, f"no page {url.path}"),)
        return asked.reply, asked.acts


def _batch(members: Sequence[Asked]) -> tuple[object, tuple[Act, ...]]:
    """Return the members of a batch in the order in which they are sent, and what happens to the response as a whole."""
    prompt = [asked for asked in members if late_in(asked.acts) is None]
    late = [asked for asked in members if late_in(asked.acts) is not None]
    body = []
    for asked in (*prompt, *late):
        body += [asked.reply] * copies_of(asked.acts)
    return body, tuple(act for asked in members for act in asked.acts if not isinstance(act, Duplicate | Late))


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """Read one request; None at the end of the connection or where it is not HTTP as clients speak it."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    method, _, rest = head[0].partition(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, rest.partition(" ")[0], headers, body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    """Read a body in chunks (RFC 9112 §7.1); trailers are read and dropped."""
    parts = []
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readuntil(b"\r\n")
    while await reader.readuntil(b"\r\n") != b"\r\n":
        continue
    return b"".join(parts)


def _head(status: Status, length: int) -> bytes:
    phrase = HTTPStatus(status.code).phrase if status.code in set(HTTPStatus) else "Unknown"
    lines = [f"HTTP/1.1 {status.code} {phrase}", "Content-Type: application/json", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in status.headers]
    return as_bytes("\r\n".join([*lines, "", ""]))
