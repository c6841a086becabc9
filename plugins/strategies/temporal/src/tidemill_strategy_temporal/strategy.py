"""The strategy ``temporal``."""

from collections.abc import Iterator

import attrs
from attrs import evolve
from attrs.validators import ge

from tidemill import Arbitrage, AssetAmount, AssetId, Bps, ChainId, Opportunity, Pair, Snapshot, Strategy, Wants, settings
from tidemill.domain.answers import Rejected
from tidemill.domain.decision import Allowance, Sized
from tidemill.domain.ids import chain_of
from tidemill.planning.desk import Desk
from tidemill.planning.rank import below_minimum
from tidemill.planning.sizing import best_amount, route_out
from tidemill.units import PPM_SCALE, Ppm
from tidemill_strategy_temporal.gaps import Past, past_of

WINDOW = 64


@settings
class TemporalSettings:
    """When a gap counts as left open, and what a trade must leave.

    ``min_profit_bps``: what is left after pool fees, loan fee and expected gas, in basis points of the amount that goes in at the size
    chosen; 0 asks for nothing. ``min_net_profit``: the same figure as an amount, of any asset that it can be valued in.
    ``window``: changes of a pair that are looked back at. ``open_bps``: a gap is open while buying at one venue and selling at the
    other gains more than this after both fees. ``patience_ppm``: a gap is left open once it has lasted longer than so many millionths
    of the usual time to close, the median of the gaps seen; 2_000_000 is twice. ``least_gaps``: so many gaps of the pair must have been
    seen to open and close before one is proposed. ``widest_bps``: a gap wider than this that nobody closes is proposed as suspect,
    so that it is rejected with its reason; so is one of a token whose transfers the chain's plugin found to be unsound.
    ``start_assets``: what is paid with; empty: the base assets of the books and the chain's wrapped native coin. ``top``: the widest so
    many gaps of one batch are proposed, 0 for all.
    """

    min_profit_bps: Bps = attrs.field(
        default=Bps(10), validator=ge(Bps(0)), metadata={"doc": "least profit after gas, bps of the amount in"}
    )
    min_net_profit: AssetAmount | None = attrs.field(default=None, metadata={"doc": 'least profit after gas, such as "0.001 WETH"'})
    window: int = attrs.field(default=WINDOW, validator=ge(2), metadata={"doc": "changes of a pair that are looked back at"})
    open_bps: Bps = attrs.field(default=Bps(0), validator=ge(Bps(0)), metadata={"doc": "a gap is open above this edge after both fees"})
    patience_ppm: Ppm = attrs.field(
        default=Ppm(2_000_000), validator=ge(Ppm(0)), metadata={"doc": "left open after so many millionths of the usual time to close"}
    )
    least_gaps: int = attrs.field(default=3, validator=ge(1), metadata={"doc": "gaps of a pair that must have been seen to close"})
    widest_bps: Bps = attrs.field(default=Bps(1_000), validator=ge(Bps(1)), metadata={"doc": "a wider gap is suspect"})
    start_assets: tuple[AssetId, ...] = attrs.field(default=(), metadata={"doc": "what is paid with; empty: base assets, wrapped coin"})
    top: int = attrs.field(default=5, validator=ge(0), metadata={"doc": "proposals a batch, at most; 0: all"})


class Temporal(Strategy):
    """Proposes to trade a gap between two pools of a pair that has stayed open longer than gaps of that pair usually do.

    That others leave it has a reason: their gas or their size makes it too small, they do not watch the pair, or the token is poisoned.
    The longer it stays, the likelier is the last: confidence falls as the time open grows.
    """

    name = "temporal"
    settings: TemporalSettings
    needs = Wants(gap_length=WINDOW)

    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self.needs = Wants(gap_length=self.settings.window)

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        if not snapshot.changed.pools:
            return  # new reference prices neither open nor close a gap
        for chain in sorted(snapshot.chains):
            starts = self.start_assets(snapshot, chain, self.settings.start_assets)
            # What is suspect is proposed for its reason alone, and must not take the place of what can be traded
            found = sorted(self._found(snapshot, chain, starts), key=lambda one: (bool(one[1].suspect), -one[0], one[1].id))
            yield from (one for _, one in found[: self.settings.top or None])

    def _found(self, snapshot: Snapshot, chain: ChainId, starts: tuple[AssetId, ...]) -> Iterator[tuple[int, Arbitrage]]:
        """Yield the gaps that were left open and are worth their swaps, each with its edge; suspect ones when they change."""
        least, window = self.settings.open_bps, self.settings.window
        for pair, points in snapshot.history.gaps.items():  # order: what is found is sorted
            # Most pairs end here: what no block left open cannot have been left open for long
            if chain_of(pair[0]) != chain or not points or points[-1].edge_bps <= least:
                continue
            paid = next((start for start in starts if start in pair), None)
            if paid is not None:
                past = past_of(points[-window:], least)
                edge, one = self._left_open((pair[1] if pair[0] == paid else pair[0], paid), past, snapshot)
                if one is not None and (not one.suspect or pair in snapshot.changed.pairs):
                    yield edge, one

    def _left_open(self, pair: Pair, past: Past, snapshot: Snapshot) -> tuple[int, Arbitrage | None]:
        """Return the edge of a pair's present gap, and the trade on it, if it has been open for long, is still, and is worth its swaps."""
        usual, offers = past.usual, snapshot.offers(pair)
        if past.present is None or usual is None or len(past.closed) < self.settings.least_gaps or len(offers) < 2:
            return 0, None
        cheap, dear = offers[0], offers[-1]
        edge, lasted = cheap.edge_bps(dear), snapshot.head(chain_of(pair[0])).height - past.present.opened
        long = usual * self.settings.patience_ppm / PPM_SCALE
        if edge <= self.settings.open_bps or lasted <= long:
            return edge, None
        reason = (
            f"a gap of {edge} bps, open for {lasted} blocks{' or more' if past.present.censored else ''}: {len(past.closed)} before it "
            f"closed after {_halves(past)}"
        )
        confidence = min(PPM_SCALE, max(1, int(long * PPM_SCALE / lasted)))
        one = self.opportunity(buy=cheap, sell=dear, confidence_ppm=confidence, reason=reason)
        amount, profit = _best(one, snapshot)
        if profit <= snapshot.swap_cost(one.chain, one.asset) * len(one.legs):
            return edge, None
        return edge, evolve(one, amount=amount, profit=profit, suspect=tuple(self._suspicions(pair, edge, snapshot)))

    def _suspicions(self, pair: Pair, edge: int, snapshot: Snapshot) -> Iterator[str]:
        """Yield why others may be right to leave a gap."""
        if edge > self.settings.widest_bps:
            yield f"a gap of {edge} bps is beyond widest_bps {self.settings.widest_bps}: so much is not left open by all others"
        for asset in pair:
            known = snapshot.assets.get(asset)
            if known is not None and known.transfers not in ("unknown", "sound"):
                yield f"transfers of {known.symbol} are {known.transfers}{': ' * bool(known.transfers_note)}{known.transfers_note}"

    def calculate_position_size(self, opportunity: Opportunity, allowance: Allowance, desk: Desk) -> Sized | Rejected:
        """Size as every strategy does, then ask for the minimum at that size."""
        size = super().calculate_position_size(opportunity, allowance, desk)
        if isinstance(size, Rejected) or not isinstance(opportunity, Arbitrage):
            return size
        return below_minimum(opportunity, size, desk, self.settings.min_profit_bps, self.settings.min_net_profit) or size


def _best(one: Arbitrage, snapshot: Snapshot) -> tuple[int, int]:
    """Return the amount that leaves most on the snapshot's pools, money no object, and what it leaves; at most 0 where nothing gains."""
    pools, at = snapshot.pools, snapshot.at(one.chain)
    held = pools[one.legs[0].pool].holdings.get(one.asset, 0)
    return best_amount(lambda amount: route_out(one.legs, pools, amount, at) - amount, max(1, held), held >> 10)


def _halves(past: Past) -> str:
    """Write the usual time to close and the half-life, which medians of blocks are in halves."""
    texts = [str(one.numerator // one.denominator) + (".5" if one.denominator == 2 else "") for one in (past.usual, past.half_life) if one]
    return f"{texts[0]} blocks (median), half-life {texts[1]}"
