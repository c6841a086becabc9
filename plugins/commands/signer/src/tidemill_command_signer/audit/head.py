"""``audit.head``: how many entries the trail has, and the hash of the last; a shorter trail was cut."""

import contextlib
import os
import re
from pathlib import Path

from attrs import frozen

from tidemill_command_signer.audit.entry import BEGINNING
from tidemill_command_signer.audit.errors import AuditError

_FORM = re.compile(rb'\{"count":(0|[1-9][0-9]{0,18}),"hash":"([0-9a-f]{64})"\}\n')
_LONGEST = 200


@frozen
class Head:
    """The end of a trail as it was after the last entry that was written whole."""

    count: int = 0
    hash: str = BEGINNING


def head_path(log: Path) -> Path:
    """Return where the head of a trail lies: ``audit.head`` beside ``audit.log``."""
    return log.with_name(f"{log.stem}.head")


def read_head(log: Path) -> Head | None:
    """Return the head of a trail, None where there is no such file.

    Raises:
        AuditError: it cannot be read, or is not as it was written.
    """
    path = head_path(log)
    try:
        with path.open("rb") as file:
            found = _FORM.fullmatch(file.read(_LONGEST))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AuditError(f"{path} cannot be read: {error.strerror}") from error
    if found is None:
        raise AuditError(f"{path} was edited: it is not written as tidemill writes it")
    return Head(int(found[1]), found[2].decode())


def write_head(log: Path, head: Head) -> None:
    """Put a head in the place of the one before, in one step.

    The folder is not synced: the next entry's sync brings the new name to disk as well, and a head that is one entry behind is what a
    crash leaves in any case.

    Raises:
        OSError: it cannot be written; the one before is still there.
    """
    path = head_path(log)
    draft = path.with_name(f".{path.name}.new")
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(opened, f'{{"count":{head.count},"hash":"{head.hash}"}}\n'.encode())
        os.fsync(opened)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    finally:
        os.close(opened)
    draft.replace(path)
