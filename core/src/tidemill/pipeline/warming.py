"""Has the searcher make ready what takes long at its first use, beside the run that has begun without it."""

import threading

from tidemill.domain.events import PluginState
from tidemill.hookspecs.search import Searcher
from tidemill.pipeline.supervise import attempted
from tidemill.redaction import without_secrets
from tidemill.stages.contract import given
from tidemill.stages.guard import Fault

MOST_TEXT = 400
"""A searcher's sentence is cut to so many characters."""


class Warming:
    """Calls ``warm`` of a searcher in a thread of its own, which neither the start nor the end of a run waits for.

    Args:
        searcher: None: there is nothing to warm.
    """

    def __init__(self, searcher: Searcher | None) -> None:
        self._searcher = searcher
        self._thread: threading.Thread | None = None
        self._text = ""

    @property
    def active(self) -> bool:
        """Whether it has begun, and nobody has taken yet what became of it."""
        return self._thread is not None and self._searcher is not None

    def start(self) -> None:
        """Begin."""
        if self._searcher is not None:
            # A daemon: what is being compiled when the run ends is compiled by another run
            self._thread = threading.Thread(target=self._warm, args=(self._searcher,), name="warming", daemon=True)
            self._thread.start()

    def take(self) -> PluginState | None:
        """Return what became of it, once; None while it goes on, and where the searcher had nothing to say. Never waits."""
        if self._searcher is None or self._thread is None or self._thread.is_alive():
            return None
        searcher, self._searcher = self._searcher, None
        return PluginState(f"search.{searcher.name}", "warmed", 0, self._text) if self._text else None

    def _warm(self, searcher: Searcher) -> None:
        path = f"search.{searcher.name}"
        answer: str | Fault = attempted(path, lambda: given(searcher.warm(), str, path, "warm", "a sentence"))
        text = f"it could not be warmed and goes on as it is: {answer.reason}" if isinstance(answer, Fault) else answer
        self._text = without_secrets(text)[:MOST_TEXT]
