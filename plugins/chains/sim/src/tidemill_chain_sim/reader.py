"""Reads state and logs of the simulated chain, as far back as it remembers."""

from collections.abc import Callable, Sequence

from tidemill.domain.events import Log, States
from tidemill.domain.ids import Key
from tidemill.domain.pool import LogFilter
from tidemill.errors import Unavailable
from tidemill.hookspecs.chain import ChainReader
from tidemill_chain_sim.engine import KEPT_BLOCKS, Engine
from tidemill_chain_sim.storage import Storage
from tidemill_simworld import CHAIN


class SimReader(ChainReader):
    """The reader of one link; all values of a read are of one block.

    No key is ever absent here: what no contract wrote is 32 zero bytes. The last 128 blocks can be read.
    """

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine = engine
        self._storage: Storage | None = None

    async def read(self, keys: Sequence[Key], height: int | None = None) -> States:
        engine = self._engine()
        block = engine.head if height is None else engine.block(height)
        if block is None:
            raise Unavailable(f"block {height} is not kept: the head is {engine.head.height}, {KEPT_BLOCKS} blocks can be read")
        storage = self.storage
        return States(CHAIN, tuple((key, storage.read(key, block.world)) for key in keys))

    async def logs(self, wanted: LogFilter, from_height: int, to_height: int) -> Sequence[Log]:
        return tuple(log for block in self._engine().blocks(from_height, to_height) for log in block.logs if log.matches(wanted))

    @property
    def storage(self) -> Storage:
        """The contracts' words of any kept state."""
        if self._storage is None:
            self._storage = Storage(self._engine().market)
        return self._storage
