"""The strategy ``compound``."""

from collections.abc import Iterator, Sequence

import attrs
from attrs import evolve
from attrs.validators import ge, in_, le

from tidemill import Arbitrage, AssetAmount, AssetId, Bps, Candidate, ChainId, CycleQuery, Netted, Opportunity, Snapshot, Strategy, settings
from tidemill.domain.answers import Rejected
from tidemill.domain.decision import Allowance, Sized
from tidemill.domain.lending import LoanTerms
from tidemill.domain.plan import Plan
from tidemill.planning.desk import Desk
from tidemill.planning.netted import is_netted
from tidemill.planning.rank import below_minimum
from tidemill.planning.sizing import loan_cost
from tidemill.units import PPM_SCALE, Ppm
from tidemill_strategy_compound.within import netted_within, purses

MOST_HOPS = 12


def _not_below_min_hops(instance: "CompoundSettings", attribute: "attrs.Attribute[int]", value: int) -> None:
    if value < instance.min_hops:
        raise ValueError(f"'{attribute.name}' must be at least min_hops, which is {instance.min_hops}: {value}")


@settings
class CompoundSettings:
    """Which cycles are looked for, with how much effort, and what a trade must leave.

    ``min_profit_bps``: what is left after pool fees, loan fee and expected gas, in basis points of the amount that goes in at the size
    chosen; 0 asks for nothing. ``min_net_profit``: the same figure as an amount, of any asset that it can be valued in.
    ``min_hops``, ``max_hops``: swaps in a cycle, both 2 to 12; the searcher may know a lower limit. ``beam_width``: how many part-way
    cycles the searcher keeps at each swap, 0 for its own choice. ``deadline_ms``: the effort of one query, as what an ordinary machine
    does in that time; it is counted, not measured, so that a replay finds the same; 0 for the searcher's own choice. ``start_assets``:
    where cycles begin and end; empty: the base assets of the books and the chain's wrapped native coin; the netted trade begins with the
    first. ``top``: the best so many cycles of one batch are proposed one by one, 0 for all. ``netted``: one trade is proposed too, over as
    many cycles as the searcher nets, whatever ``top`` is. ``pool_survival_ppm``: how likely a pool is as it was when a transaction
    executes; by each pool that the trade over all touches beyond the best cycle it is less sure that it goes through, and ranks lower by
    this factor.
    """

    min_hops: int = attrs.field(default=2, validator=in_(range(2, MOST_HOPS + 1)), metadata={"doc": "swaps in a cycle, at least"})
    max_hops: int = attrs.field(
        default=MOST_HOPS,
        validator=[in_(range(2, MOST_HOPS + 1)), _not_below_min_hops],
        metadata={"doc": "swaps in a cycle, at most"},
    )
    beam_width: int = attrs.field(
        default=64,
        validator=[ge(0), le(65_536)],
        metadata={"doc": "part-way cycles kept at each swap; more finds more; 0: the searcher's own"},
    )
    deadline_ms: int = attrs.field(
        default=30,
        validator=[ge(0), le(600_000)],
        metadata={"doc": "effort of one query, in ms of an ordinary machine; 0: the searcher's own"},
    )
    min_profit_bps: Bps = attrs.field(
        default=Bps(5), validator=ge(Bps(0)), metadata={"doc": "least profit after gas, bps of the amount in"}
    )
    min_net_profit: AssetAmount | None = attrs.field(default=None, metadata={"doc": 'least profit after gas, such as "0.001 WETH"'})
    start_assets: tuple[AssetId, ...] = attrs.field(default=(), metadata={"doc": "where cycles begin; empty: base assets, wrapped coin"})
    top: int = attrs.field(default=20, validator=ge(0), metadata={"doc": "cycles of a batch proposed one by one, at most; 0: all"})
    netted: bool = attrs.field(default=True, metadata={"doc": "propose one trade over the cycles as well, whatever top is"})
    pool_survival_ppm: Ppm = attrs.field(
        default=Ppm(900_000),
        validator=[ge(Ppm(1)), le(Ppm(PPM_SCALE))],
        metadata={"doc": "chance that a pool does not move meanwhile: a netted trade's rank for each pool beyond the best cycle's"},
    )


class Compound(Strategy):
    """Proposes the netted trade over the cycles through pools that changed, and these cycles one by one.

    The trade over many cycles is worth at least as much as the best of them, and touches more pools: one that somebody moves meanwhile
    turns back all of it. Rank weighs both. Once it is on its way, the cycles that share its pools are in conflict with it; where it is
    not taken (no money, no room in a transaction), a cycle may be.
    """

    name = "compound"
    searches = True
    settings: CompoundSettings

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        for chain in sorted(snapshot.chains):
            query = self._query(snapshot, chain)
            if query is not None:
                yield from self._proposed(query, snapshot)

    def _query(self, view: Snapshot, chain: ChainId) -> CycleQuery | None:
        """Return what the searcher is asked on a chain, for no more hops than it knows; None where there is nothing to ask."""
        chosen = self.settings
        starts = self.start_assets(view, chain, chosen.start_assets)
        known = view.finder.max_hops if view.finder is not None else None
        longest = chosen.max_hops if known is None else min(known, chosen.max_hops)
        if not starts or longest < chosen.min_hops:
            return None
        return CycleQuery(
            chain,
            starts,
            chosen.min_hops,
            longest,
            cost_per_hop=tuple((start, view.swap_cost(chain, start)) for start in starts),
            work=view.work_for(chosen.deadline_ms),
            width=chosen.beam_width,
            top=chosen.top,
            changed_only=True,
        )

    def _proposed(self, query: CycleQuery, snapshot: Snapshot) -> Iterator[Opportunity]:
        netted = snapshot.netted(query) if self.settings.netted else None
        cycles = list(snapshot.cycles(query))
        trade: Arbitrage | None = None
        if netted is not None and netted.cycles > 1:
            reason = f"{len(netted.legs)} swaps netted from {netted.cycles} cycles"
            trade = self.from_netted(netted, snapshot, self._confidence(netted, cycles), reason)
            yield trade
        for candidate in cycles:
            found = self.from_cycle(candidate, snapshot, reason=f"{len(candidate.legs)} hops")
            # Many cycles may come to the swaps of one, which would then be that one under the same id
            if trade is None or found.id != trade.id:
                yield found

    def _confidence(self, netted: Netted, cycles: Sequence[Candidate]) -> int:
        """Return how sure the trade is beside the best cycle, in ppm: if one of its pools was moved, the guard turns back all of it."""
        best = next((len(one.legs) for one in cycles if not one.suspect), 0)
        more = max(0, len({leg.pool for leg in netted.legs}) - best)
        confidence_ppm: int = PPM_SCALE * self.settings.pool_survival_ppm**more // PPM_SCALE**more
        return max(1, confidence_ppm)

    def calculate_position_size(self, opportunity: Opportunity, allowance: Allowance, desk: Desk) -> Sized | Rejected:
        """Size as every strategy does, a netted trade that is too large for the money again within it; then ask for the minimum."""
        size = super().calculate_position_size(opportunity, allowance, desk)
        if not isinstance(opportunity, Arbitrage):
            return size
        if isinstance(size, Rejected):
            return self._sized_within(opportunity, allowance, desk) or size if is_netted(opportunity) else size
        return self._enough(opportunity, size, desk)

    def build_execution_plan(self, opportunity: Opportunity, size: Sized, desk: Desk) -> Plan | Rejected:
        """Make the plan; of a netted trade that was sized within less money, from the trade that was found then."""
        if isinstance(opportunity, Arbitrage) and is_netted(opportunity) and size.units < opportunity.amount:
            terms = next((one for one in desk.loans(opportunity.asset, opportunity.chain) if one.lender == size.lender), None)
            trade = self._within(opportunity, desk, size.units, terms)
            if isinstance(trade, Rejected):
                return trade
            opportunity, size = trade, evolve(size, units=trade.amount)
        return super().build_execution_plan(opportunity, size, desk)

    def _sized_within(self, opportunity: Arbitrage, allowance: Allowance, desk: Desk) -> Sized | Rejected | None:
        """Return the best size within the money that there is; the last reason against it, or None where there is none to try."""
        best: tuple[int, Sized, Arbitrage] | None = None
        against: Rejected | None = None
        for cap, terms in purses(opportunity, allowance, desk):
            wider = self._within(opportunity, desk, cap, terms)
            # Planning asks again within what goes in: what it will find then is what counts
            trade = wider if isinstance(wider, Rejected) or wider.amount == cap else self._within(opportunity, desk, wider.amount, terms)
            if isinstance(wider, Rejected) or isinstance(trade, Rejected):
                against = trade if isinstance(trade, Rejected) else against
                continue
            left = trade.profit - (terms.fee(trade.amount) if terms is not None else 0)
            net = left - (loan_cost(trade, desk) if terms is not None else 0)
            if net <= 0:
                against = Rejected("profit", "the loan costs more than the trade leaves", (("profit", left), ("amount", trade.amount)))
            elif best is None or net > best[0]:
                best = net, Sized(wider.amount, left, terms.lender if terms is not None else None), trade
        if best is None:
            return against
        _, size, trade = best
        enough = self._enough(trade, evolve(size, units=trade.amount), desk)
        return enough if isinstance(enough, Rejected) else size

    def _within(self, opportunity: Arbitrage, desk: Desk, cap: int, terms: LoanTerms | None) -> Arbitrage | Rejected:
        query = self._query(desk.view, opportunity.chain)
        if query is None:
            return Rejected("funds", f"no searcher that could net within {cap} of {opportunity.asset}", (("free", cap),))
        return netted_within(query, opportunity, desk, cap, terms)

    def _enough(self, trade: Arbitrage, size: Sized, desk: Desk) -> Sized | Rejected:
        return below_minimum(trade, size, desk, self.settings.min_profit_bps, self.settings.min_net_profit) or size
