"""What enabled plugins say themselves: each asked apart, bounded, and none can end or hold up the others."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from time import monotonic

import anyio
from attrs import define, field

from tidemill.discovery.registry import Loaded
from tidemill.domain.finding import Finding
from tidemill.errors import PluginError, TidemillError, said
from tidemill.hookspecs.plugin import Plugin

TIMEOUT_S = 10


@define
class _Asked:
    """A plugin that is being asked, and what came of it."""

    loaded: Loaded
    plugin: Plugin
    found: list[Finding] = field(factory=list)
    failure: str = ""
    thread: threading.Thread | None = None


def ask_plugins(loaded: Sequence[Loaded], made: Mapping[str, Plugin], timeout_s: float = TIMEOUT_S) -> Iterator[Finding]:
    """Ask every plugin at once, and yield what they found in the configuration's order.

    Args:
        loaded: the enabled plugins.
        made: their instances, by ``<folder>.<name>``.
        timeout_s: who has not answered by then is told of and left alone.
    """
    asked = [_Asked(one, made[one.table.path]) for one in loaded if one.table.path in made]
    for one in asked:
        # A thread of its own: code that never returns holds up nobody else, and ends with the process
        one.thread = threading.Thread(target=_ask, args=(one,), name=f"doctor-{one.loaded.table.path}", daemon=True)
        one.thread.start()
    deadline = monotonic() + timeout_s
    silent = 0
    for one in asked:
        path = one.loaded.table.path
        if one.thread is not None:
            one.thread.join(max(0, deadline - monotonic()))
        if one.thread is not None and one.thread.is_alive():
            remedy = "look whether what it connects to can be reached, and tell its author"
            yield Finding(path, "error", f"did not answer within {timeout_s:g} s ({one.loaded.metadata.distribution})", remedy)
        elif one.failure:
            yield Finding(path, "error", one.failure, f"tell the author of {one.loaded.metadata.distribution}, with this line")
        else:
            silent += not one.found
            yield from (Finding(f"{path} {finding.subject}", finding.severity, finding.message, finding.remedy) for finding in one.found)
    if silent:
        yield Finding("plugins", "ok", f"{silent} of {len(asked)} have nothing to tell of what is outside")


def _ask(asked: _Asked) -> None:
    try:
        answer: object = asked.loaded.call("diagnose()", partial(anyio.run, asked.plugin.diagnose))
    except PluginError as error:
        asked.failure = error.message
    except TidemillError as error:
        asked.failure = f"diagnose() raised {said(error)}"
    else:
        if isinstance(answer, Sequence) and all(isinstance(one, Finding) for one in answer):
            asked.found = list(answer)
        else:
            asked.failure = f"diagnose() gave {answer!r:.60}, expected a list of findings"
