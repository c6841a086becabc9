"""Where a signer is found: its socket, for its own user alone, and the lock that makes it the only one on its keystore."""

import contextlib
import fcntl
import os
import stat
from pathlib import Path

import anyio
from anyio.abc import SocketAttribute, SocketListener, SocketStream

from tidemill.errors import SignerError
from tidemill.local_socket import LocalSocket, Peer, listen_within, path_within, peer_of, require_peers

__all__ = ["Peer", "SignerPlace", "accept", "connect", "peer_of", "receive_exactly"]


class SignerPlace:
    """One signer's hold on its keystore, and its socket. The lock goes with the process, whatever ends it."""

    def __init__(self, keystore: Path, path: Path) -> None:
        self._keystore = keystore
        self._path = path
        self._folders: list[int] = []
        self._socket: LocalSocket | None = None

    def lock(self) -> None:
        """Become the only signer on the keystore.

        Raises:
            SignerError: another one runs on it, or it cannot be opened.
        """
        folder = self._open(self._keystore)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SignerError(
                f"{self._keystore}: another signer runs on this keystore; end that one first, with Ctrl-C or SIGTERM"
            ) from error

    async def listen(self) -> SocketListener:
        """Listen on the socket, in the place of one that an ended signer left.

        Raises:
            SignerError: there can be no socket, or others may enter its folder.
        """
        folder = self._open(self._path.parent)
        found = os.fstat(folder)
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o022:
            raise SignerError(
                f"{self._path.parent}: others may put a socket of theirs in the place of the signer's: "
                f"type `chmod go-w {self._path.parent}`, or choose a folder of your own"
            )
        try:
            require_peers()
            self._socket = await listen_within(folder, self._path.name, self._path.parent)
        except OSError as error:
            raise SignerError(f"{self._path}: no socket can be made there: {error.strerror or error}") from error
        return self._socket.listener

    async def leave(self) -> None:
        """Hear nobody any more and remove the socket; may be called twice."""
        made, self._socket = self._socket, None
        if made is not None:
            with anyio.CancelScope(shield=True):
                await made.listener.aclose()
            made.remove(self._folders[-1])

    def close(self) -> None:
        """Give the keystore free; may be called twice."""
        folders, self._folders = self._folders, []
        for folder in folders:
            os.close(folder)

    def _open(self, path: Path) -> int:
        try:
            folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise SignerError(f"{path} cannot be opened: {error.strerror}") from error
        self._folders.append(folder)
        return folder


async def connect(path: Path) -> SocketStream:
    """Return a connection to the signer that listens at a path.

    Raises:
        SignerError: none does, or it belongs to another user.
    """
    folder = -1
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stream = await anyio.connect_unix(path_within(folder, path.name, path.parent))
    except OSError as error:
        reason = error.strerror or str(error)
        raise SignerError(f"no signer listens at {path} ({reason}): start one with `tidemill signer`") from error
    finally:
        with contextlib.suppress(OSError):
            os.close(folder)
    try:
        # anyio's typed attribute: no query
        owner = peer_of(stream.extra(SocketAttribute.raw_socket))  # noqa: S610
        if owner.uid != os.geteuid():
            raise SignerError(f"{path} was opened by user {owner.uid}, and you are user {os.geteuid()}: nothing is asked of it")
    except (OSError, SignerError) as error:
        with anyio.CancelScope(shield=True):
            await anyio.aclose_forcefully(stream)
        raise error if isinstance(error, SignerError) else SignerError(f"{path}: {error}") from error
    return stream


async def accept(listener: SocketListener) -> SocketStream:
    """Return the next connection."""
    # First, here and in `receive_exactly`: what follows complains where its task ends as a client comes or goes, this does not
    await anyio.wait_readable(listener.extra(SocketAttribute.raw_socket))  # noqa: S610
    return await listener.accept()


async def receive_exactly(stream: SocketStream, length: int) -> bytes:
    """Return the next so many bytes of a connection.

    Raises:
        EndOfStream: it was closed before; anyio's other errors of a connection that is gone.
    """
    held = bytearray()
    while len(held) < length:
        await anyio.wait_readable(stream.extra(SocketAttribute.raw_socket))  # noqa: S610
        held += await stream.receive(length - len(held))
    return bytes(held)
