"""The convex dual of the netted trade by scipy: L-BFGS-B over the prices of tokens, as CFMMRouter.jl and its like do it.

Angeris, Evans, Chitra, Boyd: "Optimal Routing for Constant Function Market Makers" (2021); Diamandis et al., arXiv 2302.04938. At prices
each pool gains what it can alone, and the prices at which that is least in sum are those at which flows cancel. What comes out is a bound
in floating point: neither flows that cancel to the unit, nor an order of swaps, nor integers.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from scipy.optimize import minimize

from benchmarks.market_maker import MadeMarket
from tidemill.domain.ids import AssetId
from tidemill_testing.market import PairPool

MOST_ITERATIONS = 2_000


class Dual:
    """The pools of a netted trade as arrays, reserves in dollars, and the sum of what they gain at prices."""

    def __init__(self, market: MadeMarket, pools: Sequence[PairPool], start: AssetId) -> None:
        self._np: Any = import_module("numpy")
        np = self._np
        tokens = sorted({asset for pool in pools for asset in pool.assets})
        number = {asset: place for place, asset in enumerate(tokens)}
        sides = [
            (
                number[pool.assets[a]],
                number[pool.assets[1 - a]],
                *(pool.reserves[b] / market.units[pool.assets[b]] for b in (a, 1 - a)),
            )
            for pool in pools
            for a in (0, 1)
        ]
        self._sell, self._buy = (np.array([side[place] for side in sides]) for place in (0, 1))
        self._held, self._paid = (np.array([side[place] for side in sides]) for place in (2, 3))
        self._left = np.array([1 - (pool.fee_ppm or 0) / 1e6 for pool in pools for _ in (0, 1)])
        self._start = number[start]
        self._tokens = len(tokens)

    def solve(self) -> float:
        """Return the least sum found: what the trade leaves at most, in dollars."""
        np = self._np
        free = np.arange(self._tokens) != self._start
        price = np.ones(self._tokens)

        def gained(tried: Any) -> tuple[float, Any]:
            price[free] = tried
            asked, given = price[self._sell], price[self._buy]
            best = np.sqrt(given / asked * self._left * self._held * self._paid) - self._held
            amount = np.maximum(0.0, best) / self._left
            out = self._left * amount * self._paid / (self._held + self._left * amount)
            flow = np.bincount(self._buy, out, self._tokens) - np.bincount(self._sell, amount, self._tokens)
            return float((given * out - asked * amount).sum()), flow[free]

        options = {"maxiter": MOST_ITERATIONS, "maxfun": 4 * MOST_ITERATIONS, "ftol": 1e-13, "gtol": 1e-9}
        answer = minimize(
            gained, np.ones(self._tokens - 1), jac=True, method="L-BFGS-B", bounds=[(1e-6, None)] * (self._tokens - 1), options=options
        )
        return float(answer.fun)
