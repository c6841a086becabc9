"""Strategies: ideas of how to earn, as plain synchronous code from values to values."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from tidemill.domain.answers import Rejected
from tidemill.domain.decision import Allowance, Sized, Valid
from tidemill.domain.history import Wants
from tidemill.domain.ids import AssetId, ChainId, chain_of
from tidemill.domain.offer import Offer
from tidemill.domain.opportunity import Arbitrage, Leg, Opportunity, arbitrage_id
from tidemill.domain.plan import Plan
from tidemill.domain.search import Candidate, Netted
from tidemill.domain.snapshot import Snapshot
from tidemill.hookspecs.markers import hookspec
from tidemill.hookspecs.plugin import Plugin
from tidemill.planning.build import build_flow
from tidemill.planning.desk import Desk
from tidemill.planning.netted import is_netted, profit_of
from tidemill.planning.replay import Broken
from tidemill.planning.sizing import route_out, size_route


class Strategy(Plugin):
    """An idea of how to earn. Only ``find_opportunities`` must be written; the other three have sound defaults for arbitrages.

    It keeps no state between calls (a rollback or a restart could not restore it), opens no socket or file, asks no clock and no random
    source, and sees the past only. ``needs`` declares the history that it wants kept, its own past plans included; where that follows from
    settings it is assigned in ``__init__``, and never after. ``deterministic = False`` says that equal snapshots may give different answers
    on another machine; then its answers are recorded, and count when they come back as a batch. ``searches = True`` says that it finds
    nothing without a searcher (``snapshot.cycles``, ``snapshot.netted``): a configuration that enables it and none is refused.
    """

    interface_version: ClassVar[int] = 1
    needs: Wants = Wants()
    deterministic: ClassVar[bool] = True
    searches: ClassVar[bool] = False

    @abstractmethod
    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        """Yield what looks worth doing; ``snapshot.changed`` says what is new since the last call.

        It is asked after every batch that changed something: a block (``changed.pools`` and ``changed.pairs``), and new reference prices
        between two blocks (``changed.prices`` alone). Who trades against a reference price looks at both.
        """

    def validate_opportunity(self, opportunity: Opportunity, snapshot: Snapshot) -> Valid | Rejected:
        """Quote the route again in integers on the newest state; by default it must still gain."""
        if not isinstance(opportunity, Arbitrage):
            return Rejected("validate", f"{self.name} does not say how to validate a signal")
        if opportunity.suspect:
            return Rejected("suspect", "; ".join(opportunity.suspect))
        if opportunity.amount <= 0:
            return Rejected("validate", "no amount", (("amount", opportunity.amount),))
        if is_netted(opportunity):
            profit = profit_of(opportunity, snapshot.pools, snapshot.at(opportunity.chain))
            if isinstance(profit, Broken) or profit <= 0:
                return Rejected("validate", profit.reason if isinstance(profit, Broken) else "the trade no longer gains")
            return Valid(opportunity.amount, profit)
        out = route_out(opportunity.legs, snapshot.pools, opportunity.amount, snapshot.at(opportunity.chain))
        if out <= opportunity.amount:
            return Rejected("validate", "the route no longer gains", (("in", opportunity.amount), ("out", out)))
        return Valid(opportunity.amount, out - opportunity.amount)

    def calculate_position_size(self, opportunity: Opportunity, allowance: Allowance, desk: Desk) -> Sized | Rejected:
        """Choose the best size within the allowance, with own money or a flash loan, whichever leaves more."""
        if not isinstance(opportunity, Arbitrage):
            return Rejected("size", f"{self.name} does not say how to size a signal")
        return size_route(opportunity, allowance, desk)

    def build_execution_plan(self, opportunity: Opportunity, size: Sized, desk: Desk) -> Plan | Rejected:
        """Make the plan; by default a flow along the opportunity's route."""
        if not isinstance(opportunity, Arbitrage):
            return Rejected("plan", f"{self.name} does not say how to carry out a signal")
        return build_flow(opportunity, size, desk)

    def start_assets(self, snapshot: Snapshot, chain: ChainId, chosen: Sequence[AssetId] = ()) -> tuple[AssetId, ...]:
        """Return where cycles on a chain may begin: those chosen, else the base assets of the books and the chain's wrapped native coin."""
        wrapped = snapshot.chains[chain].wrapped
        usual = [*(snapshot.books[book].base for book in sorted(snapshot.books)), *([wrapped] if wrapped is not None else [])]
        return tuple(asset for asset in dict.fromkeys(chosen or usual) if chain_of(asset) == chain)

    def from_cycle(self, candidate: Candidate, snapshot: Snapshot, confidence_ppm: int = 1_000_000, reason: str = "") -> Arbitrage:
        """Return the arbitrage that carries out a cycle found by the searcher, with its amount and profit."""
        height = snapshot.at(candidate.chain).height
        return Arbitrage(
            id=arbitrage_id(self.name, height, candidate.asset, candidate.legs),
            strategy=self.name,
            chain=candidate.chain,
            asset=candidate.asset,
            legs=candidate.legs,
            amount=candidate.amounts[0],
            profit=candidate.profit,
            height=height,
            confidence_ppm=confidence_ppm,
            reason=reason,
            suspect=candidate.suspect,
        )

    def from_netted(self, netted: Netted, snapshot: Snapshot, confidence_ppm: int = 1_000_000, reason: str = "") -> Arbitrage:
        """Return the arbitrage that carries out a trade over many cycles, with its amounts and its profit."""
        height = snapshot.at(netted.chain).height
        return Arbitrage(
            id=arbitrage_id(self.name, height, netted.asset, netted.legs),
            strategy=self.name,
            chain=netted.chain,
            asset=netted.asset,
            legs=netted.legs,
            amount=netted.amount_in,
            profit=netted.profit,
            height=height,
            confidence_ppm=confidence_ppm,
            reason=reason,
        )

    def opportunity(self, *, buy: Offer, sell: Offer, confidence_ppm: int = 1_000_000, reason: str = "") -> Arbitrage:
        """Return the arbitrage that buys the pair's first asset at one pool and sells it at another, in one transaction.

        Amount and profit are left open (0): the core finds the best amount before it ranks.
        """
        legs = (Leg(buy.pool, buy.quote, buy.base), Leg(sell.pool, sell.base, sell.quote))
        return Arbitrage(
            id=arbitrage_id(self.name, buy.height, buy.quote, legs),
            strategy=self.name,
            chain=chain_of(buy.pool),
            asset=buy.quote,
            legs=legs,
            amount=0,
            profit=0,
            height=buy.height,
            confidence_ppm=confidence_ppm,
            reason=reason,
        )


@hookspec
def tidemill_register_strategies() -> Sequence[type[Strategy]]:  # type: ignore[empty-body]
    """Return the strategy classes this plugin provides.

    What to return: classes derived from Strategy, each with a name of its own.
    When: once, while the pipeline is assembled, before any connection is opened.
    Must not: do I/O, read the environment, or return a name already taken.
    Raises: nothing; bad settings are found when the configuration is read.
    Example: plugins/strategies/triangular/src/tidemill_strategy_triangular/__init__.py
    """
