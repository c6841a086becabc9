"""How ideas are gathered and ranked."""

from collections.abc import Iterator, Mapping

from attrs import evolve

from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, ChainId, MarketId, OpportunityId
from tidemill.domain.opportunity import Arbitrage, Leg, Opportunity, Signal
from tidemill.domain.snapshot import Snapshot
from tidemill.hookspecs.strategy import Strategy
from tidemill.pipeline.supervise import Supervisor
from tidemill.planning.sizing import route_out
from tidemill.stages.guard import Fault
from tidemill.stages.ideas import Asked, gather, priced, ranked
from tidemill_testing.market import SIM, pair_pool, snapshot_of
from tidemill_testing.toy import USD, WETH, ToyRules

DEEP = 10**21
CHEAP = pair_pool("cheap", {USD: DEEP, WETH: DEEP}, dex="toy")
DEAR = pair_pool("dear", {USD: DEEP * 11 // 10, WETH: DEEP}, dex="toy")
VIEW = snapshot_of([CHEAP, DEAR], wrapped=WETH)
LEGS = (Leg(CHEAP.id, USD, WETH), Leg(DEAR.id, WETH, USD))


class Saying(Strategy):
    """Yields what it is given, then raises where it is told to."""

    def __init__(self, name: str, ideas: tuple[Opportunity, ...] = (), *, fails: bool = False) -> None:
        super().__init__()
        self.name, self.ideas, self.fails = name, ideas, fails  # type: ignore[misc]

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        yield from self.ideas
        if self.fails:
            raise SystemExit(3)


def idea(name: str, profit: int = 10**16, amount: int = 10**18, confidence_ppm: int = 1_000_000) -> Arbitrage:
    return Arbitrage(OpportunityId(name), "s", SIM, USD, LEGS, amount, profit, 100, confidence_ppm)


def order(*found: tuple[Opportunity, int], base_of: Mapping[str, AssetId] | None = None) -> list[str]:
    """Return the ids of ideas with priorities, best first."""
    asked = [(Asked("strategies.s", Saying("s"), priority), opportunity) for opportunity, priority in found]
    bases = {"s": USD} if base_of is None else base_of
    return [one.opportunity.id for one in ranked(asked, VIEW, {SIM: ToyRules(gas=10**6)}, bases, Supervisor({}, 3), [])]


def test_gather_keeps_the_order_of_the_strategies_and_drops_only_who_fails() -> None:
    """A strategy that raises half-way, even SystemExit, costs its own ideas and nobody else's."""
    first, second, third = Saying("a", (idea("1"),)), Saying("b", (idea("2"),), fails=True), Saying("c", (idea("3"),))
    faults: list[Fault] = []
    asked = [Asked(f"strategies.{one.name}", one, 0) for one in (first, second, third)]
    found = gather(asked, VIEW, Supervisor({}, 3), faults)

    assert ["1", "3"] == [opportunity.id for _, opportunity in found]
    assert [("strategies.b", "SystemExit: 3")] == [(fault.plugin, fault.reason) for fault in faults]


def test_rank_is_by_net_profit_weighted_with_confidence() -> None:
    """Twice the profit at a third of the confidence comes second."""
    sure, unsure = idea("z", 10**16), idea("a", 2 * 10**16, confidence_ppm=300_000)

    assert ["z", "a"] == order((unsure, 0), (sure, 0))


def test_rank_of_equal_profits_is_by_priority_then_by_id() -> None:
    """Higher priority first, then the smaller id, whatever the order they came in."""
    assert ["c", "a", "b"] == order((idea("b"), 0), (idea("c"), 5), (idea("a"), 0))


def test_rank_counts_an_idea_that_came_twice_once() -> None:
    """The first of two ideas with one id is kept."""
    assert ["a"] == order((idea("a", 10**16), 0), (idea("a", 10**17), 9))


def test_rank_fills_in_an_open_amount_with_the_best() -> None:
    """Amount 0 means that the core finds it: no neighbouring amount gains more."""
    asked = Asked("strategies.s", Saying("s"), 0)
    (found,) = ranked([(asked, idea("a", 0, 0))], VIEW, {SIM: ToyRules()}, {"s": USD}, Supervisor({}, 3), [])
    best = found.opportunity
    at = VIEW.at(SIM)

    assert best.amount > 0
    assert best.profit == route_out(LEGS, VIEW.pools, best.amount, at) - best.amount
    for other in (best.amount * 99 // 100, best.amount * 101 // 100):
        assert best.profit > route_out(LEGS, VIEW.pools, other, at) - other
    assert best.profit > found.net > 0


def test_rank_of_an_open_idea_that_cannot_gain_stays_open() -> None:
    """Backwards, or over a pool that is not loaded, no amount gains: it stays 0 and its net is a loss."""
    backwards = evolve(idea("a", 0, 0), legs=(Leg(DEAR.id, USD, WETH), Leg(CHEAP.id, WETH, USD)))
    unloaded = evolve(idea("b", 0, 0), legs=(Leg(pair_pool("gone", {USD: 1, WETH: 1}).id, USD, WETH), LEGS[1]))

    assert backwards is priced(backwards, VIEW)
    assert unloaded is priced(unloaded, VIEW)


def test_rank_without_a_book_for_its_strategy_is_nothing() -> None:
    """An idea that no book serves has no base to be measured in: its net is 0."""
    asked = Asked("strategies.s", Saying("s"), 0)

    assert 0 == ranked([(asked, idea("a"))], VIEW, {SIM: ToyRules()}, {}, Supervisor({}, 3), [])[0].net


def test_rank_keeps_an_idea_on_a_chain_that_is_not_enabled() -> None:
    """It is not dropped in silence: later it is rejected by name."""
    asked = Asked("strategies.s", Saying("s"), 0)
    foreign = evolve(idea("a"), chain=ChainId("toy:9"))

    assert [0] == [one.net for one in ranked([(asked, foreign)], VIEW, {SIM: ToyRules()}, {"s": USD}, Supervisor({}, 3), [])]


def test_rank_of_a_signal_counts_its_profit_in_its_funding() -> None:
    """A signal has no route: its expected gain is valued as it stands."""
    view = snapshot_of([CHEAP], wrapped=WETH, assets=[Asset(USD, "USD", 18)])
    signal = Signal(OpportunityId("s"), "s", SIM, MarketId("venue/x"), WETH, USD, "buy", 10, 7, 1)
    asked = Asked("strategies.s", Saying("s"), 0)

    assert 7 == ranked([(asked, signal)], view, {SIM: ToyRules()}, {"s": USD}, Supervisor({}, 3), [])[0].net
