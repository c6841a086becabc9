"""Unix sockets that their own user alone can open, and who is at their other end."""

import contextlib
import errno
import os
import socket
import stat
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from anyio.abc import SocketListener

LONGEST_PATH = 103
"""Bytes of a socket's path that every platform takes."""
_CREDENTIALS = struct.Struct("iII")


@frozen
class Peer:
    """The process at the other end of a socket, as the kernel knows it."""

    pid: int
    uid: int


def require_peers() -> None:
    """Hold that this platform has sockets that tell who is calling.

    Raises:
        OSError: it has none.
    """
    if not (hasattr(socket, "AF_UNIX") and hasattr(socket, "SO_PEERCRED")):
        raise OSError("this platform has no Unix sockets that tell who is calling")


def peer_of(raw: socket.socket) -> Peer:
    """Return who is at the other end of a connected Unix socket.

    Raises:
        OSError: this platform does not tell.
    """
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        raise OSError("this platform does not tell who is at the other end of a socket: nobody can be let in")
    pid, uid, _ = _CREDENTIALS.unpack(raw.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size))
    return Peer(pid, uid)


def path_within(folder: int, name: str, written: Path, remedy: str = "choose a shorter one") -> str:
    """Return a path of a file in an open folder that is short enough for a socket's address, however deep the folder lies.

    Args:
        folder: its file descriptor.
        name: of the file.
        written: what the user calls the folder.
        remedy: ends the message where the path is too long.

    Raises:
        OSError: this platform has no way to name it.
    """
    short = f"/proc/self/fd/{folder}"
    # A /proc that is not mounted, or shows another process, would lead elsewhere
    with contextlib.suppress(OSError):
        if os.path.samestat(Path(short).stat(), os.fstat(folder)):
            return f"{short}/{name}"
    plain = str(written / name)
    if len(os.fsencode(plain)) > LONGEST_PATH:
        raise OSError(errno.ENAMETOOLONG, f"{plain} is too long for a socket's address, {remedy}")
    return plain


@frozen
class LocalSocket:
    """A socket that listens in a folder under a name, and the file that was made for it."""

    listener: "SocketListener"
    name: str
    made: os.stat_result

    def remove(self, folder: int) -> None:
        """Remove the socket from its open folder if it is still this one."""
        with contextlib.suppress(OSError):
            if os.path.samestat(self.made, os.stat(self.name, dir_fd=folder, follow_symlinks=False)):
                os.unlink(self.name, dir_fd=folder)


async def listen_within(folder: int, name: str, written: Path, remedy: str = "choose a shorter one") -> LocalSocket:
    """Listen on a socket in an open folder, in the place of one that an ended process left.

    It is made in a folder of mode 0700, given its mode 0600 there and then put in place, so that at no moment anybody else could open it.

    Raises:
        OSError: the folder cannot hold a socket, or something else stands in its place.
    """
    # Not above: who only calls, as an emergency stop does, is spared its import
    import anyio

    _refuse_other_files(folder, name, written)
    nursery_name = f".{name.partition('.')[0]}"
    with contextlib.suppress(FileExistsError):
        os.mkdir(nursery_name, 0o700, dir_fd=folder)
    nursery = os.open(nursery_name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=folder)
    try:
        os.fchmod(nursery, 0o700)
        listener = await anyio.create_unix_listener(path_within(nursery, name, written / nursery_name, remedy), mode=0o600)
        made = os.stat(name, dir_fd=nursery, follow_symlinks=False)
        os.rename(name, name, src_dir_fd=nursery, dst_dir_fd=folder)
    finally:
        os.close(nursery)
    with contextlib.suppress(OSError):
        os.rmdir(nursery_name, dir_fd=folder)
    return LocalSocket(listener, name, made)


def _refuse_other_files(folder: int, name: str, written: Path) -> None:
    """Leave alone what stands in the socket's place and is none, a symbolic link above all."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise FileExistsError(f"{written / name} is there and is no socket: remove it")
