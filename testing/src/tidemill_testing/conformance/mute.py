"""Logging switched off while a sandbox is open: what is written there decides nothing, and what its records carry might."""

import logging
import sys
import threading
from typing import Any, NoReturn

import structlog

_OFF = sys.maxsize


class Mute:
    """Switches off ``logging`` and structlog's default processors; may be begun several times, the last end switches them on again.

    It holds for the process: what other threads log meanwhile is dropped as well.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = 0
        self._level = logging.NOTSET
        self._processors: list[Any] = []

    def begin(self) -> None:
        """Drop what is logged from here on."""
        with self._lock:
            if not self._begun:
                self._level = logging.root.manager.disable
                logging.disable(_OFF)
                # Loggers that exist hold this very list; one that is no list was configured to be what it is
                configured = structlog.get_config()["processors"]
                self._processors = configured if isinstance(configured, list) else []
                self._processors.insert(0, drop)
            self._begun += 1

    def end(self) -> None:
        """Take back one beginning."""
        with self._lock:
            self._begun -= 1
            if not self._begun:
                logging.disable(self._level)
                if drop in self._processors:
                    self._processors.remove(drop)


def drop(logger: Any, method: str, event: Any) -> NoReturn:
    """Drop an event: a processor of structlog."""
    raise structlog.DropEvent


MUTE = Mute()
