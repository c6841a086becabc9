"""What runs in a plugin's own process: it reads what its parent sends, asks the plugin, and answers in JSON.

Standard input is empty and standard output is the parent's standard error. Requests to end are the parent's business; the process ends
when the parent does, or closes the connection.
"""

import ctypes
import os
import pickle
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FrameType
from typing import Any, ParamSpec, TypeVar

import anyio
import anyio.to_thread

from tidemill.config.model import Config
from tidemill.errors import TidemillError
from tidemill.hookspecs.notifier import Notifier
from tidemill.pipeline.answer import ASKING, Answer, Reply, encode_answer, encode_reply
from tidemill.pipeline.assemble import assemble
from tidemill.pipeline.core import Core
from tidemill.pipeline.core_copy import read_core, shared
from tidemill.pipeline.frames import HEAD
from tidemill.pipeline.memory import limit_growth, resident_mb
from tidemill.pipeline.supervise import Supervisor, isolated
from tidemill.stages.guard import Fault

P = ParamSpec("P")
T = TypeVar("T")
_PR_SET_PDEATHSIG = 1


def main(descriptor: int, parent: int) -> None:
    """Serve one plugin over a socket that was inherited from the process ``parent``; never returns."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # A handler, since programs that the plugin starts would inherit that a signal is ignored
        signal.signal(number, _hear_nothing)
    _die_with(parent)
    line = _Line(descriptor)
    try:
        hello = next(line.messages())
        try:
            serve = _strategy(hello, line) if hello["kind"] == "strategy" else _notifier(hello, line)
        except TidemillError as error:
            line.say(encode_reply(Reply(str(error), deliberate=True)))
            os._exit(1)
        line.say(encode_reply(Reply()))
        serve()
    except StopIteration:
        pass
    finally:
        if sys.exception() is not None:
            sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        # Threads and exit hooks of the plugin hold nobody up
        os._exit(0 if sys.exception() is None else 1)


class _Line:
    """The connection to the parent."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(True)

    def messages(self) -> Iterator[Any]:
        """Yield what the parent sends until it is gone."""
        while True:
            head = self._exactly(HEAD.size)
            content = self._exactly(HEAD.unpack(head)[0]) if head else b""
            if not content:
                return
            yield pickle.loads(content)  # noqa: S301 - the parent is trusted; the other way nothing is unpickled

    def say(self, content: bytes) -> None:
        """Send an answer."""
        self._socket.sendall(HEAD.pack(len(content)) + content)

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        with suppress(OSError):
            # A signal may cut what was waited for
            while len(data) < size and (part := self._socket.recv(size - len(data), socket.MSG_WAITALL)):
                data += part
        return bytes(data) if len(data) == size else b""


class _Ear(Supervisor):
    """A supervisor that keeps the faults of calls to one plugin: what else fails here fails in the parent too, and is told there."""

    listening = ""
    heard: list[Fault]
    asking: Callable[[], None]

    def call(self, plugin: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Fault:
        """Call, and keep a fault of the one listened to; say before that it is asked."""
        if plugin == self.listening:
            self.asking()
        answer = super().call(plugin, function, *args, **kwargs)
        if plugin == self.listening and isinstance(answer, Fault):
            self.heard.append(answer)
        return answer


def _strategy(hello: dict[str, Any], line: _Line) -> Callable[[], None]:
    config: Config = hello["config"]
    pipeline = assemble(config, guard=_Ear)
    path: str = hello["plugin"]
    memory_mb: int = next(table.memory_mb for table in config.tables if table.path == path)
    limit_growth(memory_mb)
    ear = pipeline.supervisor
    assert isinstance(ear, _Ear)  # noqa: S101 made so above
    ear.listening, ear.heard, ear.asking = path, [], lambda: line.say(ASKING)
    roster, names = pipeline.core.roster, shared(pipeline.core, pipeline.parts)

    def serve() -> None:
        core: Core = pipeline.core
        for kind, *rest in line.messages():
            if kind == "core":
                data, idle = rest
                core = read_core(data, names)
                roster.follow(path, idle)
                # The searcher here knows none of it yet
                core.market.touch(core.market.state.refs)
                continue
            decide, intents, waiting, batch = rest
            if waiting is not None:
                core.follow(intents, waiting)
            effects = core.on_batch(batch, decide)
            if decide:
                held = resident_mb() if memory_mb else 0
                if held > memory_mb:
                    ear.heard.append(Fault(path, f"its process holds {held} MB: memory_mb = {memory_mb} allows no more"))
                found = tuple(one for proposals in effects.proposals for one in proposals.opportunities)
                line.say(encode_answer(Answer(found, tuple(ear.heard), core.halted)))
                ear.heard.clear()

    return serve


def _notifier(hello: dict[str, Any], line: _Line) -> Callable[[], None]:
    config: Config = hello["config"]
    path: str = hello["plugin"]
    (notifier,) = assemble(config).notifiers
    limit_growth(next(table.memory_mb for table in config.tables if table.path == path))

    async def serve() -> None:
        messages = line.messages()
        while (message := await anyio.to_thread.run_sync(next, messages, None)) is not None:
            what, value = message
            fault = await isolated(path, _call(what, value), notifier)
            line.say(encode_reply(Reply() if fault is None else Reply(fault.reason, fault.deliberate)))

    return lambda: anyio.run(serve)


def _call(what: str, value: Any) -> Callable[[Notifier], Any]:
    return lambda notifier: getattr(notifier, what)(value)


def _die_with(parent: int) -> None:
    """Have Linux end this process with its parent, also while a plugin never returns; elsewhere only the socket tells."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # It ended before this could be asked for: nobody would end us
        os._exit(1)


def _hear_nothing(number: int, frame: FrameType | None) -> None:
    """Take a signal in silence."""
