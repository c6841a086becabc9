"""Transactions that were broadcast: waiting, included, undone by a reorganisation, or impossible."""

from attrs import frozen

from tidemill.domain.ids import erc20
from tidemill.domain.outcome import Fill, Outcome, OutcomeStatus
from tidemill.errors import RefusedByVenue
from tidemill_chain_sim.accounts import after_changes, opening_account
from tidemill_chain_sim.draft import Draft
from tidemill_chain_sim.envelope import Transaction, decode_call, decode_transaction
from tidemill_chain_sim.execution import Executed, Reverted, execute
from tidemill_chain_sim.market import Market
from tidemill_chain_sim.world import Account, Block, World
from tidemill_evm.errors import MalformedBytes
from tidemill_evm.executor import decode_flow
from tidemill_evm.gas import INTRINSIC_GAS, call_gas, calldata_gas
from tidemill_simworld import CHAIN

_BUMP_PERCENT = 110


@frozen
class Receipt:
    """What an included transaction did. ``changes`` are by token address; ``cost`` in wei."""

    tx: Transaction
    height: int
    ok: bool
    fills: tuple[Fill, ...]
    changes: tuple[tuple[str, int], ...]
    cost: int
    reason: str
    block_hash: str = ""


class Mempool:
    """Keeps what was broadcast and includes it in blocks.

    A transaction is included when its nonce is the account's next, it offers the block's base fee and the account can pay for it.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._pending: dict[str, Transaction] = {}
        self._receipts: dict[str, Receipt] = {}
        self._fresh: list[Receipt] = []

    def submit(self, raw: bytes, world: World) -> None:
        """Take signed bytes; the same bytes again change nothing.

        Raises:
            RefusedByVenue: they are damaged, the nonce is used, the account cannot pay, or another transaction with that nonce waits and
                pays within a tenth as much.
        """
        tx = _decoded(raw)
        if tx.tx in self._pending or tx.tx in self._receipts:
            return
        account = self.account(world, tx.sender)
        if tx.nonce < account.nonce:
            raise RefusedByVenue(f"nonce {tx.nonce} of {tx.sender} is used: expected {account.nonce} or more")
        if tx.gas_limit * tx.max_fee > account.native:
            raise RefusedByVenue(f"{tx.sender} has {account.native} wei, the transaction may cost {tx.gas_limit * tx.max_fee}")
        rival = next((other for other in self._pending.values() if (other.sender, other.nonce) == (tx.sender, tx.nonce)), None)
        if rival is not None:
            if tx.max_fee * 100 < rival.max_fee * _BUMP_PERCENT:
                least = rival.max_fee * _BUMP_PERCENT // 100
                raise RefusedByVenue(f"{rival.tx} waits with nonce {tx.nonce}: to replace it, offer {least} wei a gas or more")
            del self._pending[rival.tx]
        self._pending[tx.tx] = tx

    def account(self, world: World, address: str) -> Account:
        """Return an account, at its opening balances if it never sent anything."""
        return world.accounts.get(address) or opening_account(self._market)

    def include(self, draft: Draft) -> tuple[str, ...]:
        """Execute what can be included, highest offer first, then by hash; return the hashes in order."""
        included: list[str] = []
        while True:
            ready = [tx for tx in self._pending.values() if self._is_ready(tx, draft)]
            if not ready:
                return tuple(included)
            tx = min(ready, key=lambda tx: (-tx.max_fee, tx.tx))
            del self._pending[tx.tx]
            self._fresh.append(self._carry_out(tx, draft))
            included.append(tx.tx)

    def settle(self, block: Block) -> None:
        """Note the block in which the transactions that were included last stand."""
        for receipt in self._fresh:
            self._receipts[receipt.tx.tx] = _in_block(receipt, block.block_hash)
        self._fresh = []

    def reopen(self, block: Block) -> None:
        """Take back the transactions of a dropped block."""
        for tx in block.txs:
            receipt = self._receipts.pop(tx)
            self._pending[tx] = receipt.tx

    def outcome(self, raw: bytes, final: Block) -> Outcome:
        """Return what became of signed bytes; ``final`` is the newest block that no reorganisation can undo any more.

        Raises:
            RefusedByVenue: the bytes are no transaction of this chain.
        """
        tx = _decoded(raw)
        receipt = self._receipts.get(tx.tx)
        if receipt is not None:
            return Outcome(
                status=OutcomeStatus.FILLED if receipt.ok else OutcomeStatus.REVERTED,
                height=receipt.height,
                block_hash=receipt.block_hash,
                fills=receipt.fills,
                changes=tuple(sorted((erc20(CHAIN, token), change) for token, change in receipt.changes)),
                cost=receipt.cost,
                reason=receipt.reason,
                proof=tx.tx,
            )
        used = self.account(final.world, tx.sender).nonce
        if used > tx.nonce:
            reason = f"nonce {tx.nonce} of {tx.sender} was used by another transaction: its next is {used}"
            return Outcome(OutcomeStatus.DEAD, final.height, final.block_hash, reason=reason, proof=f"{tx.sender}:{used}")
        reason = "waiting to be included" if tx.tx in self._pending else "not waiting here, and its nonce is free"
        return Outcome(OutcomeStatus.UNKNOWN, final.height, final.block_hash, reason=reason)

    def next_nonce(self, world: World, address: str) -> int:
        """Return the nonce that an account's next transaction needs, those waiting counted."""
        nonce = self.account(world, address).nonce
        waiting = {tx.nonce for tx in self._pending.values() if tx.sender == address}
        while nonce in waiting:
            nonce += 1
        return nonce

    def _is_ready(self, tx: Transaction, draft: Draft) -> bool:
        account = draft.accounts.get(tx.sender) or opening_account(self._market)
        return tx.nonce == account.nonce and tx.max_fee >= draft.fee and account.native >= tx.gas_limit * draft.fee

    def _carry_out(self, tx: Transaction, draft: Draft) -> Receipt:
        account = draft.accounts.get(tx.sender) or opening_account(self._market)
        gas, result = run_call(tx.call, tx.gas_limit, draft, account)
        cost = gas * draft.fee
        changes = result.changes if isinstance(result, Executed) else ()
        if isinstance(result, Executed):
            draft.commit(result.hops, tx.sender, tx.tx)
            draft.vault = result.vault
        draft.accounts = draft.accounts.set(tx.sender, after_changes(account, changes, cost))
        if isinstance(result, Executed):
            return Receipt(tx, draft.height, True, result.fills, changes, cost, "")
        return Receipt(tx, draft.height, False, (), (), cost, f"{result.rule}: {result.reason}")


def run_call(call: bytes, gas_limit: int, draft: Draft, account: Account | None) -> tuple[int, Executed | Reverted]:
    """Return the gas that a call uses and what it does. ``account`` must have the funds; None supposes that it has."""
    try:
        parts = decode_call(call)
        flow, gas = decode_flow(parts.program), call_gas(parts.program)
    except MalformedBytes as error:
        return min(gas_limit, INTRINSIC_GAS + calldata_gas(call)), Reverted("program", str(error))
    if gas > gas_limit:
        return gas_limit, Reverted("gas", f"needs {gas} gas, the limit is {gas_limit}")
    for token, amount in parts.funds:
        if account is not None and account.tokens.get(token, 0) < amount:
            return gas, Reverted("funds", f"the sender has {account.tokens.get(token, 0)} of {token}, {amount} is handed over")
    return gas, execute(flow, parts.funds, draft)


def _decoded(raw: bytes) -> Transaction:
    try:
        return decode_transaction(raw)
    except MalformedBytes as error:
        raise RefusedByVenue(f"not a transaction of this chain: {error}") from error


def _in_block(receipt: Receipt, block_hash: str) -> Receipt:
    return Receipt(receipt.tx, receipt.height, receipt.ok, receipt.fills, receipt.changes, receipt.cost, receipt.reason, block_hash)
