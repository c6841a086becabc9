"""When something happens on a chain."""

from attrs import frozen

from tidemill.domain.ids import ChainId


@frozen
class ChainTime:
    """A block or slot of one chain.

    ``height`` is the block number or slot, ``unix_time`` the chain's own seconds since 1970, ``epoch`` the Solana epoch (0 where a
    chain has none).
    """

    chain: ChainId
    height: int
    unix_time: int
    epoch: int = 0
