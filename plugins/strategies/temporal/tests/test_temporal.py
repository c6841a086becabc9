"""The strategy ``temporal``."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from immutables import Map

from tidemill import Arbitrage, Asset, AssetAmount, AssetId, Bps, PairPoint, Signal, Snapshot, Wants
from tidemill.domain.answers import Rejected
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance, Sized
from tidemill.domain.history import History
from tidemill.domain.ids import BookId, OpportunityId, pair_of
from tidemill.planning.sizing import route_out
from tidemill.units import PPM_SCALE, Ppm
from tidemill_strategy_temporal import Temporal, TemporalSettings, tidemill_register_strategies
from tidemill_testing.desk import FlatRules, desk_of
from tidemill_testing.market import NEXT, SIM, pair_pool, snapshot_of, token

WETH, DAI, LINK = token("WETH"), token("DAI"), token("LINK")
E18 = 10**18
CHEAP = pair_pool("cheap", {WETH: 1_000 * E18, DAI: 2_000_000 * E18})
DEAR = pair_pool("dear", {WETH: 1_030 * E18, DAI: 2_000_000 * E18}, dex="sushiswap")
WIDE = [pair_pool("near", {WETH: 1_000 * E18, LINK: 200_000 * E18}), pair_pool("far", {WETH: 1_000 * E18, LINK: 210_000 * E18})]
PAIR, OTHER = pair_of(WETH, DAI), pair_of(WETH, LINK)
UNLIMITED = Allowance(WETH, 1 << 200, 1 << 200, 1 << 200)
Points = Callable[..., tuple[PairPoint, ...]]
SEEN = ((10, -5), (12, 30), (14, 14), (16, -5), (20, 40), (21, 15), (24, -5), (30, 20), (36, -5))
"""Three gaps: they closed after 4, 4 and 6 blocks, and halved after 2, 1 and 6."""


def snapshot_with(gaps: dict[Any, tuple[PairPoint, ...]], **options: Any) -> Snapshot:
    """Give a market at height 100 in which DAI and LINK are traded against WETH at two pools each."""
    snapshot = snapshot_of([CHEAP, DEAR, *WIDE], wrapped=WETH, **options)
    return evolve(snapshot, history=History(gaps=Map(gaps)))


def found(snapshot: Snapshot, **settings: Any) -> list[Arbitrage]:
    return [one for one in Temporal(TemporalSettings(**settings)).find_opportunities(snapshot) if isinstance(one, Arbitrage)]


def test_plugin_registers_the_strategy() -> None:
    """The entry point's hook gives the class under its name."""
    assert ["temporal"] == [strategy.name for strategy in tidemill_register_strategies()]


def test_needs_are_as_long_as_the_window() -> None:
    """The market keeps what the settings ask for, no more."""
    assert Wants(gap_length=64) == Temporal.needs == Temporal().needs
    assert Wants(gap_length=9) == Temporal(TemporalSettings(window=9)).needs


@pytest.mark.parametrize(("opened", "proposed"), [(93, 0), (92, 0), (91, 1), (40, 1)])
def test_find_proposes_a_gap_that_outlasted_twice_the_usual(opened: int, proposed: int, points: Points) -> None:
    """The usual is 4 blocks: at height 100 the gap must have opened before block 92."""
    assert proposed == len(found(snapshot_with({PAIR: points(*SEEN, (opened, 25))})))


def test_find_buys_cheap_and_sells_dear_and_says_why(points: Points) -> None:
    """The trade is on the present offers; the reason has the time open, the gaps seen, their median and their half-life."""
    (one,) = found(snapshot_with({PAIR: points(*SEEN, (80, 25))}))

    assert [(CHEAP.id, WETH, DAI), (DEAR.id, DAI, WETH)] == [(leg.pool, leg.sell, leg.buy) for leg in one.legs]
    assert ("temporal", SIM, WETH, 101) == (one.strategy, one.chain, one.asset, one.height)
    assert "a gap of 238 bps, open for 20 blocks: 3 before it closed after 4 blocks (median), half-life 2" == one.reason
    assert () == one.suspect


def test_find_trades_the_way_that_gains(points: Points) -> None:
    """What is found gains when it is carried out with a small amount, whichever asset pays."""
    for paid in (WETH, DAI):
        (one,) = found(snapshot_with({PAIR: points(*SEEN, (80, 25))}), start_assets=(paid,))
        amount = held = E18
        for leg in one.legs:
            held = {CHEAP.id: CHEAP, DEAR.id: DEAR}[leg.pool].amount_out(leg.sell, leg.buy, held, None)  # type: ignore[arg-type]

        assert paid == one.asset
        assert held > amount


def test_find_trusts_less_what_is_open_for_longer(points: Points) -> None:
    """Confidence is the time from which a gap counts, as a share of the time it has been open."""
    confidences = [found(snapshot_with({PAIR: points(*SEEN, (opened, 25))}))[0].confidence_ppm for opened in (91, 84, 60)]

    assert [8 * PPM_SCALE // 9, PPM_SCALE // 2, PPM_SCALE // 5] == confidences


def test_find_waits_for_enough_gaps(points: Points) -> None:
    """With fewer gaps seen than asked for, or none that was seen to open, there is no usual."""
    edges = points(*SEEN, (50, 25))

    assert [1, 0] == [len(found(snapshot_with({PAIR: edges}), least_gaps=least)) for least in (3, 4)]
    assert [] == found(snapshot_with({PAIR: points((50, 25))}), least_gaps=1)
    assert [] == found(snapshot_with({PAIR: ()}))
    assert [] == found(snapshot_with({}))


def test_find_looks_back_no_further_than_its_window(points: Points) -> None:
    """Points before the window, which another strategy asked for, do not count; a gap that fills the window is older than it shows."""
    edges = points(*SEEN, *((height, 25) for height in range(40, 50)))
    (one,) = found(snapshot_with({PAIR: (*edges[:9], *points((37, -1), (38, 20), (39, -1)), *edges[9:])}), window=14, least_gaps=1)

    assert [] == found(snapshot_with({PAIR: edges}), window=10)
    assert "open for 60 blocks: 1 before it closed after 1 blocks" in one.reason
    assert "or more" not in one.reason


def test_find_leaves_out_gaps_that_have_closed_by_now(points: Points) -> None:
    """Closed in the kept past, or in the present market, which our own fills are in: there is nothing to trade."""
    closed = snapshot_of([CHEAP, evolve(CHEAP, id=DEAR.id)], wrapped=WETH)
    alone = snapshot_of([CHEAP], wrapped=WETH)
    history = History(gaps=Map({PAIR: points(*SEEN, (50, 25))}))

    assert [] == found(snapshot_with({PAIR: points(*SEEN)}))
    assert [] == found(evolve(closed, history=history))
    assert [] == found(evolve(alone, history=history))
    wide = snapshot_with({PAIR: points(*((height, 100 * edge) for height, edge in (*SEEN, (50, 25))))})
    assert [1, 0] == [len(found(wide, open_bps=Bps(least))) for least in (237, 238)]


def test_find_needs_an_asset_to_pay_with(points: Points) -> None:
    """A pair without a start asset is left alone; of two, the first of the list pays."""
    gaps = {PAIR: points(*SEEN, (50, 25))}
    books = [BookState(BookId("b"), DAI), BookState(BookId("a"), WETH)]

    assert [] == found(snapshot_with(gaps), start_assets=(LINK, AssetId("other:1/erc20:0x1")))
    assert [DAI] == [one.asset for one in found(snapshot_with(gaps), start_assets=(LINK, DAI, WETH))]
    assert [WETH] == [one.asset for one in found(snapshot_with(gaps, books=books))]


def test_find_gives_the_widest_first_and_no_more_than_top(points: Points) -> None:
    """Order is by edge, and ``top`` counts per chain."""
    snapshot = snapshot_with({PAIR: points(*SEEN, (50, 25)), OTHER: points(*SEEN, (50, 25))})
    both = found(snapshot)

    assert [{leg.buy for leg in one.legs} for one in both] == [{LINK, WETH}, {DAI, WETH}]
    assert both[:1] == found(snapshot, top=1)
    assert both == found(snapshot, top=0)


def test_find_leaves_out_a_gap_that_is_not_worth_its_swaps(points: Points) -> None:
    """Amount and profit are the best of the pools as they are; a gap that leaves no more than two swaps cost is no news."""
    snapshot = snapshot_with({PAIR: points(*SEEN, (50, 25))})
    (one,) = found(snapshot)
    costs = (one.profit // 2, one.profit // 2 + 1)
    dear = [evolve(snapshot, chains={SIM: evolve(snapshot.chains[SIM], swap_cost=cost)}) for cost in costs]
    more = [route_out(one.legs, snapshot.pools, one.amount * share // 100, NEXT) - one.amount * share // 100 for share in (98, 100, 102)]

    assert one.profit == more[1] == max(more)
    assert [2 * (one.profit // 2) < one.profit, False] == [bool(found(view)) for view in dear]


def test_find_between_blocks_gives_nothing(points: Points) -> None:
    """New reference prices neither open nor close a gap."""
    assert [] == found(snapshot_with({PAIR: points(*SEEN, (50, 25))}, changed=(), changed_prices=[WETH]))


def test_find_marks_what_is_too_wide_as_suspect(points: Points) -> None:
    """It is proposed, so that the ledger says why it is not traded."""
    snapshot = snapshot_with({PAIR: points(*SEEN, (50, 25))})
    (one,) = found(snapshot, widest_bps=Bps(237))
    answer = Temporal().validate_opportunity(one, snapshot)

    assert isinstance(answer, Rejected)
    assert "suspect" == answer.rule
    assert "a gap of 238 bps is beyond widest_bps 237: so much is not left open by all others" == answer.reason
    assert () == found(snapshot, widest_bps=Bps(238))[0].suspect


@pytest.mark.parametrize(("transfers", "note", "said"), [
    ("taxed", "5 % of 1 DAI did not arrive", ("transfers of DAI are taxed: 5 % of 1 DAI did not arrive",)),
    ("broken", "", ("transfers of DAI are broken",)),
    ("sound", "", ()), ("unknown", "", ()),
])  # fmt: skip
def test_find_marks_a_token_that_does_not_arrive_as_suspect(transfers: Any, note: str, said: tuple[str, ...], points: Points) -> None:
    """What the chain's plugin saw of a token is the likeliest reason for a gap that stays."""
    assets = [Asset(DAI, "DAI", 18, transfers=transfers, transfers_note=note)]
    (one,) = found(snapshot_with({PAIR: points(*SEEN, (50, 25))}, assets=assets))

    assert said == one.suspect


def test_find_gives_suspect_gaps_last_and_when_they_change(points: Points) -> None:
    """They are told for their reason: not block after block, and never in the place of one that can be traded."""
    gaps = {PAIR: points(*SEEN, (50, 25)), OTHER: points(*SEEN, (50, 25))}
    poisoned = [Asset(LINK, "LINK", 18, transfers="broken")]
    both = found(snapshot_with(gaps, assets=poisoned))

    assert [False, True] == [bool(one.suspect) for one in both]
    assert both[:1] == found(snapshot_with(gaps, assets=poisoned, changed=[CHEAP.id])) == found(snapshot_with(gaps, assets=poisoned), top=1)


def test_size_below_a_minimum_is_rejected(points: Points) -> None:
    """Profit after gas must reach the settings at the size chosen."""
    snapshot = snapshot_with({PAIR: points(*SEEN, (50, 25))})
    (one,) = found(snapshot)
    desk = desk_of(snapshot, {WETH: E18}, rules=FlatRules(cost_per_swap=10**15))
    by_bps = Temporal(TemporalSettings(min_profit_bps=Bps(9_000))).calculate_position_size(one, UNLIMITED, desk)
    by_amount = Temporal(TemporalSettings(min_net_profit=AssetAmount(WETH, E18))).calculate_position_size(one, UNLIMITED, desk)
    passed = Temporal(TemporalSettings(min_net_profit=AssetAmount(WETH, 10**15))).calculate_position_size(one, UNLIMITED, desk)
    none = Temporal().calculate_position_size(one, UNLIMITED, desk_of(snapshot))

    assert ["min_profit_bps", "min_net_profit", "funds"] == [size.rule for size in (by_bps, by_amount, none) if isinstance(size, Rejected)]
    assert isinstance(passed, Sized)


def test_size_of_a_signal_is_rejected() -> None:
    """It trades two pools, and says so of anything else."""
    signal = Signal(OpportunityId("s"), "temporal", SIM, CHEAP.id, DAI, WETH, "buy", 1, 1, 101)
    size = Temporal().calculate_position_size(signal, UNLIMITED, desk_of(snapshot_of([CHEAP, DEAR], wrapped=WETH)))

    assert isinstance(size, Rejected)
    assert "size" == size.rule


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_profit_bps": Bps(-1)}, {"top": -1}, {"window": 1}, {"open_bps": Bps(-1)}, {"patience_ppm": Ppm(-1)}, {"least_gaps": 0},
        {"widest_bps": Bps(0)},
    ],
)  # fmt: skip
def test_settings_out_of_range_raise(wrong: dict[str, int]) -> None:
    """No negative minimum, and at least one gap to go by."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        TemporalSettings(**wrong)  # type: ignore[arg-type]  # wrong on purpose
