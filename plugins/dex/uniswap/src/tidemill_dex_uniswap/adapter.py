"""What the four DEXs have in common: all of it but their ``Fork``."""

from collections.abc import AsyncIterator
from typing import ClassVar

import attrs

from tidemill.domain.answers import Needs
from tidemill.domain.events import Found, Log
from tidemill.domain.plan import PlannedSwap
from tidemill.domain.pool import Decoded, Pool, PoolRef
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Wallet
from tidemill.errors import DecodeError, InvariantError, UsageError
from tidemill.hookspecs.chain import ChainReader, Step
from tidemill.hookspecs.dex import Dex, PoolFilter, States
from tidemill.hookspecs.plugin import settings
from tidemill_dex_uniswap.decoding import decode_v2, decode_v3
from tidemill_dex_uniswap.discovery import discover_logged, discover_named
from tidemill_dex_uniswap.forks import Fork
from tidemill_dex_uniswap.instructions import swap_step
from tidemill_dex_uniswap.playing import play_v2, play_v3
from tidemill_dex_uniswap.quoting import ClosedPool, V2Pool, V3Pool


@settings
class UniswapSettings:
    """How pools are discovered; nothing here changes a quote."""

    log_span: int = attrs.field(
        default=2_000,
        validator=attrs.validators.in_(range(1, 1_000_001)),
        metadata={"doc": "blocks per request of factory logs, 1 to 1_000_000; nodes limit it"},
    )


class UniswapDex(Dex):
    """A DEX with the contracts of Uniswap V2 and V3, as its ``fork`` says."""

    families: ClassVar[frozenset[str]] = frozenset({"evm"})
    exact: ClassVar[bool] = True
    fork: ClassVar[Fork]
    settings: UniswapSettings

    def discover(self, reader: ChainReader, want: PoolFilter) -> AsyncIterator[Found]:
        """Yield the pools between the wanted assets; or, where none are named, all created in the span of heights.

        Assets are not described (see ``discovery``).

        Raises:
            UsageError: neither assets nor the span's end are named.
        """
        if want.assets:
            return discover_named(reader, self.name, self.fork, want.chain, want.assets)
        if not want.to_height:
            raise UsageError(f"dex.{self.name}: name the assets whose pools are wanted, or the last height to look at")
        heights = range(want.from_height, want.to_height + 1)
        return discover_logged(reader, self.name, self.fork, want.chain, heights, self.settings.log_span)

    def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
        """Make a pool from its storage alone; ``last`` decides nothing."""
        if ref.kind not in self.fork.kinds:
            raise DecodeError(f"{ref.id}: expected a pool of kind {' or '.join(sorted(self.fork.kinds))}, found {ref.kind!r}")
        return decode_v2(ref, states) if ref.kind == "v2" else decode_v3(ref, states, self.fork)

    def apply(self, pool: Pool, log: Log, at: ChainTime) -> Pool | Needs:
        if isinstance(pool, V2Pool):
            return play_v2(pool, log)
        return play_v3(self._own(pool), log, self.fork)

    def build_steps(self, swap: PlannedSwap, pool: Pool, at: ChainTime, wallet: Wallet) -> tuple[Step, ...]:
        return (swap_step(swap, pool if isinstance(pool, V2Pool) else self._own(pool)),)

    def _own(self, pool: Pool) -> V3Pool | ClosedPool:
        if not isinstance(pool, V3Pool | ClosedPool):
            raise InvariantError(f"{pool.id} is no pool of {self.name}, but a {type(pool).__name__}")
        return pool
