"""Where a pool quotes, where it does not, and what is left behind."""

import pytest
from tidemill.domain.answers import NoQuote, NoQuoteReason
from tidemill.domain.pool import Quote, Swapped

from recorded import AT, POOLS, assets_of, decoded
from tidemill_dex_weighted.bounds import MAX_BALANCE
from tidemill_dex_weighted.quoting import WeightedPool

E18 = 10**18
SELL, BUY = assets_of(POOLS["weth_bal"])


def pool_of(*balances: int) -> WeightedPool:
    """Return the 80/20 pool of BAL and WETH, fee 1 %, with other balances."""
    pool = decoded(POOLS["weth_bal"])
    return pool.moved({asset: balance - held for asset, balance, held in zip(pool.assets, balances, pool.balances, strict=True)})


def test_thirty_percent_of_a_balance_after_the_fee_is_the_most() -> None:
    """The contract compares what the fee leaves: of 100 tokens it takes 30 / 0.99, rounded up, and not one unit more."""
    pool = pool_of(100 * E18, 10 * E18)
    most = 30 * E18 * 100 // 99 + 1

    assert isinstance(pool.quote_exact_in(SELL, BUY, most, AT), Quote)
    refused = pool.quote_exact_in(SELL, BUY, most + 1, AT)
    assert isinstance(refused, NoQuote)
    assert refused.reason is NoQuoteReason.LIQUIDITY
    assert pool.amount_out(SELL, BUY, most + 1, AT) == 0


def test_thirty_percent_of_a_balance_is_the_most_that_is_paid() -> None:
    """The other way the output counts, which has no fee."""
    pool = pool_of(100 * E18, 10 * E18)

    assert isinstance(pool.quote_exact_out(SELL, BUY, 3 * E18, AT), Quote)
    refused = pool.quote_exact_out(SELL, BUY, 3 * E18 + 1, AT)
    assert isinstance(refused, NoQuote)
    assert refused.reason is NoQuoteReason.LIQUIDITY


@pytest.mark.parametrize(("balances", "amount"), [((MAX_BALANCE, E18), 1), ((MAX_BALANCE - E18, E18), E18 + 1), ((0, E18), 1)])
def test_a_balance_beyond_the_vault_or_none_is_refused(balances: tuple[int, int], amount: int) -> None:
    """The Vault keeps 112 bits of each balance; a pool without one of its tokens has no price."""
    pool = pool_of(*balances)
    for quote in (pool.quote_exact_in(SELL, BUY, amount, AT), pool.quote_exact_out(SELL, BUY, E18 // 4, AT)):
        assert isinstance(quote, NoQuote)
        assert quote.reason is NoQuoteReason.LIQUIDITY


def test_the_whole_input_stays_in_the_pool() -> None:
    """The fee is not taken out: what comes in is added, what is paid is taken off."""
    pool = pool_of(100 * E18, 10 * E18)
    done = pool.swap_exact_in(SELL, BUY, E18, AT)
    assert isinstance(done, Swapped)
    assert isinstance(done.pool, WeightedPool)

    assert (101 * E18, 10 * E18 - done.quote.amount_out) == done.pool.balances
    assert done.quote.fee == E18 // 100


def test_the_fee_of_a_quote_is_rounded_up() -> None:
    """1 % of one unit more than a token is a hundredth of a token, and one unit for the rest; given either amount."""
    pool = pool_of(100 * E18, 10 * E18)
    given_in = pool.quote_exact_in(SELL, BUY, E18 + 1, AT)
    assert isinstance(given_in, Quote)
    given_out = pool.quote_exact_out(SELL, BUY, given_in.amount_out, AT)
    assert isinstance(given_out, Quote)

    assert given_in.fee == E18 // 100 + 1
    assert given_out.fee == -(-given_out.amount_in // 100)


def test_a_fee_finer_than_parts_per_million_is_none() -> None:
    """0.17609 % are 1760.9 parts."""
    assert decoded(POOLS["gel_dexg_60_40"]).fee_ppm is None
    assert decoded(POOLS["weth_bal"]).fee_ppm == 10_000
