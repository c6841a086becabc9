"""A notifier in a process of its own, as the run sees it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.domain.note import Note, RunHeader, Summary
from tidemill.errors import PluginError
from tidemill.hookspecs.notifier import Notifier
from tidemill.pipeline.child import Child
from tidemill.pipeline.frames import frame

ANSWER_S = 3600
"""Whoever waits for a notifier sets a limit of its own; this one only keeps a wait from having none."""


class IsolatedNotifier(Notifier):
    """Passes everything on to a child and waits until it was told; whoever loses patience cancels, and the child ends.

    Args:
        path: ``notifiers.<name>``.
        hello: what the child is told first, besides: see ``child_main``.
    """

    def __init__(self, path: str, hello: Mapping[str, Any]) -> None:
        super().__init__()
        self.name = path.removeprefix("notifiers.")  # type: ignore[misc]  # its plugin's, though a class attribute elsewhere
        self._path = path
        self._hello = dict(hello)
        self._child: Child | None = None

    async def start(self, header: RunHeader) -> None:
        self._child = Child(self._path, self._hello)
        await self._say("start", header)

    async def tell(self, notes: Sequence[Note]) -> None:
        await self._say("tell", tuple(notes))

    async def finish(self, summary: Summary) -> None:
        await self._say("finish", summary)
        self.close()

    def close(self) -> None:
        """End the process; may be called twice."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    async def _say(self, what: str, value: object) -> None:
        child = self._child
        if child is None:
            raise PluginError(self._path, "its process has ended")
        done = False
        try:
            await child.ready()
            await child.send(frame((what, value)), ANSWER_S)
            fault = str(json.loads(await child.receive(ANSWER_S)).get("fault", ""))
            done = not fault
        finally:
            if not done:
                self.close()
        if fault:
            raise PluginError(self._path, fault)
