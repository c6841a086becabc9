"""Where pools come from."""

from collections.abc import Sequence

import anyio
import pytest
from tidemill import ChainReader
from tidemill.domain.events import Log, States
from tidemill.domain.ids import Key
from tidemill.domain.pool import LogFilter, PoolRef
from tidemill.errors import UsageError
from tidemill.hookspecs.dex import PoolFilter

from recorded import CHAIN, POOLS, ref_of, states_of
from tidemill_dex_weighted import Weighted, WeightedSettings
from tidemill_dex_weighted.discovery import PoolCreated
from tidemill_dex_weighted.state import vault_id_key

FACTORIES = ("0x" + "F1" * 20, "0x" + "f2" * 20)
TWO, FOUR = POOLS["dai_weth_40_60"], POOLS["dai_gp_weth_usdt_4_token"]
NAMELESS, UNKNOWN = "0x" + "77" * 20, "0x" + "88" * 20


class Chain(ChainReader):
    """The factories created a pool at height 10 and one at 25; then one without a name, and one whose name the Vault does not know."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, int]] = []

    async def read(self, keys: Sequence[Key], height: int | None = None) -> States:
        known = {**states_of(TWO), **states_of(FOUR)}
        known.update({vault_id_key(pool["address"]): bytes.fromhex(pool["vault_id"][2:]) for pool in (TWO, FOUR)})
        known.update({vault_id_key(NAMELESS): bytes(31), vault_id_key(UNKNOWN): bytes.fromhex(UNKNOWN[2:]) + bytes(12)})
        return States(CHAIN, tuple((key, known.get(key)) for key in keys))

    async def logs(self, wanted: LogFilter, from_height: int, to_height: int) -> Sequence[Log]:
        self.asked.append((wanted.address, from_height, to_height))
        assert (PoolCreated.topic,) == wanted.topics
        created = {10: (0, TWO["address"]), 25: (1, FOUR["address"]), 26: (1, NAMELESS), 27: (1, UNKNOWN)}
        spans = [(FACTORIES[of].lower(), height, pool) for height, (of, pool) in created.items()]
        return [PoolCreated(pool).log(of) for of, height, pool in spans if of == wanted.address and from_height <= height <= to_height]


def found(reader: ChainReader, want: PoolFilter, factories: tuple[str, ...] = FACTORIES) -> list[PoolRef]:
    """Return what discovery yields."""

    async def collect() -> list[PoolRef]:
        dex = Weighted(WeightedSettings(factories=factories, log_span=15))
        return [ref async for event in dex.discover(reader, want) for ref in event.pools]

    return anyio.run(collect)


def test_pools_of_all_factories_are_described_span_by_span() -> None:
    """Descriptors are those that decoding wants; what the Vault does not know is left out."""
    reader = Chain()

    assert [ref_of(TWO), ref_of(FOUR)] == found(reader, PoolFilter(CHAIN, from_height=5, to_height=30))
    assert [(of.lower(), *span) for span in ((5, 19), (20, 30)) for of in FACTORIES] == reader.asked


def test_a_pool_must_hold_two_of_the_wanted_assets() -> None:
    """The pool of four holds DAI and USDT, the other one DAI alone."""
    dai, _, _, usdt = ref_of(FOUR).assets

    assert [ref_of(FOUR)] == found(Chain(), PoolFilter(CHAIN, (dai, usdt), 0, 30))


@pytest.mark.parametrize(("factories", "last"), [((), 30), (FACTORIES, 0)])
def test_a_search_without_place_or_end_says_what_to_set(factories: tuple[str, ...], last: int) -> None:
    """There is nowhere to look."""
    with pytest.raises(UsageError, match="set factories, and name the last height"):
        found(Chain(), PoolFilter(CHAIN, to_height=last), factories)
