"""What a loopback server answers when nothing goes wrong."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from tidemill_testing.loopback.faults import Act, Answer, RateLimit, RpcError, Status, WrongId

METHOD_NOT_FOUND = -32_601
INTERNAL_ERROR = -32_603
LIMIT_EXCEEDED = -32_005
WRONG_ID = "nobody asked this"


class Refusal(Exception):
    """Raised by a method to answer with a JSON-RPC error object."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(code, message, data)
        self.error = RpcError(code, message, data)


Method = Callable[[Any], object]
"""Takes a request's ``params`` (for a page its query, for a WebSocket message without a method the message) and returns the result."""


@frozen
class Answers:
    """Methods and pages by name, and which exceptions of theirs the test must hear of."""

    methods: Mapping[str, object]
    failures: list[BaseException]

    async def result(self, name: str, params: object) -> object:
        """Return what the method of that name returns, a ``RpcError`` where it refuses, is not there or fails.

        A failure that is no ``Refusal`` is a mistake in the test: it is kept, and raised when the server ends.
        """
        found = self.methods.get(name, self)
        if found is self:
            return RpcError(METHOD_NOT_FOUND, f"the method {name} does not exist")
        if not callable(found):
            return found
        task = asyncio.ensure_future(_called(found, params))
        await asyncio.wait({task})
        error = task.exception()
        if isinstance(error, Refusal):
            return error.error
        if error is not None:
            self.failures.append(error)
            return RpcError(INTERNAL_ERROR, f"{type(error).__name__}: {error}")
        return task.result()


async def _called(method: Method, params: object) -> object:
    return method(params)


def reply_to(message: object, result: object, acts: tuple[Act, ...]) -> object:
    """Return the reply to a request: a JSON-RPC object where the request was one, else the bare result."""
    for act in acts:
        match act:
            case Answer():
                result = act.result
            case RpcError():
                result = act
            case RateLimit():
                result = RpcError(LIMIT_EXCEEDED, "limit exceeded")
            case Status():
                result = RpcError(act.code, act.body or "refused")
    asked = message if isinstance(message, dict) else {}
    if not asked.keys() & {"jsonrpc", "id"}:
        return {"error": _error(result)} if isinstance(result, RpcError) else result
    reply: dict[str, object] = {"jsonrpc": "2.0", "id": WRONG_ID if WrongId() in acts else asked.get("id")}
    reply |= {"error": _error(result)} if isinstance(result, RpcError) else {"result": result}
    return reply


def _error(error: RpcError) -> dict[str, object]:
    made: dict[str, object] = {"code": error.code, "message": error.message}
    return made if error.data is None else made | {"data": error.data}


def name_of(message: object) -> str:
    """Return the name of a request: its ``method``, ``type``, ``op`` or ``event``; "" where it has none."""
    if isinstance(message, dict):
        for key in ("method", "type", "op", "event"):
            if isinstance(message.get(key), str):
                return str(message[key])
    return ""


def as_bytes(value: object) -> bytes:
    """Return a value as compact JSON; bytes and text are sent as they are."""
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else json.dumps(value, separators=(",", ":")).encode()
