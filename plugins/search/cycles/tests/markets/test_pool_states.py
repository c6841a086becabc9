"""Pools of every type that hold nothing, next to nothing or only one side, or that are shut: no error, and no harm to the others."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import evolve, frozen

from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Curve, Pool, Quote, Swapped
from tidemill.domain.search import Candidate, CycleQuery
from tidemill.domain.time import ChainTime
from tidemill_search_cycles import Cycles
from tidemill_testing.market import SIM, PairPool, snapshot_of, token

pytestmark = pytest.mark.uncounted

Route = tuple[tuple[PoolId, AssetId, AssetId], ...]
Make = Callable[..., list[Pool]]
Check = Callable[..., dict[Route, Candidate]]

KINDS = ("pairs", "ranges", "bins", "books", "hidden", "weighted", "mixed")
ANY, LONG = CycleQuery(SIM, (), 2, 4), CycleQuery(SIM, (token("T0"),), 2, 7)


@frozen
class Shut:
    """A pool that does not pay what it tells: ``frozen`` to nobody, else to nobody who sells ``closed``. A disabled one tells nothing."""

    inner: Pool
    closed: AssetId
    frozen: bool
    tells: bool

    @property
    def id(self) -> PoolId:
        return self.inner.id

    @property
    def assets(self) -> tuple[AssetId, ...]:
        return self.inner.assets

    @property
    def fee_ppm(self) -> int | None:
        return self.inner.fee_ppm

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        return self.inner.holdings

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        return 0 if self.frozen or sell == self.closed else self.inner.amount_out(sell, buy, amount, at)

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        out = self.amount_out(sell, buy, amount, at)
        return Quote(self.id, sell, buy, amount, out) if out else NoQuote(NoQuoteReason.CLOSED)

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        return NoQuote(NoQuoteReason.CLOSED)

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        return NoQuote(NoQuoteReason.CLOSED)

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        return self.inner.segments(sell, buy, at, max_in) if self.tells else NoCurve("paused")


def emptied(pool: Pool, held: tuple[int, int]) -> Pool:
    """Return the pool with other holdings, and no levels or liquidity where a side is empty."""
    made: Any = pool
    if isinstance(pool, PairPool):
        return evolve(pool, reserves=held)
    changed: dict[str, Any] = {"held": held}
    if hasattr(made, "levels"):
        sides = zip(pool.assets, reversed(held), strict=True)
        changed["levels"] = {sell: tuple((max(1, there), 1, 1) for _ in range(2)) if there else () for sell, there in sides}
    if hasattr(made, "state"):
        changed["state"] = evolve(made.state, liquidity=min(held))
    return evolve(made, **changed)  # type: ignore[no-any-return]


STATES: dict[str, Callable[[Pool], Pool]] = {
    "zero": lambda pool: emptied(pool, (0, 0)),
    "dust": lambda pool: emptied(pool, (3, 2)),
    "one-sided": lambda pool: emptied(pool, (10**15, 0)),
    "other-sided": lambda pool: emptied(pool, (0, 10**15)),
    "disabled": lambda pool: Shut(pool, pool.assets[0], True, False),
    "disabled one way": lambda pool: Shut(pool, pool.assets[0], False, False),
    "frozen": lambda pool: Shut(pool, pool.assets[0], True, True),
    "frozen one way": lambda pool: Shut(pool, pool.assets[1], False, True),
}


def renamed(pool: Pool, place: int) -> Pool:
    made: Any = pool
    return evolve(made, id=PoolId(f"sim:1/odd:0x{place:040x}"))  # type: ignore[no-any-return]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", KINDS)
def test_find_beside_pools_that_are_empty_or_shut_finds_all_that_the_others_have(
    kind: str, state: str, every_market: Make, checked: Check
) -> None:
    """Each pool has a twin in that state: cycles of the sound ones are what they are without them, and none passes what does not pay."""
    sound = every_market(kind, 502, 5, 10)
    odd = [STATES[state](renamed(pool, place)) for place, pool in enumerate(sound)]
    pools = {pool.id: pool for pool in (*sound, *odd)}
    strange = {pool.id for pool in odd}
    alone, beside = Cycles(), Cycles()
    snapshot_of(sound, searcher=alone)
    snapshot_of(pools.values(), searcher=beside)
    want, got = ({one.legs: one.amounts for one in checked(searcher.find(ANY), pools).values()} for searcher in (alone, beside))
    checked(beside.find(LONG), pools)
    beside.net(LONG)

    assert want
    assert want == {legs: amounts for legs, amounts in got.items() if strange.isdisjoint(leg.pool for leg in legs)}
