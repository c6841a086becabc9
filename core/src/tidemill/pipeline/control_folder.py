"""Where an instance can be reached: ``control.sock`` in its data folder, for its own user alone."""

import contextlib
import fcntl
import os
import socket
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tidemill import local_socket
from tidemill.errors import ControlError
from tidemill.local_socket import LocalSocket, Peer, listen_within, path_within, require_peers

if TYPE_CHECKING:
    from anyio.abc import SocketListener

NAME = "control.sock"
_SHORTER = "choose a shorter folder with --data"
_LOOK_S = 0.02


class InstanceEnded(ControlError):
    """The instance ended while it was asked; it did not take the request in."""


def peer_of(raw: socket.socket) -> Peer:
    """Return who is at the other end of a connected Unix socket.

    Raises:
        ControlError: this platform does not tell.
    """
    try:
        return local_socket.peer_of(raw)
    except OSError as error:
        raise ControlError(str(error)) from error


class ControlFolder:
    """One instance's hold on its data folder: a lock on the folder itself, and the socket in it.

    The lock goes with the process, whatever ends it; a socket that a killed run left behind is replaced.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._new = False
        self._folder: int | None = None
        self._socket: LocalSocket | None = None

    async def open(self) -> "SocketListener":
        """Lock the folder, making it where it is missing, and listen in it.

        Raises:
            ControlError: another instance holds the folder.
            OSError: it cannot hold a socket.
        """
        require_peers()
        self._new = not self._data.exists()
        self._data.mkdir(parents=True, exist_ok=True)
        self._folder = os.open(self._data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._lock(self._folder)
        self._socket = await listen_within(self._folder, NAME, self._data, _SHORTER)
        return self._socket.listener

    async def close(self) -> None:
        """Hear nobody any more, remove the socket if it is still this instance's, and give the folder free; may be called twice.

        A folder that was made for it and is empty goes too.
        """
        made, self._socket = self._socket, None
        if made is not None:
            # Not above: who only calls, as an emergency stop does, is spared its import
            import anyio

            with anyio.CancelScope(shield=True):
                await made.listener.aclose()
        folder, self._folder = self._folder, None
        if folder is None:
            return
        if made is not None:
            made.remove(folder)
        os.close(folder)
        if self._new:
            # A run that writes no ledger leaves nothing behind; a folder that holds anything stays
            with contextlib.suppress(OSError):
                self._data.rmdir()

    def _lock(self, folder: int) -> None:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ControlError(
                f"{self._data}: another instance runs on this folder; stop it with `tidemill stop --data {self._data}`, or give this run a "
                "folder of its own with --data"
            ) from error


def is_held(path: Path) -> bool:
    """Whether a process holds the lock of a folder or a file; one that cannot be opened is not held."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Shared, and dropped at once: two who only ask do not hinder each other
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def call(data: Path, line: bytes, *, longest: int, timeout_s: float) -> bytes:
    """Send one line to the instance that runs on a folder and return the line that it answers.

    Raises:
        InstanceEnded: it ended meanwhile, without having answered.
        ControlError: no instance runs there, it belongs to another user, or it does not answer in time.
    """
    nobody = f"{data}: no instance runs on this folder; `tidemill run` starts one, --data names another folder"
    try:
        folder = os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ControlError(nobody) from error
    except OSError as error:
        raise ControlError(f"{data}: cannot be opened: {error.strerror}") from error
    try:
        before = os.stat(NAME, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISSOCK(before.st_mode):
            raise ControlError(f"{data / NAME} is no socket: it is not asked")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(timeout_s)
            client.connect(path_within(folder, NAME, data, _SHORTER))
            _trust(client, data)
            try:
                return _answer(client, line, longest)
            except ConnectionResetError as error:
                # One that ends leaves those whom it has not heard yet; to be left by one that goes on is a fault of its
                if _has_left(folder, before, path_within(folder, NAME, data, _SHORTER), timeout_s):
                    raise InstanceEnded(f"{data}: its instance ended before it took this in: nothing was done") from error
                raise ControlError(f"{data}: its instance broke the connection off and goes on: ask again") from error
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise ControlError(nobody) from error
    except TimeoutError as error:
        raise ControlError(f"{data}: the instance does not answer within {timeout_s:g} s: it is busy, or hangs") from error
    except OSError as error:
        raise ControlError(f"{data}: its instance cannot be reached: {error.strerror or error}") from error
    finally:
        os.close(folder)


def _trust(client: socket.socket, data: Path) -> None:
    owner = peer_of(client)
    if owner.uid != os.geteuid():
        raise ControlError(f"{data}: its socket was opened by user {owner.uid}, and you are user {os.geteuid()}: it is not asked")


def _has_left(folder: int, before: os.stat_result, path: str, patience_s: float) -> bool:
    """Wait until the socket that was spoken to is no longer there, or nobody listens on it; False where it still is after so long.

    Nothing is sent: whoever listens there by now may be the next instance.
    """
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        try:
            now = os.stat(NAME, dir_fd=folder, follow_symlinks=False)
            if not os.path.samestat(before, now) or before.st_ctime_ns != now.st_ctime_ns:
                return True
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.settimeout(patience_s)
                client.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return True
        except OSError:  # its queue is full, or time is over: it is there
            pass
        time.sleep(_LOOK_S)
    return False


def _answer(client: socket.socket, line: bytes, longest: int) -> bytes:
    """Send a line and return the one that comes back.

    Raises:
        ConnectionResetError: the other side left without having heard it.
        ControlError: it left without an answer, or gave none that ends.
    """
    heard, held = False, b""
    # One that refuses this user says so before it hears anything
    with contextlib.suppress(BrokenPipeError):
        client.sendall(line)
        heard = True
    while not held.endswith(b"\n"):
        part = client.recv(65_536)
        if not part and not heard:
            raise ConnectionResetError("nobody heard it")
        if not part:
            raise ControlError("the instance closed the connection without an answer: it is ending, or refuses this user")
        held += part
        if len(held) > longest:
            raise ControlError(f"the instance answered more than {longest} bytes: it speaks another protocol")
    return held
