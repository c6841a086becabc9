"""The HTTP side of the loopback server, asked with the standard library's client."""

import http.client
import json
import select
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tidemill_testing.loopback import (
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
    Refusal,
    RpcError,
    Silence,
    Status,
    Truncate,
    WrongId,
    at,
    every,
    on,
    unused_address,
)

METHODS: dict[str, object] = {"height": 7, "double": lambda params: 2 * params[0], "GET /prices": lambda query: {"ids": query.get("ids")}}


def call(method: str, *params: object, number: int = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


def client(node: Loopback, timeout: float = 5) -> closing[http.client.HTTPConnection]:
    return closing(http.client.HTTPConnection(node.http_address, timeout=timeout))


def post(message: object, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    connection.request("POST", "/any/path", json.dumps(message), {"Content-Type": "application/json", "X-Key": "k"})
    return connection.getresponse()


def ask(node: Loopback, message: object) -> Any:
    with client(node) as connection:
        response = post(message, connection)
        return json.loads(response.read())


def test_call_known_method_answers_its_result_and_records_the_request() -> None:
    """A request is answered with its own id, and what was asked is on record."""
    with Loopback(METHODS) as node:
        assert {"jsonrpc": "2.0", "id": 9, "result": 42} == ask(node, call("double", 21, number=9))
    (seen,) = node.calls
    assert (1, "http", "double", [21], 1, "k") == (
        seen.number,
        seen.transport,
        seen.name,
        seen.params,
        seen.connection,
        seen.headers["x-key"],
    )


def test_call_unknown_method_answers_method_not_found() -> None:
    """A method that is not there is an error object with the code of JSON-RPC 2.0."""
    with Loopback(METHODS) as node:
        assert {"code": -32601, "message": "the method missing does not exist"} == ask(node, call("missing"))["error"]


def test_call_refused_by_the_method_answers_its_error() -> None:
    """A method says no by raising a Refusal."""

    def refuse(params: object) -> object:
        raise Refusal(3, "execution reverted", "0x08c379a0")

    with Loopback({"eth_call": refuse}) as node:
        assert {"code": 3, "message": "execution reverted", "data": "0x08c379a0"} == ask(node, call("eth_call"))["error"]


def test_call_method_with_a_mistake_raises_it_at_the_end() -> None:
    """A mistake in the test's own method is answered as an internal error and not hidden."""
    with pytest.raises(ZeroDivisionError), Loopback({"wrong": lambda params: 1 // 0}) as node:
        assert -32603 == ask(node, call("wrong"))["error"]["code"]


def test_call_body_is_no_json_answers_parse_error() -> None:
    """What is not JSON is told so, with the id null."""
    with Loopback() as node, client(node) as connection:
        connection.request("POST", "/", b"{")
        assert {"code": -32700, "message": "parse error"} == json.loads(connection.getresponse().read())["error"]


def test_call_body_in_chunks_is_read() -> None:
    """A client may send its body in chunks."""
    with Loopback(METHODS) as node, client(node) as connection:
        text = json.dumps(call("height")).encode()
        connection.request("POST", "/", iter([text[:5], text[5:]]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
        assert 7 == json.loads(connection.getresponse().read())["result"]


def test_call_connection_stays_open_for_the_next() -> None:
    """Requests may share a connection."""
    with Loopback(METHODS) as node, client(node) as connection:
        for _ in range(2):
            assert 7 == json.loads(post(call("height"), connection).read())["result"]
    assert [1, 1] == [seen.connection for seen in node.calls]


def test_page_gets_its_query_and_an_unknown_page_is_404() -> None:
    """Pages of JSON are answered by path; others are not there."""
    with Loopback(METHODS) as node, client(node) as connection:
        connection.request("GET", "/prices?ids=a")
        assert {"ids": "a"} == json.loads(connection.getresponse().read())
        connection.request("GET", "/other")
        response = connection.getresponse()
        assert (404, b"no page /other") == (response.status, response.read())


def test_feed_page_gives_each_message_once_and_repeats_the_last() -> None:
    """A polled feed moves on with each GET and stays on its last message."""
    with Loopback(feed=[1, 2], feed_page="/feed") as node, client(node) as connection:
        got = []
        for _ in range(3):
            connection.request("GET", "/feed")
            got.append(json.loads(connection.getresponse().read()))
        assert [1, 2, 2] == got


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (Answer("other"), {"jsonrpc": "2.0", "id": 1, "result": "other"}),
        (RpcError(-32000, "no"), {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "no"}}),
        (WrongId(), {"jsonrpc": "2.0", "id": "nobody asked this", "result": 7}),
        (Delay(1), {"jsonrpc": "2.0", "id": 1, "result": 7}),
    ],
)
def test_fault_in_the_answer_changes_it(act: Any, expected: object) -> None:
    """What an act says of the answer stands in it."""
    with Loopback(METHODS, FaultScript((every(act),))) as node:
        assert expected == ask(node, call("height"))


def test_fault_rate_limit_answers_429_with_retry_after() -> None:
    """A rate limit is a status with the seconds to wait."""
    with Loopback(METHODS, FaultScript((every(RateLimit(retry_after_s=3)),))) as node, client(node) as connection:
        response = post(call("height"), connection)
        assert (429, "3", b"too many requests") == (response.status, response.headers["Retry-After"], response.read())


def test_fault_status_answers_it_with_its_body() -> None:
    """A wrong status comes with the body and headers that the script gives."""
    status = Status(599, "proxy", (("Via", "x"),))
    with Loopback(METHODS, FaultScript((every(status),))) as node, client(node) as connection:
        response = post(call("height"), connection)
        assert (599, "x", b"proxy") == (response.status, response.headers["Via"], response.read())


@pytest.mark.parametrize(("act", "body"), [(Malformed("<html>"), b"<html>"), (Truncate(9), b'{"jsonrpc')])
def test_fault_in_the_body_keeps_its_length_true(act: Any, body: bytes) -> None:
    """A malformed or truncated body is whole as far as HTTP can tell."""
    with Loopback(METHODS, FaultScript((every(act),))) as node, client(node) as connection:
        response = post(call("height"), connection)
        assert (200, body) == (response.status, response.read())


def test_fault_drop_ends_the_connection_inside_the_body() -> None:
    """A dropped connection leaves a body shorter than its length."""
    with Loopback(METHODS, FaultScript((every(Drop(after=4)),))) as node, client(node) as connection:
        response = post(call("height"), connection)
        with pytest.raises(http.client.IncompleteRead) as caught:
            response.read()
        assert b'{"js' == caught.value.partial


def test_fault_close_ends_the_connection_without_an_answer() -> None:
    """A closed connection answers nothing."""
    script = FaultScript((every(Close()),))
    with Loopback(METHODS, script) as node, client(node) as connection, pytest.raises(http.client.RemoteDisconnected):
        post(call("height"), connection)


def test_fault_silence_never_answers_and_the_server_still_ends() -> None:
    """A client that is never answered runs into its own time limit; the server ends all the same."""
    with Loopback(METHODS, FaultScript((every(Silence()),))) as node:
        with client(node, timeout=0.05) as connection, pytest.raises(TimeoutError):
            post(call("height"), connection)
        node.wait_for("height")


def test_fault_duplicate_sends_the_response_twice() -> None:
    """On one connection the answer to the first request comes twice, before the second was asked."""
    with Loopback(METHODS, FaultScript((at(1, Duplicate(times=2)),))) as node:
        host, _, port = node.http_address.partition(":")
        body = json.dumps(call("height")).encode()
        with socket.create_connection((host, int(port)), timeout=5) as wire:
            wire.sendall(b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            got = b"".join(iter(lambda: wire.recv(1_000), b""))
    assert 2 == got.count(b'{"jsonrpc":"2.0","id":1,"result":7}')


def test_fault_late_answers_behind_the_next_response() -> None:
    """Of two requests on two connections the first is answered only once the second was."""
    body = json.dumps(call("height", number=1)).encode()
    with Loopback(METHODS, FaultScript((at(1, Late(most_ms=5_000)),))) as node:
        host, _, port = node.http_address.partition(":")
        with socket.create_connection((host, int(port)), timeout=5) as wire:
            wire.sendall(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            node.wait_for("height")
            assert ([], [], []) == select.select([wire], [], [], 0.05)
            assert 2 == ask(node, call("height", number=2))["id"]
            assert b'"id":1' in wire.recv(1_000)


def test_fault_late_without_a_next_response_answers_after_its_time() -> None:
    """What waits for nobody goes out by itself."""
    with Loopback(METHODS, FaultScript((at(1, Late(most_ms=10)),))) as node:
        assert 7 == ask(node, call("height"))["result"]


def test_batch_members_are_repeated_and_reordered() -> None:
    """In a batch each member has acts of its own: one comes twice, one comes last."""
    script = FaultScript((at(1, Late()), at(2, Duplicate())))
    with Loopback(METHODS, script) as node:
        got = ask(node, [call("height", number=number) for number in (1, 2, 3)])
    assert [2, 2, 3, 1] == [member["id"] for member in got]


def test_script_first_rule_that_fits_counts_by_name_and_by_all() -> None:
    """Rules for a name count its requests, rules without one count all, and the first that fits is taken."""
    script = FaultScript((on("height", Answer("second height"), calls=(2,)), at(3, Answer("third of all"))))
    with Loopback(METHODS, script) as node:
        got = [ask(node, call(name, *params))["result"] for name, *params in (("height",), ("double", 1), ("double", 1), ("height",))]
    assert [7, 2, "third of all", "second height"] == got


def test_client_that_speaks_no_http_is_hung_up_on() -> None:
    """Bytes that are no request end the connection and harm nothing."""
    with Loopback(METHODS) as node:
        host, _, port = node.http_address.partition(":")
        with socket.create_connection((host, int(port))) as wire:
            wire.sendall(b"hello")
            wire.shutdown(socket.SHUT_WR)
            assert b"" == wire.recv(100)
        assert 7 == ask(node, call("height"))["result"]


def test_wait_for_more_than_came_says_how_many_came() -> None:
    """Waiting in vain ends with the figures."""
    with Loopback(METHODS) as node, pytest.raises(AssertionError, match=r"expected 1 of 'height' within 0.01 s, found 0"):
        node.wait_for("height", within_s=0.01)


def test_loopback_from_any_event_loop(anyio_run: Callable[..., Any]) -> None:
    """The server has a thread of its own, so that it serves a client of trio as well."""

    async def session() -> str:
        async with Loopback(METHODS) as node:
            return node.http_url

    assert anyio_run(session).startswith("http://127.0.0.1:")


def test_fixture_serves_until_the_test_ends(loopback: Callable[..., Loopback]) -> None:
    """A test may open several servers, each with its own script."""
    one, other = loopback(METHODS), loopback({"height": 8})
    assert [7, 8] == [ask(node, call("height"))["result"] for node in (one, other)]


def test_unused_address_refuses_connections() -> None:
    """Nobody listens there."""
    host, _, port = unused_address().partition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=1)


def test_fault_in_a_feed_page_replaces_its_message() -> None:
    """A polled feed can be answered with something else, too."""
    script = FaultScript((on("GET /feed", Answer({"price": "NaN"}), calls=(2,)),))
    with Loopback(feed=[1, 2, 3], feed_page="/feed", script=script) as node, client(node) as connection:
        got = []
        for _ in range(3):
            connection.request("GET", "/feed")
            got.append(json.loads(connection.getresponse().read()))
        assert [1, {"price": "NaN"}, 3] == got
