"""The suite that every DEX is put to: it is red, and must be."""

from tidemill.domain.ids import pool_id
from tidemill.domain.pool import PoolRef
from tidemill_evm.uniswap_v2 import Reserves, encode_reserves, reserves_key
from tidemill_evm.uniswap_v2_logs import Sync
from tidemill_testing.conformance import DexConformance, PoolCase
from tidemill_testing.market import NEXT, SIM, token

from tidemill_dex_generous import Generous

ADDRESS = "0x" + "ac" * 20
REF = PoolRef(pool_id(SIM, "generous", ADDRESS), "generous", SIM, ADDRESS, (token("USD"), token("WETH")))


def case(name: str, one: int, other: int) -> PoolCase:
    """Return a pair with these reserves, and what a Sync makes of it."""
    key, after = reserves_key(ADDRESS), (one * 2 + 1, other // 2 + 1)
    return PoolCase(
        REF,
        {key: encode_reserves(Reserves(one, other))},
        NEXT,
        logs=(Sync(*after).log(ADDRESS),),
        after={key: encode_reserves(Reserves(*after))},
        name=name,
    )


class TestGenerous(DexConformance):
    """Deep, dear, tiny and empty pairs."""

    plugin = Generous
    cases = (case("deep", 3_000_000 * 10**6, 1_000 * 10**18), case("dear", 10**21, 3), case("tiny", 1, 1), case("empty", 0, 0))
    capabilities = frozenset({"exact_out", "segments", "logs", "steps"})
