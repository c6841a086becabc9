"""One writer a ledger: a lock that the operating system drops with the process, whatever kills it."""

import contextlib
import fcntl
import os
from pathlib import Path

from tidemill.errors import LedgerError, LedgerInUse


class WriterLock:
    """The lock on ``ledger.lock`` in a folder. The file stays behind when the lock is released: only the lock counts, not the file.

    The lock is the open file's, so a second store in the same process is refused like one in another process. Network file systems
    that ignore ``flock`` protect nothing.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ledger.lock"
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock and write this process's id into the file.

        Raises:
            LedgerInUse: another store holds it; the message names its process.
            LedgerError: the file cannot be created or written.
        """
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise LedgerError(f"{self._path}: cannot be opened for writing: {error.strerror}; give a folder that can be written") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(file, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(file)
            raise LedgerInUse(
                f"{self._path.parent}: process {holder} is writing this ledger; stop it, or give this run a folder of its own with --data"
            ) from error
        try:
            os.ftruncate(file, 0)
            os.write(file, f"{os.getpid()}\n".encode())
        except OSError as error:
            os.close(file)
            raise LedgerError(f"{self._path}: cannot be written: {error.strerror}") from error
        self._file = file

    def release(self) -> None:
        """Drop the lock; may be called twice."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None
