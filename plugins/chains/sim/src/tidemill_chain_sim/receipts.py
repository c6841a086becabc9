"""What included transactions did, and what is said of them."""

from attrs import evolve, frozen

from tidemill.domain.ids import erc20
from tidemill.domain.outcome import Fill, Outcome, OutcomeStatus
from tidemill_chain_sim.world import Block
from tidemill_simworld import CHAIN
from tidemill_simworld.envelope import SignedTransaction


@frozen
class Receipt:
    """What an included transaction did. ``changes`` are by token address; ``cost`` in wei."""

    tx: SignedTransaction
    height: int
    ok: bool
    fills: tuple[Fill, ...]
    changes: tuple[tuple[str, int], ...]
    cost: int
    reason: str
    block_hash: str = ""

    def outcome(self) -> Outcome:
        """Return it as the answer to what became of the transaction."""
        return Outcome(
            status=OutcomeStatus.FILLED if self.ok else OutcomeStatus.REVERTED,
            height=self.height,
            block_hash=self.block_hash,
            fills=self.fills,
            changes=tuple(sorted((erc20(CHAIN, token), change) for token, change in self.changes)),
            cost=self.cost,
            reason=self.reason,
            proof=self.tx.tx,
        )


class Receipts:
    """Receipts of the chain as it is now, by the transaction's name."""

    def __init__(self) -> None:
        self._receipts: dict[str, Receipt] = {}
        self._payloads: set[bytes] = set()

    def get(self, tx: str) -> Receipt | None:
        """Return the receipt of a transaction that the chain holds."""
        return self._receipts.get(tx)

    def holds(self, tx: SignedTransaction) -> bool:
        """Whether the chain holds a transaction of the same content, whatever its signature: what bears a block hash happens once."""
        return tx.payload in self._payloads

    def add(self, receipt: Receipt, block: Block) -> None:
        """Keep what a transaction did in a block that was just mined."""
        self._receipts[receipt.tx.tx] = evolve(receipt, block_hash=block.block_hash)
        self._payloads.add(receipt.tx.payload)

    def drop(self, block: Block) -> tuple[SignedTransaction, ...]:
        """Forget what a block did that is no part of the chain any more; return its transactions in order."""
        dropped = tuple(self._receipts.pop(tx).tx for tx in block.txs)
        self._payloads.difference_update(tx.payload for tx in dropped)
        return dropped

    def of_account(self, account: str) -> tuple[Receipt, ...]:
        """Return what an account's transactions did, in the order of the chain."""
        # Kept in the order in which they were mined, and dropped from the end
        return tuple(receipt for receipt in self._receipts.values() if receipt.tx.account == account)
