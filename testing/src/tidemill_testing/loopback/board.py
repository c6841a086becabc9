"""What both servers share: the script, the record, the answers, and the feed."""

import asyncio
from collections.abc import Mapping, Sequence

from attrs import frozen

from tidemill_testing.loopback.answers import Answers, as_bytes, name_of, reply_to
from tidemill_testing.loopback.faults import Act, Delay, Drop, Duplicate, FaultScript, Late, Malformed, Truncate
from tidemill_testing.loopback.record import Call, Record, Transport


@frozen
class Asked:
    """What the script says of a request, and the reply when nothing goes wrong with the sending."""

    acts: tuple[Act, ...]
    reply: object


@frozen
class Board:
    """The common state of one ``Loopback``."""

    script: FaultScript
    record: Record
    answers: Answers
    feed: "Feed"

    async def ask(self, transport: Transport, message: object, connection: int, headers: Mapping[str, str]) -> Asked:
        """Record a request that is a JSON message, and answer it."""
        params = message.get("params", message) if isinstance(message, dict) else message
        return await self.ask_by_name(transport, name_of(message), params, message, connection, headers)

    async def ask_by_name(
        self, transport: Transport, name: str, params: object, message: object, connection: int, headers: Mapping[str, str]
    ) -> Asked:
        """Record a request and answer it; ``message`` None: it is a page."""
        call, number = self.record.add(lambda of_all: Call(of_all, transport, name, params, message, connection, headers))
        acts = self.script.acts(name, number, call.number)
        result = await self.answers.result(name, params)
        return Asked(acts, reply_to(message, result, acts))


class Feed:
    """Messages that are sent unasked, each once in the server's life, in order."""

    def __init__(self, messages: Sequence[object]) -> None:
        self._messages = list(messages)
        self._next = 0
        self._ended = False
        self._more = asyncio.Event()

    def push(self, messages: Sequence[object]) -> None:
        """Put messages behind those that wait."""
        self._messages.extend(messages)
        self._more.set()

    def end(self) -> None:
        """Let nothing follow what waits."""
        self._ended = True
        self._more.set()

    def __aiter__(self) -> "Feed":
        return self

    async def __anext__(self) -> object:
        while self._next >= len(self._messages):
            if self._ended:
                raise StopAsyncIteration
            self._more.clear()
            await self._more.wait()
        self._next += 1
        return self._messages[self._next - 1]

    def page(self) -> object:
        """Return the next message as the body of a page; once there is none, the last one again."""
        self._next = min(self._next + 1, len(self._messages))
        return self._messages[self._next - 1] if self._next else []


def payload_of(value: object, acts: tuple[Act, ...]) -> tuple[bytes, int | None]:
    """Return the bytes that announce themselves as whole, and how many of them are sent: None for all."""
    payload, sent = as_bytes(value), None
    for act in acts:
        match act:
            case Malformed():
                payload = act.text.encode()
            case Truncate():
                payload = payload[: act.keep]
            case Drop():
                sent = act.after
    return payload, sent


def copies_of(acts: tuple[Act, ...]) -> int:
    """Return how many times the acts want the same thing sent."""
    return next((act.times for act in acts if isinstance(act, Duplicate)), 1)


def late_in(acts: tuple[Act, ...]) -> Late | None:
    """Return the act that holds something back until the next is sent, or None."""
    return next((act for act in acts if isinstance(act, Late)), None)


async def wait_out(acts: tuple[Act, ...]) -> None:
    """Sleep as long as the acts say."""
    for act in acts:
        if isinstance(act, Delay):
            await asyncio.sleep(act.ms / 1_000)
