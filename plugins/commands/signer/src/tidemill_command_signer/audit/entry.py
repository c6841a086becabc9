"""One line of the trail: a JSON object whose last field is the sha256 of all that stands before it.

``{"seq":1,"at":"2026-01-02T03:04:05.678Z","event":"signed","fields":{…},"prev":"<hash of the line before>","hash":"<hash>"}``; the hash is
that of the line without ``,"hash":"…"``, byte by byte, so that any changed byte shows.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import field, frozen

BEGINNING = "0" * 64
"""The hash that the first line follows."""
_TAIL = re.compile(rb',"hash":"([0-9a-f]{64})"\}')
_TAIL_LENGTH = len(',"hash":""}') + 64
_KEYS = ["seq", "at", "event", "fields", "prev"]


@frozen
class Entry:
    """One entry.

    ``seq`` counts from 1. ``at`` is the writer's wall clock (UTC), for people. ``event`` is what happened: ``opened``, ``closed``,
    ``lease``, ``signed``, ``repeated``, ``refused``, ``repaired``, what a
    run notes (``NOTED``) and those of keys. ``prev`` is the hash of the entry before.
    """

    seq: int
    at: str
    event: str
    fields: Mapping[str, Any]
    prev: str
    hash: str = field(default="")

    @property
    def line(self) -> bytes:
        """The line as it stands in the file, its end included."""
        return self._body()[:-1] + f',"hash":"{self.hash}"}}\n'.encode()

    def sealed(self) -> "Entry":
        """Return the same with its hash."""
        return Entry(self.seq, self.at, self.event, self.fields, self.prev, _hash(self._body()))

    def _body(self) -> bytes:
        found = {"seq": self.seq, "at": self.at, "event": self.event, "fields": dict(self.fields), "prev": self.prev}
        return json.dumps(found, separators=(",", ":")).encode()


def now() -> datetime:
    """Return this moment in UTC."""
    return datetime.now(UTC)


def as_text(moment: datetime) -> str:
    """Return a moment in UTC as an entry has it, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_line(line: bytes) -> Entry | str:
    """Return the entry of a line without its end, or what shows that it is not as it was written."""
    tail = _TAIL.fullmatch(line[-_TAIL_LENGTH:])
    if tail is None:
        return "it does not end with its hash"
    body = line[:-_TAIL_LENGTH] + b"}"
    if _hash(body).encode() != tail[1]:
        return "its hash is not that of its content"
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return "it is no JSON"
    if not isinstance(found, dict) or list(found) != _KEYS or not _fits(found):
        return f"it has not the fields {', '.join(_KEYS)}"
    return Entry(**found, hash=tail[1].decode())


def _fits(found: Mapping[str, Any]) -> bool:
    texts = all(isinstance(found[key], str) for key in ("at", "event", "prev"))
    return texts and isinstance(found["fields"], dict) and isinstance(found["seq"], int) and not isinstance(found["seq"], bool)


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
