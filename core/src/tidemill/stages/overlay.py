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

    ``before_out`` is what ``amount_in`` got from the observed pool when it was filled, ``after_out`` what it would get once others had
    moved that pool as far as we did; ``first_moved`` the height at which the pool was first seen to move since, or None.
    """

    plan: PlanId
    sell: AssetId
    buy: AssetId
    amount_in: int
    before_out: int
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

    def filled(
        self, plan: PlanId, fills: Iterable[Fill], pools: Mapping[PoolId, Pool], observed: Mapping[PoolId, Pool], at: ChainTime
    ) -> "Overlay":
        """Add a plan's fills; ``pools`` are the pools as we saw them just before, ``observed`` without our swaps on them."""
        swaps, moved = self.swaps, dict[PoolId, Pool]()
        for fill in fills:
            before = moved.get(fill.pool) or pools.get(fill.pool)
            swapped = before.swap_exact_in(fill.sell, fill.buy, fill.amount_in, at) if before is not None else None
            if not isinstance(swapped, Swapped):
                continue
            moved[fill.pool] = swapped.pool
            after_out = swapped.pool.amount_out(fill.sell, fill.buy, fill.amount_in, at)
            bare = observed.get(fill.pool)
            before_out = bare.amount_out(fill.sell, fill.buy, fill.amount_in, at) if bare is not None else 0
            # Behind an opposite swap of ours the view stands near the observed pool: only the observed one can show what others did
            alone = bare.swap_exact_in(fill.sell, fill.buy, fill.amount_in, at) if bare is not None else None
            if isinstance(alone, Swapped):
                after_out = min(after_out, alone.pool.amount_out(fill.sell, fill.buy, fill.amount_in, at))
            entry = OverlaySwap(plan, fill.sell, fill.buy, fill.amount_in, before_out, after_out, at.height)
            swaps = swaps.set(fill.pool, (*swaps.get(fill.pool, ()), entry))
        return Overlay(self.blocks, swaps)

    def observed(self, pool: Pool, at: ChainTime) -> "Overlay":
        """Take in an observed change of a pool: drop what others have caught up with, note the first move of the rest.

        A pool that was only read again quotes what it quoted: nobody moved it.
        """
        kept = []
        for swap in self.swaps.get(pool.id, ()):
            out = pool.amount_out(swap.sell, swap.buy, swap.amount_in, at)
            if out <= swap.after_out:
                continue
            moved = swap.first_moved is None and out != swap.before_out
            kept.append(attrs.evolve(swap, first_moved=at.height) if moved else swap)
        return self._with(pool.id, kept)

    def aged(self, chain: ChainId, height: int) -> tuple["Overlay", tuple[PoolId, ...]]:
        """Drop what is older than ``blocks`` of a chain since its pool's first observed change; also return the pools concerned, by id.

        The swaps on one pool go together, with the youngest: one of two opposite swaps alone would show a price that nobody made.
        """
        result, dropped = self, []
        for pool, swaps in sorted(self.swaps.items()):
            if chain_of(pool) != chain:
                continue
            if all(swap.first_moved is not None and height - swap.first_moved >= self.blocks for swap in swaps):
                result = result.without(pool)
                dropped.append(pool)
        return result, tuple(dropped)

    def without(self, pool: PoolId) -> "Overlay":
        """Drop everything on a pool."""
        return self._with(pool, [])

    def _with(self, pool: PoolId, swaps: list[OverlaySwap]) -> "Overlay":
        if tuple(swaps) == self.swaps.get(pool, ()):
            return self
        return Overlay(self.blocks, self.swaps.set(pool, tuple(swaps)) if swaps else self.swaps.delete(pool))
