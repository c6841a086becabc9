"""Rules for searchers that net cycles into one trade: it can be carried out, it is worth it, and it stays within what was asked."""

from collections.abc import Iterator, Sequence

from attrs import evolve

from tidemill.domain.ids import MAIN_BOOK, OpportunityId, PlanId, PoolId
from tidemill.domain.plan import Flow, PlannedSwap
from tidemill.domain.search import Candidate, CycleQuery, Netted
from tidemill.domain.snapshot import Snapshot
from tidemill.planning.replay import Broken, replay_flow
from tidemill_testing.conformance import asking
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.search.case import SECOND, START, query, tainted_snapshots
from tidemill_testing.conformance.search.pure import told
from tidemill_testing.conformance.search.queries import SearchQueries
from tidemill_testing.market import snapshot_of

_COST, _FEE_PPM, _CAP, _LEAST = 10**14, 900, 10**15, 10**16


class SearchNetting(SearchQueries):
    """The part of ``SearchConformance`` on ``Searcher.net``; authors inherit that class. Without trades, most of it holds by itself."""

    @rule("SCH-30", "a netted trade is carried out as it says")
    def test_netted_trade_is_carried_out_as_it_says(self) -> None:
        """Plans take its swaps as they stand: each must pay its amount behind the ones before, out of what is there by then.

        If this fails: move each pool by ``swap_exact_in`` before the next leg asks it, sell no more of a token than was bought, and let the
        profit be what is left of the asset above ``amount_in``.
        """
        for asked, snapshot, trade, _ in self._netted(query(self._hops(), (START, SECOND)), query(self._hops(), (SECOND,))):
            if trade is not None:
                wrong = wrong_trade(trade, snapshot, asked)
                if wrong is not None:
                    self.broken(wrong)

    @rule("SCH-31", "a netted trade is worth the best cycle at least")
    def test_netted_trade_is_worth_the_best_cycle_at_least(self) -> None:
        """Whoever takes the trade gives up the cycles: it may not leave less than the best of them alone, swaps and loan paid.

        If this fails: compare what both leave less ``cost_per_hop`` for each leg and the loan's fee, and give the cycle where it is more.
        """
        whole = query(self._hops(), (START, SECOND))
        dearer = evolve(whole, cost_per_hop=((START, _COST),), loan_fee_ppm=_FEE_PPM)
        for asked, _, trade, found in self._netted(whole, dearer):
            best = max((value_of(asked, one.profit, one.amounts[0], len(one.legs)) for one in found), default=0)
            left = value_of(asked, trade.profit, trade.amount_in, len(trade.legs)) if trade is not None else best
            if trade is not None and left < best:
                self.broken(f"it leaves {left} by {len(trade.legs)} swaps, one cycle {best}")

    @rule("SCH-32", "where a cycle gains there is a netted trade", needs="netted")
    def test_where_a_cycle_gains_there_is_a_netted_trade(self) -> None:
        """Who declares that it nets is asked for nothing else by some: a None must mean that nothing gains.

        If this fails: give the best cycle as a trade where no other is better, or take 'netted' out of the capabilities.
        """
        for _, _, trade, found in self._netted(query(self._hops(), (START, SECOND))):
            if trade is None and found:
                self.broken(f"{told(found, ())}, and no trade")

    @rule("SCH-33", "a netted trade keeps within capital, costs and least profit")
    def test_netted_trade_keeps_within_limits(self) -> None:
        """More than there is cannot go in; what leaves less than was asked, or no more than it costs, is noise.

        If this fails: bound ``amount_in`` by the start asset's ``capital``, and take off the loan's fee and ``cost_per_hop`` for each leg
        before comparing with ``min_profit``.
        """
        whole = query(self._hops())
        limited = (
            evolve(whole, cost_per_hop=((START, _COST),)),
            evolve(whole, loan_fee_ppm=_FEE_PPM),
            evolve(whole, capital=((START, _CAP),)),
            evolve(whole, capital=((START, 0),)),
            evolve(whole, min_profit=_LEAST),
        )
        for asked, _, trade, _ in self._netted(*limited):
            if trade is None:
                continue
            cap = dict(asked.capital).get(trade.asset)
            if cap is not None and trade.amount_in > cap:
                self.broken(f"{trade.amount_in} goes in, at most {cap} was asked")
            left = value_of(asked, trade.profit, trade.amount_in, len(trade.legs))
            if trade.profit < asked.min_profit or left <= 0:
                self.broken(f"a profit of {trade.profit}, at least {asked.min_profit} was asked; {left} is left of it")

    @rule("SCH-34", "a netted trade uses no token that makes cycles suspect")
    def test_netted_trade_uses_no_suspect_token(self) -> None:
        """One leg through a token that keeps a part of each transfer undoes the whole trade, sound legs and all.

        If this fails: leave out the suspect cycles, and every pool that trades what makes them suspect, before anything is netted.
        """
        for unsound, snapshot in tainted_snapshots(self._markets(1)):
            searcher, asked = self.make(), query(self._hops())
            searcher.update(snapshot)
            suspect = [one for one in searcher.find(asked) if one.suspect and any(unsound == leg.sell for leg in one.legs)]
            trade = searcher.net(asked)
            if trade is not None and suspect and any(unsound in (leg.sell, leg.buy) for leg in trade.legs):
                self.broken(f"it trades {unsound}, of which a cycle says: {'; '.join(suspect[0].suspect)}")

    @rule("SCH-35", "asked again it answers the same, and the snapshot is as it was")
    def test_asked_again_it_answers_the_same(self) -> None:
        """Several strategies ask one searcher about one snapshot: what one asks must change nothing for the next.

        If this fails: copy what is used up on the way, amounts and effort above all, and keep nothing between two questions but what the
        snapshot and the query say.
        """
        for pools in self._markets(1, opaque_share=30):
            snapshot, searcher = snapshot_of(pools), self.make()
            searcher.update(snapshot)
            before = _digests(snapshot)
            for asked in (query(self._hops(), (START, SECOND)), query(self._hops(), (SECOND,))):
                first, trade = list(searcher.find(asked)), searcher.net(asked)
                again, second = list(searcher.find(asked)), searcher.net(asked)
                if first != again:
                    self.broken(f"{told(first, again)}; asked again: {told(again, first)}")
                if trade != second:
                    self.broken(f"the trade was {trade}; asked again it is {second}")
            if _digests(snapshot) != before:
                self.broken("the pools, the assets or the books of the snapshot are not what they were before it was asked")

    def _netted(self, *queries: CycleQuery) -> Iterator[tuple[CycleQuery, Snapshot, Netted | None, list[Candidate]]]:
        """Yield queries, each with its market, the trade over it, and the cycles of its first start asset that no suspect one touches."""
        for pools in self._markets(opaque_share=20):
            snapshot, searcher = snapshot_of(pools), self.make()
            searcher.update(snapshot)
            for asked in queries:
                trade, found = searcher.net(asked), list(searcher.find(asked))
                touched = {leg.pool for cycle in found if cycle.suspect for leg in cycle.legs}
                sound = [cycle for cycle in found if touched.isdisjoint(leg.pool for leg in cycle.legs)]
                yield asked, snapshot, trade, [cycle for cycle in sound if cycle.asset == asked.starts[0]]


def value_of(asked: CycleQuery, profit: int, amount_in: int, swaps: int) -> int:
    """Return what is left of a profit when its swaps and its loan are paid, base units of the first start asset."""
    fee = -(-amount_in * asked.loan_fee_ppm // 1_000_000)
    return profit - fee - dict(asked.cost_per_hop).get(asked.starts[0], 0) * swaps


def wrong_trade(trade: Netted, snapshot: Snapshot, asked: CycleQuery) -> str | None:
    """Return what is wrong with a trade's legs or amounts, by carrying it out."""
    legs = trade.legs
    route = " > ".join(leg.pool for leg in legs)
    if trade.chain != asked.chain or trade.asset != asked.starts[0] or len(trade.amounts_out) != len(legs) or trade.cycles < 1:
        return (
            f"{route}: chain {trade.chain}, asset {trade.asset}, {len(legs)} legs, {len(trade.amounts_out)} outputs, {trade.cycles} cycles"
        )
    amounts = (*(leg.amount for leg in legs), *trade.amounts_out, trade.amount_in)
    if not all(type(amount) is int and amount > 0 for amount in amounts):
        return f"{route}: the amounts are {amounts}, expected whole numbers above 0"
    done = replay_flow(_flow_of(trade, snapshot), snapshot.pools, snapshot.at(trade.chain))
    if isinstance(done, Broken):
        return f"{route}: {done.reason}"
    paid, changes = tuple(fill.amount_out for fill in done.fills), dict(done.changes)
    if paid != trade.amounts_out:
        return f"{route}: the pools pay {paid}, the trade says {trade.amounts_out}"
    if changes.get(trade.asset, 0) != trade.profit or min(changes.values(), default=0) < 0:
        return f"{route}: it changes balances by {changes}, the trade says a profit of {trade.profit}"
    return None


def _flow_of(trade: Netted, snapshot: Snapshot) -> Flow:
    swaps = tuple(PlannedSwap(leg.pool, leg.sell, leg.buy, leg.amount, 0) for leg in trade.legs)
    return Flow(
        id=PlanId("netted"),
        opportunity=OpportunityId("netted"),
        strategy="conformance",
        book=MAIN_BOOK,
        chain=trade.chain,
        basis=(),
        funds=((trade.asset, trade.amount_in),),
        loans=(),
        swaps=swaps,
        guards=(),
        expires=snapshot.at(trade.chain).height,
        cost_cap=0,
    )


def _digests(snapshot: Snapshot) -> Sequence[str]:
    """Return digests of what a snapshot holds, whatever order its maps are in."""
    pools: list[tuple[PoolId, object]] = sorted(snapshot.pools.items(), key=lambda row: row[0])
    assets, books = sorted(snapshot.assets.items()), sorted(snapshot.books.items())
    return asking.digests([pools, assets, books, snapshot.changed, sorted(snapshot.by_pair.items())])
