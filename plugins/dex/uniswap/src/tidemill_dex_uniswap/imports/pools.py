"""What a recording says of one pool, in whatever form it says it."""

from collections.abc import Mapping

from attrs import frozen

from tidemill.domain.ids import ChainId
from tidemill_evm.uniswap_v2 import Reserves


@frozen
class Token:
    """A token of a pool; None is what the recording does not say."""

    address: str
    symbol: str | None = None
    decimals: int | None = None


@frozen
class Block:
    """The block a state is of; None is what the recording does not say. ``unix_time`` in seconds."""

    height: int
    unix_time: int | None = None
    block_hash: str | None = None
    parent_hash: str | None = None


@frozen
class Ticks:
    """The initialized ticks that a recording knows: tick -> (gross or None, net) liquidity.

    ``words`` are the bitmap words that it knows, by position; None: it knows all of them, and the ticks are all there are.
    """

    liquidity: Mapping[int, tuple[int | None, int]]
    words: Mapping[int, int] | None = None


@frozen
class Concentrated:
    """The state of a concentrated pool; ``tick_spacing`` and ``ticks`` are None where the recording does not say them.

    ``lists_zero``: ticks whose positions cancel out, so that their net liquidity is zero, are among ``ticks``.
    """

    sqrt_price_x96: int
    tick: int
    liquidity: int
    tick_spacing: int | None
    ticks: Ticks | None
    lists_zero: bool = True


@frozen
class Described:
    """What a recording says of any pool.

    Attributes:
        where: its place in the recording, for errors.
        chain: the chain it is on.
        block: the block of its state, None where the recording does not say.
        tokens: token0 and token1, as the recording orders them.
        address: None where the recording does not say.
    """

    where: str
    chain: ChainId
    block: Block | None
    tokens: tuple[Token, Token]
    address: str | None


@frozen
class RecordedPair(Described):
    """A constant product pair; ``fee_ppm`` in parts per million of the input, None where the recording does not say."""

    fee_ppm: int | None
    reserves: Reserves


@frozen
class RecordedPool(Described):
    """A concentrated pool; ``fee_ppm`` in parts per million of the input."""

    fee_ppm: int
    state: Concentrated


@frozen
class LeftOut:
    """An entry of a recording that is no pool of these contracts; ``reason`` for people."""

    reason: str
