"""The server itself: a thread with a loop of its own, so that clients of any event loop, or of none, can talk to it."""

import asyncio
import socket
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import anyio.to_thread
from websockets.asyncio.server import serve

from tidemill_testing.loopback.answers import Answers
from tidemill_testing.loopback.board import Board, Feed
from tidemill_testing.loopback.faults import CONNECT, FaultScript
from tidemill_testing.loopback.record import Call, Record
from tidemill_testing.loopback.web import WebServer
from tidemill_testing.loopback.websocket import SocketServer

HOST = "127.0.0.1"
_PATIENCE_S = 10


class Loopback:
    """JSON-RPC over HTTP and over WebSocket on 127.0.0.1, as a context manager.

    Example::

        from urllib.request import urlopen
        from tidemill_testing.loopback import FaultScript, Loopback, RpcError, on
        ask = b'{"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}'
        with Loopback({"eth_chainId": "0x1"}, FaultScript((on("eth_chainId", RpcError(), calls=(2,)),))) as node:
            first, second = (urlopen(node.http_url, ask).read() for _ in range(2))
            assert b"0x1" in first and b"the node is syncing" in second
            assert 2 == node.counted("eth_chainId")

    ``async with`` does the same without holding up the loop. It serves until the block ends; then every connection is closed.

    Args:
        methods: what is answered, by method: a value, or a function of the request's ``params`` that returns it; it may raise
            ``Refusal(code, message)``. ``"GET /path"`` names a page, which gets its query. A method that is not there is answered
            with the error -32601, a page with status 404.
        script: what goes wrong, over both transports.
        feed: messages that a WebSocket sends unasked, each once in the server's life, to the newest connection. More may be pushed.
        feed_after: the name of the message that begins the feed on a connection; "": it begins with the connection.
        feed_page: this path answers each GET with the next message of the feed, and at its end with the last one again.
        ends: close the connection behind the feed's last message; otherwise it stays open.
    """

    def __init__(
        self,
        methods: Mapping[str, object] | None = None,
        script: FaultScript | None = None,
        *,
        feed: Sequence[object] = (),
        feed_after: str = "",
        feed_page: str = "",
        ends: bool = False,
    ) -> None:
        self._methods = dict(methods or {})
        self._script = script or FaultScript()
        self._first = tuple(feed)
        self._feed_after = feed_after
        self._feed_page = feed_page
        self._ends = ends
        self._record = Record()
        self._failures: list[BaseException] = []
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._feed: Feed | None = None
        self._ports = (0, 0)

    @property
    def http_address(self) -> str:
        """``127.0.0.1:<port>`` of the HTTP server."""
        return f"{HOST}:{self._ports[0]}"

    @property
    def ws_address(self) -> str:
        """``127.0.0.1:<port>`` of the WebSocket server."""
        return f"{HOST}:{self._ports[1]}"

    @property
    def http_url(self) -> str:
        """The address as ``http://…``; JSON-RPC is answered at any path."""
        return f"http://{self.http_address}"

    @property
    def ws_url(self) -> str:
        """The address as ``ws://…``; any path will do."""
        return f"ws://{self.ws_address}"

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every request so far, in order."""
        return self._record.calls

    @property
    def connections(self) -> int:
        """How many WebSocket handshakes were begun."""
        return self._record.counted(CONNECT)

    def counted(self, name: str) -> int:
        """Return how many requests of a name came, or how often ``CONNECT`` or ``PUSH`` happened."""
        return self._record.counted(name)

    def wait_for(self, name: str, count: int = 1, within_s: float = _PATIENCE_S) -> None:
        """Wait until there were ``count`` of a name.

        Raises:
            AssertionError: there were fewer after ``within_s`` seconds.
        """
        if not self._record.wait(name, count, within_s):
            raise AssertionError(f"expected {count} of {name!r} within {within_s} s, found {self._record.counted(name)}")

    def push(self, *messages: object) -> None:
        """Put messages behind those of the feed."""
        self._in_loop(lambda feed: feed.push(messages))

    def end_feed(self) -> None:
        """Close the connection behind the feed's last message."""
        self._in_loop(lambda feed: feed.end())

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="loopback", daemon=True)
        self._thread.start()
        if not self._ready.wait(_PATIENCE_S):
            raise AssertionError(f"the loopback server did not start within {_PATIENCE_S} s")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._thread is not None
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_PATIENCE_S)
        if self._thread.is_alive():
            raise AssertionError(f"the loopback server did not end within {_PATIENCE_S} s")
        if self._failures and error is None:
            raise self._failures[0]

    async def __aenter__(self) -> Self:
        return await anyio.to_thread.run_sync(self.__enter__)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await anyio.to_thread.run_sync(self.__exit__, kind, error, trace)

    async def _serve(self) -> None:
        self._loop, self._stop, self._feed = asyncio.get_running_loop(), asyncio.Event(), Feed(self._first)
        self._loop.set_exception_handler(self._on_failure)
        if self._ends:
            self._feed.end()
        board = Board(self._script, self._record, Answers(self._methods, self._failures), self._feed)
        web, sockets = WebServer(board, self._feed_page), SocketServer(board, self._feed_after)
        http = await asyncio.start_server(web.serve, HOST, 0)
        # Pings and compression would put bytes on the wire that no script asked for
        async with serve(
            sockets.serve, HOST, 0, process_request=sockets.on_handshake, compression=None, ping_interval=None, close_timeout=0.2
        ) as ws:
            self._ports = (http.sockets[0].getsockname()[1], next(iter(ws.sockets)).getsockname()[1])
            self._ready.set()
            await self._stop.wait()
            sockets.stop()
            http.close()
        await self._end_tasks()

    async def _end_tasks(self) -> None:
        """End what still serves: a connection that a script keeps silent would never end by itself."""
        mine = asyncio.current_task()
        rest = [task for task in asyncio.all_tasks() if task is not mine]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def _on_failure(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._failures.append(context.get("exception") or RuntimeError(str(context.get("message"))))

    def _in_loop(self, change: Any) -> None:
        assert self._loop is not None
        assert self._feed is not None
        self._loop.call_soon_threadsafe(change, self._feed)


def unused_address() -> str:
    """Return a ``127.0.0.1:<port>`` at which nobody listens: what connects there is refused."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return f"{HOST}:{probe.getsockname()[1]}"
