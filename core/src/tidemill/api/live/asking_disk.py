"""What the data folder must do before real money moves: take what is written and keep it."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from tidemill.api.diagnosis.folder import nearest
from tidemill.domain.finding import Finding

SLOW_MS = 20
"""A plan waits so long at the most, usually, until it is on disk; a disk that takes longer is told of."""
_PROBE = b"an intent waits for a write like this one"


def disk_findings(data: Path) -> Iterator[Finding]:
    """Write, sync and remove a small file where the ledger is, or will be."""
    place = nearest(data)
    began = time.monotonic_ns()
    try:
        _write(place)
    except OSError as error:
        said = f"what is written to {place} is not kept: {error.strerror}"
        yield Finding("durable", "error", said, "give yourself the right, make room, or name a folder on another disk as data")
        return
    took_ms = (time.monotonic_ns() - began) // 1_000_000
    said = f"a write to {place} was on disk after {took_ms} ms"
    if took_ms <= SLOW_MS:
        yield Finding("durable", "ok", said)
    else:
        yield Finding("durable", "warning", said, f"plans wait for it: expected {SLOW_MS} ms at most; use a local disk")


def _write(place: Path) -> None:
    file, name = mkstemp(prefix=".tidemill-probe-", dir=place)
    try:
        os.write(file, _PROBE)
        os.fsync(file)
        folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        os.close(file)
        with suppress(OSError):
            Path(name).unlink()
