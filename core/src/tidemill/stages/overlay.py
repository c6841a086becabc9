"""Our own paper swaps, laid over the observed pools until the market has taken them in.

A swap that was only simulated leaves the real pool as it was. What ideas see is the observed pool with our swap applied again, so that
the same mispricing is not earned twice. An entry ends when others have moved the pool at least as far as we did, or so many blocks after
the first observed change: counted from the fill it would pay a frozen pool again and again.
"""

from collections.abc import Iterable, Mapping

import attrs
from attrs import frozen
from immutables import Map

from tidemill.domain.ids import AssetId, ChainId, PlanId, PoolId, chain_of
from tidemill.domain.outcome import Fill
from tidemill.domain.pool import Pool, Swapped
from tidemill.domain.time import ChainTime


@frozen
class OverlaySwap:
    """One of our swaps.

    ``after_out`` is what ``amount_in`` would get right after it; ``first_moved`` the height at which the pool was first seen to move since,
    or None.
    """

    plan: PlanId
    sell: AssetId
    buy: AssetId
    amount_in: int
    after_out: int
    height: int
    first_moved: int | None = None


@frozen
class Overlay:
    """The swaps per pool, oldest first. A value: changes give a new one, so that a rollback can return to an older."""

    blocks: int
    swaps: Map[PoolId, tuple[OverlaySwap, ...]] = attrs.field(factory=Map)

    def over(self, pool: Pool, at: ChainTime) -> Pool:
        """Return a pool with our swaps applied, in order; one that no longer fits is passed over."""
        for swap in self.swaps.get(pool.id, ()):
            swapped = pool.swap_exact_in(swap.sell, swap.buy, swap.amount_in, at)
            if isinstance(swapped, Swapped):
                pool = swapped.pool
        return pool

    def filled(self, plan: PlanId, fills: Iterable[Fill], pools: Mapping[PoolId, Pool], at: ChainTime) -> "Overlay":
        """Add a plan's fills; ``pools`` are the pools as we saw them just before."""
        swaps, moved = self.swaps, dict[PoolId, Pool]()
        for fill in fills:
            before = moved.get(fill.pool) or pools.get(fill.pool)
            swapped = before.swap_exact_in(fill.sell, fill.buy, fill.amount_in, at) if before is not None else None
            if not isinstance(swapped, Swapped):
                continue
            moved[fill.pool] = swapped.pool
            after_out = swapped.pool.amount_out(fill.sell, fill.buy, fill.amount_in, at)
            entry = OverlaySwap(plan, fill.sell, fill.buy, fill.amount_in, after_out, at.height)
            swaps = swaps.set(fill.pool, (*swaps.get(fill.pool, ()), entry))
        return Overlay(self.blocks, swaps)

    def observed(self, pool: Pool, at: ChainTime) -> "Overlay":
        """Take in an observed change of a pool: drop what others have caught up with, note the first move of the rest."""
        kept = []
        for swap in self.swaps.get(pool.id, ()):
            if pool.amount_out(swap.sell, swap.buy, swap.amount_in, at) <= swap.after_out:
                continue
            kept.append(swap if swap.first_moved is not None else attrs.evolve(swap, first_moved=at.height))
        return self._with(pool.id, kept)

    def aged(self, chain: ChainId, height: int) -> tuple["Overlay", tuple[PoolId, ...]]:
        """Drop what is older than ``blocks`` of a chain since its pool's first observed change; also return the pools concerned, by id."""
        result, dropped = self, []
        for pool, swaps in sorted(self.swaps.items()):
            if chain_of(pool) != chain:
                continue
            kept = [swap for swap in swaps if swap.first_moved is None or height - swap.first_moved < self.blocks]
            if len(kept) != len(swaps):
                result = result._with(pool, kept)
                dropped.append(pool)
        return result, tuple(dropped)

    def without(self, pool: PoolId) -> "Overlay":
        """Drop everything on a pool, because it is no longer loaded."""
        return self._with(pool, [])

    def _with(self, pool: PoolId, swaps: list[OverlaySwap]) -> "Overlay":
        if tuple(swaps) == self.swaps.get(pool, ()):
            return self
        return Overlay(self.blocks, self.swaps.set(pool, tuple(swaps)) if swaps else self.swaps.delete(pool))
