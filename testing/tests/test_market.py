"""The market for tests is as faithful as tests that rely on it assume."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.asset import AssetAmount
from tidemill.domain.curves import curve_out
from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.pool import Curve, Pool, Quote, Swapped
from tidemill.domain.search import CycleQuery
from tidemill.hookspecs.search import Searcher
from tidemill_amm.errors import InvalidReserves
from tidemill_testing.desk import FlatLender, FlatRules, desk_of
from tidemill_testing.market import NEXT, NOW, SIM, OpaquePool, PairPool, pair_pool, snapshot_of, token

A, B, C = token("A"), token("B"), token("C")
FULL = (1 << 112) - 1
RESERVES = st.integers(1, FULL)
POOL = pair_pool("one", {A: 10**18, B: 3 * 10**18})


def test_pair_fulfils_the_pool_protocol() -> None:
    """A test pool is a Pool, hidden or not; its id is made from its name."""
    assert isinstance(POOL, Pool)
    assert isinstance(pair_pool("one", {A: 1, B: 1}, opaque=True), Pool)
    assert POOL.id == pair_pool("one", {A: 5, B: 5}).id != pair_pool("two", {A: 5, B: 5}).id
    assert {A: 10**18, B: 3 * 10**18} == POOL.holdings


def test_pair_beyond_uint112_raises() -> None:
    """Reserves that a pair cannot store are no pool."""
    with pytest.raises(InvalidReserves):
        pair_pool("one", {A: FULL + 1, B: 1})


@given(RESERVES, RESERVES, st.integers(1, 1 << 113), st.sampled_from([0, 2_500, 3_000, 10_000]))
def test_pair_swap_keeps_the_product_and_what_it_quotes(held: int, held_other: int, amount: int, fee_ppm: int) -> None:
    """Quote and swap agree, the product of reserves never falls, and nothing is stored beyond uint112."""
    pool = pair_pool("one", {A: held, B: held_other}, fee_ppm)
    out = pool.amount_out(A, B, amount, NEXT)
    swapped = pool.swap_exact_in(A, B, amount, NEXT)

    if not out:
        assert isinstance(swapped, NoQuote)
        return
    assert isinstance(swapped, Swapped)
    assert (amount, out) == (swapped.quote.amount_in, swapped.quote.amount_out)
    after = swapped.pool.holdings
    assert (held + amount, held_other - out) == (after[A], after[B])
    assert after[A] * after[B] >= held * held_other
    assert after[A] <= FULL


@given(st.integers(1, 1 << 90), st.integers(2, 1 << 90), st.integers(1, 1 << 89), st.sampled_from([0, 2_500, 3_000]))
def test_pair_exact_out_is_the_least_input(held: int, held_other: int, amount: int, fee_ppm: int) -> None:
    """What is asked for buys the amount, and one unit less does not."""
    pool = pair_pool("one", {A: held, B: held_other}, fee_ppm)
    quote = pool.quote_exact_out(A, B, amount, NEXT)

    if isinstance(quote, NoQuote):
        assert amount >= held_other or quote.reason is NoQuoteReason.LIQUIDITY
        return
    assert pool.amount_out(A, B, quote.amount_in, NEXT) >= amount
    assert pool.amount_out(A, B, quote.amount_in - 1, NEXT) < amount


def test_pair_says_why_it_does_not_quote() -> None:
    """Wrong asset, no amount, and more than there is are told apart, both ways."""
    empty = pair_pool("empty", {A: 0, B: 10})
    full = pair_pool("full", {A: FULL, B: 10**18})

    def reasons(pool: PairPool, sell: AssetId, amount: int) -> list[NoQuoteReason]:
        found = (pool.quote_exact_in(sell, B, amount, NEXT), pool.quote_exact_out(sell, B, amount, NEXT))
        return [quote.reason for quote in found if isinstance(quote, NoQuote)]

    assert [NoQuoteReason.ASSET] * 2 == reasons(POOL, C, 5)
    assert [NoQuoteReason.AMOUNT] * 2 == reasons(POOL, A, 0)
    assert [NoQuoteReason.LIQUIDITY] * 2 == reasons(empty, A, 5)
    assert [NoQuoteReason.LIQUIDITY] * 2 == reasons(full, A, 5)
    assert isinstance(POOL.swap_exact_in(C, B, 5, NEXT), NoQuote)


@given(st.integers(1, 10**18))
def test_pair_curve_is_within_its_slack(amount: int) -> None:
    """The one segment equals the quote but for the floor."""
    curve = POOL.segments(A, B, NEXT, 10**18)

    assert isinstance(curve, Curve)
    (segment,) = curve.segments
    assert (10**18, 1) == (segment.in_to, curve.slack)
    assert curve_out(curve, amount) == POOL.amount_out(A, B, amount, NEXT)


def test_pair_without_room_has_no_curve() -> None:
    """Another asset, no amount, a full or an empty reserve: there is nothing to draw."""
    full = pair_pool("full", {A: FULL, B: 10**18})
    empty = pair_pool("e", {A: 0, B: 1})

    for pool, sell, most in ((full, A, 5), (empty, A, 5), (POOL, C, 5), (POOL, A, 0), (POOL, A, -1)):
        assert isinstance(pool.segments(sell, B, NEXT, most), NoCurve)


def test_hidden_pair_tells_only_amounts() -> None:
    """It quotes as the open one does and stays hidden after a swap."""
    hidden = pair_pool("one", {A: 10**18, B: 3 * 10**18}, opaque=True)
    swapped = hidden.swap_exact_in(A, B, 10**9, NEXT)

    assert isinstance(hidden.segments(A, B, NEXT, 5), NoCurve)
    assert POOL.quote_exact_in(A, B, 10**9, NEXT) == hidden.quote_exact_in(A, B, 10**9, NEXT)
    assert isinstance(swapped, Swapped)
    assert isinstance(swapped.pool, OpaquePool)


class Noting(Searcher):
    name = "noting"
    updated = 0

    def update(self, snapshot: object) -> None:
        self.updated += 1

    def find(self, query: CycleQuery) -> object:  # type: ignore[override]  # never asked
        raise NotImplementedError


def test_snapshot_holds_what_it_is_made_of() -> None:
    """Pools by id and pair, everything changed unless said otherwise, a searcher brought up to date."""
    other = pair_pool("two", {B: 10**18, C: 10**18})
    searcher = Noting()
    snapshot = snapshot_of([other, POOL], searcher=searcher)

    assert tuple(sorted((POOL.id, other.id))) == snapshot.changed.pools
    assert (POOL.id,) == snapshot.pools_of(A, B)
    assert (NOW, NEXT, 1) == (snapshot.head(SIM), snapshot.at(SIM), searcher.updated)
    assert ("uniswap", "v2", 3_000) == (snapshot.refs[POOL.id].dex, snapshot.refs[POOL.id].kind, snapshot.refs[POOL.id].fee_ppm)
    some = snapshot_of([other, POOL], changed=[other.id], changed_prices=[C, B])
    assert ((other.id,), 1, tuple(sorted((B, C)))) == (some.changed.pools, len(some.changed.pairs), some.changed.prices)
    assert () == snapshot_of([]).changed.pools


def test_desk_prices_swaps_and_loans_by_its_list() -> None:
    """The flat rules cost so much a swap and a loan; the lender offers its one asset."""
    snapshot = snapshot_of([POOL])
    lender = FlatLender("bank", AssetAmount(A, 100), 500)
    desk = desk_of(snapshot, {A: 7}, base=B, rules=FlatRules(cost_per_swap=3, cost_per_loan=10), lenders=[lender])

    assert (B, 7, 0) == (desk.book.base, desk.book.free(A), desk.book.free(B))
    assert 16 == desk.rules[SIM].estimate(desk.pool_refs([POOL.id, POOL.id]), 1, snapshot)
    assert [100] == [terms.available for terms in desk.loans(A, SIM)]
    assert [] == list(desk.loans(B, SIM))
    assert NEXT == desk.rules[SIM].executes_at(NOW)
    with pytest.raises(KeyError):
        desk.pool_refs([PoolId("sim:1/x:0x1")])
    assert isinstance(POOL.quote_exact_in(A, B, 5, NEXT), Quote)
