"""When a pool has strayed, which way it is traded, and how much."""

from collections.abc import Callable

import pytest
from tidemill import Bps, Signal, Snapshot
from tidemill.domain.history import PricePoint
from tidemill_testing.market import token

from tidemill_strategy_reversion import Reversion, ReversionSettings

Market = Callable[..., Snapshot]
GOLD, USD = token("GOLD"), token("USD")
E18 = 10**18


def found(market: Snapshot, settings: ReversionSettings | None = None) -> list[Signal]:
    """Return the signals on a market."""
    return [one for one in Reversion(settings).find_opportunities(market) if isinstance(one, Signal)]


@pytest.mark.parametrize(("gold", "expected"), [(940, [("buy", USD, GOLD)]), (1_000, []), (1_060, [])])
def test_pool_below_reference_is_bought(gold: int, expected: list[tuple[str, str, str]], market_at: Market) -> None:
    """Dollars buy what the pool sells too cheap; what is dear cannot be sold by a book that has none."""
    assert expected == [(one.side, one.funding, one.asset) for one in found(market_at(gold))]


def test_what_is_held_is_sold_where_a_pool_pays_above_reference(market_at: Market) -> None:
    """The way home: gold for dollars, all that is held where that is little."""
    (one,) = found(market_at(1_060, held={GOLD: 500 * E18}))

    assert ("sell", GOLD, USD) == (one.side, one.funding, one.asset)
    assert 0 <= 500 * E18 - one.amount < 8


def test_edge_counts_after_the_fee(market_at: Market) -> None:
    """Gold at 0.98 dollars gives 1.0204 a dollar: 204 bps, of which fee and the measuring sale's own impact take 32."""
    market = market_at(980)

    assert found(market, ReversionSettings(min_edge_bps=Bps(172)))
    assert not found(market, ReversionSettings(min_edge_bps=Bps(173)))


def test_edge_counts_beyond_the_stated_uncertainty(market_at: Market) -> None:
    """A reference price that may be off by 1 % asks for 100 bps more."""
    vague = PricePoint(GOLD, 10**6, -6, 10**4, 0, 100)
    market = market_at(980, reference=vague)

    assert found(market, ReversionSettings(min_edge_bps=Bps(72)))
    assert not found(market, ReversionSettings(min_edge_bps=Bps(73)))


@pytest.mark.parametrize(("age_s", "expected"), [(60, 1), (61, 0)])
def test_old_reference_price_does_not_count(age_s: int, expected: int, market_at: Market) -> None:
    """Beyond max_price_age_s nobody knows what the token is worth."""
    dated = PricePoint(GOLD, 10**6, -6, 0, -age_s * 10**9, 100)

    assert expected == len(found(market_at(940, reference=dated)))


@pytest.mark.parametrize("mantissa", [0, -5])
def test_reference_price_of_nothing_does_not_count(mantissa: int, market_at: Market) -> None:
    """A price of zero or less is an oracle's mistake."""
    assert not found(market_at(940, reference=PricePoint(GOLD, mantissa, -6, 0, 0, 100)))


def test_holding_is_bounded_by_the_books_worth(market_at: Market) -> None:
    """5 % of a hundred thousand dollars: the pool would take more."""
    (one,) = found(market_at(940))

    assert 0 <= 5_000 * E18 - one.amount < 8  # of amounts that gain the same to the unit, the smallest


def test_book_that_holds_its_share_buys_no_more(market_at: Market) -> None:
    """What is owned already counts."""
    assert not found(market_at(940, held={USD: 10**5 * E18, GOLD: 6_000 * E18}))


@pytest.mark.parametrize(("changed", "expected"), [((), 0), ((GOLD,), 1)])
def test_moved_reference_is_a_reason_to_look(changed: tuple[str, ...], expected: int, market_at: Market) -> None:
    """A pool that stood still has strayed where its reference moved; where nothing moved nothing is told again."""
    assert expected == len(found(market_at(940, changed=changed, quiet=True)))
