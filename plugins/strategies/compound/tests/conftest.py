"""Searchers for tests: one that answers what a test says, and one that nets given routes by carrying them out one after another."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from attrs import evolve

from tidemill import Candidate, CycleQuery, Leg, Netted, Searcher, Snapshot
from tidemill.domain.ids import AssetId
from tidemill.planning.sizing import best_amount, route_out
from tidemill_testing.market import PairPool
from tidemill_testing.scripted import Scripted, candidate_through

Route = tuple[Leg, ...]


class Netting(Searcher):
    """Gives the routes as cycles at their best amounts, and nets them by carrying them out one after another."""

    name = "netting"

    def __init__(self, routes: Sequence[Route] = (), *, max_hops: int | None = None) -> None:
        super().__init__()
        self.routes = tuple(routes)
        self.max_hops = max_hops  # type: ignore[misc]  # a searcher of its own for each test
        self.view: Snapshot | None = None
        self.asked: list[CycleQuery] = []
        self.netted: list[CycleQuery] = []
        self.told: Callable[[Netted], Netted | None] = lambda trade: trade

    def update(self, snapshot: Snapshot) -> None:
        self.view = snapshot

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        self.asked.append(query)
        yield from self.sized(query)

    def net(self, query: CycleQuery) -> Netted | None:
        self.netted.append(query)
        cycles = self.sized(query)
        if not cycles:
            return None
        legs = [evolve(leg, amount=amount) for one in cycles for leg, amount in zip(one.legs, one.amounts[:-1], strict=True)]
        outs = tuple(amount for one in cycles for amount in one.amounts[1:])
        amount_in = max(one.amounts[0] for one in cycles)
        made = Netted(query.chain, cycles[0].asset, tuple(legs), outs, amount_in, sum(one.profit for one in cycles), len(cycles))
        return self.told(made)

    def sized(self, query: CycleQuery) -> list[Candidate]:
        assert self.view is not None
        pools, at = self.view.pools, self.view.at(query.chain)
        found = []
        for legs in self.routes:
            cap = dict(query.capital).get(legs[0].sell, 1 << 100)

            def value(amount: int, legs: Route = legs) -> int:
                out = route_out(legs, pools, amount, at)
                return out - amount - amount * query.loan_fee_ppm // 1_000_000 if out else -amount

            amounts = [min(cap, best_amount(value, 1 << 100, 0)[0])]
            for leg in legs:
                amounts.append(route_out([leg], pools, amounts[-1], at))
            if amounts[-1] > amounts[0]:
                found.append(Candidate(query.chain, legs[0].sell, legs, tuple(amounts), amounts[-1] - amounts[0]))
        return sorted(found, key=lambda one: -one.profit)


@pytest.fixture
def netting() -> type[Netting]:
    return Netting


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture
def through() -> Callable[[Sequence[PairPool], AssetId, int], Candidate]:
    return candidate_through
