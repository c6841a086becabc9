"""Writes the trail: an entry is on disk before anything follows from it."""

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tidemill_command_signer.audit.entry import BEGINNING, Entry, as_text, now, read_line
from tidemill_command_signer.audit.errors import AuditError
from tidemill_command_signer.audit.head import Head, head_path, read_head, write_head
from tidemill_command_signer.audit.verify import Verdict, verify

LOG = "audit.log"
_REMEDY = "`tidemill audit verify` tells where; docs/how-to/run-the-signer.md says what to do"


class AuditTrail:
    """The trail of one keystore, open for writing.

    Several processes may have it open: each entry is written under a lock, after those that others wrote meanwhile. Without its lock and
    its sync no entry counts, so ``append`` returns only once the entry is on disk.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime] = now, *, settles: bool = False) -> None:
        """Name a trail; it is opened by ``open``, or by the first entry.

        Args:
            folder: the keystore.
            clock: gives the time of entries.
            settles: ``settle`` will be called after each entry, so that what follows from the entry need not wait for the head as well.
        """
        self._settles = settles
        self._behind = False
        self._log = folder / LOG
        self._clock = clock
        self._file = -1
        self._broken = ""
        self._count, self._last, self._size = 0, BEGINNING, 0

    def open(self, each: Callable[[Entry], None] | None = None) -> Self:
        """Open the trail and hold it to be as it was written; what a crash left is repaired, and said in the trail.

        Args:
            each: is given every entry that is there already, in order.

        Raises:
            AuditError: it was edited or cut, others may use it, or it cannot be opened.
        """
        self.close()
        try:
            self._file = os.open(self._log, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise AuditError(f"{self._log} cannot be opened: {error.strerror}") from error
        try:
            self._check_private()
            with self._locked():
                found = self._read(each)
            self._count, self._last, self._size = found.count, found.hash, found.size
            self._behind = read_head(self._log) != Head(found.count, found.hash)
            if found.torn:
                self.append("repaired", reason="the last line was cut when its writer ended: nothing had followed from it")
        except BaseException:
            self.close()
            raise
        return self

    @property
    def count(self) -> int:
        """How many entries there are."""
        return self._count

    @property
    def last(self) -> str:
        """The hash of the last entry."""
        return self._last

    @property
    def path(self) -> Path:
        """The file."""
        return self._log

    def append(self, event: str, /, **fields: Any) -> Entry:
        """Write an entry and return it once it is on disk. Fields are texts, whole numbers, and lists and tables of them.

        Raises:
            AuditError: it could not be written, and does not count; or an earlier one could not be taken back.
        """
        if self._broken:
            raise AuditError(self._broken)
        if self._file < 0:
            self.open()
        with self._locked():
            self._catch_up()
            self._note_head()
            if self._broken:
                raise AuditError(self._broken)
            entry = Entry(self._count + 1, as_text(self._clock()), event, fields, self._last).sealed()
            line = entry.line
            try:
                self._write(line)
            except OSError as error:
                self._take_back()
                raise AuditError(f"{self._log} cannot be written: {error.strerror}; nothing is signed without it") from error
            self._count, self._last, self._size, self._behind = entry.seq, entry.hash, self._size + len(line), True
            if not self._settles:
                self._note_head()
        return entry

    def settle(self) -> None:
        """Have the head count the last entry too; where it cannot be written, the next entry says so."""
        if self._behind and not self._broken:
            with self._locked():
                self._catch_up()
                self._note_head()

    def close(self) -> None:
        """Settle, and close the file; may be called twice."""
        file = self._file
        if file >= 0:
            with suppress(AuditError):
                self.settle()
            self._file = -1
            os.close(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _check_private(self) -> None:
        found = os.fstat(self._file)
        if not stat.S_ISREG(found.st_mode):
            raise AuditError(f"{self._log} is no plain file")
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise AuditError(f"others may use {self._log} (mode {stat.S_IMODE(found.st_mode):04o}): type `chmod 600 {self._log}`")

    def _read(self, each: Callable[[Entry], None] | None) -> Verdict:
        if not os.fstat(self._file).st_size and not head_path(self._log).exists():
            # Before the first line: a trail without its head is one that was tampered with
            try:
                write_head(self._log, Head())
            except OSError as error:
                raise AuditError(f"{head_path(self._log)} cannot be written: {error.strerror}") from error
        found = verify(self._log, each, lock=False)
        if found.torn:
            os.ftruncate(self._file, found.size)
            return found
        if found.fault:
            raise AuditError(f"{self._log}: {found.fault}. {_REMEDY}")
        return found

    def _catch_up(self) -> None:
        """Follow what other processes wrote since; half a line is that of one that ended."""
        size = os.fstat(self._file).st_size
        if size == self._size:
            return
        if size < self._size:
            self._broken = f"{self._log} became shorter while it was open: nothing is signed any more. {_REMEDY}"
            raise AuditError(self._broken)
        more = os.pread(self._file, size - self._size, self._size)
        whole = more[: more.rfind(b"\n") + 1]
        for line in whole.splitlines():
            entry = read_line(line)
            if isinstance(entry, str) or (entry.seq, entry.prev) != (self._count + 1, self._last):
                self._broken = f"{self._log} was edited while it was open: nothing is signed any more. {_REMEDY}"
                raise AuditError(self._broken)
            self._count, self._last, self._size, self._behind = entry.seq, entry.hash, self._size + len(line) + 1, True
        if len(whole) < len(more):
            os.ftruncate(self._file, self._size)

    def _write(self, line: bytes) -> None:
        written = os.write(self._file, line)
        if written < len(line):
            written += os.write(self._file, line[written:])
        # Content and length, which is what a reader needs; the time of the change may be lost
        os.fdatasync(self._file)

    def _take_back(self) -> None:
        """Remove what was written of an entry that does not count; what cannot be removed ends the writing for good."""
        try:
            os.ftruncate(self._file, self._size)
            os.fsync(self._file)
        except OSError as error:
            self._broken = f"{self._log} can no longer be written ({error.strerror}): nothing is signed any more, start the signer again"

    def _note_head(self) -> None:
        # Entries are on disk before; a head that is behind by one is told from a cut trail, one that is behind by two is not
        if not self._behind:
            return
        try:
            write_head(self._log, Head(self._count, self._last))
            self._behind = False
        except OSError as error:
            self._broken = (
                f"{head_path(self._log)} cannot be written ({error.strerror}): nothing is signed any more, start the signer again"
            )
