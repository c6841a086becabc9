"""What is wrong with a group of plans that a strategy built, beyond what is wrong with each of its legs."""

from collections import ChainMap

from tidemill.domain.decision import Sized
from tidemill.domain.ids import PoolId
from tidemill.domain.plan import Flow, Group
from tidemill.domain.pool import Pool
from tidemill.planning.replay import Broken, replay_flow
from tidemill_testing.conformance.deals import Deal


def wrong_group(plan: object, deal: Deal, size: Sized) -> str | None:
    """Return why a group cannot be carried out on the snapshot that it was made on; None where it can, or where it is no group."""
    if not isinstance(plan, Group):
        return None
    now_ns = deal.snapshot.now_ns
    if plan.deadline_ns <= now_ns:
        return f"the group's deadline {plan.deadline_ns} is not after the newest batch, {now_ns}"
    foreign = sorted({leg.chain for leg in plan.plans} - {*deal.snapshot.chains})
    if foreign:
        return f"a leg lies on {foreign[0]}, the snapshot has {', '.join(sorted(deal.snapshot.chains))}"
    own = sum(amount for leg in plan.plans for asset, amount in leg.funds[:1] if asset == deal.asset)
    if size.lender is not None or own > size.units:
        return f"the legs put in {own} of {deal.asset} of own money, the size is {size.units}" + (" of a loan" if size.lender else "")
    pools: ChainMap[PoolId, Pool] = ChainMap({}, deal.snapshot.pools)  # type: ignore[arg-type]
    for place, leg in enumerate(plan.plans, 1):
        if not isinstance(leg, Flow):
            continue
        replayed = replay_flow(leg, pools, deal.desk().at(leg.chain))
        if isinstance(replayed, Broken):
            return f"leg {place} does not replay on what the legs before it leave: {replayed.rule}, {replayed.reason}"
        pools.update(dict(replayed.after))
    return None
