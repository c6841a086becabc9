"""A chain small enough to go back hundreds of times in seconds: blocks, nonces, balances, transactions whose outcome hangs on their block.

What a transaction changes follows from its name and from the hash of the block that holds it, so that the same bytes do something else in
another block: books that forget to take back what a dropped block held do not come out right.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from random import Random

from attrs import define, field, frozen

from tidemill.domain.events import Batch
from tidemill.domain.ids import AssetId, PlanId
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.pool import Watch
from tidemill.domain.transaction import Signed, Simulated, TxRef, Unsigned, Wallet
from tidemill.errors import RefusedByVenue, Unavailable
from tidemill.hookspecs.chain import ChainLink, ChainRules
from tidemill_testing.chain_reader import MemoryReader
from tidemill_testing.market import ETHER, SIM
from tidemill_testing.toy import GAS, USD

FINALITY = 12
"""No block that lies so many below the highest one is ever dropped."""
INCLUDED_IN, FORGOTTEN_IN, OUT_IN = 2, 5, 12
"""One of so many transactions that wait is left waiting by a block, is forgotten when its block is dropped; one of so many asks fails."""
OLD_IN, OLDEST = 12, 4
"""One of so many answers is as old as up to so many blocks."""
OPENING = {USD: 10**24, ETHER: 10**18}


@frozen
class Tx:
    """Signed bytes as a node reads them; ``does`` is "" where they do nothing but take their nonce."""

    name: str
    raw: bytes
    nonce: int
    plan: PlanId
    does: str


@frozen
class Block:
    """One block and what it holds, in order."""

    height: int
    hash: str
    txs: tuple[Tx, ...] = ()


@define
class ModelChain:
    """The blocks that stand, what waits, and what goes wrong by chance; where blocks are ``full`` they hold nothing of ours."""

    chance: Random
    blocks: list[Block] = field(factory=lambda: [Block(0, "0x0")])
    waiting: dict[str, Tx] = field(factory=dict)
    forks: int = 0
    highest: int = 0
    full: bool = False
    calm: bool = False

    @property
    def head(self) -> Block:
        """The newest block."""
        return self.blocks[-1]

    @property
    def final(self) -> int:
        """The height up to which no block is ever dropped."""
        return max(0, self.highest - FINALITY)

    def happens(self, one_in: int) -> bool:
        """Whether something goes wrong that does so once in a while; never while it is calm."""
        return not self.calm and self.chance.randrange(one_in) == 0

    def mine(self) -> Block:
        """Add a block that holds what waits in order of nonces, up to where chance leaves one waiting."""
        taken: list[Tx] = []
        for tx in sorted(self.waiting.values(), key=lambda tx: (tx.nonce, tx.name)):
            if not self.full and tx.nonce == self.nonce() + len(taken) and not self.happens(INCLUDED_IN):
                taken.append(tx)
        for tx in taken:
            del self.waiting[tx.name]
        height = self.head.height + 1
        self.blocks.append(Block(height, f"0x{height:x}f{self.forks}", tuple(taken)))
        self.highest = max(self.highest, height)
        return self.head

    def go_back(self, depth: int) -> Block:
        """Drop so many blocks; their transactions wait again, but for those that are forgotten. Return the head that stays."""
        self.forks += 1
        for _ in range(depth):
            for tx in self.blocks.pop().txs:
                if not self.happens(FORGOTTEN_IN):
                    self.waiting[tx.name] = tx
        return self.head

    def nonce(self, height: int | None = None) -> int:
        """Return the account's next nonce after a block."""
        last = self.head.height if height is None else height
        return sum(len(block.txs) for block in self.blocks if block.height <= last)

    def submit(self, tx: Tx) -> None:
        """Take a transaction.

        Raises:
            RefusedByVenue: its nonce is used.
        """
        if any(tx in block.txs for block in self.blocks):
            return
        if tx.nonce < self.nonce():
            raise RefusedByVenue(f"nonce {tx.nonce} is used: the next is {self.nonce()}")
        self.waiting[tx.name] = tx

    def outcome(self, tx: Tx) -> Outcome:
        """Return what became of a transaction, now and then as it was known some blocks before."""
        seen = max(0, self.head.height - (self.chance.randint(1, OLDEST) if self.happens(OLD_IN) else 0))
        final = max(0, min(self.final, seen))
        for block in self.blocks[: seen + 1]:
            if tx in block.txs:
                return effect(tx, block)
        if self.nonce(final) > tx.nonce:
            return Outcome(OutcomeStatus.DEAD, final, self.blocks[final].hash, reason="its nonce was used")
        return Outcome(OutcomeStatus.UNKNOWN, seen, self.blocks[seen].hash)

    def holdings(self, height: int) -> dict[AssetId, int]:
        """Return what the account holds after a block."""
        held = dict(OPENING)
        for block in self.blocks[: height + 1]:
            for tx in block.txs:
                done = effect(tx, block)
                for asset, change in (*done.changes, (ETHER, -done.cost)):
                    held[asset] += change
        return held


def effect(tx: Tx, block: Block) -> Outcome:
    """Return what a transaction does in a block: earn some dollars, or fail; it costs something in any case."""
    drawn = int.from_bytes(hashlib.sha256(f"{tx.name} {block.hash}".encode()).digest()[:8])
    fails = bool(tx.does) and drawn % 4 == 0
    changes = ((USD, drawn % 1_000 + 1),) if tx.does and not fails else ()
    status = OutcomeStatus.REVERTED if fails else OutcomeStatus.FILLED
    return Outcome(status, block.height, block.hash, changes=changes, cost=drawn % GAS + 1, reason="by chance" if fails else "")


def read(signed: Signed) -> Tx:
    """Return a transaction from its bytes."""
    _, nonce, does = signed.raw.decode().split("|")
    return Tx(signed.ref.tx, signed.raw, int(nonce), signed.plan, does)


class ModelSigner:
    """Signs everything: a signature is a word before the bytes, and their hash is the transaction's name."""

    async def sign(self, unsigned: Unsigned, account: str, intent: int) -> Signed:
        """Return signed bytes."""
        raw = b"signed|" + unsigned.payload
        return Signed(unsigned.plan, TxRef(SIM, hashlib.sha256(raw).hexdigest()), raw)


class ModelLink(ChainLink):
    """Asks a model chain, which does not always answer."""

    def __init__(self, chain: ModelChain, rules: ChainRules, reader: MemoryReader) -> None:
        self.rules, self.reader, self.chain = rules, reader, chain

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield nothing: whoever makes the schedule feeds the batches."""
        nothing: tuple[Batch, ...] = ()
        for batch in nothing:
            yield batch

    async def watch(self, add: Sequence[Watch], remove: Sequence[Watch]) -> None:
        """Report all there is anyhow."""

    async def simulate(self, unsigned: Unsigned) -> Simulated:
        return Simulated(ok=True)

    async def slot(self, wallet: Wallet, taken: Sequence[str]) -> str:
        nonce = self.chain.nonce()
        while f"nonce:{nonce}" in taken:
            nonce += 1
        return f"nonce:{nonce}"

    async def seal(self, unsigned: Unsigned, wallet: Wallet, slot: str) -> Unsigned:
        payload = f"{slot.removeprefix('nonce:')}|{unsigned.payload.decode()}".encode()
        return Unsigned(unsigned.plan, SIM, payload, unsigned.compute_limit, unsigned.expires, unsigned.digest)

    async def cancel(self, wallet: Wallet, replaced: Signed) -> Unsigned:
        return Unsigned(replaced.plan, SIM, f"{read(replaced).nonce}|".encode(), GAS, 1 << 62)

    async def holdings(self, wallet: Wallet, assets: Sequence[AssetId], height: int) -> tuple[tuple[AssetId, int], ...]:
        held = self.chain.holdings(height)
        return tuple((asset, held.get(asset, 0)) for asset in assets)

    async def broadcast(self, signed: Signed) -> None:
        self.chain.submit(read(signed))

    async def outcome(self, signed: Signed) -> Outcome:
        if self.chain.happens(OUT_IN):
            raise Unavailable("the node does not answer now")
        return self.chain.outcome(read(signed))
