"""Files and folders that only their owner may read, written whole or not at all."""

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tidemill_command_signer.keystore.errors import KeystoreError
from tidemill_command_signer.keystore.secret import SecretBytes

_LOCK: Final = ".lock"
_UNFINISHED: Final = ".new-"


def check_folder(folder: Path) -> None:
    """Hold that a keystore is a folder of this user that nobody else can look into.

    Raises:
        KeystoreError: it is not; the message has the command that mends it.
    """
    try:
        found = folder.stat()
    except FileNotFoundError as error:
        raise KeystoreError(
            f"there is no keystore {folder}: `tidemill keys add NAME --scheme …` makes one, --keystore names another"
        ) from error
    except OSError as error:
        raise KeystoreError(f"the keystore {folder} cannot be opened: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise KeystoreError(f"the keystore {folder} is no folder")
    _private(folder, found, "700")


def make_folder(folder: Path) -> None:
    """Make a keystore where there is none.

    Raises:
        KeystoreError: it cannot be made, or is there and others can look into it.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            _sync_folder(folder.parent)
    except OSError as error:
        raise KeystoreError(f"the keystore {folder} cannot be made: {error.strerror}") from error
    check_folder(folder)


def read_private(path: Path, longest: int) -> bytes:
    """Return a file's bytes, one more than ``longest`` at most.

    Raises:
        FileNotFoundError: it is not there.
        KeystoreError: others can read it, it is no plain file of this user, or it cannot be read.
    """
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise KeystoreError(f"{path} cannot be opened: {error.strerror}") from error
    try:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode):
            raise KeystoreError(f"{path} is no plain file")
        _private(path, found, "600")
        with os.fdopen(opened, "rb", closefd=False) as file:
            return file.read(longest + 1)
    except OSError as error:
        raise KeystoreError(f"{path} cannot be read: {error.strerror}") from error
    finally:
        os.close(opened)


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 so that it is there whole, or as before, whatever happens; both it and its folder are synced.

    Raises:
        KeystoreError: it cannot be written; it is as it was before.
    """
    unfinished = path.with_name(f"{_UNFINISHED}{secrets.token_hex(8)}")
    try:
        try:
            _write_new(unfinished, SecretBytes(content))
            unfinished.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise KeystoreError(f"{path} cannot be written: {error.strerror}") from error


def write_new(path: Path, content: SecretBytes) -> None:
    """Write a file of mode 0600 that must not be there yet, a symbolic link included.

    Raises:
        KeystoreError: it is there, or cannot be written; nothing is left of it.
    """
    try:
        _write_new(path, content)
        _sync_folder(path.parent)
    except FileExistsError as error:
        raise KeystoreError(f"{path} is there already: remove it, or name another file") from error
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise KeystoreError(f"{path} cannot be written: {error.strerror}") from error


def remove_file(path: Path) -> None:
    """Remove a file and sync its folder.

    Raises:
        KeystoreError: it cannot be removed.
    """
    try:
        path.unlink()
        _sync_folder(path.parent)
    except OSError as error:
        raise KeystoreError(f"{path} cannot be removed: {error.strerror}") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only one who changes a keystore; what a killed change left unfinished is removed.

    Raises:
        KeystoreError: another process changes it right now, or it cannot be locked.
    """
    check_folder(folder)
    try:
        opened = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise KeystoreError(f"the keystore {folder} cannot be locked: {error.strerror}") from error
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise KeystoreError(f"the keystore {folder} is being changed by another process: wait for it, then try again") from error
        for left in sorted(folder.glob(f"{_UNFINISHED}*")):
            with contextlib.suppress(OSError):
                left.unlink()
        yield
    finally:
        os.close(opened)


def _private(path: Path, found: os.stat_result, mode: str) -> None:
    if found.st_uid != os.geteuid():
        raise KeystoreError(f"{path} belongs to user {found.st_uid}, and you are user {os.geteuid()}: it is not used")
    if stat.S_IMODE(found.st_mode) & 0o077:
        open_to = f"others may use it (mode {stat.S_IMODE(found.st_mode):04o})"
        raise KeystoreError(f"{path}: {open_to}: type `chmod {mode} {path}`, and rotate what they may have read")


def _write_new(path: Path, content: SecretBytes) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(content.reveal())
        file.flush()
        os.fsync(opened)


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
