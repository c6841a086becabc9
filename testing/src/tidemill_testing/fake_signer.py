"""A signer that answers as a test tells it, for the run's side of the socket; no key is near it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.abc import SocketStream

from tidemill.domain.ids import ChainId, PlanId
from tidemill.domain.signing import Opened, Reading, Scheme, Unreadable
from tidemill.domain.transaction import Unsigned
from tidemill.hookspecs.codec import Codec
from tidemill.signing.place import accept, receive_exactly
from tidemill.signing.protocol import HEAD, Ask, Hello, decode_ask, length_of

CHAIN = ChainId("plain:1")
ACCOUNT = "anna"
UNSIGNED = Unsigned(PlanId("p"), CHAIN, b"pay", 0, 0, "", 0)
HELLO = Hello("0.1", 7, True, "ab", (("main", ACCOUNT),), (CHAIN,), "cd")

Answer = Callable[[Ask], bytes | None]


class Plain(Codec):
    """Signed bytes are ``<account>|<payload>|<signature>``, and the signature is ``ok`` or wrong."""

    name = "plain"
    namespace = "plain"

    def read(self, chain: ChainId, payload: bytes) -> Reading | Unreadable:
        return Unreadable("not needed here")

    def message(self, payload: bytes) -> bytes:
        return payload

    def join(self, payload: bytes, signature: bytes) -> bytes:
        return payload + signature

    def open(self, chain: ChainId, raw: bytes) -> Opened | Unreadable:
        account, payload, signature = raw.split(b"|")
        return Opened(payload, account.decode(), "tx-1") if signature == b"ok" else Unreadable("the signature is another's")

    def account(self, scheme: Scheme, public_key: bytes) -> str:
        return public_key.decode()


class Fake:
    """A signer that answers as it is told; None: it closes the connection."""

    def __init__(self, answer: Answer) -> None:
        self.asks: list[Ask] = []
        self.answer = answer

    async def serve(self, stream: SocketStream) -> None:
        """Answer requests over one connection until either side closes it; half a request is none."""
        async with stream:
            while True:
                try:
                    content = await receive_exactly(stream, length_of(await receive_exactly(stream, HEAD.size)))
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    return
                self.asks.append(decode_ask(content))
                answer = self.answer(self.asks[-1])
                if answer is None:
                    return
                await stream.send(answer)


@asynccontextmanager
async def faked(folder: Path, answer: Answer) -> AsyncIterator[Fake]:
    """Serve a fake at ``signer.sock`` in a folder."""
    fake = Fake(answer)
    listener = await anyio.create_unix_listener(folder / "signer.sock")
    async with listener, anyio.create_task_group() as tasks:

        async def serve() -> None:
            while True:
                tasks.start_soon(fake.serve, await accept(listener))

        tasks.start_soon(serve)
        yield fake
        tasks.cancel_scope.cancel()
