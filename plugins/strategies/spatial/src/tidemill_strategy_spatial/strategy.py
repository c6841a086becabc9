"""The strategy ``spatial``."""

from collections.abc import Iterator

import attrs
from attrs.validators import ge

from tidemill import Arbitrage, AssetAmount, AssetId, Bps, CycleQuery, Opportunity, Snapshot, Strategy, settings
from tidemill.domain.answers import Rejected
from tidemill.domain.decision import Allowance, Sized
from tidemill.planning.desk import Desk
from tidemill.planning.rank import below_minimum


@settings
class SpatialSettings:
    """What a trade must leave, and which pools count as two venues.

    ``min_profit_bps``: what is left after pool fees, loan fee and expected gas, in basis points of the amount that goes in at the size
    chosen; 0 asks for nothing. ``min_net_profit``: the same figure as an amount, of any asset that it can be valued in.
    ``same_dex``: two pools of one DEX (fee tiers) count as two venues as well. ``start_assets``: what is paid with; empty: the base
    assets of the books and the chain's wrapped native coin. ``top``: the best so many of one batch are proposed, 0 for all;
    what is left out is not looked at again until its pools change.
    """

    min_profit_bps: Bps = attrs.field(
        default=Bps(10), validator=ge(Bps(0)), metadata={"doc": "least profit after gas, bps of the amount in"}
    )
    min_net_profit: AssetAmount | None = attrs.field(default=None, metadata={"doc": 'least profit after gas, such as "0.001 WETH"'})
    same_dex: bool = attrs.field(default=True, metadata={"doc": "two pools of one DEX count as two venues"})
    start_assets: tuple[AssetId, ...] = attrs.field(default=(), metadata={"doc": "what is paid with; empty: base assets, wrapped coin"})
    top: int = attrs.field(default=0, validator=ge(0), metadata={"doc": "proposals a batch, at most; 0: all"})


class Spatial(Strategy):
    """Proposes to buy an asset at one pool and sell it at another of the same pair, where one of the two has just changed.

    The two swaps are one cycle of the searcher, so that which pools, which way and how much are exact; capital and loans are decided
    later. A trade that ``triangular`` proposes too is carried out once: what touches the pools of a plan in flight is a conflict.
    """

    name = "spatial"
    searches = True
    settings: SpatialSettings

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        for chain in sorted(snapshot.chains):
            starts = self.start_assets(snapshot, chain, self.settings.start_assets)
            if not starts:
                continue
            proposed = 0
            costs = tuple((start, snapshot.swap_cost(chain, start)) for start in starts)
            for candidate in snapshot.cycles(CycleQuery(chain, starts, 2, 2, cost_per_hop=costs, changed_only=True)):
                if self.settings.same_dex or len({snapshot.refs[leg.pool].dex for leg in candidate.legs}) == len(candidate.legs):
                    yield self.from_cycle(candidate, snapshot)
                    proposed += 1
                    if proposed == self.settings.top:
                        break

    def calculate_position_size(self, opportunity: Opportunity, allowance: Allowance, desk: Desk) -> Sized | Rejected:
        """Size as every strategy does, then ask for the minimum at that size."""
        size = super().calculate_position_size(opportunity, allowance, desk)
        if isinstance(size, Rejected) or not isinstance(opportunity, Arbitrage):
            return size
        return below_minimum(opportunity, size, desk, self.settings.min_profit_bps, self.settings.min_net_profit) or size
