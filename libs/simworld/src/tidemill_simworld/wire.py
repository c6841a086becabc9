"""How the node of a simulated chain is spoken to over its Unix socket.

A frame is a length of four bytes (big-endian) and that many bytes of UTF-8 JSON, one object; at most 16 MiB. Bytes are written in
hexadecimal. A request is ``{"v": 1, "id": "…", "ask": "…", "fields": {…}}``, an answer ``{"v": 1, "id": "…", "ok": true, "value": …}`` or
``{"v": 1, "id": "…", "ok": false, "kind": "…", "error": "…"}``, where ``kind`` names the error to raise.

Answers can be lost, come late or come twice, as on any network: who asks takes the one with the id of its question and leaves all others.
Every question has a connection of its own, so that nothing stays open between two.
"""

import json
import os
import socket
import struct
import time
from collections.abc import Mapping
from itertools import count
from typing import Any, Final

import anyio

from tidemill.errors import DecodeError, OutcomeUnknown, RefusedByVenue, TidemillError, Unavailable, UsageError

VERSION: Final = 1
MOST_BYTES: Final = 16 << 20
KINDS: Final[Mapping[str, type[TidemillError]]] = {
    "refused": RefusedByVenue,
    "unavailable": Unavailable,
    "unknown": OutcomeUnknown,
    "usage": UsageError,
    "malformed": DecodeError,
}
"""Errors that an answer can hold, by the name that stands in it."""
_HEAD: Final = struct.Struct(">I")
_CHUNK: Final = 1 << 16
_numbers = count(1)


def seconds(milliseconds: int) -> float:
    """Return a span as clocks and timers take it."""
    return milliseconds / 1_000


def encode_frame(fields: Mapping[str, object]) -> bytes:
    """Return an object as a frame.

    Raises:
        UsageError: it is longer than a frame may be.
    """
    content = json.dumps({"v": VERSION, **fields}, separators=(",", ":")).encode()
    if len(content) > MOST_BYTES:
        raise UsageError(f"a message of {len(content)} bytes to or from a node: at most {MOST_BYTES} are allowed")
    return _HEAD.pack(len(content)) + content


def take_frame(held: bytearray) -> dict[str, Any] | None:
    """Take the first whole frame out of what came, or return None where there is none yet.

    Raises:
        DecodeError: what came is no frame of this version; where the next one begins is not known.
    """
    if len(held) < _HEAD.size:
        return None
    (length,) = _HEAD.unpack_from(held)
    if length > MOST_BYTES:
        raise DecodeError(f"a message of {length} bytes: at most {MOST_BYTES} are allowed")
    if len(held) < _HEAD.size + length:
        return None
    content = bytes(held[_HEAD.size : _HEAD.size + length])
    del held[: _HEAD.size + length]
    try:
        found = json.loads(content)
    # Deep nesting ends in a RecursionError, bytes that are no UTF-8 in a kind of ValueError
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"{length} bytes that are no JSON") from error
    if not isinstance(found, dict) or type(found.get("v")) is not int or found["v"] != VERSION:
        raise DecodeError(f"expected an object of version {VERSION}, found {content[:60]!r}")
    return found


async def ask_node(path: str, ask: str, fields: Mapping[str, object], timeout_s: float) -> Any:
    """Return the value that a node answers with.

    Raises:
        Unavailable: nobody listens there: nothing was asked.
        OutcomeUnknown: it was asked, and no answer came in time: what was asked for may have happened.
        TidemillError: the one that the answer holds.
    """
    name, request = _request(ask, fields)
    try:
        stream = await anyio.connect_unix(path)
    except OSError as error:
        raise _nobody(path, error) from error
    held = bytearray()
    try:
        with anyio.move_on_after(timeout_s):
            await stream.send(request)
            while True:
                answer = _answer_in(held, name)
                if answer is not None:
                    return _value(answer)
                held += await stream.receive(_CHUNK)
    except (anyio.EndOfStream, anyio.BrokenResourceError, OSError) as error:
        raise OutcomeUnknown(f"the node at {path} went away before it answered {ask}") from error
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.aclose_forcefully(stream)
    raise OutcomeUnknown(f"the node at {path} did not answer {ask} within {timeout_s} s")


def ask_node_now(path: str, ask: str, fields: Mapping[str, object], timeout_s: float) -> Any:
    """Return what ``ask_node`` does, and block meanwhile; for code that runs no event loop.

    Raises:
        TidemillError: as ``ask_node``.
    """
    name, request = _request(ask, fields)
    ends = time.monotonic() + timeout_s
    held = bytearray()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        try:
            stream.connect(path)
        except OSError as error:
            raise _nobody(path, error) from error
        try:
            stream.settimeout(timeout_s)
            stream.sendall(request)
            while True:
                answer = _answer_in(held, name)
                if answer is not None:
                    return _value(answer)
                stream.settimeout(max(0.001, ends - time.monotonic()))
                chunk = stream.recv(_CHUNK)
                if not chunk:
                    raise OutcomeUnknown(f"the node at {path} went away before it answered {ask}")
                held += chunk
        except TimeoutError as error:
            raise OutcomeUnknown(f"the node at {path} did not answer {ask} within {timeout_s} s") from error
        except OSError as error:
            raise OutcomeUnknown(f"the node at {path} went away before it answered {ask}") from error


def _request(ask: str, fields: Mapping[str, object]) -> tuple[str, bytes]:
    # The process stands in it, so that no two clients ever use the same one
    name = f"{os.getpid()}:{next(_numbers)}"
    return name, encode_frame({"id": name, "ask": ask, "fields": fields})


def _answer_in(held: bytearray, name: str) -> dict[str, Any] | None:
    while (found := take_frame(held)) is not None:
        if found.get("id") == name:
            return found
    return None


def _value(answer: Mapping[str, Any]) -> Any:
    if answer.get("ok") is True:
        return answer.get("value")
    kind = KINDS.get(str(answer.get("kind")), DecodeError)
    raise kind(str(answer.get("error", "the node gave no reason")))


def _nobody(path: str, error: OSError) -> Unavailable:
    reason = error.strerror or type(error).__name__
    return Unavailable(f"no node listens at {path} ({reason}): start one with `python -m tidemill_chain_sim.node --socket {path}`")
