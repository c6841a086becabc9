"""Frames, and questions over a socket that does not always answer."""

import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import pytest

from tidemill.errors import DecodeError, OutcomeUnknown, RefusedByVenue, Unavailable, UsageError
from tidemill_simworld.wire import MOST_BYTES, ask_node, ask_node_now, encode_frame, take_frame

Answering = Callable[[str], bytes | None]
Serve = Callable[[Answering], str]


def _ask(path: str) -> Any:
    return anyio.run(ask_node, path, "head", {"n": 1}, 0.3)


def _ask_now(path: str) -> Any:
    return ask_node_now(path, "head", {"n": 1}, 0.3)


WAYS = pytest.mark.parametrize("ask", [_ask, _ask_now])


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve one question: what it gets depends on the question's id; None closes the connection."""
    with TemporaryDirectory() as folder:
        path, threads = os.fspath(Path(folder) / "s"), []

        def start(answering: Answering) -> str:
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(path)
            listener.listen()

            def once() -> None:
                with listener, listener.accept()[0] as client:
                    held = bytearray()
                    while (request := take_frame(held)) is None:
                        held += client.recv(1 << 16)
                    assert ("head", {"n": 1}) == (request["ask"], request["fields"])
                    answer = answering(request["id"])
                    if answer is not None:
                        client.sendall(answer)
                        client.settimeout(5)
                        client.recv(1)

            threads.append(threading.Thread(target=once))
            threads[-1].start()
            return path

        yield start
        for thread in threads:
            thread.join()


def _value(name: str, value: object) -> bytes:
    return encode_frame({"id": name, "ok": True, "value": value})


def test_frame_comes_back_whole_however_it_was_cut() -> None:
    """Half a frame is kept until the rest comes, and the next one stays."""
    both = encode_frame({"a": 1}) + encode_frame({"b": "é"})
    held = bytearray()
    found = []
    for byte in both:
        held.append(byte)
        frame = take_frame(held)
        if frame is not None:
            found.append(frame)
    assert [{"v": 1, "a": 1}, {"v": 1, "b": "é"}] == found
    assert b"" == bytes(held)


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[]", b'{"v":2}', b'{"v":true}', b"[" * 100_000])
def test_frame_of_anything_else_is_malformed(content: bytes) -> None:
    """An object of this version is expected."""
    with pytest.raises(DecodeError):
        take_frame(bytearray(struct.pack(">I", len(content)) + content))


def test_frame_that_is_too_long_is_refused_on_both_sides() -> None:
    """Nobody has to hold what a length promises."""
    with pytest.raises(DecodeError, match="at most"):
        take_frame(bytearray(struct.pack(">I", MOST_BYTES + 1)))
    with pytest.raises(UsageError, match="at most"):
        encode_frame({"a": "x" * MOST_BYTES})


@WAYS
def test_ask_takes_the_answer_with_its_own_id(serve: Serve, ask: Callable[[str], Any]) -> None:
    """Older answers, and the same one twice, are left alone."""
    path = serve(lambda name: _value("1:1", "old") + _value(name, [1, "two"]) * 2)
    assert [1, "two"] == ask(path)


@WAYS
@pytest.mark.parametrize(
    ("kind", "error"),
    [("refused", RefusedByVenue), ("unavailable", Unavailable), ("unknown", OutcomeUnknown), ("usage", UsageError), ("other", DecodeError)],
)
def test_ask_raises_the_error_in_the_answer(serve: Serve, ask: Callable[[str], Any], kind: str, error: type[Exception]) -> None:
    """The kind names the error, its text says why."""
    path = serve(lambda name: encode_frame({"id": name, "ok": False, "kind": kind, "error": "because"}))
    with pytest.raises(error, match="because"):
        ask(path)


@WAYS
def test_ask_where_nobody_listens_is_unavailable(tmp_path: Path, ask: Callable[[str], Any]) -> None:
    """Nothing was asked, and the message says how to start a node."""
    with pytest.raises(Unavailable, match=r"no node listens at .*python -m tidemill_chain_sim.node"):
        ask(os.fspath(tmp_path / "none"))


@WAYS
def test_ask_without_an_answer_in_time_is_unknown(serve: Serve, ask: Callable[[str], Any]) -> None:
    """What was asked for may have happened."""
    path = serve(lambda name: _value("1:1", json.dumps("of somebody else")))
    with pytest.raises(OutcomeUnknown, match=r"did not answer head within 0\.3 s"):
        ask(path)


@WAYS
def test_ask_of_a_node_that_goes_away_is_unknown(serve: Serve, ask: Callable[[str], Any]) -> None:
    """A connection that closes before the answer proves nothing."""
    path = serve(lambda name: None)
    with pytest.raises(OutcomeUnknown, match="went away before it answered head"):
        ask(path)


@WAYS
def test_ask_of_what_speaks_otherwise_is_malformed(serve: Serve, ask: Callable[[str], Any]) -> None:
    """An answer that is no frame is no answer."""
    path = serve(lambda name: struct.pack(">I", 2) + b"[]")
    with pytest.raises(DecodeError):
        ask(path)
