"""From a sized signal to a flow of one swap."""

from tidemill.domain.answers import NoPrice, Rejected
from tidemill.domain.decision import Sized
from tidemill.domain.ids import PlanId, PoolId, content_id, split_pool_id
from tidemill.domain.opportunity import Leg, Signal
from tidemill.domain.plan import Basis, Flow, PlannedSwap
from tidemill.planning.desk import Desk
from tidemill.units import BPS_SCALE, bps_of


def one_swap(signal: Signal, size: Sized, desk: Desk) -> Flow | Rejected:
    """Return the flow that sells ``size.units`` at the signal's pool.

    Its minimum is what goes in, valued in what comes out, and one unit more: where the price runs away before the swap executes it
    reverts and costs its gas, instead of paying more than the token is worth. A DEX's ``max_slippage_bps`` may ask for more.
    """
    pool, sell, buy = PoolId(signal.market), signal.funding, signal.asset
    state, at = desk.view.pools.get(pool), desk.at(signal.chain)
    out = state.amount_out(sell, buy, size.units, at) if state is not None else 0
    fair = desk.view.value(sell, size.units, buy)
    if not out or isinstance(fair, NoPrice):
        return Rejected("quote", f"{pool} gives no quote for {size.units} of {sell}, or it cannot be valued", (("amount", size.units),))
    if out <= fair:
        return Rejected("quote", f"{pool} pays {out} of {buy}, which is no more than what goes in is worth", (("out", out), ("fair", fair)))
    policy = desk.view.policies.get(split_pool_id(pool)[1])
    slippage = policy.max_slippage_bps if policy is not None else None
    asked = out - bps_of(out, slippage) if slippage is not None and slippage < BPS_SCALE else 0
    version = desk.view.version(pool)
    return Flow(
        id=PlanId(content_id("plan", signal.id, desk.book.id, size.units, version)),
        opportunity=signal.id,
        strategy=signal.strategy,
        book=desk.book.id,
        chain=signal.chain,
        basis=(Basis(pool, version),),
        funds=((sell, size.units),),
        loans=(),
        swaps=(PlannedSwap(pool, sell, buy, size.units, max(fair + 1, asked)),),
        guards=(),
        expires=at.height + max(desk.patience, desk.rules[signal.chain].lifetime),
        # The base fee may rise while the plan waits
        cost_cap=3 * desk.estimate((Leg(pool, sell, buy),), 0),
    )
