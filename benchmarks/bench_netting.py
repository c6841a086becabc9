"""The netted trade over the pools of the best cycles: `uv run python -m benchmarks.bench_netting`."""

from array import array
from functools import partial

from benchmarks.measure import MILLISECONDS, Case, report, say
from benchmarks.netting_peers import Dual
from benchmarks.search_market import AMPLE, PLAIN, SIZES, Searched, compiled_kernels, milliseconds, running, searched
from tidemill.domain.ids import PoolId
from tidemill.domain.pool import Pool
from tidemill.domain.search import Candidate, CycleQuery
from tidemill_search_cycles import Cycles
from tidemill_search_cycles.netting import Net, Netting, netted_trade
from tidemill_search_cycles.netting.directions import directions_of
from tidemill_testing.market import NEXT, SIM, PairPool

ROUNDS = 5
MOST_POOLS = 200
NEAR = 1e-3
"""scipy's bound may lie so much above ours, as a part of it, and hardly below."""


class Netted:
    """The best cycles of up to four hops from the widest hub that together use at most ``MOST_POOLS`` pools."""

    def __init__(self, market: Searched) -> None:
        self.market = market
        self._start = market.hubs[0]
        searcher = Cycles()
        searcher.update(market.snapshot)
        found = searcher.find(CycleQuery(SIM, (self._start,), 2, 4, work=AMPLE, top=1_000, min_profit=market.wanted.least[self._start]))
        self.cycles: list[Candidate] = []
        self.pools: dict[PoolId, Pool] = {}
        for one in found:
            added = {leg.pool: market.snapshot.pools[leg.pool] for leg in one.legs}
            if not one.suspect and len(self.pools | added) <= MOST_POOLS:
                self.pools |= added
                self.cycles.append(one)
        self.dual = Dual(market.made, [pool for pool in self.pools.values() if isinstance(pool, PairPool)], self._start)

    def trade(self) -> Netting:
        """Return the trade, verified in integers."""
        found = netted_trade(self.cycles, self.market.snapshot.pools, self._start, NEXT)
        if found is None:
            raise RuntimeError("nothing was netted")
        return found

    def bound(self) -> float:
        """Return the bound alone, as scipy gives it: no order of swaps, no integers."""
        net = Net(directions_of(self.cycles, self.market.snapshot.pools, None, NEXT), self._start)
        net.solve(1.0, array("q", [AMPLE]))
        return net.bound()

    def dollars(self, units: int) -> float:
        """Return what an amount of the start asset is worth."""
        return units / self.market.made.units[self._start]

    def said(self, name: str) -> str:
        """Say what each way finds; the bounds must agree."""
        trade, bound = self.trade(), self.dual.solve()
        ours, best = self.dollars(trade.bound or 0), self.dollars(max(one.profit for one in self.cycles))
        if not -NEAR * ours <= bound - ours:
            raise RuntimeError(f"{name}: scipy bounds the trade by {bound}, we by {ours}")
        leaves = self.dollars(trade.trade.profit)
        return (
            f"{name}: {len(self.cycles)} cycles over {len(self.pools)} pools. The best of them alone leaves ${best:,.2f}, the trade "
            f"${leaves:,.2f} in {len(trade.trade.legs)} swaps ({trade.made}); the optimum of the convex problem is at most ${ours:,.2f} by "
            f"our prices, ${bound:,.2f} by scipy's."
        )


def main() -> None:
    """Measure and print."""
    kernels = compiled_kernels()
    if kernels is None:
        say("not measured: numba is not installed, install tidemill-search-cycles[numba]")
        return
    cases, made = [], {}
    for name, size in zip(("1k/4k", "5k/20k", "20k/60k"), SIZES, strict=True):
        made[name] = net = Netted(searched(*size))
        other = f"scipy L-BFGS-B over the same pools: prices and bound, {name}"
        plain, bound = f"the same trade by the plain kernel, {name}", f"our prices and bound alone, {name}"
        cases.append(Case(f"netted, rounded, ordered and replayed, {name}", MILLISECONDS, milliseconds(net.trade), 250, (plain,)))
        cases.append(Case(bound, MILLISECONDS, milliseconds(net.bound), None, (other,)))
        cases.append(Case(other, MILLISECONDS, milliseconds(net.dual.solve)))
        if name != "20k/60k":  # there it takes seconds
            cases.append(Case(plain, MILLISECONDS, milliseconds(partial(_plain, net))))
    report("The netted trade", cases, ROUNDS, lambda: [net.said(name) for name, net in made.items()])


def _plain(net: Netted) -> Netting:
    with running(PLAIN):
        return net.trade()


if __name__ == "__main__":
    main()
