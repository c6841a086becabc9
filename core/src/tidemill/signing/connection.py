"""One connection to a signer: a question, then its answer, and nothing that could be taken for another's."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import SocketAttribute, SocketStream

from tidemill.errors import SignerError, SignerRefused
from tidemill.signing.place import connect, receive_exactly
from tidemill.signing.protocol import HEAD, Ask, decode_answer, encode_ask, length_of

ANSWER_S = 10
"""A signer that does not answer for so long is left: what it may have signed reached nobody, and asked again it gives the same."""


class SignerConnection:
    """For one task at a time. After an error it is closed: a frame that comes late must not be taken for the answer to another question.

    Nothing of a connection outlives it, so that half an answer read over one is no part of what is read over the next.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream: SocketStream | None = None

    @property
    def is_open(self) -> bool:
        """Whether something can be asked."""
        return self._stream is not None

    @property
    def is_cut(self) -> bool:
        """Whether the signer has closed its end of an open connection, or is gone: seen without a word to it, also while it is asked."""
        if self._stream is None:
            return False
        # anyio's typed attribute: no query
        raw = self._stream.extra(SocketAttribute.raw_socket)  # noqa: S610
        try:
            return not raw.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    async def open(self) -> None:
        """Connect.

        Raises:
            SignerError: nobody listens, or another user does.
        """
        self._stream = await connect(self.path)

    async def ask(self, ask: Ask) -> Mapping[str, Any]:
        """Return the value of the answer to a request.

        Raises:
            SignerRefused: the signer says that it signed nothing, and why; the connection stays. SignerError: it does not answer, or not as
                expected; the connection is closed.
        """
        if self._stream is None:
            raise SignerError(f"the connection to the signer at {self.path} is closed")
        frame = encode_ask(ask)
        content: bytes | None = None
        try:
            with anyio.move_on_after(ANSWER_S):
                await self._stream.send(frame)
                content = await receive_exactly(self._stream, length_of(await receive_exactly(self._stream, HEAD.size)))
        except (OSError, anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            await self.close()
            raise SignerError(f"the signer at {self.path} went away") from error
        except BaseException:
            await self.close()
            raise
        if content is None:
            await self.close()
            raise SignerError(f"the signer at {self.path} did not answer within {ANSWER_S} s")
        try:
            return decode_answer(content)
        except SignerRefused:
            raise
        except SignerError:
            await self.close()
            raise

    async def close(self) -> None:
        """Ask nothing more; may be called twice."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)
