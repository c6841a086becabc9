"""What a snapshot tells: pools, ages, quotes, offers and values."""

from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from immutables import Map

from tidemill.domain.answers import NoPrice, NoQuote, NoQuoteReason
from tidemill.domain.asset import Asset
from tidemill.domain.book import BookState
from tidemill.domain.history import PricePoint
from tidemill.domain.ids import BookId, Key, PoolId, pair_of
from tidemill.domain.offer import Offer
from tidemill.domain.pool import Quote
from tidemill.domain.search import CycleQuery
from tidemill.domain.snapshot import Snapshot
from tidemill_testing.market import ETHER, NEXT, NOW, SIM, pair_pool, snapshot_of, token

WETH, USDC, DAI, LINK, LOST = token("WETH"), token("USDC"), token("DAI"), token("LINK"), token("LOST")
E18, E6 = 10**18, 10**6
KNOWN = (Asset(WETH, "WETH", 18), Asset(USDC, "USDC", 6), Asset(DAI, "DAI", 18), Asset(LINK, "LINK", 18))
CHEAP = pair_pool("cheap", {WETH: 1_000 * E18, USDC: 1_990_000 * E6})
DEAR = pair_pool("dear", {WETH: 100 * E18, USDC: 202_000 * E6}, 500, dex="sushiswap")
LONE = pair_pool("link", {LINK: 10_000 * E18, WETH: 50 * E18})


def market(**options: Any) -> Snapshot:
    return snapshot_of([CHEAP, DEAR, LONE], **{"wrapped": WETH, "assets": KNOWN, **options})


def price(asset: Any, mantissa: int, exponent: int = 0) -> PricePoint:
    return PricePoint(asset, mantissa, exponent, 0, 0, 100)


def test_snapshot_answers_about_pools_and_heads() -> None:
    """Head and next height, pools by id and pair, versions, ages, states and books are looked up by name."""
    snapshot = market(seen={CHEAP.id: 97}, states={Key("k"): b"v", Key("absent"): None}, books=[BookState(BookId("main"), USDC)])

    assert (NOW, NEXT) == (snapshot.head(SIM), snapshot.at(SIM))
    assert (CHEAP, None) == (snapshot.pool(CHEAP.id), snapshot.pool(PoolId("sim:1/x:0x1")))
    assert tuple(sorted((CHEAP.id, DEAR.id))) == snapshot.pools_of(USDC, WETH) == snapshot.pools_of(WETH, USDC)
    assert () == snapshot.pools_of(USDC, LINK)
    assert (3, 0) == (snapshot.age(CHEAP.id), snapshot.age(DEAR.id))
    assert 100 == snapshot.version(DEAR.id)[0]
    assert (b"v", None) == (snapshot.state(SIM, Key("k")), snapshot.state(SIM, Key("absent")))
    assert USDC == snapshot.book().base
    for missing in (lambda: snapshot.version(PoolId("x")), lambda: snapshot.state(SIM, Key("never")), lambda: snapshot.book(BookId("b"))):
        with pytest.raises(KeyError):
            missing()


def test_snapshot_without_searcher_has_no_cycles() -> None:
    """Where no searcher is enabled a query finds nothing."""
    assert [] == list(market().cycles(CycleQuery(SIM, (WETH,))))


def test_quote_is_the_pools_or_says_why_not() -> None:
    """A loaded pool quotes for the next block; one that is known but not trusted is stale, an unknown one is neither."""
    snapshot = market()
    untrusted = evolve(snapshot, pools=Map({DEAR.id: DEAR}))
    quote, stale, unknown = (
        snapshot.quote(CHEAP.id, WETH, USDC, E18),
        untrusted.quote(CHEAP.id, WETH, USDC, E18),
        untrusted.quote(PoolId("x"), WETH, USDC, 1),
    )

    assert isinstance(quote, Quote)
    assert CHEAP.amount_out(WETH, USDC, E18, NEXT) == quote.amount_out
    assert isinstance(stale, NoQuote)
    assert isinstance(unknown, NoQuote)
    assert (NoQuoteReason.STALE, NoQuoteReason.ASSET) == (stale.reason, unknown.reason)


# Offers --------------------------------------------------------------------------------------------------------------------------------


def test_offers_are_cheapest_first_either_way_round() -> None:
    """For WETH in USDC the pool with the lower price is cheapest; for USDC in WETH it is the other."""
    snapshot = market()

    assert [CHEAP.id, DEAR.id] == [offer.pool for offer in snapshot.offers((WETH, USDC))]
    assert (CHEAP.id, DEAR.id) == (snapshot.cheapest((WETH, USDC)).pool, snapshot.dearest((WETH, USDC)).pool)
    assert (DEAR.id, CHEAP.id) == (snapshot.cheapest((USDC, WETH)).pool, snapshot.dearest((USDC, WETH)).pool)
    nothing = snapshot.cheapest((USDC, LINK))
    assert (0, "") == (nothing.numerator, nothing.pool)
    assert -10_000 == nothing.edge_bps(snapshot.dearest((WETH, USDC))) == snapshot.cheapest((WETH, USDC)).edge_bps(nothing)


def test_offers_leave_out_what_is_not_loaded_or_does_not_quote() -> None:
    """A pool that a gap took away, or that is empty on one side, makes no offer."""
    empty = pair_pool("empty", {WETH: 10**18, USDC: 0})
    snapshot = snapshot_of([CHEAP, DEAR, empty], wrapped=WETH)
    gone = evolve(snapshot, pools=snapshot.pools.delete(CHEAP.id))  # type: ignore[attr-defined]  # a Map here

    assert [DEAR.id] == [offer.pool for offer in gone.offers(pair_of(WETH, USDC))]


def test_offers_equal_prices_stand_in_order_of_ids() -> None:
    """Ties are broken by pool id."""
    twins = [pair_pool(name, {WETH: 10**18, USDC: 10**9}) for name in "abcd"]

    assert sorted(pool.id for pool in twins) == [offer.pool for offer in snapshot_of(twins).offers((WETH, USDC))]


@given(
    st.integers(1, 10**30),
    st.integers(1, 10**30),
    st.integers(1, 10**30),
    st.integers(1, 10**30),
    st.integers(0, 99_999),
    st.integers(0, 99_999),
)
def test_edge_bps_is_the_gain_after_both_fees_rounded_down(
    one: int, per: int, other: int, other_per: int, fee: int, other_fee: int
) -> None:
    """Buying here and selling there gains the ratio of prices less both fees; the sign tells a gain from a loss."""
    here = Offer(PoolId("a"), WETH, USDC, one, per, fee, 1)
    there = Offer(PoolId("b"), WETH, USDC, other, other_per, other_fee, 1)
    gain = Fraction(other, other_per) / Fraction(one, per) * Fraction(10**6 - fee, 10**6) * Fraction(10**6 - other_fee, 10**6) - 1

    assert gain * 10_000 // 1 == here.edge_bps(there)
    assert (gain < 0) is (here.edge_bps(there) < 0)


def test_edge_bps_from_cheap_to_dear_is_what_a_small_trade_gains() -> None:
    """The edge of two pools equals a small round trip's gain, within the probes' impact; the way back loses."""
    snapshot = market()
    cheap, dear = snapshot.cheapest((WETH, USDC)), snapshot.dearest((WETH, USDC))
    amount = 10 * E6
    back = DEAR.amount_out(WETH, USDC, CHEAP.amount_out(USDC, WETH, amount, NEXT), NEXT)

    assert abs((back - amount) * 10_000 // amount - cheap.edge_bps(dear)) <= 2
    assert cheap.edge_bps(dear) > 0 > dear.edge_bps(cheap)


# Value ---------------------------------------------------------------------------------------------------------------------------------


def test_value_of_an_asset_in_itself_is_the_amount() -> None:
    """No price is needed, not even for an unknown asset; the native coin is its wrapped twin."""
    assert (5, -5) == (market().value(LOST, 5, LOST), market().value(LOST, -5, LOST))
    assert (7, 7) == (market().value(ETHER, 7, WETH), market().value(WETH, 7, ETHER))


def test_value_of_a_claim_is_that_of_its_twin() -> None:
    """A deposit is valued like what it is a claim on."""
    claim = token("DEPOSIT")

    assert 9 == market(assets=(*KNOWN, Asset(claim, "dUSDC", 6, twin=USDC))).value(claim, 9, USDC)


def test_value_by_oracle_goes_before_pools() -> None:
    """Where both assets have a price the oracle decides, decimals and exponents in integers."""
    prices = {ETHER: price(ETHER, 300_000, -2), USDC: price(USDC, 1), LINK: price(LINK, 15)}
    snapshot = market(prices=prices)

    assert 3_000 * E6 == snapshot.value(WETH, E18, USDC) == snapshot.value(ETHER, E18, USDC)
    assert E18 == snapshot.value(USDC, 3_000 * E6, WETH)
    assert 200 * E18 == snapshot.value(ETHER, E18, LINK)


def test_value_a_stable_of_the_configuration_is_a_dollar() -> None:
    """A listed stable needs no oracle; a price of its own goes before."""
    prices = {WETH: price(WETH, 2_500)}

    assert 2_500 * E6 == market(prices=prices, dollars=(USDC,)).value(WETH, E18, USDC)
    assert 5_000 * E6 == market(prices=prices | {USDC: price(USDC, 5, -1)}, dollars=(USDC,)).value(WETH, E18, USDC)


@pytest.mark.parametrize("mantissa", [0, -5])
def test_value_a_price_that_is_none_falls_back_to_pools(mantissa: int) -> None:
    """Zero and negative prices are no prices."""
    value = market(prices={WETH: price(WETH, mantissa), USDC: price(USDC, 1)}).value(WETH, E18, USDC)

    assert value == market().value(WETH, E18, USDC)


def test_value_by_pools_reads_the_deepest_way() -> None:
    """Without oracle the deepest pool prices a pair, and several pools in a row an asset further away."""
    weth, link = market().value(WETH, E18, USDC), market().value(LINK, E18, USDC)

    assert isinstance(weth, int)
    assert isinstance(link, int)
    assert 1_989 * E6 < weth < 1_991 * E6
    assert 9_940_000 < link < 9_960_000
    assert abs(10 * E18 - _number(market().value(USDC, link * 10, LINK))) < E18 // 1_000


def test_value_rounds_towards_minus_infinity() -> None:
    """A gain is not made larger, nor a loss smaller, by rounding."""
    snapshot = market(prices={WETH: price(WETH, 3), USDC: price(USDC, 1)})

    assert (0, -1) == (snapshot.value(WETH, 10**11, USDC), snapshot.value(WETH, -(10**11), USDC))
    assert (3, -3) == (snapshot.value(WETH, 10**12, USDC), snapshot.value(WETH, -(10**12), USDC))


def test_value_of_what_no_pool_leads_to_is_no_price() -> None:
    """An asset outside the tree, on another chain, or behind a pool that stopped quoting has no price: never a guess."""
    snapshot = market()
    elsewhere = Asset(token("E"), "E", 18).id.replace("sim:1", "sim:2")
    pools = snapshot.pools
    gone = evolve(snapshot, pools=pools.delete(LONE.id))  # type: ignore[attr-defined]  # a Map here

    assert isinstance(snapshot.value(LOST, 1, WETH), NoPrice)
    assert isinstance(snapshot.value(WETH, 1, LOST), NoPrice)
    assert isinstance(snapshot.value(elsewhere, 1, WETH), NoPrice)  # type: ignore[arg-type]  # an id made by hand
    assert isinstance(gone.value(LINK, E18, WETH), NoPrice)
    assert isinstance(gone.value(WETH, E18, LINK), NoPrice)


@given(st.integers(-(10**24), 10**24), st.integers(-(10**24), 10**24))
def test_value_grows_with_the_amount(one: int, other: int) -> None:
    """More of an asset is never worth less, and the whole at least its parts."""
    snapshot = market()
    low, high = sorted((one, other))
    values = [_number(snapshot.value(LINK, amount, USDC)) for amount in (low, high, low + high)]

    assert values[0] <= values[1]
    assert values[0] + values[1] <= values[2] <= values[0] + values[1] + 1


def test_swap_cost_is_valued_in_the_asset_asked_for() -> None:
    """One more swap costs what the chain says, in any asset; 0 where that has no price."""
    snapshot = market(prices={WETH: price(WETH, 3_000), USDC: price(USDC, 1)})
    dear = evolve(snapshot, chains={SIM: evolve(snapshot.chains[SIM], swap_cost=10**15)})

    assert (10**15, 3 * E6) == (dear.swap_cost(SIM, WETH), dear.swap_cost(SIM, USDC))
    assert (0, 0) == (dear.swap_cost(SIM, LOST), snapshot.swap_cost(SIM, WETH))


def _number(found: int | NoPrice) -> int:
    assert isinstance(found, int)
    return found
