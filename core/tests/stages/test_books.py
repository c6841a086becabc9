"""The books in memory: what is owned, promised, and given back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.book import OpenPlan
from tidemill.domain.ids import MAIN_BOOK, PlanId
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.errors import InvariantError
from tidemill.stages.books import Books
from tidemill_testing.market import ETHER
from tidemill_testing.toy import DAI, USD

ASSETS = st.sampled_from([USD, DAI, ETHER])
AMOUNTS = st.integers(1, 10**18)


def books_of(**held: int) -> Books:
    books = Books([(MAIN_BOOK, USD)])
    books.credit(MAIN_BOOK, [({"usd": USD, "dai": DAI, "ether": ETHER}[name], amount) for name, amount in held.items()])
    return books


def open_plan(name: str, usd: int, cost: int = 0) -> OpenPlan:
    return OpenPlan(PlanId(name), "s", 1, ((USD, usd),), cost, ETHER, ())


def test_reserve_takes_funds_and_cost_out_of_what_is_free() -> None:
    """A plan's funds and its cost cap are free no more; balances stay."""
    books = books_of(usd=100, ether=10)
    books.reserve(MAIN_BOOK, open_plan("p", 60, 4))
    state = books.states[MAIN_BOOK]

    assert (40, 6, 100) == (state.free(USD), state.free(ETHER), state.balances[USD])
    assert ["p"] == [plan.id for plan in state.plans]


def test_reserve_of_native_coin_counts_with_its_cost() -> None:
    """Where funds are the native coin itself, both are reserved."""
    books = books_of(ether=10)
    books.reserve(MAIN_BOOK, OpenPlan(PlanId("p"), "s", 1, ((ETHER, 3),), 4, ETHER, ()))

    assert {ETHER: 7} == dict(books.states[MAIN_BOOK].reserved)


def test_release_gives_back_one_plan_and_knows_no_other() -> None:
    """What a plan reserved is free again, once; another plan's stays."""
    books = books_of(usd=100)
    books.reserve(MAIN_BOOK, open_plan("p", 60))
    books.reserve(MAIN_BOOK, open_plan("q", 30))
    released = books.release(MAIN_BOOK, PlanId("p"))

    assert open_plan("p", 60) == released
    assert None is books.release(MAIN_BOOK, PlanId("p"))
    assert {USD: 30} == dict(books.states[MAIN_BOOK].reserved)


def test_books_hand_out_values_that_never_change() -> None:
    """Whoever holds the states of before keeps them."""
    books = books_of(usd=100)
    before = books.states
    books.reserve(MAIN_BOOK, open_plan("p", 60))
    books.credit(MAIN_BOOK, [(USD, -50)])

    assert (100, 100) == (before[MAIN_BOOK].free(USD), before[MAIN_BOOK].balances[USD])


def test_credit_that_would_owe_is_an_invariant_error_and_changes_nothing() -> None:
    """A balance below zero is impossible: it stops trading and the books stay as they were."""
    books = books_of(usd=5)

    with pytest.raises(InvariantError, match=r"book main would hold -1 of .*: trading stops"):
        books.credit(MAIN_BOOK, [(USD, -6)])
    assert {USD: 5} == dict(books.states[MAIN_BOOK].balances)


@given(held=st.dictionaries(ASSETS, AMOUNTS), changes=st.dictionaries(ASSETS, AMOUNTS), cost=AMOUNTS)
def test_settle_and_its_reverse_leave_the_balances_as_they_were(held: dict[str, int], changes: dict[str, int], cost: int) -> None:
    """A rollback takes back exactly what an outcome brought, cost included."""
    books = Books([(MAIN_BOOK, USD)])
    books.credit(MAIN_BOOK, [*held.items(), (ETHER, cost)])  # type: ignore[list-item]
    before = dict(books.states[MAIN_BOOK].balances)
    outcome = Outcome(OutcomeStatus.FILLED, 1, "", (), tuple(changes.items()), cost)  # type: ignore[arg-type]
    books.settle(MAIN_BOOK, outcome, ETHER)
    between = dict(books.states[MAIN_BOOK].balances)
    books.settle(MAIN_BOOK, outcome, ETHER, sign=-1)

    assert {asset: amount for asset, amount in before.items() if amount} == {
        asset: amount for asset, amount in books.states[MAIN_BOOK].balances.items() if amount
    }
    assert before.get(ETHER, 0) + changes.get(ETHER, 0) - cost == between[ETHER]


@given(plans=st.lists(st.tuples(ASSETS, AMOUNTS, AMOUNTS), max_size=6), data=st.data())
def test_reserve_and_release_in_any_order_leave_nothing_reserved(plans: list[tuple[str, int, int]], data: st.DataObject) -> None:
    """What is promised is the sum of the plans in flight, whatever the order in which they end."""
    books = Books([(MAIN_BOOK, USD)])
    made = [OpenPlan(PlanId(str(place)), "s", 1, ((asset, amount),), cost, ETHER, ()) for place, (asset, amount, cost) in enumerate(plans)]  # type: ignore[arg-type]
    for plan in made:
        books.reserve(MAIN_BOOK, plan)
    for plan in data.draw(st.permutations(made)):
        books.release(MAIN_BOOK, plan.id)
        left = books.states[MAIN_BOOK].plans
        assert sum(one.cost_cap for one in left) + sum(amount for one in left for _, amount in one.reserved) == sum(
            books.states[MAIN_BOOK].reserved.values()
        )

    assert {} == dict(books.states[MAIN_BOOK].reserved)
