"""Which opportunity is served first."""

from tidemill.domain.answers import NoPrice
from tidemill.domain.ids import AssetId
from tidemill.domain.opportunity import Arbitrage, Opportunity
from tidemill.domain.snapshot import Snapshot
from tidemill.planning.desk import CostRules
from tidemill.units import PPM_SCALE

RankKey = tuple[int, int, str]


def net_profit(opportunity: Opportunity, base: AssetId, rules: CostRules, snapshot: Snapshot) -> int:
    """Return the expected profit after chain costs in ``base`` units; a gain that cannot be valued counts nothing."""
    asset = opportunity.asset if isinstance(opportunity, Arbitrage) else opportunity.funding
    gain = snapshot.value(asset, opportunity.profit, base)
    refs = tuple(snapshot.refs[pool] for pool in opportunity.pools if pool in snapshot.refs)
    cost = snapshot.value(rules.native, rules.estimate(refs, 0, snapshot), base) if refs else 0
    return (0 if isinstance(gain, NoPrice) else gain) - (0 if isinstance(cost, NoPrice) else cost)


def rank_key(opportunity: Opportunity, net: int, priority: int) -> RankKey:
    """Return the sort key: weighted net profit first, then priority, then id; smallest is best."""
    return -(net * opportunity.confidence_ppm // PPM_SCALE), -priority, opportunity.id
