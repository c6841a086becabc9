"""The strategy ``triangular``."""

from collections.abc import Iterator

import attrs
from attrs.validators import ge, in_

from tidemill import Arbitrage, AssetAmount, AssetId, Bps, Candidate, CycleQuery, Opportunity, Snapshot, Strategy, settings
from tidemill.domain.answers import Rejected
from tidemill.domain.decision import Allowance, Sized
from tidemill.planning.desk import Desk
from tidemill.planning.rank import below_minimum
from tidemill.units import PPM_SCALE


@settings
class TriangularSettings:
    """What a cycle must leave, where it may begin, and what is preferred.

    ``min_profit_bps``: what is left after pool fees, loan fee and expected gas, in basis points of the amount that goes in at the size
    chosen; 0 asks for nothing. ``min_net_profit``: the same figure as an amount, of any asset that it can be valued in.
    ``max_hops``: 2 to 12; the searcher may know a lower limit. ``start_assets``: where cycles begin and end; empty: the base assets of
    the books and the chain's wrapped native coin. ``top``: the best so many of one batch are proposed, 0 for all; what
    is left out is not looked at again until its pools change. ``prefer_high_liquidity``: weighs the rank by the depth of
    the route, see ``depth_ppm``.
    """

    min_profit_bps: Bps = attrs.field(
        default=Bps(50), validator=ge(Bps(0)), metadata={"doc": "least profit after gas, bps of the amount in"}
    )
    min_net_profit: AssetAmount | None = attrs.field(default=None, metadata={"doc": 'least profit after gas, such as "0.001 WETH"'})
    max_hops: int = attrs.field(default=4, validator=in_(range(2, 13)), metadata={"doc": "swaps in a cycle, at most"})
    start_assets: tuple[AssetId, ...] = attrs.field(default=(), metadata={"doc": "where cycles begin; empty: base assets, wrapped coin"})
    prefer_high_liquidity: bool = attrs.field(default=False, metadata={"doc": "rank deep routes before shallow ones of equal profit"})
    top: int = attrs.field(default=0, validator=ge(0), metadata={"doc": "proposals a batch, at most; 0: all"})


class Triangular(Strategy):
    """Proposes cycles of two to ``max_hops`` swaps through pools that changed, sized without a limit on capital.

    Whose money goes in, and how much of it, is decided when a book's allowance is known: own funds or a flash loan, whichever leaves
    more.
    """

    name = "triangular"
    searches = True
    settings: TriangularSettings

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        for chain in sorted(snapshot.chains):
            starts = self.start_assets(snapshot, chain, self.settings.start_assets)
            if starts:
                costs = tuple((start, snapshot.swap_cost(chain, start)) for start in starts)
                hops = self.settings.max_hops
                query = CycleQuery(chain, starts, 2, hops, cost_per_hop=costs, top=self.settings.top, changed_only=True)
                for candidate in snapshot.cycles(query):
                    weighed = self.settings.prefer_high_liquidity
                    yield self.from_cycle(candidate, snapshot, depth_ppm(candidate, snapshot) if weighed else PPM_SCALE)

    def calculate_position_size(self, opportunity: Opportunity, allowance: Allowance, desk: Desk) -> Sized | Rejected:
        """Size as every strategy does, then ask for the minimum at that size."""
        size = super().calculate_position_size(opportunity, allowance, desk)
        if isinstance(size, Rejected) or not isinstance(opportunity, Arbitrage):
            return size
        return below_minimum(opportunity, size, desk, self.settings.min_profit_bps, self.settings.min_net_profit) or size


def depth_ppm(candidate: Candidate, snapshot: Snapshot) -> int:
    """Return how much of its tightest pool a cycle leaves, 1..1_000_000.

    The largest share, in ppm rounded up, that the cycle takes of what a pool holds of the asset bought there, off one million. As
    confidence it weighs the rank: of two cycles with equal profit the one through deeper pools is served first.
    """
    share = 0
    for leg, bought in zip(candidate.legs, candidate.amounts[1:], strict=True):
        pool = snapshot.pools.get(leg.pool)
        held = pool.holdings.get(leg.buy, 0) if pool is not None else 0
        share = max(share, min(PPM_SCALE, -(-bought * PPM_SCALE // held)) if held else PPM_SCALE)
    return max(1, PPM_SCALE - share)
