"""What the kernel calls: names the pure functions of the other modules, and finds pools."""

from collections.abc import AsyncIterator
from typing import ClassVar

import attrs
from tidemill import Dex
from tidemill.domain.answers import Needs
from tidemill.domain.events import Found, Log
from tidemill.domain.plan import PlannedSwap
from tidemill.domain.pool import Decoded, Pool, PoolRef
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Wallet
from tidemill.errors import InvariantError, UsageError
from tidemill.hookspecs.chain import ChainReader, Step
from tidemill.hookspecs.dex import PoolFilter, States
from tidemill.hookspecs.plugin import settings

from tidemill_dex_weighted.decoding import decode_pool
from tidemill_dex_weighted.discovery import VAULT, created_pools, described
from tidemill_dex_weighted.instructions import swap_step
from tidemill_dex_weighted.logs import play_log
from tidemill_dex_weighted.quoting import WeightedPool


@settings
class WeightedSettings:
    """Where pools are found; nothing here changes a quote."""

    factories: tuple[str, ...] = attrs.field(
        default=(), metadata={"doc": "the contracts whose logs name the pools; empty: pools come from tapes alone"}
    )
    vault: str = attrs.field(default=VAULT, metadata={"doc": "the Vault that holds what the pools have, the same on most chains"})
    log_span: int = attrs.field(
        default=2_000, validator=attrs.validators.in_(range(1, 1_000_001)), metadata={"doc": "blocks per request of logs, 1 to 1_000_000"}
    )


class Weighted(Dex):
    """The DEX ``weighted``: Balancer V2 weighted pools."""

    name: ClassVar[str] = "weighted"
    families: ClassVar[frozenset[str]] = frozenset({"evm"})
    exact: ClassVar[bool] = True
    settings: WeightedSettings

    async def discover(self, reader: ChainReader, want: PoolFilter) -> AsyncIterator[Found]:
        """Yield the pools that the factories created in a span of heights and that trade two of the wanted assets, where some are named.

        Raises:
            UsageError: no factory is set, or the span has no end.
        """
        if not (self.settings.factories and want.to_height):
            raise UsageError("dex.weighted: set factories, and name the last height to look at")
        for first in range(want.from_height, want.to_height + 1, self.settings.log_span):
            last = min(first + self.settings.log_span - 1, want.to_height)
            pools = await created_pools(reader, self.settings.factories, first, last)
            found = await described(reader, want, self.settings.vault.lower(), pools, last)
            if found:
                yield Found(pools=found)

    def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
        return decode_pool(ref, states)

    def apply(self, pool: Pool, log: Log, at: ChainTime) -> Pool | Needs:
        return play_log(_own(pool), log)

    def build_steps(self, swap: PlannedSwap, pool: Pool, at: ChainTime, wallet: Wallet) -> tuple[Step, ...]:
        return (swap_step(swap, _own(pool), wallet),)


def _own(pool: Pool) -> WeightedPool:
    if not isinstance(pool, WeightedPool):
        raise InvariantError(f"{pool.id} is no pool of weighted, but a {type(pool).__name__}")
    return pool
