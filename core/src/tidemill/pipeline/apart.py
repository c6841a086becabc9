"""What of a pipeline runs beside the fold or in processes of its own: made ready for a run."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from tidemill.domain.events import Batch
from tidemill.hookspecs.notifier import Notifier
from tidemill.hookspecs.price import PriceSource, SourceSetup
from tidemill.pipeline.assemble import Pipeline
from tidemill.pipeline.brief import brief_of
from tidemill.pipeline.isolated_notifier import IsolatedNotifier
from tidemill.pipeline.isolation import Isolation
from tidemill.pipeline.notices import Notices
from tidemill.pipeline.supervise import tended

T = TypeVar("T")


def isolation_of(pipeline: Pipeline) -> Isolation | None:
    """Return the strategies that run in processes of their own; None where there are none."""
    if not any(one.isolated for one in pipeline.parts.asked):
        return None
    return Isolation(pipeline.core, pipeline.parts, pipeline.supervisor, pipeline.config)


def notices_of(pipeline: Pipeline, given: Sequence[Notifier] | None) -> Notices:
    """Return who is told: the configuration's notifiers, those in a process of their own as stand-ins, or those given in their place."""
    most = pipeline.config.execution.max_failures
    if given is not None:
        return Notices(given, max_failures=most)
    again: dict[str, Callable[[], Any]] = {}
    notifiers: list[Notifier] = []
    apart = {table.name for table in pipeline.config.enabled("notifier") if table.isolation == "process"}
    for notifier in pipeline.notifiers:
        name, path = notifier.name, f"notifiers.{notifier.name}"
        if name in apart:
            again[name] = partial(IsolatedNotifier, brief_of(pipeline.config, path))
            notifiers.append(again[name]())
        else:
            again[name] = pipeline.makers[path]
            notifiers.append(notifier)
    return Notices(notifiers, again, most)


def price_streams(pipeline: Pipeline, setup: SourceSetup) -> list[AsyncGenerator[Batch | None, None]]:
    """Return the batches of every price source; one that fails is begun anew with a fresh instance."""
    most = pipeline.config.execution.max_failures
    streams = []
    for source in pipeline.prices:
        path = f"prices.{source.name}"
        streams.append(tended(path, partial(_begin, _first_then(source, pipeline.makers[path]), setup), most))
    return streams


def _begin(make: Callable[[], PriceSource], setup: SourceSetup) -> AsyncIterator[Batch]:
    return make().batches(setup)


def _first_then(first: T, make: Callable[[], Any]) -> Callable[[], T]:
    """Return what gives the instance that is there at first, and fresh ones after it."""
    given = [first]
    return lambda: given.pop() if given else make()
