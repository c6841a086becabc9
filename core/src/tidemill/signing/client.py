"""The run's side of the signer's socket. It believes nothing: what comes back is opened, and must be what was asked for."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anyio
from anyio.abc import SocketStream

from tidemill.domain.ids import ChainId
from tidemill.domain.signing import Opened
from tidemill.domain.transaction import Signed, TxRef, Unsigned
from tidemill.errors import SignerError, SignerRefused
from tidemill.hookspecs.codec import Codec
from tidemill.signing.place import connect, receive_exactly
from tidemill.signing.protocol import (
    HEAD,
    Ask,
    Hello,
    HelloAsk,
    LeaseAsk,
    SignAsk,
    decode_answer,
    encode_ask,
    hello_of,
    length_of,
)

ANSWER_S = 10
"""A signer that does not answer for so long is left: what it may have signed reached nobody, and asked again it gives the same."""


class SignerClient:
    """One connection to a signer, for one task at a time.

    After an error it is closed: a frame that comes late must not be taken for the answer to another question.
    """

    def __init__(self, path: Path, codecs: Mapping[str, Codec]) -> None:
        self._path = path
        self._codecs = dict(codecs)
        self._stream: SocketStream | None = None
        self._tokens: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        self._stream = await connect(self._path)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._close()

    async def hello(self) -> Hello:
        """Return what the signer says of itself.

        Raises:
            SignerError: it does not answer, or not as expected.
        """
        return hello_of(await self._ask(HelloAsk()))

    async def lease(self, account: str, owner: str) -> None:
        """Become the only one whom an account signs for, until this connection closes.

        Raises:
            SignerRefused: another run holds it, or the signer has no such account. SignerError: it does not answer.
        """
        token = (await self._ask(LeaseAsk(account, owner))).get("token")
        if not isinstance(token, int) or isinstance(token, bool):
            await self._close()
            raise SignerError(f"the signer gave {token!r} as token: expected a whole number")
        self._tokens[account] = token

    async def sign(self, unsigned: Unsigned, account: str, intent: int) -> Signed:
        """Return the bytes to broadcast, checked to be these very bytes signed by this account.

        Raises:
            SignerRefused: the signer's policy says no. SignerError: it does not answer, or what it gave is something else.
        """
        codec = self._codec(unsigned.chain)
        ask = SignAsk(unsigned.chain, account, unsigned.payload, intent, unsigned.plan, self._tokens.get(account, 0))
        value = await self._ask(ask)
        try:
            raw = bytes.fromhex(value["raw"])
        except (KeyError, TypeError, ValueError) as error:
            await self._close()
            raise SignerError("the signer's answer holds no signed bytes") from error
        opened = codec.open(unsigned.chain, raw)
        wrong = _difference(opened, unsigned, account) if isinstance(opened, Opened) else opened.reason
        if wrong or not isinstance(opened, Opened):
            await self._close()
            raise SignerError(f"the signer gave bytes that were not asked for: {wrong}")
        return Signed(unsigned.plan, TxRef(unsigned.chain, opened.tx), raw)

    def _codec(self, chain: ChainId) -> Codec:
        namespace = chain.partition(":")[0]
        codec = self._codecs.get(namespace)
        if codec is None:
            known = ", ".join(sorted(self._codecs)) or "none"
            raise SignerError(f"no codec of namespace {namespace} is enabled (there are: {known}): what is signed cannot be checked")
        return codec

    async def _ask(self, ask: Ask) -> Mapping[str, Any]:
        if self._stream is None:
            raise SignerError(f"the connection to the signer at {self._path} is closed")
        frame = encode_ask(ask)
        content: bytes | None = None
        try:
            with anyio.move_on_after(ANSWER_S):
                await self._stream.send(frame)
                content = await receive_exactly(self._stream, length_of(await receive_exactly(self._stream, HEAD.size)))
        except (OSError, anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            await self._close()
            raise SignerError(f"the signer at {self._path} went away") from error
        except BaseException:
            await self._close()
            raise
        if content is None:
            await self._close()
            raise SignerError(f"the signer at {self._path} did not answer within {ANSWER_S} s")
        try:
            return decode_answer(content)
        except SignerRefused:
            raise
        except SignerError:
            await self._close()
            raise

    async def _close(self) -> None:
        stream, self._stream, self._tokens = self._stream, None, {}
        if stream is not None:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)


def _difference(opened: Opened, unsigned: Unsigned, account: str) -> str:
    """Return what of signed bytes is not what was asked for, "" where all of it is."""
    if opened.account != account:
        return f"signed by {opened.account}, expected {account}"
    return "" if opened.payload == unsigned.payload else "another payload than was sent"
