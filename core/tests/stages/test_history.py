"""The past that is kept: exactly what was declared."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from tidemill.domain import events as ev
from tidemill.domain.history import BarsWanted, History, Wants
from tidemill.domain.ids import ChainId, MarketId, Pair, erc20, pair_of
from tidemill.domain.offer import Offer
from tidemill.stages.history import keep_event, union
from tidemill_testing.market import SIM
from tidemill_testing.toy import DAI, USD, WETH

Stalls = Callable[..., Any]
BTC, ETH = MarketId("venue/BTC"), MarketId("venue/ETH")


def fold(wants: tuple[Wants, ...], *events: ev.Event) -> History:
    """Keep what is wanted of some events."""
    history, kept = History(), union(wants)
    for event in events:
        history = keep_event(history, event, kept)
    return history


def bar(number: int, interval_s: int = 60) -> ev.Bar:
    return ev.Bar(BTC, interval_s, number, 1, 2, 1, 2, 10)


def test_trades_are_kept_to_the_greatest_length_that_was_declared() -> None:
    """Two declarations of one market: the longer one decides; another market is not kept."""
    trades = [ev.Trade(BTC, "buy", price, 1) for price in range(5)]
    wants = (Wants(trades=(BTC,), trade_length=2), Wants(trades=(BTC,), trade_length=3))
    history = fold(wants, *trades, ev.Trade(ETH, "buy", 1, 1))

    assert {BTC: tuple(trades[2:])} == dict(history.trades)


def test_bars_are_kept_by_market_and_interval() -> None:
    """Bars of another interval than the declared one are not kept."""
    wants = (Wants(bars=(BarsWanted(BTC, 60, 2), BarsWanted(BTC, 60, 1))),)
    history = fold(wants, bar(1), bar(2), bar(3), bar(4, 3_600))

    assert {(BTC, 60): (bar(2), bar(3))} == dict(history.bars)


def test_nothing_declared_keeps_nothing() -> None:
    """Without a declaration the history is the very same value, whatever comes."""
    everything: tuple[ev.Event, ...] = (
        ev.Trade(BTC, "buy", 1, 1), bar(1), ev.BookSnapshot(BTC, (), (), 1), ev.BookDelta(BTC, "buy", 1, 1, 2),
        ev.Observation("gas", "x", ()), ev.TraderEvent("whale", SIM, "swap", "0x1"), ev.Timer("t", 1), ev.Rate("r", 1),
    )  # fmt: skip
    history = History()

    assert all(history is keep_event(history, event, union(())) for event in everything)


def test_length_of_zero_keeps_nothing() -> None:
    """A declared market with length 0 holds no trades."""
    assert {BTC: ()} == dict(fold((Wants(trades=(BTC,)),), ev.Trade(BTC, "buy", 1, 1)).trades)


def test_observations_are_kept_by_kind_and_subject() -> None:
    """Each subject of a declared kind has its own past."""
    seen = [ev.Observation("gas", subject, (("fee", fee),)) for subject, fee in (("a", 1), ("b", 2), ("a", 3), ("a", 4))]
    history = fold((Wants(observations=("gas",), observation_length=2),), *seen, ev.Observation("quote", "a", ()))

    assert {("gas", "a"): (seen[2], seen[3]), ("gas", "b"): (seen[1],)} == dict(history.observations)


def test_traders_are_kept_by_name() -> None:
    """Only followed traders are kept."""
    seen = [ev.TraderEvent("whale", SIM, "swap", f"0x{number}") for number in range(3)]
    history = fold((Wants(traders=("whale",), trader_length=2),), *seen, ev.TraderEvent("minnow", SIM, "swap", "0x"))

    assert {"whale": tuple(seen[1:])} == dict(history.traders)


def test_book_deltas_follow_a_snapshot_level_by_level() -> None:
    """A delta replaces one level, 0 lots removes it, the best stays first, and the sequence grows."""
    book = ev.BookSnapshot(BTC, ((10, 5), (9, 4)), ((11, 3), (12, 2)), 7)
    history = fold(
        (Wants(books=(BTC,)),),
        book,
        ev.BookDelta(BTC, "buy", 9, 0, 8),
        ev.BookDelta(BTC, "buy", 8, 1, 9),
        ev.BookDelta(BTC, "sell", 10, 6, 10),
        ev.BookDelta(BTC, "sell", 11, 1, 11),
    )

    assert {BTC: ev.BookSnapshot(BTC, ((10, 5), (8, 1)), ((10, 6), (11, 1), (12, 2)), 11)} == dict(history.books)


def test_book_delta_that_does_not_follow_is_left_out() -> None:
    """A delta before any snapshot, or with an old number, would corrupt the book."""
    wants = (Wants(books=(BTC,)),)
    delta = ev.BookDelta(BTC, "buy", 8, 1, 7)
    book = ev.BookSnapshot(BTC, (), (), 7)

    assert {} == dict(fold(wants, delta).books)
    assert {BTC: book} == dict(fold(wants, book, delta).books)


def test_pair_points_are_the_extreme_offers_of_each_head_that_ended(stall: Stalls) -> None:
    """One point per head, of the cheapest and the dearest pool at its end, never more than declared; pairs without pools have none."""
    pair, bare = pair_of(USD, WETH), pair_of(USD, DAI)
    run = stall(wants=[Wants(pairs=(pair, bare), pair_length=2)])
    pools = run.load({1: (10**18, 10**18), 2: (10**18, 10**18)})
    offers = [run.market.snapshot().offers(pair)]
    for held in (2 * 10**18, 3 * 10**18):
        run.head(run.blocks.logs({pools[2]: (10**18, held)}))
        offers.append(run.market.snapshot().offers(pair))
    run.head()

    points = run.market.state.history.pairs
    assert {pair} == set(points)
    assert [(2, offers[1][0], offers[1][1]), (3, offers[2][0], offers[2][1])] == [
        (point.height, point.cheapest, point.dearest) for point in points[pair]
    ]
    assert [one[0].edge_bps(one[1]) for one in offers[1:]] == [point.edge_bps for point in points[pair]]


def test_gap_points_stand_at_heads_at_which_a_pool_of_the_pair_changed(stall: Stalls) -> None:
    """Of every pair that two pools trade: one point at each head that moved one of them, none at others, no more than declared."""
    pair = pair_of(USD, WETH)
    run = stall(wants=[Wants(gap_length=1), Wants(gap_length=3)])
    pools = run.load({1: (10**18, 10**18), 2: (10**18, 10**18)})
    offers = []
    for number in range(2, 6):
        run.head(run.blocks.logs({pools[2]: (10**18, number * 10**18)}))
        offers.append(run.market.snapshot().offers(pair))
        run.head()
    run.load({3: (10**18, 10**18)}, (USD, DAI))
    run.head()

    gaps = run.market.state.history.gaps
    assert {pair} == set(gaps)
    assert [(4, *offers[1]), (6, *offers[2]), (8, *offers[3])] == [(point.height, point.cheapest, point.dearest) for point in gaps[pair]]
    assert {} == dict(run.market.state.history.pairs)
    assert {} == dict(run.market.state.moved)


def test_gap_points_look_at_changed_pairs_alone(stall: Stalls, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a head costs depends on what moved in it; where nobody asked for gaps, it costs nothing."""
    looked_at: list[Pair] = []

    def offers_of(pair: Pair) -> tuple[Offer, ...]:
        looked_at.append(pair)
        return ()

    unasked = stall()
    run = stall(wants=[Wants(gap_length=3)])
    pools = {**run.load({1: (10**18, 10**18), 2: (10**18, 10**18)}), **run.load({3: (10**18, 10**18), 4: (10**18, 10**18)}, (USD, DAI))}
    run.head()
    for one in (run, unasked):
        monkeypatch.setattr(one.market, "_offers_of", offers_of)
    run.head(run.blocks.logs({pools[3]: (10**18, 2 * 10**18)}))
    run.head()
    run.head()
    unasked.load({1: (10**18, 10**18), 2: (10**18, 10**18)})
    unasked.head()

    assert [pair_of(USD, DAI)] == looked_at
    assert {} == dict(unasked.market.state.moved)


def test_gap_points_of_a_pair_with_one_pool_left_are_none(stall: Stalls) -> None:
    """Where one of two pools gives no offer there is no gap to keep."""
    pair = pair_of(USD, WETH)
    run = stall(wants=[Wants(gap_length=3)])
    pools = run.load({1: (10**18, 10**18), 2: (10**18, 10**18)})
    run.head(run.blocks.logs({pools[2]: (0, 0)}))
    run.head()

    assert [1] == [point.height for point in run.market.state.history.gaps[pair]]


def test_gaps_of_one_chain_are_rolled_back_those_of_another_stay(stall: Stalls) -> None:
    """Points of dropped heads are gone, and the head that is the newest again still gives its own when it ends."""
    other = ChainId("toy:2")
    pair = pair_of(USD, WETH)
    run = stall(wants=[Wants(gap_length=9)], chains=(SIM, other))
    pools = run.load({1: (10**18, 10**18), 2: (10**18, 10**18)})
    for held in (2, 3, 4):
        run.head(run.blocks.logs({pools[1]: (10**18, held * 10**18)}))
    kept = run.market.state.history.gaps[pair]
    elsewhere = {pair_of(erc20(other, "0x01"), erc20(other, "0x02")): kept}
    run.market.state.history = evolve(run.market.state.history, gaps=run.market.state.history.gaps.update(elsewhere))
    run.market.roll_back(ev.Rollback(SIM, 2, "0x2"))

    assert [1, 2, 3] == [point.height for point in kept]
    assert kept[:1] == run.market.state.history.gaps[pair]
    assert elsewhere.items() <= dict(run.market.state.history.gaps).items()

    run.blocks.height = 2
    run.head()
    assert kept[:2] == run.market.state.history.gaps[pair]


def test_changed_markets_name_those_whose_book_moved(stall: Stalls) -> None:
    """A kept trade, bar or book change names its market; an observation names none."""
    run = stall(wants=[Wants(trades=(BTC,), trade_length=1, observations=("gas",))])
    run.tell(ev.Trade(BTC, "buy", 1, 1), ev.Observation("gas", "a", ()))

    assert (BTC,) == run.market.take_changed().markets
    assert () == run.market.take_changed().markets


def test_history_of_one_chain_is_rolled_back_that_of_another_stays(stall: Stalls) -> None:
    """Points of dropped heads are gone; another chain's points, and what came from venues, stay."""
    other = ChainId("toy:2")
    pair = pair_of(USD, WETH)
    run = stall(wants=[Wants(pairs=(pair,), pair_length=10, trades=(BTC,), trade_length=5)], chains=(SIM, other))
    run.load({1: (10**18, 10**18)})
    run.head()
    run.head(ev.Trade(BTC, "buy", 1, 1))
    run.head()
    run.market.roll_back(ev.Rollback(SIM, 2, "0x2"))

    assert [1] == [point.height for point in run.market.state.history.pairs[pair]]
    assert 1 == len(run.market.state.history.trades[BTC])
