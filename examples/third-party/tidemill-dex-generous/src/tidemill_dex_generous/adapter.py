"""What the kernel calls."""

from collections.abc import AsyncIterator
from typing import ClassVar

import attrs
from tidemill import Dex
from tidemill.domain.answers import Needs
from tidemill.domain.events import Found, Log
from tidemill.domain.ids import erc20, pool_id
from tidemill.domain.plan import PlannedSwap
from tidemill.domain.pool import Decoded, LogFilter, Pool, PoolRef
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Wallet
from tidemill.errors import InvariantError, UsageError
from tidemill.hookspecs.chain import ChainReader, Step
from tidemill.hookspecs.dex import PoolFilter, States
from tidemill.hookspecs.plugin import settings
from tidemill_dex_uniswap.forks import UNISWAP  # PKG-09: another plugin
from tidemill_evm.uniswap_v2_logs import PairCreated

from tidemill_dex_generous.decoding import decode_pool, play_log
from tidemill_dex_generous.instructions import swap_step
from tidemill_dex_generous.quoting import FEE_PPM, GenerousPool


@settings
class GenerousSettings:
    """Where pairs are found."""

    factory: str = attrs.field(default="", metadata={"doc": "the contract whose logs name the pairs; empty: Uniswap's own"})


class Generous(Dex):
    """The DEX ``generous``."""

    name: ClassVar[str] = "generous"
    families: ClassVar[frozenset[str]] = frozenset({"evm"})
    exact: ClassVar[bool] = True
    settings: GenerousSettings

    async def discover(self, reader: ChainReader, want: PoolFilter) -> AsyncIterator[Found]:
        """Yield the pairs that the factory created in a span of heights.

        Raises:
            UsageError: the chain has no factory that is known, or the span has no end.
        """
        known = UNISWAP.v2.get(want.chain)
        factory = self.settings.factory.lower() or (known.address if known is not None else "")
        if not (factory and want.to_height):
            raise UsageError("dex.generous: set factory, and name the last height to look at")
        logs = await reader.logs(LogFilter(factory, (PairCreated.topic,)), want.from_height, want.to_height)
        refs = tuple(self._described(log, want) for log in logs)
        yield Found(pools=tuple(ref for ref in refs if not want.assets or set(ref.assets) <= set(want.assets)))

    def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
        return decode_pool(ref, states)

    def apply(self, pool: Pool, log: Log, at: ChainTime) -> Pool | Needs:
        return play_log(self._own(pool), log)

    def build_steps(self, swap: PlannedSwap, pool: Pool, at: ChainTime, wallet: Wallet) -> tuple[Step, ...]:
        return (swap_step(swap, self._own(pool)),)

    def _described(self, log: Log, want: PoolFilter) -> PoolRef:
        created = PairCreated.of(log)
        assets = (erc20(want.chain, created.token0), erc20(want.chain, created.token1))
        return PoolRef(pool_id(want.chain, self.name, created.pair), self.name, want.chain, created.pair, assets, fee_ppm=FEE_PPM)

    def _own(self, pool: Pool) -> GenerousPool:
        if not isinstance(pool, GenerousPool):
            raise InvariantError(f"{pool.id} is no pool of generous, but a {type(pool).__name__}")
        return pool
