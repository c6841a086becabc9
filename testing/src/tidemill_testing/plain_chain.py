"""A chain of three classes that keeps every rule of its kind: what broken chains in tests are made from.

It has blocks in memory, can be sent to, and logs and moves one key with each block.
"""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import count
from typing import ClassVar

from anyio.lowlevel import checkpoint
from attrs import evolve, frozen

from tidemill import Chain, ChainLink, ChainReader, ChainRules, Step
from tidemill.domain.answers import CannotFit
from tidemill.domain.asset import Asset
from tidemill.domain.events import Batch, Event, Head, Log, Logs, States
from tidemill.domain.ids import AssetId, ChainId, Key, erc20, native, pool_id
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Flow
from tidemill.domain.pool import LogFilter, PoolRef, Watch
from tidemill.domain.signing import Action, Reading, Unreadable
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Signed, Simulated, Unsigned, Wallet
from tidemill.errors import RefusedByVenue, Unavailable, UsageError
from tidemill.hookspecs.chain import LinkSetup

CHAIN = ChainId("acme:1")
COIN, TOKEN = native(CHAIN, 60), erc20(CHAIN, "0xc0")
ADDRESSES = ("0xa1", "0xa2")
MOVING = Key("0xa1:0x0")
POOLS = tuple(PoolRef(pool_id(CHAIN, "acme", one), "acme", CHAIN, one, (TOKEN, COIN), "pair", 0) for one in ADDRESSES)
MAC = 4
COST = 10
FEE = 5
OPENING = 1_000
TOPICS = (b"\x51" * 32, b"\x52" * 32)


@frozen
class Swap(Step):
    """Swaps at a pool."""

    pool: str


class SoundRules(ChainRules):
    """Counts steps, and refuses what is not its own."""

    id = CHAIN
    family = "acme"
    native = COIN
    wrapped: AssetId | None = TOKEN
    spends_balance = True
    guards_balance = True

    def verified_assets(self) -> Mapping[str, Asset]:
        return {"TOKEN": Asset(TOKEN, "TOKEN", 18)}

    def executes_at(self, head: ChainTime) -> ChainTime:
        return ChainTime(head.chain, head.height + 1, head.unix_time + 2)

    def estimate(self, swaps: Sequence[PoolRef], loans: int, snapshot: Snapshot) -> int:
        return 10 + len(swaps) + loans

    def compose(self, plan: Flow, steps: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Unsigned | CannotFit:
        if plan.chain != self.id or not all(isinstance(step, Swap) for step in steps):
            raise UsageError("not of this chain")
        if len(steps) > 100:
            return CannotFit("steps", 100, len(steps))
        if plan.cost_cap < COST:
            return CannotFit("cost", plan.cost_cap, COST)
        return self.unsigned(plan, ",".join(step.pool for step in steps if isinstance(step, Swap)).encode())

    def unsigned(self, plan: Flow, payload: bytes) -> Unsigned:
        """Return what is signed."""
        return Unsigned(plan.id, plan.chain, payload, 100, plan.expires, "", COST)

    def cost(self, unsigned: Unsigned, snapshot: Snapshot) -> int:
        return COST


class SoundReader(ChainReader):
    """Reads the blocks that its link has told."""

    def __init__(self) -> None:
        self.blocks: dict[int, tuple[Log, ...]] = {}

    async def read(self, keys: Sequence[Key], height: int | None = None) -> States:
        at = max(self.blocks, default=0) if height is None else height
        if at not in self.blocks:
            return self.unknown(keys, at)
        return self.known(keys, at)

    def known(self, keys: Sequence[Key], at: int) -> States:
        """Answer from a block that was told."""
        return States(CHAIN, tuple((key, at.to_bytes(4) if key == MOVING else None) for key in keys))

    def unknown(self, keys: Sequence[Key], at: int) -> States:
        """Refuse to guess.

        Raises:
            Unavailable: always.
        """
        raise Unavailable(f"block {at} is not there")

    async def logs(self, wanted: LogFilter, from_height: int, to_height: int) -> Sequence[Log]:
        found = (log for height, logs in self.blocks.items() for log in logs if from_height <= height <= to_height)
        return [log for log in found if log.address == wanted.address and self.is_wanted(log, wanted)]

    def is_wanted(self, log: Log, wanted: LogFilter) -> bool:
        """Tell whether a log of the contract is of an event that was asked for."""
        return log.matches(wanted)


class SoundLink(ChainLink):
    """Tells blocks from a seed; what was sent is included in the next one."""

    def __init__(self, rules: ChainRules, reader: SoundReader, setup: LinkSetup) -> None:
        self.rules = rules
        self.reader: SoundReader = reader
        self.setup = setup
        self.watched: Counter[Key] = Counter()
        self.pending: dict[bytes, None] = {}
        self.done: dict[bytes, Outcome] = {}

    async def batches(self) -> AsyncIterator[Batch]:
        for height in range(self.setup.blocks) if self.setup.blocks else count():
            await checkpoint()
            yield self.batch(height)

    def batch(self, height: int) -> Batch:
        """Return the batch of a block."""
        block_hash, parent = (f"0x{self.setup.seed:x}{one:04x}" for one in (height, height - 1 if height else 0))
        places = enumerate((address, topic) for topic in TOPICS for address in ADDRESSES)
        logs = tuple(Log(address, (topic,), height.to_bytes(4), index) for index, (address, topic) in places)
        self.reader.blocks[height] = logs
        for raw in self.pending:
            self.done[raw] = self.included(Outcome(OutcomeStatus.FILLED, height, block_hash, cost=10, proof=raw.hex()))
        self.pending.clear()
        events: list[Event] = [self.head(Head(CHAIN, height, block_hash, parent, 1_700_000_000 + 2 * height)), Logs(CHAIN, logs)]
        if self.watched[MOVING] > 0:
            events.append(States(CHAIN, ((MOVING, height.to_bytes(4)),)))
        now = (1_700_000_000 + 2 * height) * 10**9
        return Batch("chains.acme", height, CHAIN, height, block_hash, parent, "final", now, now, tuple(events))

    def head(self, head: Head) -> Head:
        """Return a block's head as it is told."""
        return head

    def included(self, outcome: Outcome) -> Outcome:
        """Return the outcome of what a block includes."""
        return outcome

    async def newest(self) -> ChainTime:
        at = max(self.reader.blocks, default=0)
        return ChainTime(CHAIN, at, 1_700_000_000 + 2 * at)

    async def watch(self, add: Sequence[Watch], remove: Sequence[Watch]) -> None:
        for watch in add:
            self.watched.update(watch.keys)
        for watch in remove:
            self.watched.subtract(watch.keys)

    async def simulate(self, unsigned: Unsigned) -> Simulated:
        return Simulated(ok=True, changes=((TOKEN, 1), (COIN, -1)))

    async def broadcast(self, signed: Signed) -> None:
        self.check(signed.raw)
        if signed.raw not in self.done:
            self.pending[signed.raw] = None

    def check(self, raw: bytes) -> None:
        """Look at signed bytes.

        Raises:
            RefusedByVenue: they are damaged.
        """
        if len(raw) < MAC or hashlib.sha256(raw[:-MAC]).digest()[:MAC] != raw[-MAC:]:
            raise RefusedByVenue("damaged")

    async def outcome(self, signed: Signed) -> Outcome:
        self.check(signed.raw)
        return self.done.get(signed.raw) or self.nothing_known()

    def nothing_known(self) -> Outcome:
        """Return the outcome of what no block includes."""
        return Outcome(OutcomeStatus.UNKNOWN, 0, "")


class NonceLink(SoundLink):
    """The same with accounts: each has a nonce, opening balances, and pays for what is included of it."""

    async def slot(self, wallet: Wallet, taken: Sequence[str]) -> str:
        return f"nonce:{self.lowest(len(self.done), taken)}"

    def lowest(self, nonce: int, taken: Sequence[str]) -> int:
        """Return the lowest nonce from this one on that is not taken."""
        while f"nonce:{nonce}" in taken:
            nonce += 1
        return nonce

    async def seal(self, unsigned: Unsigned, wallet: Wallet, slot: str) -> Unsigned:
        return evolve(unsigned, payload=f"{slot} {wallet.owner} {FEE} ".encode() + unsigned.payload)

    async def cancel(self, wallet: Wallet, replaced: Signed) -> Unsigned | None:
        slot = replaced.raw.split(b" ")[0].decode()
        return Unsigned(replaced.plan, CHAIN, f"{slot} {wallet.owner} {2 * FEE} ".encode(), 100, 10**9, "", COST)

    async def holdings(self, wallet: Wallet, assets: Sequence[AssetId], height: int) -> tuple[tuple[AssetId, int], ...]:
        if height not in self.reader.blocks:
            raise Unavailable(f"block {height} is not there")
        return self.held(assets, height)

    def held(self, assets: Sequence[AssetId], height: int) -> tuple[tuple[AssetId, int], ...]:
        """Return what the one account holds after a block."""
        paid = sum(outcome.cost for outcome in self.done.values() if outcome.height <= height)
        return tuple((asset, OPENING - paid if asset == COIN else OPENING) for asset in assets)


def read_slotted(payload: bytes) -> Reading | Unreadable:
    """Return what a ``NonceLink`` sealed."""
    slot, _, rest = payload.decode().partition(" ")
    owner, fee, pools = rest.split(" ")
    actions = tuple(Action(pool, "swap", spends=((TOKEN, 1_000),)) for pool in pools.split(",") if pool)
    return Reading(CHAIN, owner, "secp256k1", slot, actions, int(fee) * 100)


class Sound(Chain):
    """A chain that breaks nothing."""

    name = "sound"
    rules_class: ClassVar[type[SoundRules]] = SoundRules
    link_class: ClassVar[type[SoundLink]] = SoundLink
    reader_class: ClassVar[type[SoundReader]] = SoundReader

    def rules(self) -> ChainRules:
        return self.rules_class()

    def link(self, setup: LinkSetup) -> ChainLink:
        return self.link_class(self.rules(), self.reader_class(), setup)


def with_rules(rules: type[SoundRules]) -> type[Sound]:
    """Return the chain with other rules."""
    return type("Changed", (Sound,), {"rules_class": rules, "__module__": rules.__module__})


def with_link(link: type[SoundLink] = SoundLink, reader: type[SoundReader] = SoundReader) -> type[Sound]:
    """Return the chain with another link or reader."""
    module = reader.__module__ if link is SoundLink else link.__module__
    return type("Changed", (Sound,), {"link_class": link, "reader_class": reader, "__module__": module})
