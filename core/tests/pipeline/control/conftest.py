"""An instance that answers over a real socket in a folder, and clients of every kind."""

import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import anyio
import anyio.to_thread
import pytest

from tidemill.pipeline.control import ControlServer
from tidemill.pipeline.control_folder import NAME, ControlFolder, call
from tidemill.pipeline.protocol import ANSWER_BYTES, Request, decode_answer, encode_request

STATUS = encode_request(Request("status"))


class Heard:
    """Answers every request with its number; raises what it is told to."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.error: Exception | None = None
        self.size = 0

    async def answer(self, request: Request) -> Mapping[str, object]:
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        return {"number": len(self.requests), "text": "x" * self.size}


@asynccontextmanager
async def served(data: Path, heard: Heard) -> AsyncIterator[ControlFolder]:
    folder = ControlFolder(data)
    listener = await folder.open()
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ControlServer(heard.answer).serve, listener)
            yield folder
            tasks.cancel_scope.cancel()
    finally:
        await folder.close()


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def asked(data: Path, line: bytes = STATUS, timeout_s: float = 10) -> Mapping[str, object]:
    return decode_answer(call(data, line, longest=ANSWER_BYTES, timeout_s=timeout_s))


async def ask(data: Path, line: bytes = STATUS, timeout_s: float = 10) -> Mapping[str, object]:
    return await anyio.to_thread.run_sync(asked, data, line, timeout_s)


def connected(data: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(str(data / NAME))
    return client


async def said(data: Path, *parts: bytes, close: bool = False) -> bytes:
    """Send parts over one connection and return all that comes until the instance closes it."""

    def talk() -> bytes:
        found = b""
        with connected(data) as client:
            with suppress(BrokenPipeError):
                for part in parts:
                    client.sendall(part)
                client.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):
                while not close and (part := client.recv(65_536)):
                    found += part
        return found

    return await anyio.to_thread.run_sync(talk)


def errors(found: bytes) -> list[str]:
    return [json.loads(line).get("error", "") for line in found.splitlines()]


@pytest.fixture
def wire() -> SimpleNamespace:
    """Both ends of the control socket: ``Heard``, ``served``, ``ask``, ``said``, ``connected``, ``errors``, ``listed``."""
    return SimpleNamespace(Heard=Heard, served=served, ask=ask, said=said, connected=connected, errors=errors, listed=listed)
