"""The netted trade as a value, and what proves it: a flow that is replayed."""

from collections.abc import Mapping
from typing import Literal

from attrs import frozen

from tidemill.domain.ids import BookId, OpportunityId, PlanId, PoolId
from tidemill.domain.plan import Flow, PlannedSwap
from tidemill.domain.pool import Pool
from tidemill.domain.search import Netted
from tidemill.domain.time import ChainTime
from tidemill.planning.replay import Broken, Replayed, replay_flow
from tidemill.units import PPM_SCALE, mul_div_up

Made = Literal["netted", "sequence", "cycle"]
"""How a trade was found: from prices, as cycles one after another, or as one cycle."""


@frozen
class Netting:
    """A netted trade with what is known of it.

    Args:
        trade: the swaps; each sells what is held by then, quoted by the exact pools, and no pool is used twice in one direction.
        running: what is gained of the trade's asset after each leg, base units; below zero while more has gone in than has come back.
        cost: the chain's cost of the swaps and the loan's fee of what goes in, base units of the asset.
        bound: no trade over the pools whose curves are known leaves more before costs; None where it was not computed. It comes
            of doubles: its last digits are rounded.
        settled: true where prices were found at which all flows cancel.
        made: how the trade was found.
    """

    trade: Netted
    running: tuple[int, ...]
    cost: int
    bound: int | None
    settled: bool
    made: Made

    @property
    def value(self) -> int:
        """Profit less costs, base units of the asset."""
        return self.trade.profit - self.cost


def loan_fee(amount: int, fee_ppm: int) -> int:
    """Return what borrowing ``amount`` costs, rounded up."""
    return mul_div_up(amount, fee_ppm, PPM_SCALE) if fee_ppm else 0


def replayed(trade: Netted, pools: Mapping[PoolId, Pool], at: ChainTime) -> Replayed | Broken:
    """Execute a trade as a plan would, each output a minimum and the profit a guard, and say what comes of it."""
    return replay_flow(flow_of(trade, at), pools, at)


def flow_of(trade: Netted, at: ChainTime) -> Flow:
    """Return the flow that a trade means, funded with own money; its ids are its own, no plan has them."""
    name = f"netted {trade.asset} {at.height}"
    swaps = tuple(PlannedSwap(leg.pool, leg.sell, leg.buy, leg.amount, out) for leg, out in zip(trade.legs, trade.amounts_out, strict=True))
    return Flow(
        id=PlanId(name),
        opportunity=OpportunityId(name),
        strategy="netted",
        book=BookId("netted"),
        chain=at.chain,
        basis=(),
        funds=((trade.asset, trade.amount_in),),
        loans=(),
        swaps=swaps,
        guards=((trade.asset, trade.amount_in + trade.profit),),
        expires=at.height,
        cost_cap=0,
    )
