"""Transactions that were broadcast: waiting, included, undone by a reorganisation, or impossible."""

from collections.abc import Mapping

from tidemill.domain.ids import erc20
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.errors import RefusedByVenue
from tidemill_chain_sim.accounts import after_changes, opening_account
from tidemill_chain_sim.draft import Draft
from tidemill_chain_sim.execution import Executed, Reverted, execute
from tidemill_chain_sim.market import Market
from tidemill_chain_sim.receipts import Receipt, Receipts
from tidemill_chain_sim.settings import finality_of
from tidemill_chain_sim.world import Account, Block, World
from tidemill_evm.errors import MalformedBytes
from tidemill_evm.executor import decode_flow
from tidemill_evm.gas import INTRINSIC_GAS, call_gas, calldata_gas
from tidemill_simworld import CHAIN, EXECUTOR
from tidemill_simworld.envelope import SignedTransaction, decode_call, open_signed

LIFETIME = 60
"""How many blocks upon the one whose hash it bears a transaction of an ``svm`` account may be included."""
BUMP_PERCENT = 110


class Mempool:
    """Keeps what was broadcast and includes it in blocks.

    A transaction is included when it offers the block's base fee, the account can pay for it, and its slot is right: its nonce is the
    account's next, or it bears the hash of a recent block and has not happened yet.

    Attributes:
        receipts: of what the chain holds.
    """

    def __init__(self, market: Market, recent: Mapping[str, int]) -> None:
        """Begin without transactions; ``recent`` are the heights of the chain's last blocks by their hashes, as they change."""
        self.receipts = Receipts()
        self._market = market
        self._recent = recent
        self._pending: dict[str, SignedTransaction] = {}
        self._fresh: list[Receipt] = []

    @property
    def waiting(self) -> tuple[SignedTransaction, ...]:
        """What is not included yet, by name."""
        return tuple(tx for _, tx in sorted(self._pending.items()))

    def submit(self, tx: SignedTransaction, head: Block) -> None:
        """Take a transaction; the same one again changes nothing.

        Raises:
            RefusedByVenue: its slot is used or can never be, the account cannot pay, or another transaction with that nonce waits and pays
                within a tenth as much.
        """
        if tx.tx in self._pending or self.receipts.holds(tx):
            return
        account, cost = self.account(head.world, tx.account), tx.sealed.most_cost
        if tx.sealed.scheme == "ed25519":
            self._check_block_hash(tx, head)
        elif tx.sealed.nonce < account.nonce:
            raise RefusedByVenue(f"nonce {tx.sealed.nonce} of {tx.account} is used: expected {account.nonce} or more")
        if cost > account.native:
            raise RefusedByVenue(f"{tx.account} has {account.native} wei, the transaction may cost {cost}")
        rival = self._rival(tx)
        if rival is not None:
            least = bumped(rival.sealed.max_fee)
            if tx.sealed.max_fee < least:
                raise RefusedByVenue(f"{rival.tx} waits in its place, {tx.sealed.slot}: to replace it, offer {least} wei a gas or more")
            del self._pending[rival.tx]
        self._pending[tx.tx] = tx

    def forget(self, tx: str) -> None:
        """Drop a transaction that waits."""
        del self._pending[tx]

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
            tx = min(ready, key=lambda tx: (-tx.sealed.max_fee, tx.tx))
            del self._pending[tx.tx]
            self._fresh.append(self._carry_out(tx, draft))
            included.append(tx.tx)

    def settle(self, block: Block) -> None:
        """Note the block in which the transactions that were included last stand, and forget what can never be included any more."""
        for receipt in self._fresh:
            self.receipts.add(receipt, block)
        self._fresh = []
        final = block.height - finality_of(self._market.settings)
        for tx in [one for one in self._pending.values() if one.sealed.block_hash and one.sealed.last_valid <= final]:
            del self._pending[tx.tx]

    def reopen(self, block: Block) -> None:
        """Take back the transactions of a dropped block."""
        for tx in self.receipts.drop(block):
            self._pending[tx.tx] = tx

    def outcome(self, tx: SignedTransaction, seen: Block, final: Block) -> Outcome:
        """Return what became of a transaction, as it is known when ``seen`` is the head.

        ``final`` is the newest block that no reorganisation can undo any more then.
        """
        receipt = self.receipts.get(tx.tx)
        if receipt is not None and receipt.height <= seen.height:
            return receipt.outcome()
        if tx.sealed.block_hash:
            dead = final.height >= tx.sealed.last_valid
            reason = f"it could be included up to height {tx.sealed.last_valid}, and is in no block that stays"
            proof = f"{final.block_hash}:{tx.sealed.last_valid}"
        else:
            used = self.account(final.world, tx.account).nonce
            dead, proof = used > tx.sealed.nonce, f"{tx.account}:{used}"
            reason = f"nonce {tx.sealed.nonce} of {tx.account} was used by another transaction: its next is {used}"
        if dead:
            return Outcome(OutcomeStatus.DEAD, final.height, final.block_hash, reason=reason, proof=proof)
        reason = "waiting to be included" if tx.tx in self._pending else "not waiting here, and its slot is free"
        return Outcome(OutcomeStatus.UNKNOWN, seen.height, seen.block_hash, reason=reason)

    def _check_block_hash(self, tx: SignedTransaction, head: Block) -> None:
        """Refuse a block hash that no block of the chain will ever accept.

        Raises:
            RefusedByVenue: no recent block has it, or the last valid height is passed or further off than it may be.
        """
        height, last = self._recent.get(tx.sealed.block_hash), tx.sealed.last_valid
        if height is None:
            raise RefusedByVenue(f"no recent block has the hash {tx.sealed.block_hash}: take that of a newer one")
        if not head.height < last <= height + LIFETIME:
            most = f"a last valid height above the head {head.height} and up to {height + LIFETIME}"
            raise RefusedByVenue(f"expected {most} with the hash of block {height}, found {last}")

    def _rival(self, tx: SignedTransaction) -> SignedTransaction | None:
        if tx.sealed.block_hash:
            return next((other for other in self._pending.values() if other.payload == tx.payload), None)
        slot = (tx.account, tx.sealed.slot)
        return next((other for other in self._pending.values() if (other.account, other.sealed.slot) == slot), None)

    def _is_ready(self, tx: SignedTransaction, draft: Draft) -> bool:
        sealed, account = tx.sealed, draft.accounts.get(tx.account) or opening_account(self._market)
        if sealed.max_fee < draft.fee or account.native < sealed.gas_limit * draft.fee:
            return False
        if sealed.block_hash:
            return sealed.block_hash in self._recent and draft.height <= sealed.last_valid
        return sealed.nonce == account.nonce

    def _carry_out(self, tx: SignedTransaction, draft: Draft) -> Receipt:
        account = draft.accounts.get(tx.account) or opening_account(self._market)
        gas, result = run_call(tx.sealed.call, tx.sealed.gas_limit, draft, account)
        cost = gas * draft.fee
        changes = result.changes if isinstance(result, Executed) else ()
        if isinstance(result, Executed):
            draft.commit(result.hops, EXECUTOR, tx.tx)
            draft.vault = result.vault
        draft.accounts = draft.accounts.set(tx.account, after_changes(account, changes, cost))
        if isinstance(result, Executed):
            return Receipt(tx, draft.height, True, result.fills, changes, cost, "")
        return Receipt(tx, draft.height, False, (), (), cost, f"{result.rule}: {result.reason}")


def bumped(max_fee: int) -> int:
    """Return the least fee that replaces one that waits, wei a gas: a tenth more, rounded up."""
    return -(-max_fee * BUMP_PERCENT // 100)


def opened(raw: bytes) -> SignedTransaction:
    """Return a transaction from signed bytes.

    Raises:
        RefusedByVenue: they are damaged, or none of this chain.
    """
    try:
        return open_signed(raw)
    except MalformedBytes as error:
        raise RefusedByVenue(f"not a transaction of this chain: {error}") from error


def run_call(call: bytes, gas_limit: int, draft: Draft, account: Account | None) -> tuple[int, Executed | Reverted]:
    """Return the gas that a call uses and what it does. ``account`` must have the funds; None supposes that it has."""
    try:
        parts = decode_call(call)
        if parts.is_empty:
            return _run_nothing(call, gas_limit, draft)
        flow, gas = decode_flow(parts.program), call_gas(parts.program)
    except MalformedBytes as error:
        return min(gas_limit, INTRINSIC_GAS + calldata_gas(call)), Reverted("program", str(error))
    if gas > gas_limit:
        return gas_limit, Reverted("gas", f"needs {gas} gas, the limit is {gas_limit}")
    for token, amount in parts.funds:
        if account is not None and account.tokens.get(token, 0) < amount:
            return gas, Reverted(
                "funds", f"the sender has {account.tokens.get(token, 0)} of {erc20(CHAIN, token)}, {amount} is handed over"
            )
    return gas, execute(flow, parts.funds, draft)


def _run_nothing(call: bytes, gas_limit: int, draft: Draft) -> tuple[int, Executed | Reverted]:
    gas = INTRINSIC_GAS + calldata_gas(call)
    if gas > gas_limit:
        return gas_limit, Reverted("gas", f"needs {gas} gas, the limit is {gas_limit}")
    return gas, Executed((), (), draft.vault, ())
