"""What Uniswap V2 pairs and their factory emit (v2-core 1.0.1); amounts are base units."""

from attrs import frozen

from tidemill.domain.events import Log
from tidemill_evm.logs import Event, event


@event("Sync(uint112 reserve0, uint112 reserve1)")
@frozen
class Sync(Event):
    """The reserves after a change: the pair emits it with every mint, burn, swap and sync."""

    reserve0: int
    reserve1: int


@event("Swap(address indexed sender, uint256 amount0In, uint256 amount1In, uint256 amount0Out, uint256 amount1Out, address indexed to)")
@frozen
class Swap(Event):
    """What a swap moved; stands behind its ``Sync``."""

    sender: str
    amount0_in: int
    amount1_in: int
    amount0_out: int
    amount1_out: int
    to: str


@event("Mint(address indexed sender, uint256 amount0, uint256 amount1)")
@frozen
class Mint(Event):
    """What was added to the reserves."""

    sender: str
    amount0: int
    amount1: int


@event("Burn(address indexed sender, uint256 amount0, uint256 amount1, address indexed to)")
@frozen
class Burn(Event):
    """What was taken from the reserves."""

    sender: str
    amount0: int
    amount1: int
    to: str


@event("PairCreated(address indexed token0, address indexed token1, address pair, uint256 length)")
@frozen
class PairCreated(Event):
    """A new pair, by the factory; ``length`` is how many there are with it."""

    token0: str
    token1: str
    pair: str
    length: int


def sync_reserves(log: Log) -> tuple[int, int]:
    """Return both reserves of a ``Sync`` log: ``Sync.of`` without a value in between, for the path that every swap of a chain takes.

    Raises:
        MalformedBytes: as ``Sync.of``.
    """
    data = log.data
    if len(data) == 64 and log.topics == _SYNC:
        reserve0, reserve1 = int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big")
        if not (reserve0 >> 112 or reserve1 >> 112):
            return reserve0, reserve1
    return (sync := Sync.of(log)).reserve0, sync.reserve1  # raises, and says what is wrong


_SYNC = (Sync.topic,)
