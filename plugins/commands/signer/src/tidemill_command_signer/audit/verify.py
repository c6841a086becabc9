"""Holds a trail against its own hashes and its head: the first line that is not as it was written is named."""

import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from attrs import frozen

from tidemill_command_signer.audit.entry import BEGINNING, Entry, read_line
from tidemill_command_signer.audit.errors import AuditError
from tidemill_command_signer.audit.head import Head, head_path, read_head

LONGEST_LINE = 1 << 20

_CRASH = "; a signer that was killed leaves such an end, from which nothing followed: the next one repairs it, and says so in the trail"


@frozen
class Verdict:
    """What a trail is.

    ``count`` entries are sound, ``hash`` is that of the last of them. ``line`` is where it first is not as it was written (0: nowhere),
    ``fault`` says how. ``size`` is how many bytes the sound entries take. ``torn``: what follows is half a line and nothing else is wrong,
    as where its writer was killed.
    """

    count: int
    hash: str
    line: int = 0
    fault: str = ""
    size: int = 0
    torn: bool = False

    @property
    def sound(self) -> bool:
        """Whether nothing was edited, deleted, moved or cut."""
        return not self.fault


def verify(log: Path, each: Callable[[Entry], None] | None = None, *, lock: bool = True) -> Verdict:
    """Read a trail from its beginning and say whether it is as it was written.

    A trail that has one entry more than its head counts is sound: it is what a crash leaves. Nobody who may write both files can be found
    out: keep the hash of the last entry elsewhere, and compare.

    Args:
        log: the file; its head lies beside it.
        each: is given every sound entry, in order.
        lock: wait until nobody writes, and keep writers waiting meanwhile.

    Raises:
        AuditError: there is no such file, or it cannot be read.
    """
    hashes: dict[int, str] = {}
    try:
        with log.open("rb") as file:
            if lock:
                fcntl.flock(file, fcntl.LOCK_SH)
            head, wrong = _head(log)
            found = _chain(file, hashes, head, each)
    except FileNotFoundError as error:
        head, wrong = _head(log)
        if head is None and not wrong:
            raise AuditError(f"there is no audit trail {log}") from error
        found = Verdict(0, BEGINNING)
    except OSError as error:
        raise AuditError(f"{log} cannot be read: {error.strerror}") from error
    if found.fault:
        torn = found.torn and not wrong and not _against(log, head, found.count, hashes)
        return Verdict(found.count, found.hash, found.line, f"{found.fault}{_CRASH if torn else ''}", found.size, torn)
    fault = wrong or _against(log, head, found.count, hashes)
    return Verdict(found.count, found.hash, found.count + 1, fault, found.size) if fault else found


def _head(log: Path) -> tuple[Head | None, str]:
    try:
        return read_head(log), ""
    except AuditError as error:
        return None, str(error)


def _chain(file: BinaryIO, hashes: dict[int, str], head: Head | None, each: Callable[[Entry], None] | None) -> Verdict:
    count, last, size = 0, BEGINNING, 0
    hashes[0] = BEGINNING
    for line in _lines(file):
        entry = read_line(line[:-1]) if line.endswith(b"\n") else f"it is cut after {len(line)} bytes"
        wrong = entry if isinstance(entry, str) else _order(entry, count, last)
        if isinstance(entry, str) or wrong:
            said = f"line {count + 1} is not as it was written: {wrong}"
            return Verdict(count, last, count + 1, said, size, not line.endswith(b"\n") and len(line) < LONGEST_LINE)
        count, last, size = entry.seq, entry.hash, size + len(line)
        if head is not None and count == head.count:
            hashes[count] = last
        if each is not None:
            each(entry)
    hashes[count] = last
    return Verdict(count, last, size=size)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(LONGEST_LINE):
        yield line


def _order(entry: Entry, count: int, last: str) -> str:
    """Return what is wrong with where an entry stands: after ``count`` others, of which the last has this hash."""
    if entry.seq > count + 1:
        return f"entry {count + 1} is missing, entry {entry.seq} stands in its place"
    if entry.seq <= count:
        return f"entry {entry.seq} stands in the place of entry {count + 1}"
    return "" if entry.prev == last else "it does not follow the entry before it"


def _against(log: Path, head: Head | None, count: int, hashes: dict[int, str]) -> str:
    """Return what is wrong with the head of a trail whose own lines are sound."""
    name = head_path(log).name
    if head is None:
        return f"{name} is missing: the trail may have been cut"
    if head.count > count:
        return f"the trail was cut: {name} counts {head.count} entries, there are {count}"
    if head.count < count - 1:
        return f"{name} was edited, or put back: it counts {head.count} entries, there are {count}"
    return "" if hashes.get(head.count) == head.hash else f"{name} was edited: it has another hash than entry {head.count}"
