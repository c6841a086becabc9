"""Concentrated pools as pools."""

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from immutables import Map

from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.curves import curve_out
from tidemill.domain.ids import AssetId, ChainId, Key, PoolId, address_of
from tidemill.domain.pool import Curve, Pool, PoolRef, Quote, Swapped
from tidemill.domain.time import ChainTime
from tidemill.hookspecs.dex import Dex
from tidemill_amm.concentrated import (
    MAX_SQRT_RATIO,
    MIN_SQRT_RATIO,
    ConcentratedState,
    sqrt_ratio_at_tick,
    tick_at_sqrt_ratio,
    with_liquidity,
)
from tidemill_dex_uniswap.quoting import ClosedPool, V3Pool
from tidemill_evm.uniswap_v3 import PANCAKESWAP_V3, UNISWAP_V3

AT = ChainTime(ChainId("eip155:1"), 1, 1)
ONE, TWO, OTHER = AssetId("eip155:1/erc20:0x11"), AssetId("eip155:1/erc20:0x22"), AssetId("eip155:1/erc20:0x33")
ADDRESS = "0x" + "ab" * 20
GOLDEN = "uniswap/v3/test_uniswap_v3_onchain_parity/test_cached_calculations_v3_wbtc_weth.json"


def pool_of(state: ConcentratedState) -> V3Pool:
    return V3Pool(PoolId(f"eip155:1/uniswap:{ADDRESS}"), (ONE, TWO), state, UNISWAP_V3)


def made(sqrt_price_x96: int, positions: tuple[tuple[int, int, int], ...], spacing: int = 60, fee_ppm: int = 3_000) -> V3Pool:
    """A pool of these positions (lower, upper, liquidity), every word loaded."""
    state = ConcentratedState.from_ticks(
        sqrt_price_x96=sqrt_price_x96,
        tick=tick_at_sqrt_ratio(sqrt_price_x96),
        liquidity=0,
        fee_ppm=fee_ppm,
        tick_spacing=spacing,
        ticks={},
    )
    for lower, upper, liquidity in positions:
        after = with_liquidity(state, lower, upper, liquidity)
        assert isinstance(after, ConcentratedState)
        state = after
    return pool_of(state)


SIMPLE = made(1 << 96, ((-600, 600, 10**18), (-6_000, 6_000, 10**18)))


def answer(pool: Pool, way: tuple[AssetId, AssetId], function: str, amount: int) -> int | NoQuoteReason:
    if function == "quoteExactInputSingle":
        quote = pool.quote_exact_in(*way, amount, AT)
        return quote.amount_out if isinstance(quote, Quote) else quote.reason
    quote = pool.quote_exact_out(*way, amount, AT)
    return quote.amount_in if isinstance(quote, Quote) else quote.reason


def test_quote_recorded_pool_equals_quoter(
    golden: Callable[[str], list[tuple[str, str, int, int]]], uniswap: Dex, bench: Any, wbtc_weth: tuple[PoolRef, dict[Key, bytes]]
) -> None:
    """Of the quoter's 80 answers 69 are the pool's to the unit; the eleven that it could fill only in part get no quote.

    The pool begins with its window and reads what a quote names as missing, until the answer is there.
    """
    ref, storage = wbtc_weth
    states: dict[Key, bytes | None] = {}
    pool = bench.grow(uniswap, ref, storage, states)[0].pool
    expected, actual, partial = {}, {}, 0
    for function, direction, amount, value in golden(GOLDEN):
        way = pool.assets if direction == "WBTC->WETH" else pool.assets[::-1]
        exact_in = function == "quoteExactInputSingle"
        quote = pool.quote_exact_in if exact_in else pool.quote_exact_out
        while isinstance(no := quote(*way, amount, AT), NoQuote) and no.reason == NoQuoteReason.MISSING_STATE:
            assert no.keys
            assert not states.keys() & set(no.keys)
            states.update({key: storage.get(key) for key in no.keys})
            pool = bench.grow(uniswap, ref, storage, states)[0].pool
            quote = pool.quote_exact_in if exact_in else pool.quote_exact_out
        found = answer(pool, way, function, amount)
        if found == NoQuoteReason.LIQUIDITY:
            partial += 1
        else:
            expected[function, direction, amount], actual[function, direction, amount] = value, found

    assert 11 == partial
    assert 69 == len(expected)
    assert expected == actual


@st.composite
def pools(draw: st.DrawFn) -> V3Pool:
    """Pools of one to four positions around and beside the price, every word loaded."""
    spacing = draw(st.sampled_from([1, 10, 60, 200]))
    tick = draw(st.integers(-300_000, 300_000))
    price = draw(st.integers(sqrt_ratio_at_tick(tick), sqrt_ratio_at_tick(tick + 1) - 1))
    centre = tick // spacing
    positions = []
    for _ in range(draw(st.integers(1, 4))):
        lower = centre + draw(st.integers(-200, 60))
        positions.append((lower * spacing, (lower + draw(st.integers(1, 300))) * spacing, draw(st.integers(1, 10**24))))
    return made(price, tuple(positions), spacing, draw(st.sampled_from([0, 100, 500, 3_000, 10_000])))


AMOUNTS = st.integers(1, 10**6) | st.integers(1, 10**26)
WAYS = st.sampled_from([(ONE, TWO), (TWO, ONE)])


@given(pools(), WAYS, AMOUNTS)
def test_amount_out_is_that_of_the_quote(pool: V3Pool, way: tuple[AssetId, AssetId], amount: int) -> None:
    """The bare number, the quote and the swap agree; the fee is part of the input."""
    quote = pool.quote_exact_in(*way, amount, AT)
    swapped = pool.swap_exact_in(*way, amount, AT)

    assert pool.amount_out(*way, amount, AT) == (quote.amount_out if isinstance(quote, Quote) else 0)
    assert quote == (swapped.quote if isinstance(swapped, Swapped) else swapped)
    if isinstance(quote, Quote):
        assert amount == quote.amount_in
        assert 0 <= quote.fee <= amount


@given(pools(), WAYS, AMOUNTS)
def test_quote_exact_out_buys_what_it_says(pool: V3Pool, way: tuple[AssetId, AssetId], amount: int) -> None:
    """Paying what an exact output asks for buys at least that output."""
    quote = pool.quote_exact_out(*way, amount, AT)
    if isinstance(quote, Quote):
        assert amount == quote.amount_out
        paid = pool.quote_exact_in(*way, quote.amount_in, AT)
        assert isinstance(paid, Quote)
        assert amount <= paid.amount_out


@given(pools(), WAYS, AMOUNTS, AMOUNTS)
def test_quote_exact_in_grows_with_the_amount(pool: V3Pool, way: tuple[AssetId, AssetId], one: int, other: int) -> None:
    """More in is never less out, as long as both can be filled."""
    low, high = (pool.quote_exact_in(*way, amount, AT) for amount in sorted((one, other)))
    if isinstance(low, Quote) and isinstance(high, Quote):
        assert low.amount_out <= high.amount_out


@given(pools(), WAYS, AMOUNTS)
def test_swap_there_and_back_never_gains(pool: V3Pool, way: tuple[AssetId, AssetId], amount: int) -> None:
    """Selling and buying back leaves no more than before."""
    there = pool.swap_exact_in(*way, amount, AT)
    if isinstance(there, Swapped):
        assert amount >= there.pool.amount_out(way[1], way[0], there.quote.amount_out, AT)


@pytest.mark.parametrize(
    ("pool", "way", "amount", "reason"),
    [
        (SIMPLE, (ONE, OTHER), 5, NoQuoteReason.ASSET),
        (SIMPLE, (TWO, TWO), 5, NoQuoteReason.ASSET),
        (SIMPLE, (ONE, TWO), 0, NoQuoteReason.AMOUNT),
        (SIMPLE, (ONE, TWO), -1, NoQuoteReason.AMOUNT),
        (SIMPLE, (ONE, TWO), 1 << 255, NoQuoteReason.AMOUNT),
        (SIMPLE, (ONE, TWO), 1 << 256, NoQuoteReason.AMOUNT),
        (SIMPLE, (ONE, TWO), (1 << 255) - 1, NoQuoteReason.LIQUIDITY),
        (SIMPLE, (TWO, ONE), 10**30, NoQuoteReason.LIQUIDITY),
        (made(1 << 96, ()), (ONE, TWO), 5, NoQuoteReason.LIQUIDITY),
        (made(MIN_SQRT_RATIO, ()), (ONE, TWO), 5, NoQuoteReason.LIQUIDITY),
        (made(MAX_SQRT_RATIO - 1, ()), (TWO, ONE), 5, NoQuoteReason.LIQUIDITY),
        (
            pool_of(evolve(SIMPLE.state, liquidity_net=SIMPLE.state.liquidity_net.set(-600, 1 << 127))),
            (ONE, TWO),
            10**18,
            NoQuoteReason.STALE,
        ),
    ],
)
def test_quote_impossible_says_why(pool: V3Pool, way: tuple[AssetId, AssetId], amount: int, reason: NoQuoteReason) -> None:
    """What the pool would refuse or fill in part gets no quote, for a stated reason, and leaves no pool after it."""
    found = pool.quote_exact_in(*way, amount, AT)

    assert isinstance(found, NoQuote)
    assert reason == found.reason
    assert found == pool.swap_exact_in(*way, amount, AT)
    assert 0 == pool.amount_out(*way, amount, AT)


def test_quote_exact_out_beyond_liquidity_says_so() -> None:
    """More than the pool holds cannot be bought, whatever is paid."""
    found = SIMPLE.quote_exact_out(ONE, TWO, 10**30, AT)

    assert isinstance(found, NoQuote)
    assert NoQuoteReason.LIQUIDITY == found.reason


def test_quote_too_small_to_buy_a_unit_pays_nothing() -> None:
    """The contract takes an input that buys nothing, and so it is quoted: at 0."""
    quote = SIMPLE.quote_exact_in(ONE, TWO, 1, AT)

    assert isinstance(quote, Quote)
    assert (1, 0, 1) == (quote.amount_in, quote.amount_out, quote.fee)


@pytest.mark.parametrize("layout", [UNISWAP_V3, PANCAKESWAP_V3])
def test_quote_missing_state_names_storage_keys(layout: Any) -> None:
    """A quote that leaves the loaded words names the slot of the word, one that meets a bit without its tick the slot of the tick."""
    state = SIMPLE.state
    no_word = V3Pool(SIMPLE.id, (ONE, TWO), evolve(state, words=Map({-1: state.words[-1]})), layout)
    no_tick = V3Pool(SIMPLE.id, (ONE, TWO), evolve(state, liquidity_net=state.liquidity_net.delete(-600)), layout)
    word, tick = no_word.quote_exact_in(TWO, ONE, 10**17, AT), no_tick.quote_exact_in(ONE, TWO, 10**17, AT)

    assert isinstance(word, NoQuote)
    assert isinstance(tick, NoQuote)
    assert (NoQuoteReason.MISSING_STATE, (layout.word_key(ADDRESS, 0),)) == (word.reason, word.keys)
    assert (NoQuoteReason.MISSING_STATE, (layout.tick_key(ADDRESS, -600),)) == (tick.reason, tick.keys)
    assert ADDRESS == address_of(SIMPLE.id)
    assert 0 == no_word.amount_out(TWO, ONE, 10**17, AT) == no_tick.amount_out(ONE, TWO, 10**17, AT)


@given(pools(), WAYS)
def test_holdings_are_the_virtual_reserves_at_the_price(pool: V3Pool, way: tuple[AssetId, AssetId]) -> None:
    """They are what a pair of the same depth holds: their product is the square of the liquidity, but for rounding."""
    state, (held0, held1) = pool.state, pool.holdings.values()

    assert held0 * held1 <= state.liquidity**2 < (held0 + 1) * (held1 + 1)
    assert held0 * state.sqrt_price_x96 <= state.liquidity << 96 < (held0 + 1) * state.sqrt_price_x96


def test_pool_is_a_value() -> None:
    """Equal state is an equal pool, with the same hash, also out of another process."""
    again = made(1 << 96, ((-600, 600, 10**18), (-6_000, 6_000, 10**18)))

    assert isinstance(SIMPLE, Pool)
    assert 3_000 == SIMPLE.fee_ppm
    assert again == SIMPLE == pickle.loads(pickle.dumps(SIMPLE))
    assert hash(again) == hash(SIMPLE)


@given(pools(), WAYS, st.integers(1, 10**6) | st.integers(1, 10**26) | st.just(1 << 256), st.data())
def test_segments_any_pool_is_quote_within_slack(pool: V3Pool, way: tuple[AssetId, AssetId], max_in: int, data: st.DataObject) -> None:
    """Each amount that the curve covers is filled, and paid within its slack, at the ends of its segments as well."""
    curve = pool.segments(*way, AT, max_in)
    if isinstance(curve, NoCurve):
        assert 0 == pool.amount_out(*way, 1 << 10, AT)  # a few units, each rounded up, are all that it takes
        return
    ends = [segment.in_to for segment in curve.segments]
    assert ends[-1] <= max_in
    for amount in {*data.draw(st.sets(st.integers(1, ends[-1]), max_size=4)), *ends, *(end + 1 for end in ends[:-1])}:
        quote = pool.quote_exact_in(*way, amount, AT)
        assert isinstance(quote, Quote)
        assert curve_out(curve, amount, round_up=True) - curve.slack <= quote.amount_out <= curve_out(curve, amount) + curve.slack


def test_segments_recorded_pool_is_quoter_within_slack(
    golden: Callable[[str], list[tuple[str, str, int, int]]], uniswap: Dex, bench: Any, wbtc_weth: tuple[PoolRef, dict[Key, bytes]]
) -> None:
    """The window that is loaded at first covers what it can quote, and there the quoter's answers are within the slack."""
    pool = bench.load(uniswap, *wbtc_weth)[0].pool
    covered = 0
    for function, direction, amount, value in golden(GOLDEN):
        way = pool.assets if direction == "WBTC->WETH" else pool.assets[::-1]
        curve = pool.segments(*way, AT, amount)
        assert isinstance(curve, Curve)
        if function != "quoteExactInputSingle" or curve.segments[-1].in_to < amount:
            continue
        covered += 1
        assert curve_out(curve, amount, round_up=True) - curve.slack <= value <= curve_out(curve, amount) + curve.slack

    assert 20 < covered


def test_segments_of_nothing_are_no_curve() -> None:
    """Another asset, no liquidity, no amount: each is said by ``NoCurve``."""
    found = [SIMPLE.segments(ONE, OTHER, AT, 5), made(1 << 96, ()).segments(ONE, TWO, AT, 5), SIMPLE.segments(ONE, TWO, AT, 0)]

    assert [True] * 3 == [isinstance(answer, NoCurve) for answer in found]
    assert [True, False, False] == ["does not trade" in str(answer) for answer in found]


def test_closed_pool_quotes_nothing() -> None:
    """A pool without a price is closed, however it is asked, and holds nothing."""
    pool = ClosedPool(SIMPLE.id, (ONE, TWO), 3_000, 60, UNISWAP_V3)
    answers = (pool.quote_exact_in(ONE, TWO, 5, AT), pool.quote_exact_out(ONE, TWO, 5, AT), pool.swap_exact_in(ONE, TWO, 5, AT))

    assert isinstance(pool, Pool)
    assert [NoQuoteReason.CLOSED] * 3 == [no.reason for no in answers]
    assert NoQuoteReason.ASSET == pool.quote_exact_in(ONE, OTHER, 5, AT).reason
    assert (0, {ONE: 0, TWO: 0}) == (pool.amount_out(ONE, TWO, 5, AT), pool.holdings)
    assert isinstance(pool.segments(ONE, TWO, AT, 5), NoCurve)
    assert pool == pickle.loads(pickle.dumps(pool))
