"""A JSON-RPC server over HTTP and a WebSocket server on 127.0.0.1, both driven by one script of faults.

Both are real: bytes cross a socket, and a client under test uses the library that it uses in earnest. See ``Loopback`` for what they
answer and ``tidemill_testing.loopback.faults`` for what can go wrong.
"""

from tidemill_testing.loopback.answers import Refusal
from tidemill_testing.loopback.faults import (
    CONNECT,
    PUSH,
    Act,
    Answer,
    Close,
    Delay,
    Drop,
    Duplicate,
    FaultScript,
    Late,
    Malformed,
    RateLimit,
    RpcError,
    Rule,
    Silence,
    Status,
    Truncate,
    WrongId,
    at,
    every,
    on,
)
from tidemill_testing.loopback.record import Call
from tidemill_testing.loopback.server import Loopback, unused_address

__all__ = [
    "CONNECT",
    "PUSH",
    "Act",
    "Answer",
    "Call",
    "Close",
    "Delay",
    "Drop",
    "Duplicate",
    "FaultScript",
    "Late",
    "Loopback",
    "Malformed",
    "RateLimit",
    "Refusal",
    "RpcError",
    "Rule",
    "Silence",
    "Status",
    "Truncate",
    "WrongId",
    "at",
    "every",
    "on",
    "unused_address",
]
