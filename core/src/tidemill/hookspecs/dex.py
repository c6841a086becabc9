"""DEXs: bytes to pools, pools to steps."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import ClassVar

from attrs import frozen

from tidemill.domain.answers import Needs, NoQuote
from tidemill.domain.events import Found, Log, Observation
from tidemill.domain.ids import AssetId, ChainId, Key, Pair, PoolId, pair_of
from tidemill.domain.offer import Offer
from tidemill.domain.plan import PlannedSwap
from tidemill.domain.pool import Decoded, Pool, PoolRef, Swapped
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Wallet
from tidemill.hookspecs.chain import ChainReader, Step
from tidemill.hookspecs.markers import hookspec
from tidemill.hookspecs.plugin import Plugin
from tidemill.units import PPM_SCALE, Bps

States = Mapping[Key, bytes | None]
"""Values read so far: None is known to be absent, a key that is not in it was never read.

What a key may name is said at ``tidemill.domain.ids.Key``: on EVM chains a slot (``storage_key`` of ``tidemill_evm.storage``; a word of
32 bytes) or the answer of a contract to a call (``call_key``; the bytes that come back, None where it reverts), on Solana an account.
"""


@frozen
class PoolFilter:
    """Which pools discovery should look for: on one chain, among these assets (empty: all), created at heights in a span, ends included.

    ``to_height`` 0 leaves the end open; a search without assets needs one.
    """

    chain: ChainId
    assets: tuple[AssetId, ...] = ()
    from_height: int = 0
    to_height: int = 0


class Dex(Plugin):
    """A decentralised exchange: discovers pools, decodes their state, plays logs on it, and says how a swap is done.

    Attributes:
        families: the chain families it lives on.
        exact: its quotes equal what the chain pays, to the last unit.
    """

    interface_version: ClassVar[int] = 1
    families: ClassVar[frozenset[str]]
    exact: ClassVar[bool]

    @abstractmethod
    def discover(self, reader: ChainReader, want: PoolFilter) -> AsyncIterator[Found]:
        """Yield descriptors of pools that exist; the only method that does I/O, through ``reader`` alone."""

    @abstractmethod
    def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
        """Make a pool from state read at one height, or name the keys that are needed first.

        Pure. Asked again, a bounded number of times, once the keys were read. ``last`` is the pool as it stood before, or None. State
        beyond what a first load needs is used where ``states`` holds it: that is how a quote's missing state is filled in.

        Raises:
            DecodeError: the bytes are not those of such a pool.
        """

    def apply(self, pool: Pool, log: Log, at: ChainTime) -> Pool | Needs:
        """Play one log of a watched contract on a pool, exactly as the contract changed; a pool that no log moves returns itself.

        ``at`` is the block of the log: a pool whose fee or oracle depends on time needs it.

        Raises:
            DecodeError: the log is not one of such a pool.
        """
        return pool

    def observe(self, pool: Pool, seen: Observation) -> Pool:
        """Take in an observed figure, for pools that are made of observations (an aggregator's quotes); others return themselves."""
        return pool

    @abstractmethod
    def build_steps(self, swap: PlannedSwap, pool: Pool, at: ChainTime, wallet: Wallet) -> tuple[Step, ...]:
        """Return the steps that carry out a swap; ``pool`` is as it will stand at that step, amounts in ``swap`` are final.

        Steps are those of the chain's family, which its rules know how to compose, in paper mode too: on EVM chains ``V2Swap`` and
        ``V3Swap`` of ``tidemill_evm.steps``, and ``CallSwap`` for a call of any other contract. What a plan brings is found by
        ``swap_exact_in``, never from its steps: these must do what the pool says. Who calls, pays and receives is
        ``wallet.executor or wallet.owner``.
        """

    def supported_pairs(self, snapshot: Snapshot) -> tuple[Pair, ...]:
        """Return the pairs that this DEX's loaded pools trade, in order."""
        pairs = {
            pair_of(one, other)
            for pool in self._pools(snapshot)
            for place, one in enumerate(pool.assets)
            for other in pool.assets[place + 1 :]
        }
        return tuple(sorted(pairs))

    def fetch_prices(self, snapshot: Snapshot, pairs: Iterable[Pair]) -> dict[Pair, Offer]:
        """Return this DEX's cheapest offer for each pair that it trades."""
        offers = {}
        for pair in pairs:
            for offer in snapshot.offers(pair):
                if snapshot.refs[offer.pool].dex == self.name:
                    offers[pair] = offer
                    break
        return offers

    def get_pool_liquidity(self, snapshot: Snapshot, pool: PoolId) -> Mapping[AssetId, int]:
        """Return what a loaded pool holds, base units; KeyError where it is not loaded."""
        return snapshot.pools[pool].holdings

    def simulate_swap(self, snapshot: Snapshot, swap: PlannedSwap) -> Swapped | NoQuote:
        """Return what a swap of a fixed amount would do in the next block."""
        pool = snapshot.pools[swap.pool]
        ref = snapshot.refs[swap.pool]
        return pool.swap_exact_in(swap.sell, swap.buy, swap.amount_in or 0, snapshot.at(ref.chain))

    def build_swap_instruction(self, snapshot: Snapshot, swap: PlannedSwap, wallet: Wallet) -> tuple[Step, ...]:
        """Return the steps of a single swap as the pool stands now."""
        return self.build_steps(swap, snapshot.pools[swap.pool], snapshot.at(wallet.chain), wallet)

    def fee_bps(self, pool: Pool) -> Bps | None:
        """Return a pool's fee in whole basis points, rounded up, or None where it varies."""
        return None if pool.fee_ppm is None else Bps(-(-pool.fee_ppm * 10_000 // PPM_SCALE))

    def _pools(self, snapshot: Snapshot) -> list[Pool]:
        return [snapshot.pools[pool] for pool in sorted(snapshot.pools) if snapshot.refs[pool].dex == self.name]


@hookspec
def tidemill_register_dexes() -> Sequence[type[Dex]]:  # type: ignore[empty-body]
    """Return the DEX classes this plugin provides.

    What to return: classes derived from Dex, each with a name of its own.
    When: once, while the pipeline is assembled, before any connection is opened.
    Must not: do I/O, read the environment, or return a name already taken.
    Raises: nothing; bad settings are found when the configuration is read.
    Example: plugins/dex/uniswap/src/tidemill_dex_uniswap/uniswap.py
    """
