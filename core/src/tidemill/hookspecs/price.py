"""Price sources: reference prices and order-book data from outside the chain."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import ClassVar

from attrs import frozen

from tidemill.domain.events import Batch
from tidemill.hookspecs.markers import hookspec
from tidemill.hookspecs.plugin import Plugin


@frozen
class SourceSetup:
    """What a source is opened with.

    ``seed`` is the run's, ``blocks`` the number of blocks of a simulated run (0: no end), ``tape`` a tape's batches where one is played.
    """

    seed: int
    blocks: int = 0
    tape: Iterable[Batch] | None = None


class PriceSource(Plugin):
    """A source of ``OraclePrice``, ``Trade``, ``Bar``, ``BookSnapshot`` and ``BookDelta`` events."""

    interface_version: ClassVar[int] = 1

    @abstractmethod
    def batches(self, setup: SourceSetup) -> AsyncIterator[Batch]:
        """Yield batches in order of ``local_ns``.

        Under a simulated clock ``local_ns`` is simulated time, and equal seeds give equal batches; what is lost is said with ``Gap``, never
        dropped in silence.
        """


@hookspec
def tidemill_register_prices() -> Sequence[type[PriceSource]]:  # type: ignore[empty-body]
    """Return the price sources this plugin provides.

    What to return: classes derived from PriceSource, each with a name of its own.
    When: once, while the pipeline is assembled, before any connection is opened.
    Must not: do I/O, read the environment, or return a name already taken.
    Raises: nothing; bad settings are found when the configuration is read.
    Example: plugins/prices/sim/src/tidemill_price_sim/__init__.py
    """
