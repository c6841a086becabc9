"""A toy chain and its DEX: the smallest family that the whole pipeline can run on, with nothing mocked inside the core.

A pool's state is one key whose value is its two reserves, 16 bytes each, big-endian; a log's data has the same form. A transaction costs
a fixed ``GAS`` and carries its plan's id.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

from attrs import frozen

from tidemill.domain.answers import CannotFit, Needs
from tidemill.domain.asset import Asset
from tidemill.domain.events import Batch, Event, Found, Head, Log, Logs, States
from tidemill.domain.ids import AssetId, ChainId, Key, PoolId, erc20, native, pool_id
from tidemill.domain.plan import Flow, PlannedSwap
from tidemill.domain.pool import Decoded, LogFilter, Pool, PoolRef, Watch
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Unsigned, Wallet
from tidemill.errors import DecodeError
from tidemill.hookspecs.chain import ChainReader, ChainRules, Step
from tidemill.hookspecs.dex import Dex, PoolFilter
from tidemill_testing.market import ETHER, SIM, PairPool, token

GAS = 1_000
"""What every transaction costs, native base units."""
WETH, USD, DAI = token("WETH"), token("USD"), token("DAI")
BLOCK_S = 12


@frozen
class ToyStep(Step):
    """One swap, as it was planned."""

    swap: PlannedSwap


class ToyRules(ChainRules):
    """Executes in the next block, costs ``gas`` a plan, allows at most ``max_steps`` steps."""

    id = SIM
    family = "toy"
    native = ETHER
    wrapped = WETH
    spends_balance = True
    guards_balance = True

    def __init__(self, gas: int = GAS, max_steps: int = 64, *, chain: ChainId = SIM) -> None:
        self.gas = gas
        self.max_steps = max_steps
        self.id = chain
        if chain != SIM:
            self.native, self.wrapped = native(chain, 60), erc20(chain, "0xe0")

    def verified_assets(self) -> Mapping[str, Asset]:
        """Name the three tokens."""
        return {name: Asset(token(name), name, 18) for name in ("WETH", "USD", "DAI")}

    def executes_at(self, head: ChainTime) -> ChainTime:
        """Return the next block."""
        return ChainTime(head.chain, head.height + 1, head.unix_time + BLOCK_S)

    def estimate(self, swaps: Sequence[PoolRef], loans: int, snapshot: Snapshot) -> int:
        """Return the fixed cost."""
        return self.gas

    def compose(self, plan: Flow, steps: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Unsigned | CannotFit:
        """Return the plan's id as bytes."""
        if len(steps) > self.max_steps:
            return CannotFit("steps", self.max_steps, len(steps))
        return Unsigned(plan.id, self.id, plan.id.encode(), self.gas, plan.expires, plan.id)

    def cost(self, unsigned: Unsigned, snapshot: Snapshot) -> int:
        """Return the fixed cost."""
        return self.gas


class ToyDex(Dex):
    """Decodes pools from one key each; logs move them."""

    name = "toy"
    families = frozenset({"toy"})
    exact = True

    async def discover(self, reader: ChainReader, want: PoolFilter) -> AsyncIterator[Found]:
        """Find nothing: tests say what is found."""
        nothing: tuple[Found, ...] = ()
        for found in nothing:
            yield found

    def decode(self, ref: PoolRef, states: Mapping[Key, bytes | None], at: ChainTime, last: Pool | None) -> Decoded | Needs:
        """Read both reserves."""
        key = state_key(ref.id)
        if key not in states:
            return Needs((key,))
        value = states[key]
        if value is None or len(value) != 32:
            raise DecodeError(f"{ref.id}: expected 32 bytes of reserves, found {value!r}")
        return Decoded(_pool(ref.id, ref.assets, value, ref.fee_ppm or 0), Watch((key,), (LogFilter(ref.address),)))

    def apply(self, pool: Pool, log: Log, at: ChainTime) -> Pool | Needs:
        """Take the reserves that a log tells."""
        if len(log.data) != 32:
            raise DecodeError(f"{pool.id}: expected 32 bytes of reserves, found {len(log.data)}")
        return _pool(pool.id, pool.assets, log.data, pool.fee_ppm or 0)

    def build_steps(self, swap: PlannedSwap, pool: Pool, at: ChainTime, wallet: Wallet) -> tuple[Step, ...]:
        """Return the swap itself."""
        return (ToyStep(swap),)


def _pool(identifier: PoolId, assets: tuple[AssetId, ...], value: bytes, fee_ppm: int) -> PairPool:
    return PairPool(identifier, assets, (int.from_bytes(value[:16]), int.from_bytes(value[16:])), fee_ppm)


def state_key(pool: PoolId) -> Key:
    """Return the key of a toy pool's state."""
    return Key(f"{pool.rpartition(':')[2]}:0x0")


def reserves_bytes(first: int, second: int) -> bytes:
    """Return reserves as a toy pool's state holds them, in the order of its assets."""
    return first.to_bytes(16) + second.to_bytes(16)


def toy_ref(number: int, one: AssetId, other: AssetId, fee_ppm: int = 3_000, *, dex: str = "toy", chain: ChainId = SIM) -> PoolRef:
    """Return the descriptor of the toy pool with a number; its assets are in order of their ids."""
    address = f"0x{number:040x}"
    return PoolRef(pool_id(chain, dex, address), dex, chain, address, (min(one, other), max(one, other)), "toy", fee_ppm)


class ToyBlocks:
    """Makes the batches of a toy chain, block by block."""

    def __init__(self, chain: ChainId = SIM) -> None:
        self.chain = chain
        self.height = 0
        self.seq = 0
        self.fork = ""

    def found(self, *refs: PoolRef) -> Batch:
        """Return a batch that finds pools and the three tokens."""
        assets = tuple(ToyRules().verified_assets().values())
        return self.batch(Found((*assets, Asset(ETHER, "ETH", 18)), refs))

    def head(self, *events: Event) -> Batch:
        """Return the next block: its head, then the given events."""
        self.height += 1
        time = self.height * BLOCK_S
        parent = self.hash_of(self.height - 1)
        return self.batch(Head(self.chain, self.height, self.hash_of(self.height), parent, time), *events)

    def states(self, reserves: Mapping[PoolId, tuple[int, int]]) -> States:
        """Return pools' reserves as an event of values."""
        return States(self.chain, tuple((state_key(pool), reserves_bytes(*held)) for pool, held in reserves.items()))

    def logs(self, reserves: Mapping[PoolId, tuple[int, int]]) -> Logs:
        """Return pools' new reserves as an event of logs."""
        logs = (Log(pool.rpartition(":")[2], (), reserves_bytes(*held), index) for index, (pool, held) in enumerate(reserves.items()))
        return Logs(self.chain, tuple(logs))

    def hash_of(self, height: int) -> str:
        """Return the hash of a block on the present fork."""
        return f"0x{height:x}{self.fork}"

    def batch(self, *events: Event) -> Batch:
        """Return a batch at the present height."""
        self.seq += 1
        now_ns = self.height * BLOCK_S * 10**9
        parent = self.hash_of(self.height - 1)
        return Batch("toy", self.seq, self.chain, self.height, self.hash_of(self.height), parent, "confirmed", now_ns, now_ns, events)
