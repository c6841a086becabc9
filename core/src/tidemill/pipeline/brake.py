"""The emergency stop: once pulled nothing is broadcast, until an operator says why it may go on."""

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from attrs import frozen

from tidemill.errors import ControlError, LedgerError
from tidemill.pipeline.stops import StopNotes

FILE = "stopped.json"
ASKED = "STOP"
"""A file of this name in the data folder pulls the brake as well: any program, and any hand, can make one."""

_CAUSES = 2_000
"""So many characters all causes of one stop may have together: whoever repeats it for days fills no disk."""


@frozen
class Stopped:
    """Why nothing is broadcast: ``by`` what (command, signal, file, a fault), since when (ISO 8601, for people)."""

    cause: str
    by: str
    at: str


class Brake:
    """Says whether anything may leave. It is asked right before each broadcast, and holds over restarts of the run.

    It is pulled in memory first, which cannot fail, then on disk. Where the disk does not take it the run stops all the same. ``released``
    is the cause of its last release. ``flattening``: an operator has ordered that what is not the base asset is sold all the same; a
    restart forgets it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.notes = StopNotes(folder)
        self._stopped: Stopped | None = None
        self.released = ""
        self.flattening = False

    @property
    def path(self) -> Path:
        """The file that says so over restarts."""
        return self._folder / FILE

    def said_again(self, cause: str) -> str:
        """Return what to say to whoever stops what is stopped already, and keep their cause too; "" where nothing is stopped."""
        before = self.stopped
        if before is None:
            return ""
        since = f" since {before.at}" if before.at else ""
        also = "; your cause is kept beside it" if self.add(cause) else ""
        return f"stopped already by {before.by}{since}: {before.cause}{also}"

    def load(self) -> None:
        """Take over what an earlier run left; a file that cannot be read holds like one that can."""
        try:
            fields = json.loads(self.path.read_text("utf-8"))
            self._stopped = Stopped(str(fields["cause"]), str(fields["by"]), str(fields["at"]))
        except FileNotFoundError:
            self._stopped = None
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._stopped = Stopped(f"{self.path} cannot be read: {type(error).__name__}", "file", "")

    @property
    def stopped(self) -> Stopped | None:
        """Why nothing may leave, None where it may. A file ``STOP`` in the folder counts from the moment it is there."""
        if self._stopped is None and self.is_asked:
            self.pull(f"there is a file {ASKED} in {self._folder}", "file")
        return self._stopped

    def pull(self, cause: str, by: str) -> None:
        """Let nothing leave from now on. Pulled again, the first cause stays."""
        if self._stopped is not None:
            return
        self._stopped = Stopped(cause, by, datetime.now(UTC).isoformat(timespec="milliseconds"))
        with suppress(OSError):
            self._write(self._stopped)
        self.notes.add("stopped", f"by {by}: {cause}")

    def add(self, cause: str) -> bool:
        """Keep one more cause beside the first of a stop that holds; return whether it is kept.

        One that stands there already, or for which there is no room left, is not.
        """
        stopped = self._stopped
        if stopped is None or not cause or cause in stopped.cause or len(stopped.cause) + len(cause) > _CAUSES:
            return False
        self._stopped = Stopped(f"{stopped.cause}; also: {cause}", stopped.by, stopped.at)
        with suppress(OSError):
            self._write(self._stopped)
        self.notes.add("stopped", f"once more: {cause}")
        return True

    def release(self, cause: str) -> Stopped:
        """Let things leave again, for a cause that the operator names; return what was stopped.

        Raises:
            ControlError: it is not pulled, there is no cause, or a file ``STOP`` is still there. LedgerError: the file cannot be removed.
        """
        stopped = self.stopped
        if stopped is None:
            raise ControlError("nothing is stopped here")
        if not cause.strip():
            self.notes.add("resume-refused", f"no cause was given; stopped by {stopped.by}: {stopped.cause}")
            raise ControlError(f"stopped by {stopped.by}: {stopped.cause}; say why it may go on with --cause TEXT")
        if self.is_asked:
            self.notes.add("resume-refused", f"the file {ASKED} is still there; stopped by {stopped.by}: {stopped.cause}")
            raise ControlError(f"{self._folder / ASKED} is still there, and holds trading back: remove it first")
        try:
            self.path.unlink(missing_ok=True)
            _sync(self._folder)
        except OSError as error:
            raise LedgerError(f"{self.path} cannot be removed: {error.strerror}; trading stays stopped") from error
        self._stopped, self.released, self.flattening = None, cause.strip(), False
        self.notes.add("resumed", f"{cause.strip()}; stopped by {stopped.by}: {stopped.cause}")
        return stopped

    @property
    def is_asked(self) -> bool:
        """Whether a file ``STOP`` is in the folder, whether anybody has acted on it or not."""
        # A link that leads nowhere is there as well
        return os.path.lexists(self._folder / ASKED)

    def _write(self, stopped: Stopped) -> None:
        draft = self.path.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            json.dump({"cause": stopped.cause, "by": stopped.by, "at": stopped.at}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        _sync(self._folder)


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
