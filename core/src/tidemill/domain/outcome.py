"""What became of a plan."""

from enum import StrEnum

from attrs import frozen

from tidemill.domain.ids import AssetId, PoolId


class OutcomeStatus(StrEnum):
    """The fate of a transaction. ``UNKNOWN`` is never a failure: it is reconciled until it is one of the others."""

    FILLED = "filled"
    REVERTED = "reverted"
    """It was included and undone; its cost was paid."""
    DEAD = "dead"
    """Proof that it can never be included: nonce used by another, or its block hash expired, at finality."""
    UNKNOWN = "unknown"


@frozen
class Fill:
    """One swap as it happened, in base units."""

    pool: PoolId
    sell: AssetId
    buy: AssetId
    amount_in: int
    amount_out: int


@frozen
class Outcome:
    """The fate of one transaction, with the block that shows it.

    ``changes`` are our balances' changes, costs left out, base units, sorted by asset; ``cost`` is what the chain took, in
    native base units. ``proof`` is what a reader can check it by (a transaction hash, a simulation's height).
    """

    status: OutcomeStatus
    height: int
    block_hash: str
    fills: tuple[Fill, ...] = ()
    changes: tuple[tuple[AssetId, int], ...] = ()
    cost: int = 0
    reason: str = ""
    proof: str = ""
