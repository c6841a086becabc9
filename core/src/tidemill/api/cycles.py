"""Cycles and netted trades as ``scan`` gives them, and what each of their swaps costs."""

from typing import Literal

from attrs import frozen

from tidemill.domain.ids import AssetId, PoolId, chain_of
from tidemill.domain.opportunity import Leg
from tidemill.domain.pool import Pool
from tidemill.domain.search import Candidate, Netted
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.valuation import marginal_rate
from tidemill.units import PPM_SCALE


@frozen
class CycleLeg:
    """One swap of a cycle, both amounts in base units, as the pool pays them."""

    pool: PoolId
    sell: AssetId
    buy: AssetId
    amount_in: int
    amount_out: int


@frozen
class Cycle:
    """A cycle that gains, or the netted trade of many (kind ``flow``), pool fees paid, chain costs not; base units of the start asset.

    ``amount_in`` of the start asset goes in from outside, ``amount_out`` is there after every leg, in order. ``exact`` says that the
    searcher proved that no better one was left out; ``suspect`` why the chain may pay less than the pools promise.
    """

    hops: int
    legs: tuple[CycleLeg, ...]
    amount_in: int
    amount_out: int
    profit: int
    exact: bool = True
    kind: Literal["cycle", "flow"] = "cycle"
    suspect: tuple[str, ...] = ()


@frozen
class HopCost:
    """What one swap costs.

    ``fee_ppm`` is None where the fee varies. ``impact_ppm`` is how much less the swap pays than a very small one would at the same pool,
    rounded down. ``chain_cost`` is what the swap is expected to cost on the chain, base units of the start asset; 0 where it cannot be
    valued.
    """

    pool: PoolId
    fee_ppm: int | None
    impact_ppm: int
    chain_cost: int


def cycle_of(found: Candidate) -> Cycle:
    """Return a searcher's candidate as ``scan`` gives it."""
    legs = _legs(found.legs, found.amounts, found.amounts[1:])
    return Cycle(len(legs), legs, found.amounts[0], found.amounts[-1], found.profit, found.exact, suspect=found.suspect)


def flow_of(trade: Netted) -> Cycle:
    """Return a netted trade as ``scan`` gives it."""
    amounts = tuple(leg.amount or 0 for leg in trade.legs)
    legs = _legs(trade.legs, amounts, trade.amounts_out)
    return Cycle(len(legs), legs, trade.amount_in, trade.amount_in + trade.profit, trade.profit, exact=False, kind="flow")


def explained(cycle: Cycle, snapshot: Snapshot, chain_cost: int) -> tuple[HopCost, ...]:
    """Return what each swap of a cycle costs; a later swap at the same pool is compared with the pool as the snapshot has it."""
    return tuple(_hop(leg, snapshot, chain_cost) for leg in cycle.legs)


def _hop(leg: CycleLeg, snapshot: Snapshot, chain_cost: int) -> HopCost:
    pool: Pool | None = snapshot.pools.get(leg.pool)
    fee_ppm = pool.fee_ppm if pool is not None else None
    small = marginal_rate(pool, leg.sell, leg.buy, snapshot.at(chain_of(leg.pool))) if pool is not None else None
    if small is None or not small[0]:
        return HopCost(leg.pool, fee_ppm, 0, chain_cost)
    # ``marginal_rate`` gives the fee back: the same is done for the swap
    paid = leg.amount_out * PPM_SCALE * small[1]
    ideal = leg.amount_in * (PPM_SCALE - (fee_ppm or 0)) * small[0]
    return HopCost(leg.pool, fee_ppm, max(0, PPM_SCALE - paid * PPM_SCALE // ideal), chain_cost)


def _legs(legs: tuple[Leg, ...], paid: tuple[int, ...], got: tuple[int, ...]) -> tuple[CycleLeg, ...]:
    return tuple(CycleLeg(leg.pool, leg.sell, leg.buy, one, other) for leg, one, other in zip(legs, paid, got, strict=False))
