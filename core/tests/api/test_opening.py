"""Where a run begins."""

from typing import cast

from tidemill.api.opening import opening_batch
from tidemill.api.run import held_before
from tidemill.config.books import ResolvedBook
from tidemill.domain.events import Opening
from tidemill.domain.ids import AssetId, BookId, ChainId, erc20
from tidemill.pipeline.writer import LedgerWriter

HERE, THERE = ChainId("sim:1"), ChainId("toy:2")
USD, WETH, FAR = erc20(HERE, "0x01"), erc20(HERE, "0x02"), erc20(THERE, "0x03")
MAIN, OTHER = BookId("main"), BookId("other")


def book(name: BookId, **capital: int) -> ResolvedBook:
    named = {"usd": USD, "weth": WETH, "far": FAR}
    return ResolvedBook(id=name, base=USD, capital={named[key]: amount for key, amount in capital.items()}, accounts={}, strategies=None)


def opened(*books: ResolvedBook, held: dict[tuple[BookId, AssetId], int] | None = None) -> list[tuple[BookId, AssetId, int]]:
    batch = opening_batch(books, held or {})
    (opening,) = batch.events
    assert isinstance(opening, Opening)
    assert batch.is_answer
    return list(opening.balances)


def test_opening_without_a_past_is_the_capital_of_each_book() -> None:
    """Books in the configuration's order, assets by id, nothing of nothing."""
    assert [(OTHER, USD, 3), (MAIN, USD, 5), (MAIN, WETH, 7)] == opened(book(OTHER, usd=3, weth=0), book(MAIN, weth=7, usd=5))


def test_opening_goes_on_with_what_the_last_run_left_on_a_chain() -> None:
    """Where a book had money on a chain, its capital there is not given again: neither added nor restored."""
    held = {(MAIN, USD): 11, (OTHER, WETH): 2}

    assert [(MAIN, USD, 11)] == opened(book(MAIN, usd=5, weth=7), held=held)


def test_opening_gives_capital_on_a_chain_where_the_book_never_had_money() -> None:
    """A chain that is new to a book starts with what the configuration says."""
    assert [(MAIN, USD, 11), (MAIN, FAR, 9)] == opened(book(MAIN, usd=5, far=9), held={(MAIN, USD): 11})


def test_opening_leaves_out_books_that_are_no_longer_configured() -> None:
    """Their money stays where it is: in the ledger of earlier runs."""
    assert [(MAIN, USD, 5)] == opened(book(MAIN, usd=5), held={(OTHER, USD): 11})


def test_opening_gives_no_new_capital_to_a_book_that_ended_at_nothing() -> None:
    """Money that was lost stays lost: a balance of 0 is what the last run left, not a book that never had any."""
    assert [] == opened(book(MAIN, usd=5, weth=7), held={(MAIN, USD): 0})
    assert [(MAIN, FAR, 9)] == opened(book(MAIN, usd=5, far=9), held={(MAIN, USD): 0, (MAIN, WETH): 0})
    assert [(OTHER, USD, 3)] == opened(book(MAIN, usd=5), book(OTHER, usd=3), held={(MAIN, USD): 0})


class Balanced:
    """Stands for a ledger whose accounts hold what is given."""

    def __init__(self, balances: dict[tuple[BookId, str, AssetId], int]) -> None:
        self._balances = balances

    def balances(self) -> dict[tuple[BookId, str, AssetId], int]:
        return self._balances


def test_held_before_counts_wallets_alone_and_keeps_the_zeros() -> None:
    """What is in other accounts is not ours to spend; that such an account is known says that the book had the asset."""
    ledger = Balanced({(MAIN, "wallet", USD): 0, (MAIN, "trading", USD): 4, (MAIN, "capital", WETH): -7, (OTHER, "wallet", USD): 3})
    held = held_before(cast(LedgerWriter, ledger))

    assert {(MAIN, USD): 0, (MAIN, WETH): 0, (OTHER, USD): 3} == held
    assert [(OTHER, USD, 3)] == opened(book(MAIN, usd=5, weth=7), book(OTHER, usd=9), held=dict(held))
