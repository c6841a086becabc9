"""Reads state and logs of the simulated chain, as far back as it remembers."""

from collections.abc import Sequence

from tidemill.domain.events import Log, States
from tidemill.domain.ids import Key
from tidemill.domain.pool import LogFilter
from tidemill.hookspecs.chain import ChainReader
from tidemill_chain_sim.node.asks import LogsAsk, ReadAsk
from tidemill_chain_sim.node.local import Node


class SimReader(ChainReader):
    """The reader of one link; all values of a read are of one block.

    No key is ever absent here: what no contract wrote is 32 zero bytes. The last 128 blocks can be read.
    """

    def __init__(self, node: Node) -> None:
        self._node = node

    async def read(self, keys: Sequence[Key], height: int | None = None) -> States:
        return await self._node.ask(ReadAsk(tuple(keys), height))

    async def logs(self, wanted: LogFilter, from_height: int, to_height: int) -> Sequence[Log]:
        return await self._node.ask(LogsAsk(wanted.address, wanted.topics, from_height, to_height))
