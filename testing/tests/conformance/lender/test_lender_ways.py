"""Rules of lenders that can be broken in more than one way: each way is told in its own words."""

from types import ModuleType
from typing import Any

import pytest
from attrs import evolve

from tidemill.domain.answers import NoLoan
from tidemill.domain.ids import AssetId, Key
from tidemill.domain.lending import LoanTerms
from tidemill.domain.pool import Watch
from tidemill.errors import DecodeError
from tidemill_testing.conformance.rule import Broken

COIN = AssetId("acme:1/erc20:0xc0")


def told(case: type, rule: str) -> str:
    """Return what the rule says of a class."""
    with pytest.raises(Broken) as caught:
        getattr(case(), rule)()
    return str(caught.value)


def lender_with(wrong: ModuleType, **changed: Any) -> type:
    return type("TestWrong", (wrong.Case,), {"plugin": type("Wrong", (wrong.Sound,), changed)})


def offering(**changes: Any) -> Any:
    """Return an ``offer`` whose terms differ from the sound ones."""

    def offer(self: Any, held: int) -> LoanTerms:
        return evolve(LoanTerms(self.name, COIN, held, 5, 10_000, "up"), **changes)

    return offer


class Falling(LoanTerms):
    def fee(self, amount: int) -> int:
        return max(0, 10 - amount)


@pytest.mark.parametrize(
    ("changed", "rule", "expected"),
    [
        ({"offer": offering(lender="another")}, "test_terms_are_whole_numbers", "got terms of another"),
        ({"offer": offering(denominator=0)}, "test_terms_are_whole_numbers", "denominator is 0"),
        ({"offer": lambda self, held: Falling("sound", COIN, held, 5, 10_000, "up")}, "test_fee_never_falls", "costs"),
        ({"offer": lambda self, held: NoLoan("closed")}, "test_terms_are_whole_numbers", "expected terms, found NoLoan"),
        (
            {"watch": lambda self, chain, states: Watch((Key("vault:held"),))},
            "test_foreign_asset_is_no_loan",
            "it watches state on nowhere:1",
        ),
        ({"watch": lambda self, chain, states: Watch((Key("a"), Key("a")))}, "test_it_watches_what_it_reads", "asked twice it watches"),
        (
            {"watch": lambda self, chain, states: Watch((Key(f"k{len(states)}"),))},
            "test_it_watches_what_it_reads",
            "after 8 rounds it still names",
        ),
        ({"unreadable": lambda self, held: self.offer(1)}, "test_missing_state_is_never_guessed", "absent it offers 1"),
    ],
)
def test_lender_broken_another_way_is_told(wrong: ModuleType, changed: dict[str, Any], rule: str, expected: str) -> None:
    """The facts of each way stand in the message."""
    assert expected in told(lender_with(wrong, **changed), rule)


def test_error_for_missing_state_is_told(wrong: ModuleType) -> None:
    """State that was not read is no error."""

    def unread(self: Any) -> Any:
        raise DecodeError("nothing there")

    assert "expected NoLoan, found DecodeError: nothing there" in told(
        lender_with(wrong, unread=unread), "test_missing_state_is_never_guessed"
    )


def test_guess_without_any_state_is_told(wrong: ModuleType) -> None:
    """With nothing read nothing is offered, not even what would be true."""
    case = lender_with(wrong, unread=lambda self: offering()(self, 10**9))
    assert "with nothing read: expected NoLoan" in told(case, "test_missing_state_is_never_guessed")


def test_answers_that_differ_are_told(wrong: ModuleType) -> None:
    """What is kept between calls shows in the second answer."""
    counted = iter(range(10**6))
    assert "asked again it answers" in told(lender_with(wrong, offer=lambda self, held: offering()(self, next(counted))), "test_it_is_pure")


def test_steps_that_differ_are_told(wrong: ModuleType) -> None:
    """The same loan gives the same steps."""
    counted = iter(range(10**6))

    def steps(self: Any, loan: Any, inner: Any) -> Any:
        return (wrong.Borrow(loan.amount + next(counted), loan.fee, inner),)

    assert "the same loan gives" in told(lender_with(wrong, steps=steps), "test_it_is_pure")


def test_inner_steps_are_found_inside_mappings(wrong: ModuleType) -> None:
    """A lender may keep the inner steps in a value of any shape."""

    def steps(self: Any, loan: Any, inner: Any) -> Any:
        return ({"borrow": wrong.Borrow(loan.amount, loan.fee, ()), "inner": inner},)

    lender_with(wrong, steps=steps)().test_loan_stands_around_the_inner_steps()


@pytest.mark.parametrize(
    ("given", "rule", "expected"),
    [
        ({"available": 0}, "test_terms_are_whole_numbers", "give chain, asset, states and available"),
        ({"capabilities": frozenset({"recorded"})}, "test_fees_equal_recorded_ones", "give fees"),
    ],
)
def test_class_that_gives_too_little_is_told(wrong: ModuleType, given: dict[str, Any], rule: str, expected: str) -> None:
    """An author reads what to give."""
    assert expected in told(type("TestWrong", (wrong.Case,), given), rule)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (lambda wrong, loan, inner: wrong.Borrow(loan.amount, loan.fee, inner, asset="0xc1"), f"asked for {COIN}, it borrows 0xc1"),
        (lambda wrong, loan, inner: wrong.Borrow(loan.amount, loan.fee, inner, pool="0xelse"), "0xva lends, it borrows from 0xelse"),
    ],
)
def test_loan_of_another_asset_or_vault_is_told(wrong: ModuleType, steps: Any, expected: str) -> None:
    """What is repaid must be what was borrowed, to whom it was borrowed from."""
    case = lender_with(wrong, steps=lambda self, loan, inner: (steps(wrong, loan, inner),))
    assert expected in told(case, "test_it_repays_amount_and_fee")


def test_address_of_the_asset_and_any_vault_without_contract_are_kept(wrong: ModuleType) -> None:
    """A step may name the asset by its address, in any case; without ``contract`` nobody knows the vault."""

    def steps(self: Any, loan: Any, inner: Any) -> Any:
        return (wrong.Borrow(loan.amount, loan.fee, inner, asset="0xC0", pool="0xelse"),)

    case: Any = type("TestOther", (lender_with(wrong, steps=steps),), {"contract": ""})
    case().test_it_repays_amount_and_fee()


def test_state_of_another_asset_that_is_not_watched_is_told(wrong: ModuleType) -> None:
    """What the test class gives is what must be watched."""
    case: Any = type("TestOther", (wrong.Case,), {"plugin": wrong.Sound, "states": {**wrong.Case.states, Key("vault:other"): b"1"}})
    assert "the test class gives the state vault:other, which it does not watch" in told(case, "test_it_watches_what_it_reads")


def test_value_that_comes_back_changed_is_told(wrong: ModuleType) -> None:
    """What another process is given is what was given."""

    class Here(int):
        def __reduce__(self) -> Any:
            return (int, (7,))

    def steps(self: Any, loan: Any, inner: Any) -> Any:
        return (evolve(wrong.Borrow(0, loan.fee, ()), amount=Here(loan.amount)),)

    assert "came back as" in told(lender_with(wrong, steps=steps), "test_answers_can_be_pickled")
