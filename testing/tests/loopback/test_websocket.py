"""The WebSocket side of the loopback server, asked with a client of the library ``websockets``."""

import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tidemill_testing.loopback import (
    CONNECT,
    PUSH,
    Answer,
    Close,
    Delay,
    Drop,
    Duplicate,
    FaultScript,
    Late,
    Loopback,
    Malformed,
    RateLimit,
    Silence,
    Status,
    Truncate,
    at,
    every,
    on,
)

FEED = [{"price": number} for number in range(1, 5)]


def prices(connection: ClientConnection, count: int) -> list[Any]:
    return [json.loads(connection.recv(timeout=5)) for _ in range(count)]


def test_call_is_answered_with_its_id_and_recorded() -> None:
    """JSON-RPC over WebSocket is answered by the same methods as over HTTP."""
    with Loopback({"height": 7}) as node, connect(node.ws_url + "/v1") as connection:
        connection.send(json.dumps({"jsonrpc": "2.0", "id": 3, "method": "height"}))
        assert {"jsonrpc": "2.0", "id": 3, "result": 7} == json.loads(connection.recv(timeout=5))
    assert [("websocket", "height", 1)] == [(seen.transport, seen.name, seen.connection) for seen in node.calls]


def test_message_that_is_no_json_rpc_gets_the_bare_result() -> None:
    """A feed's own subscription message is answered with what the test says, without an envelope."""
    with Loopback({"subscribe": {"type": "subscribed"}}) as node, connect(node.ws_url) as connection:
        connection.send('{"type": "subscribe", "ids": [1]}')
        assert {"type": "subscribed"} == json.loads(connection.recv(timeout=5))
        connection.send("not json")
        assert "error" in json.loads(connection.recv(timeout=5))
    assert [{"type": "subscribe", "ids": [1]}, "not json"] == [seen.params for seen in node.calls]


def test_feed_begins_at_once_and_ends_with_an_orderly_close() -> None:
    """Every message of the feed comes in order, then the connection closes with 1000."""
    with Loopback(feed=FEED, ends=True) as node, connect(node.ws_url) as connection:
        assert FEED == prices(connection, 4)
        with pytest.raises(ConnectionClosed) as caught:
            connection.recv(timeout=5)
        assert caught.value.rcvd is not None
        assert 1000 == caught.value.rcvd.code


def test_feed_after_a_message_waits_for_it() -> None:
    """A feed that must be subscribed to sends nothing before."""
    with Loopback({"subscribe": {"ok": True}}, feed=FEED, feed_after="subscribe") as node, connect(node.ws_url) as connection:
        assert 0 == node.counted(PUSH)
        connection.send('{"op": "subscribe"}')
        assert [{"ok": True}, FEED[0]] == prices(connection, 2)


def test_feed_goes_on_with_the_next_message_after_a_drop() -> None:
    """Each message is sent once in the server's life: a client that comes back misses what was on the wire, no more."""
    script = FaultScript((on(PUSH, Drop(after=3), calls=(2,)),))
    with Loopback(feed=FEED, script=script) as node:
        with connect(node.ws_url) as connection:
            assert FEED[:1] == prices(connection, 1)
            with pytest.raises(ConnectionClosed):
                connection.recv(timeout=5)
        with connect(node.ws_url) as connection:
            assert FEED[2:] == prices(connection, 2)
        assert 2 == node.connections


def test_push_and_end_feed_reach_an_open_connection() -> None:
    """A test may say more while the client listens, and when it is over."""
    with Loopback() as node, connect(node.ws_url) as connection:
        node.push("a", "b")
        assert "a" == connection.recv(timeout=5)
        node.end_feed()
        assert "b" == connection.recv(timeout=5)
        with pytest.raises(ConnectionClosed):
            connection.recv(timeout=5)


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (Duplicate(), [1, 2, 2, 3]),
        (Late(), [1, 3, 2, 4]),
        (Answer({"price": 9}), [1, 9, 3, 4]),
        (Silence(), [1, 3, 4]),
        (Delay(1), [1, 2, 3, 4]),
    ],
)
def test_fault_in_the_feed_changes_what_comes(act: Any, expected: list[int]) -> None:
    """Messages come twice, out of order, replaced, not at all, or late."""
    with Loopback(feed=FEED, script=FaultScript((on(PUSH, act, calls=(2,)),))) as node, connect(node.ws_url) as connection:
        assert expected == [message["price"] for message in prices(connection, len(expected))]


@pytest.mark.parametrize(("act", "expected"), [(Malformed("{"), "{"), (Truncate(5), '{"pri')])
def test_fault_in_a_message_is_delivered_as_text(act: Any, expected: str) -> None:
    """A malformed message is a whole WebSocket message."""
    with Loopback(feed=FEED, script=FaultScript((on(PUSH, act),))) as node, connect(node.ws_url) as connection:
        assert expected == connection.recv(timeout=5)


def test_fault_late_at_the_end_goes_out_after_its_time() -> None:
    """A message behind which nothing comes is not held for ever."""
    with Loopback(feed=FEED[:1], script=FaultScript((on(PUSH, Late(most_ms=10)),))) as node, connect(node.ws_url) as connection:
        assert FEED[:1] == prices(connection, 1)


def test_fault_late_when_the_client_left_is_dropped() -> None:
    """A held message finds nobody and harms nothing."""
    script = FaultScript((on(PUSH, Late(most_ms=50)),))
    with Loopback(feed=FEED[:1], script=script) as node:
        with connect(node.ws_url):
            node.wait_for(PUSH)
        with connect(node.ws_url) as connection:
            node.push("still here")
            assert "still here" == connection.recv(timeout=5)


def test_fault_close_gives_the_code_and_reason() -> None:
    """The connection closes in order, with what the script says."""
    script = FaultScript((on(PUSH, Close(1012, "service restart"), calls=(1,)),))
    with Loopback(feed=FEED, script=script) as node, connect(node.ws_url) as connection:
        with pytest.raises(ConnectionClosed) as caught:
            connection.recv(timeout=5)
        assert caught.value.rcvd is not None
        assert (1012, "service restart") == (caught.value.rcvd.code, caught.value.rcvd.reason)


def test_fault_rate_limit_on_an_open_connection_is_limit_exceeded() -> None:
    """A request too many is answered with the code of EIP-1474; another status with its own code."""
    script = FaultScript((at(1, RateLimit()), every(Status(418, "teapot"))))
    with Loopback({"height": 7}, script) as node, connect(node.ws_url) as connection:
        codes = []
        for number in (1, 2):
            connection.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": "height"}))
            codes.append(json.loads(connection.recv(timeout=5))["error"]["code"])
    assert [-32005, 418] == codes


@pytest.mark.parametrize(("act", "code", "retry_after"), [(Status(503), 503, None), (RateLimit(7), 429, "7")])
def test_fault_handshake_is_refused_with_the_status(act: Any, code: int, retry_after: str | None) -> None:
    """The first handshake is refused, the second one is let in."""
    with Loopback(feed=FEED, script=FaultScript((on(CONNECT, act, calls=(1,)),))) as node:
        with pytest.raises(InvalidStatus) as caught:
            connect(node.ws_url)
        assert (code, retry_after) == (caught.value.response.status_code, caught.value.response.headers.get("Retry-After"))
        with connect(node.ws_url) as connection:
            assert FEED[:1] == prices(connection, 1)


def test_fault_handshake_is_dropped() -> None:
    """The connection ends before the handshake is answered."""
    with Loopback(script=FaultScript((on(CONNECT, Drop()),))) as node, pytest.raises(InvalidMessage):
        connect(node.ws_url)


def test_fault_handshake_is_never_answered_and_the_server_still_ends() -> None:
    """A client that waits in vain gives up by its own limit."""
    with Loopback(script=FaultScript((on(CONNECT, Silence()),))) as node, pytest.raises(TimeoutError):
        connect(node.ws_url, open_timeout=0.05)


def test_feed_of_bytes_and_text_is_sent_as_it_is() -> None:
    """What is already encoded is not encoded again."""
    with Loopback(feed=["[1]", b"[2]"]) as node, connect(node.ws_url) as connection:
        assert [[1], [2]] == prices(connection, 2)
