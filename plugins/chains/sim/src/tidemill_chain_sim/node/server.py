"""Serves a node over a Unix socket: any number of clients, at once and one after another."""

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Listener, SocketStream

from tidemill.errors import DecodeError, OutcomeUnknown, TidemillError, UsageError
from tidemill_chain_sim.node.asks import At
from tidemill_chain_sim.node.chain import SimNode
from tidemill_chain_sim.node.wire import ask_of, encode_answer, encode_refusal
from tidemill_simworld.wire import seconds, take_frame

_CHUNK = 1 << 16


class NodeServer:
    """Answers each frame that comes; asks are carried out one after another, whichever connection they come from.

    A connection that sends no frames of this version is told so and closed; the others and the chain do not notice.
    """

    def __init__(self, node: SimNode) -> None:
        self._node = node
        self._known: At | None = None
        self._number = 0
        self._last = b""

    async def serve(self, listener: Listener[SocketStream]) -> None:
        """Answer whoever comes, until cancelled."""
        async with listener:
            await listener.serve(self._attend)

    async def _attend(self, stream: SocketStream) -> None:
        held = bytearray()
        async with stream:
            try:
                while True:
                    request = take_frame(held)
                    if request is None:
                        held += await stream.receive(_CHUNK)
                    else:
                        await self._answer(stream, request)
            except DecodeError as error:
                await _send(stream, encode_refusal(None, error))
            # A client may end at any moment
            except (anyio.EndOfStream, anyio.BrokenResourceError, OSError):
                return

    async def _answer(self, stream: SocketStream, request: Mapping[str, Any]) -> None:
        name = request.get("id")
        try:
            answer = encode_answer(name, self._node.answer(ask_of(request)))
        except OutcomeUnknown:
            # What stands for it on a wire is silence
            return
        except TidemillError as error:
            answer = encode_refusal(name, error)
        await self._send_by_script(stream, answer)

    async def _send_by_script(self, stream: SocketStream, answer: bytes) -> None:
        """Send an answer, unless the script loses it, holds it back or sends it twice."""
        head = self._node.engine.head
        at = At(head.height, head.block_hash)
        self._number = self._number + 1 if at == self._known else 0
        self._known = at
        faults, number, older, self._last = self._node.faults, self._number, self._last, answer
        if faults.answer_is_lost(head.height, number):
            self._node.happened["answer_lost"] += 1
            return
        delay = faults.answer_delay_ms(head.height, number)
        if delay:
            self._node.happened["answer_late"] += 1
            await anyio.sleep(seconds(delay))
        if faults.answer_is_twice(head.height, number):
            self._node.happened["answer_twice"] += 1
            answer = older + answer + answer
        await _send(stream, answer)


async def run_node(node: SimNode, path: Path) -> None:
    """Serve until SIGINT or SIGTERM, and leave no socket behind; a line on standard output says where, once clients are heard.

    Raises:
        UsageError: another node listens there, or nobody can.
    """
    clear_socket(path)
    try:
        listener = await anyio.create_unix_listener(path, mode=0o600)
    except OSError as error:
        raise UsageError(f"nobody can listen at {path}: {error.strerror or error}") from error
    try:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(NodeServer(node).serve, listener)
                head = node.engine.head
                sys.stdout.write(json.dumps({"socket": str(path), "height": head.height, "block_hash": head.block_hash}) + "\n")
                sys.stdout.flush()
                await anext(signals)
                tasks.cancel_scope.cancel()
    finally:
        path.unlink(missing_ok=True)  # noqa: ASYNC240  an entry of a folder: nothing to wait for


async def _send(stream: SocketStream, frame: bytes) -> None:
    try:
        await stream.send(frame)
    # The client did not wait, or died
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        return


def clear_socket(path: Path) -> None:
    """Remove the socket of a node that was killed.

    Raises:
        UsageError: somebody listens there, or it is something else.
    """
    if not path.exists():
        return
    if not path.is_socket():
        raise UsageError(f"{path} is there and is no socket: name another one")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError as error:
            raise UsageError(f"{path} is there, and whose it is cannot be seen: {error.strerror or error}") from error
    raise UsageError(f"another node listens at {path}")
