"""Constant product pairs as pools."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.curves import curve_out
from tidemill.domain.ids import AssetId, ChainId, PoolId
from tidemill.domain.pool import Curve, Pool, Quote, Swapped
from tidemill.domain.time import ChainTime
from tidemill_dex_uniswap.quoting import V2Pool
from tidemill_evm.address import normalize_address

ONE, TWO, OTHER = AssetId("eip155:1/erc20:0x11"), AssetId("eip155:1/erc20:0x22"), AssetId("eip155:1/erc20:0x33")
AT = ChainTime(ChainId("eip155:1"), 1, 1)
MAX = (1 << 112) - 1


def pair(reserve0: int, reserve1: int, fee_ppm: int = 3_000) -> V2Pool:
    return V2Pool(PoolId("eip155:1/uniswap:0xab"), (ONE, TWO), fee_ppm, reserve0, reserve1)


RESERVES = st.integers(1, MAX) | st.integers(1, 10**6)
PAIRS = st.builds(pair, RESERVES, RESERVES, st.sampled_from([0, 1, 2_500, 3_000, 10_000, 999_999]))
AMOUNTS = st.integers(1, MAX) | st.integers(1, 10**6)
WAYS = st.sampled_from([(ONE, TWO), (TWO, ONE)])


def of(pool: V2Pool, way: tuple[AssetId, AssetId]) -> tuple[int, int]:
    """Reserves of what is sold and what is bought."""
    return (pool.reserve0, pool.reserve1) if way == (ONE, TWO) else (pool.reserve1, pool.reserve0)


def accepts(pool: V2Pool, way: tuple[AssetId, AssetId], amount_in: int, amount_out: int) -> bool:
    """Whether the pair's own check passes: the product of the reserves, fee taken off the input, does not fall (``UniswapV2: K``)."""
    reserve_in, reserve_out = of(pool, way)
    if not (0 < amount_out < reserve_out and reserve_in + amount_in <= MAX):
        return False
    left = ((reserve_in + amount_in) * 1_000_000 - amount_in * pool.fee_ppm) * (reserve_out - amount_out) * 1_000_000
    return left >= reserve_in * reserve_out * 1_000_000**2


def test_pair_fulfils_the_pool_protocol() -> None:
    """A pair is a pool."""
    assert isinstance(pair(1, 1), Pool)


def test_quote_recorded_pair_equals_router(recorded: Callable[[str], Path], golden: Callable[[str], list[Any]]) -> None:
    """Each of the 24 answers of the PancakeSwap V2 router on Base is the pool's, bare and as a quote."""
    raw = json.loads(recorded("evm/chain_data/8453/pancakeswap_v2_weth_usdbc_block_46875151.json").read_text("utf-8"))
    assert normalize_address(raw["token0"]["address"]) < normalize_address(raw["token1"]["address"])
    pool = pair(raw["reserves_token0"], raw["reserves_token1"], 2_500)
    expected, quoted, bare = {}, {}, {}
    for _, direction, amount, value in golden(
        "pancakeswap/test_pancakeswap_v2_onchain_parity/test_pancakeswap_v2_router_get_amounts_out.json"
    ):
        way = (ONE, TWO) if direction == "WETH->USDbC" else (TWO, ONE)
        expected[direction, amount] = value
        quote = pool.quote_exact_in(*way, amount, AT)
        quoted[direction, amount] = quote.amount_out if isinstance(quote, Quote) else 0
        bare[direction, amount] = pool.amount_out(*way, amount, AT)

    assert 24 == len(expected)
    assert expected == quoted
    assert expected == bare


@given(PAIRS, WAYS, AMOUNTS)
def test_quote_exact_in_is_the_most_that_the_pair_accepts(pool: V2Pool, way: tuple[AssetId, AssetId], amount: int) -> None:
    """The pair takes the quoted output and reverts for one unit more; without a quote it reverts for one unit."""
    quote = pool.quote_exact_in(*way, amount, AT)

    assert pool.amount_out(*way, amount, AT) == (quote.amount_out if isinstance(quote, Quote) else 0)
    if isinstance(quote, Quote):
        assert accepts(pool, way, amount, quote.amount_out)
        assert not accepts(pool, way, amount, quote.amount_out + 1)
    else:
        assert not accepts(pool, way, amount, 1)


@given(PAIRS, WAYS, AMOUNTS)
def test_quote_exact_out_is_the_least_that_the_pair_accepts(pool: V2Pool, way: tuple[AssetId, AssetId], amount: int) -> None:
    """The pair takes the quoted input for the output and reverts for one unit less."""
    quote = pool.quote_exact_out(*way, amount, AT)

    if isinstance(quote, Quote):
        assert amount == quote.amount_out
        assert accepts(pool, way, quote.amount_in, amount)
        assert not accepts(pool, way, quote.amount_in - 1, amount)
    else:
        assert NoQuoteReason.LIQUIDITY == quote.reason


@given(PAIRS, WAYS, AMOUNTS, AMOUNTS)
def test_quote_exact_in_grows_with_the_amount(pool: V2Pool, way: tuple[AssetId, AssetId], one: int, other: int) -> None:
    """More in is never less out, as long as the pair takes it."""
    low, high = sorted((one, other))
    assume(of(pool, way)[0] + high <= MAX)

    assert pool.amount_out(*way, low, AT) <= pool.amount_out(*way, high, AT)


@given(PAIRS, WAYS, AMOUNTS)
def test_swap_there_and_back_never_gains(pool: V2Pool, way: tuple[AssetId, AssetId], amount: int) -> None:
    """Selling and buying back leaves no more than before, and the product of the reserves never falls."""
    there = pool.swap_exact_in(*way, amount, AT)
    assume(isinstance(there, Swapped))
    assert isinstance(there, Swapped)
    assert isinstance(there.pool, V2Pool)

    assert pool.quote_exact_in(*way, amount, AT) == there.quote
    assert pool.reserve0 * pool.reserve1 <= there.pool.reserve0 * there.pool.reserve1
    assert {way[0]: amount, way[1]: -there.quote.amount_out} == {
        asset: there.pool.holdings[asset] - held for asset, held in pool.holdings.items()
    }
    assert amount >= there.pool.amount_out(way[1], way[0], there.quote.amount_out, AT)


@pytest.mark.parametrize(
    ("pool", "way", "amount", "reason"),
    [
        (pair(10**18, 10**18), (ONE, OTHER), 5, NoQuoteReason.ASSET),
        (pair(10**18, 10**18), (ONE, ONE), 5, NoQuoteReason.ASSET),
        (pair(10**18, 10**18), (ONE, TWO), 0, NoQuoteReason.AMOUNT),
        (pair(10**18, 10**18), (ONE, TWO), -5, NoQuoteReason.AMOUNT),
        (pair(10**18, 10**18), (ONE, TWO), 1 << 256, NoQuoteReason.AMOUNT),
        (pair(10**18, 10**18), (ONE, TWO), (1 << 256) - 1, NoQuoteReason.LIQUIDITY),
        (pair(10**18, 10**18), (ONE, TWO), 1, NoQuoteReason.AMOUNT),
        (pair(MAX, 10**18), (ONE, TWO), 1, NoQuoteReason.LIQUIDITY),
        (pair(0, 10**18), (ONE, TWO), 5, NoQuoteReason.LIQUIDITY),
        (pair(10**18, 0), (ONE, TWO), 5, NoQuoteReason.LIQUIDITY),
    ],
)
def test_quote_exact_in_impossible_says_why(pool: V2Pool, way: tuple[AssetId, AssetId], amount: int, reason: NoQuoteReason) -> None:
    """What the pair would refuse gets no quote, for a stated reason, and leaves no pool after it."""
    answer = pool.quote_exact_in(*way, amount, AT)

    assert isinstance(answer, NoQuote)
    assert reason == answer.reason
    assert answer == pool.swap_exact_in(*way, amount, AT)
    assert 0 == pool.amount_out(*way, amount, AT)


@pytest.mark.parametrize(
    ("pool", "way", "amount", "reason"),
    [
        (pair(10**18, 10**18), (OTHER, TWO), 5, NoQuoteReason.ASSET),
        (pair(10**18, 10**18), (ONE, TWO), 0, NoQuoteReason.AMOUNT),
        (pair(10**18, 10**18), (ONE, TWO), 1 << 256, NoQuoteReason.AMOUNT),
        (pair(10**18, 10**18), (ONE, TWO), 10**18, NoQuoteReason.LIQUIDITY),
        (pair(0, 0), (ONE, TWO), 1, NoQuoteReason.LIQUIDITY),
        (pair(MAX, MAX), (ONE, TWO), MAX - 1, NoQuoteReason.LIQUIDITY),
    ],
)
def test_quote_exact_out_impossible_says_why(pool: V2Pool, way: tuple[AssetId, AssetId], amount: int, reason: NoQuoteReason) -> None:
    """What the pair cannot pay, or cannot store the input for, gets no quote."""
    answer = pool.quote_exact_out(*way, amount, AT)

    assert isinstance(answer, NoQuote)
    assert reason == answer.reason


def test_quote_exact_out_without_remainder_asks_one_unit_less_than_the_router() -> None:
    """Where the division is exact the router's input is one unit more than the pair asks for."""
    quote = pair(1_000, 2_000, 0).quote_exact_out(ONE, TWO, 1_000, AT)

    assert isinstance(quote, Quote)
    assert 1_000 == quote.amount_in


def test_quote_fee_is_in_what_is_sold() -> None:
    """The fee is that share of the input, rounded up."""
    quote = pair(10**18, 10**18).quote_exact_in(TWO, ONE, 1_001, AT)

    assert isinstance(quote, Quote)
    assert 4 == quote.fee


def test_pair_is_a_value() -> None:
    """Equal state is an equal pool, with the same hash, also out of another process."""
    pool = pair(5, 7)

    assert pool == pickle.loads(pickle.dumps(pool))
    assert hash(pair(5, 7)) == hash(pool)
    assert pool != pair(7, 5)


@given(PAIRS, WAYS, AMOUNTS, AMOUNTS)
def test_segments_any_pair_is_quote_within_slack(pool: V2Pool, way: tuple[AssetId, AssetId], max_in: int, amount: int) -> None:
    """Up to what is asked for, or what the reserve takes, one segment says what is paid, but for its one rounding."""
    curve, room = pool.segments(*way, AT, max_in), MAX - of(pool, way)[0]
    if not room:
        assert isinstance(curve, NoCurve)
        return
    assert isinstance(curve, Curve)
    last = min(max_in, room)
    amount = min(amount, last)

    assert (1, 1, last) == (len(curve.segments), curve.slack, curve.segments[0].in_to)
    assert curve_out(curve, amount) == pool.amount_out(*way, amount, AT)


def test_segments_of_nothing_are_no_curve() -> None:
    """Another asset, an empty reserve, no amount: each is said by ``NoCurve``."""
    found = [pair(5, 7).segments(ONE, OTHER, AT, 5), pair(0, 0).segments(ONE, TWO, AT, 5), pair(5, 7).segments(ONE, TWO, AT, 0)]

    assert [True] * 3 == [isinstance(answer, NoCurve) for answer in found]
    assert [True, False, False] == ["does not trade" in str(answer) for answer in found]
