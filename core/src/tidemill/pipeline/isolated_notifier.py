"""A notifier in a process of its own, as the run sees it."""

from collections.abc import Sequence

from tidemill.domain.note import Note, RunHeader, Summary
from tidemill.errors import PluginError
from tidemill.hookspecs.notifier import Notifier
from tidemill.pipeline.brief import Brief
from tidemill.pipeline.child import Child
from tidemill.pipeline.frames import frame
from tidemill.stages.guard import Fault, PluginFault

ANSWER_S = 3600
"""Whoever waits for a notifier sets a limit of its own; this one only keeps a wait from having none."""


class IsolatedNotifier(Notifier):
    """Passes everything on to a child and waits until it was told; whoever loses patience cancels, and the child ends.

    Args:
        brief: what the child is told first.
    """

    def __init__(self, brief: Brief) -> None:
        super().__init__()
        self.name = brief.plugin.removeprefix("notifiers.")  # type: ignore[misc]  # its plugin's, though a class attribute elsewhere
        self._brief = brief
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """The id of its process; 0 while it has none."""
        return 0 if self._child is None else self._child.pid

    async def start(self, header: RunHeader) -> None:
        self._child = Child(self._brief.plugin, self._brief.hello, self._brief.environ)
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
        """Tell the child, and wait for what it says to it.

        Raises:
            PluginFault: the notifier raised there, or its process cannot begin, died or sent what is no reply.
        """
        child, path = self._child, self._brief.plugin
        if child is None:
            raise PluginFault(Fault(path, "its process has ended"))
        done = False
        try:
            await child.ready()
            await child.send(frame((what, value)), ANSWER_S)
            reply = await child.reply(ANSWER_S)
            done = not reply.fault
        except PluginFault:
            raise
        except PluginError as error:
            raise PluginFault(Fault(path, error.message)) from error
        finally:
            if not done:
                self.close()
        if reply.fault:
            raise PluginFault(Fault(path, reply.fault, deliberate=reply.deliberate))
