"""Notifiers: who is told."""

import errno
import os
from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import ClassVar, TextIO

from tidemill.domain.note import Note, RunHeader, Summary
from tidemill.hookspecs.markers import hookspec
from tidemill.hookspecs.plugin import Plugin


class Notifier(Plugin):
    """Tells people or machines. It runs beside the pipeline: what it does, or fails to do, never reaches a decision."""

    interface_version: ClassVar[int] = 1

    @abstractmethod
    async def start(self, header: RunHeader) -> None:
        """Begin: called once, before the first note."""

    @abstractmethod
    async def tell(self, notes: Sequence[Note]) -> None:
        """Pass notes on, in order."""

    @abstractmethod
    async def finish(self, summary: Summary) -> None:
        """End: called once, after the last note, also when the run was interrupted."""

    @staticmethod
    async def aside(call: Callable[[], None]) -> None:
        """Do what may have to wait, such as writing to a terminal or a pipe, on a thread of its own: the run goes on meanwhile.

        What is waited for too long is left to itself, and its thread with it.
        """
        from anyio.to_thread import run_sync

        await run_sync(call, abandon_on_cancel=True)

    @staticmethod
    def is_gone(error: OSError) -> bool:
        """Whether a stream could not be written because whoever read it has gone: a pipe without a reader, or a terminal that was closed.

        A terminal says so by EIO. A disk that fails may say the same: what goes there is lost either way, and a run need not end for it.
        """
        return error.errno in (errno.EPIPE, errno.EIO)

    @staticmethod
    def let_go(stream: TextIO) -> None:
        """Let what a stream still holds, and all that is written to it later, go nowhere: for one whose reader has gone.

        The interpreter flushes standard output once more when it ends, and would complain (docs.python.org/3/library/signal.html, "Note
        on SIGPIPE").
        """
        with suppress(OSError, ValueError):
            descriptor = stream.fileno()
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)


@hookspec
def tidemill_register_notifiers() -> Sequence[type[Notifier]]:  # type: ignore[empty-body]
    """Return the notifier classes this plugin provides.

    What to return: classes derived from Notifier, each with a name of its own.
    When: once, while the pipeline is assembled, before any connection is opened.
    Must not: do I/O, read the environment, or return a name already taken.
    Raises: nothing; bad settings are found when the configuration is read.
    Example: plugins/notifiers/console/src/tidemill_notifier_console/__init__.py
    """
