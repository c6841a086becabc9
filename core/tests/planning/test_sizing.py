"""How much goes through a route."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.answers import NoQuote, NoQuoteReason, Rejected
from tidemill.domain.asset import AssetAmount
from tidemill.domain.decision import Allowance, Sized
from tidemill.domain.ids import AssetId, Key
from tidemill.domain.opportunity import Arbitrage, Leg
from tidemill.domain.pool import Quote
from tidemill.domain.time import ChainTime
from tidemill.planning.sizing import best_amount, loan_cost, route_missing, route_out, size_route
from tidemill_testing.desk import FlatLender, FlatRules, desk_of
from tidemill_testing.market import NEXT, PairPool, pair_pool, snapshot_of, token

A, B, C, LOST = token("A"), token("B"), token("C"), token("LOST")
MakeRoute = Callable[..., Arbitrage]
CHEAP = pair_pool("cheap", {A: 10**21, B: 10**21})
DEAR = pair_pool("dear", {A: 105 * 10**19, B: 10**21})
POOLS = [CHEAP, DEAR]
OPTIMUM = 10_859_313_729_847_497_938
UNLIMITED = 1 << 256


def allowance(own: int = UNLIMITED, borrowed: int = UNLIMITED) -> Allowance:
    return Allowance(A, own, borrowed, UNLIMITED)


def sized(found: Sized | Rejected) -> Sized:
    assert isinstance(found, Sized)
    return found


def rejected(found: Sized | Rejected) -> str:
    assert isinstance(found, Rejected)
    return found.rule


# best_amount ---------------------------------------------------------------------------------------------------------------------------


@given(st.integers(1, 400), st.integers(-50, 600), st.integers(1, 40), st.integers(0, 600))
def test_best_amount_smooth_hill_equals_exhaustive(cap: int, top: int, steep: int, hint: int) -> None:
    """On a hill without stairs the answer is the best of all amounts, the smallest of equal ones, whatever the hint."""

    def profit(amount: int) -> int:
        return amount * (2 * top - amount) * steep

    best = max(range(1, cap + 1), key=lambda amount: (profit(amount), -amount))

    assert (best, profit(best)) == best_amount(profit, cap, hint)


@given(
    st.lists(st.tuples(st.integers(10, 5_000), st.integers(10, 5_000)), min_size=1, max_size=4),
    st.integers(1, 3_000),
    st.integers(0, 3_000),
    st.sampled_from([0, 3_000, 10_000]),
)
def test_best_amount_staircase_loses_no_more_than_its_floors(hops: list[tuple[int, int]], cap: int, hint: int, fee_ppm: int) -> None:
    """Along floors the answer is real, within the cap, and short of the best of all amounts by no more than the stairs' height."""

    def profit(amount: int) -> int:
        left = amount
        for held_in, held_out in hops:
            net = left * (10**6 - fee_ppm)
            left = net * held_out // (held_in * 10**6 + net)
        return left - amount

    found, gained = best_amount(profit, cap, hint)
    # One unit lost at a hop is worth this many at the end, at the margin.
    stairs, worth = 0, 1
    for held_in, held_out in reversed(hops):
        stairs += worth
        worth = worth * -(-held_out // held_in)
    best = max(map(profit, range(1, cap + 1)))

    assert 1 <= found <= cap
    assert profit(found) == gained
    assert best - gained <= stairs + 1


@pytest.mark.parametrize("hint", [0, 1, 10**3, 10**18, OPTIMUM, 10**30, 1 << 256])
def test_best_amount_any_hint_reaches_the_optimum(hint: int, make_route: MakeRoute) -> None:
    """A bad hint costs work, not money."""
    pools = {pool.id: pool for pool in POOLS}
    legs = make_route(POOLS, A).legs

    def profit(amount: int) -> int:
        out = route_out(legs, pools, amount, NEXT)
        return out - amount if out else -(1 << 300)

    _, gained = best_amount(profit, 1 << 256, hint)

    assert best_amount(profit, 1 << 256, OPTIMUM)[1] - gained <= 2


def test_best_amount_good_hint_asks_few_times(make_route: MakeRoute) -> None:
    """From a good hint the search needs tens of quotes, not hundreds."""
    pools, asked = {pool.id: pool for pool in POOLS}, []
    legs = make_route(POOLS, A).legs

    def profit(amount: int) -> int:
        asked.append(amount)
        return route_out(legs, pools, amount, NEXT) - amount

    best_amount(profit, 1 << 256, OPTIMUM)

    assert len(set(asked)) == len(asked) <= 50


def test_best_amount_that_only_large_inputs_reach_is_found() -> None:
    """Where small amounts buy nothing at all (a coarse asset in between), the scan goes on to those that do."""

    def profit(amount: int) -> int:
        bought = amount // 10**12
        return bought * 1_020_000_000_000 - amount - bought * bought * 10**6 if bought else -amount

    found, gained = best_amount(profit, 1 << 200, 0)

    assert gained >= max(profit(amount * 10**12) for amount in range(9_900, 10_100)) * 999 // 1_000
    assert profit(found) == gained


@pytest.mark.parametrize("cap", [0, -5])
def test_best_amount_without_room_is_lost(cap: int) -> None:
    """With nothing to put in there is no amount, and no profit that any route could have."""
    amount, profit = best_amount(lambda amount: amount, cap, 1)

    assert 0 == amount
    assert profit < -UNLIMITED


def test_best_amount_losing_everywhere_gives_a_loss() -> None:
    """Where every amount loses, what is found is not above zero."""
    assert best_amount(lambda amount: -amount // 100 - 1, 1 << 200, 10**18)[1] < 0
    assert best_amount(lambda amount: -amount, 1 << 200, 0)[1] < 0


# route_out, route_missing --------------------------------------------------------------------------------------------------------------


def test_route_out_is_quotes_one_after_another(make_route: MakeRoute) -> None:
    """Each hop sells what the last one paid; nothing, or a pool that is not there, gives 0."""
    legs = make_route(POOLS, A).legs
    pools = {pool.id: pool for pool in POOLS}

    assert DEAR.amount_out(B, A, CHEAP.amount_out(A, B, 10**18, NEXT), NEXT) == route_out(legs, pools, 10**18, NEXT)
    assert [0, 0, 0] == [route_out(legs, pools, amount, NEXT) for amount in (0, -1, 1)]
    assert 0 == route_out(legs, {CHEAP.id: CHEAP}, 10**18, NEXT)


@frozen
class Partial(PairPool):
    """A pair that has loaded state for inputs up to 10^18 only."""

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        return super().amount_out(sell, buy, amount, at) if amount <= 10**18 else 0

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        if amount > 10**18:
            return NoQuote(NoQuoteReason.MISSING_STATE, "beyond", (Key("next"),))
        return super().quote_exact_in(sell, buy, amount, at)


def test_route_missing_names_the_state_that_stops_a_quote(make_route: MakeRoute) -> None:
    """The first hop that lacks state says which; a route that quotes, or that lacks a pool, lacks none."""
    partial = Partial(DEAR.id, DEAR.assets, DEAR.reserves)
    legs = make_route(POOLS, A).legs
    pools = {CHEAP.id: CHEAP, DEAR.id: partial}

    assert ((DEAR.id, (Key("next"),)),) == route_missing(legs, pools, 10**19, NEXT)
    assert () == route_missing(legs, pools, 10**17, NEXT)
    assert () == route_missing(legs, {}, 10**17, NEXT)


# size_route ----------------------------------------------------------------------------------------------------------------------------


def test_size_own_money_up_to_the_optimum(make_route: MakeRoute) -> None:
    """With plenty of own money the optimum goes in; with little, all of it but for floors."""
    snapshot = snapshot_of(POOLS, wrapped=A)
    rich = sized(size_route(make_route(POOLS, A, OPTIMUM), allowance(), desk_of(snapshot, {A: 10**24})))
    poor = sized(size_route(make_route(POOLS, A, OPTIMUM), allowance(), desk_of(snapshot, {A: 10**18})))
    capped = sized(size_route(make_route(POOLS, A, OPTIMUM), allowance(own=10**17), desk_of(snapshot, {A: 10**24})))

    assert None is rich.lender is poor.lender
    assert abs(rich.units - OPTIMUM) < OPTIMUM // 100
    assert 10**18 - 20 <= poor.units <= 10**18
    assert 10**17 - 20 <= capped.units <= 10**17
    assert route_out(make_route(POOLS, A).legs, snapshot.pools, poor.units, NEXT) - poor.units == poor.profit


def test_size_reserved_money_is_not_free(make_route: MakeRoute) -> None:
    """Only what no other plan has reserved goes in."""
    desk = desk_of(snapshot_of(POOLS, wrapped=A), {A: 10**18})
    desk.book.reserved.update({A: 10**18 - 10**9})  # type: ignore[attr-defined]  # a dict here

    assert sized(size_route(make_route(POOLS, A, OPTIMUM), allowance(), desk)).units <= 10**9


def test_size_loan_is_taken_where_it_leaves_more(make_route: MakeRoute) -> None:
    """Little own money: the loan's optimum, smaller than the free one, less its fee. Much own money: no loan."""
    snapshot = snapshot_of(POOLS, wrapped=A)
    lenders = [FlatLender("dear", AssetAmount(A, 10**24), 900), FlatLender("cheap", AssetAmount(A, 10**24), 500)]
    lent = sized(size_route(make_route(POOLS, A, OPTIMUM), allowance(), desk_of(snapshot, {A: 10**16}, lenders=lenders)))
    own = sized(size_route(make_route(POOLS, A, OPTIMUM), allowance(), desk_of(snapshot, {A: 10**24}, lenders=lenders)))

    assert "cheap" == lent.lender
    assert lent.units < own.units
    out = route_out(make_route(POOLS, A).legs, snapshot.pools, lent.units, NEXT)
    assert out - lent.units - -(-lent.units * 500 // 10**6) == lent.profit
    assert own.lender is None


@given(st.integers(1, 10**22), st.integers(0, 2_000), st.integers(0, 10**16))
def test_size_is_the_better_of_own_and_borrowed_sized_apart(own: int, fee_ppm: int, loan_gas: int) -> None:
    """Own money and the loan are sized apart, and what leaves more after the loan's gas is taken, own money on a tie."""
    legs = (Leg(CHEAP.id, A, B), Leg(DEAR.id, B, A))
    route = Arbitrage("o", "t", "sim:1", A, legs, OPTIMUM, 0, 101)  # type: ignore[arg-type]  # bare ids
    snapshot = snapshot_of(POOLS, wrapped=A)
    rules = FlatRules(cost_per_loan=loan_gas)
    lender = FlatLender("bank", AssetAmount(A, 10**24), fee_ppm)
    alone = size_route(route, allowance(borrowed=0), desk_of(snapshot, {A: own}, lenders=[lender], rules=rules))
    lent = size_route(route, allowance(own=0), desk_of(snapshot, {A: own}, lenders=[lender], rules=rules))
    both = sized(size_route(route, allowance(), desk_of(snapshot, {A: own}, lenders=[lender], rules=rules)))
    nets = [(one.profit - (loan_gas if one.lender else 0)) if isinstance(one, Sized) else 0 for one in (alone, lent)]

    assert both == (alone if nets[0] >= nets[1] else lent)


def test_size_loans_respect_what_is_available_and_allowed(make_route: MakeRoute) -> None:
    """No more than the lender has, no more than the allowance lets be borrowed; a lender that has nothing is passed over."""
    snapshot = snapshot_of(POOLS, wrapped=A)
    few = desk_of(snapshot, lenders=[FlatLender("empty", AssetAmount(A, 0)), FlatLender("few", AssetAmount(A, 10**17))])
    many = desk_of(snapshot, lenders=[FlatLender("other", AssetAmount(B, 10**24)), FlatLender("many", AssetAmount(A, 10**24))])

    assert 10**17 - 50 <= sized(size_route(make_route(POOLS, A, OPTIMUM), allowance(), few)).units <= 10**17
    assert 10**16 - 50 <= sized(size_route(make_route(POOLS, A, OPTIMUM), allowance(borrowed=10**16), many)).units <= 10**16
    assert "funds" == rejected(size_route(make_route(POOLS, A, OPTIMUM), allowance(borrowed=0), many))


def test_size_rejects_what_cannot_gain(make_route: MakeRoute) -> None:
    """The wrong way round, without money, or without a pool: each has its rule."""
    snapshot = snapshot_of(POOLS, wrapped=A)
    rich = desk_of(snapshot, {A: 10**24})

    assert "profit" == rejected(size_route(make_route([DEAR, CHEAP], A, 10**18), allowance(), rich))
    assert "funds" == rejected(size_route(make_route(POOLS, A, OPTIMUM), allowance(), desk_of(snapshot)))
    assert "stale" == rejected(size_route(make_route([*POOLS], A, OPTIMUM), allowance(), desk_of(snapshot_of([CHEAP]), {A: 10**24})))


def test_size_stopped_by_missing_state_says_which(make_route: MakeRoute) -> None:
    """The best size within the loaded state is given, with the keys that would be needed to go further."""
    partial = Partial(DEAR.id, DEAR.assets, DEAR.reserves)
    desk = desk_of(snapshot_of([CHEAP, partial], wrapped=A), {A: 10**24})
    found = sized(size_route(make_route([CHEAP, partial], A, OPTIMUM), allowance(), desk))

    assert 9 * 10**17 < found.units < 11 * 10**17
    assert ((DEAR.id, (Key("next"),)),) == found.missing


def test_loan_cost_without_a_price_counts_nothing(make_route: MakeRoute) -> None:
    """A loan's gas is valued in the route's asset; where that cannot be done it is left to the door."""
    rules = FlatRules(cost_per_loan=10**15)
    priced = desk_of(snapshot_of(POOLS, wrapped=A), rules=rules)
    unpriced = desk_of(snapshot_of(POOLS, wrapped=LOST), rules=rules)

    assert 10**15 == loan_cost(make_route(POOLS, A), priced)
    assert 0 == loan_cost(make_route(POOLS, A), unpriced)


def test_partial_pool_quotes_what_it_has_loaded() -> None:
    """The pool that these tests lack state with answers within it as the pair does."""
    partial: Any = Partial(DEAR.id, DEAR.assets, DEAR.reserves)

    assert DEAR.quote_exact_in(A, B, 10**18, NEXT) == partial.quote_exact_in(A, B, 10**18, NEXT)
