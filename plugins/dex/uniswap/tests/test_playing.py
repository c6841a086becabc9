"""Logs played on pools."""

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.answers import Needs
from tidemill.domain.events import Log
from tidemill.domain.ids import Key
from tidemill.domain.pool import Pool
from tidemill.errors import DecodeError, InvariantError
from tidemill.hookspecs.dex import Dex
from tidemill_amm.concentrated import ConcentratedState, sqrt_ratio_at_tick, with_liquidity
from tidemill_dex_uniswap.pancakeswap import PancakeSwap
from tidemill_dex_uniswap.quoting import ClosedPool, V2Pool, V3Pool
from tidemill_evm import uniswap_v2_logs as v2
from tidemill_evm import uniswap_v3_logs as v3
from tidemill_evm.logs import Event
from tidemill_evm.uniswap_v3 import PANCAKESWAP_V3, UNISWAP_V3

ADDRESS, WHO = "0x" + "ab" * 20, "0x" + "cd" * 20


@pytest.fixture
def pair(bench: Any) -> V2Pool:
    ref = bench.ref("v2")
    return V2Pool(ref.id, ref.assets, 3_000, 5, 7)


@pytest.fixture
def pool(uniswap: Dex, bench: Any) -> V3Pool:
    """Liquidity 10**18 from -600 to 600, the price at 1, words -2 to 2 loaded."""
    ref = bench.ref("v3")
    storage = bench.storage(ref, 1 << 96, 0, 10**18, {-600: (10**18, 10**18), 600: (10**18, -(10**18))})
    made = bench.load(uniswap, ref, storage)[0].pool
    assert isinstance(made, V3Pool)
    return made


def mint(lower: int, upper: int, amount: int) -> Event:
    return v3.Mint(WHO, WHO, lower, upper, amount, 1, 1)


def burn(lower: int, upper: int, amount: int) -> Event:
    return v3.Burn(WHO, lower, upper, amount, 1, 1)


def test_sync_sets_both_reserves(uniswap: Dex, bench: Any, pair: V2Pool) -> None:
    """Reserves after a Sync are those in it."""
    assert evolve(pair, reserve0=10, reserve1=3) == uniswap.apply(pair, v2.Sync(10, 3).log(ADDRESS), bench.at)


@pytest.mark.parametrize("event", [v2.Swap(WHO, 1, 0, 0, 1, WHO), v2.Mint(WHO, 1, 1), v2.Burn(WHO, 1, 1, WHO)])
def test_other_logs_of_a_pair_move_nothing(uniswap: Dex, bench: Any, pair: V2Pool, event: Event) -> None:
    """A pair says with Sync what its other events changed."""
    assert pair is uniswap.apply(pair, event.log(ADDRESS), bench.at)


def test_swap_sets_price_tick_and_liquidity(uniswap: Dex, bench: Any, pool: V3Pool) -> None:
    """Price, tick and liquidity after a Swap are those in it; ticks stay."""
    price = sqrt_ratio_at_tick(700)
    moved = uniswap.apply(pool, v3.Swap(WHO, WHO, -5, 5, price, 0, 700).log(ADDRESS), bench.at)

    assert evolve(pool, state=evolve(pool.state, sqrt_price_x96=price, tick=700, liquidity=0)) == moved


def test_swap_of_pancakeswap_is_another_event(bench: Any, pool: V3Pool) -> None:
    """PancakeSwap's Swap has two words more; Uniswap's is none of its events, and moves nothing."""
    own = v3.PancakeSwap(WHO, WHO, -5, 5, sqrt_ratio_at_tick(9), 10**18, 9, 1, 1).log(ADDRESS)
    foreign = v3.Swap(WHO, WHO, -5, 5, sqrt_ratio_at_tick(9), 10**18, 9).log(ADDRESS)
    there = evolve(pool, layout=PANCAKESWAP_V3)
    moved = PancakeSwap().apply(there, own, bench.at)

    assert isinstance(moved, V3Pool)
    assert 9 == moved.state.tick
    assert there is PancakeSwap().apply(there, foreign, bench.at)


ENDS = st.integers(-1_500, 1_500).map(lambda n: n * 60)


def test_mint_and_burn_are_right_in_loaded_words_and_leave_others_alone(uniswap: Dex, bench: Any, pool: V3Pool) -> None:
    """Whatever is minted, loaded words, their ticks and the liquidity in range are those of a pool that is loaded whole."""
    whole = ConcentratedState.from_ticks(
        sqrt_price_x96=1 << 96,
        tick=0,
        liquidity=10**18,
        fee_ppm=3_000,
        tick_spacing=60,
        ticks={-600: (10**18, 10**18), 600: (10**18, -(10**18))},
    )

    @given(st.lists(st.tuples(ENDS, ENDS, st.integers(1, 10**20)).filter(lambda p: p[0] < p[1]), min_size=1, max_size=4), st.data())
    def holds(positions: list[tuple[int, int, int]], data: st.DataObject) -> None:
        reference, played = whole, pool
        changes = [(lower, upper, amount) for lower, upper, amount in positions]
        changes += [(lower, upper, -data.draw(st.integers(1, amount))) for lower, upper, amount in positions]
        for lower, upper, delta in changes:
            after = with_liquidity(reference, lower, upper, delta)
            assert isinstance(after, ConcentratedState)
            reference = after
            event = mint(lower, upper, delta) if delta > 0 else burn(lower, upper, -delta)
            answer = uniswap.apply(played, event.log(ADDRESS), bench.at)
            assert isinstance(answer, V3Pool)
            played = answer
        state = played.state
        assert set(pool.state.words) == set(state.words)
        assert {position: reference.words[position] for position in pool.state.words} == dict(state.words.items())
        for found, known in ((state.liquidity_net, reference.liquidity_net), (state.liquidity_gross, reference.liquidity_gross)):
            assert {tick: value for tick, value in known.items() if tick // 60 >> 8 in pool.state.words} == dict(found.items())
        assert reference.liquidity == state.liquidity

    holds()


def test_burn_of_nothing_moves_nothing(uniswap: Dex, bench: Any, pool: V3Pool) -> None:
    """A burn of 0, by which owners have their fees counted, leaves the pool itself; so do Collect and events without a place here."""
    collect = v3.Collect(WHO, WHO, -600, 600, 5, 5)

    assert pool is uniswap.apply(pool, burn(-600, 600, 0).log(ADDRESS), bench.at)
    assert pool is uniswap.apply(pool, collect.log(ADDRESS), bench.at)
    assert pool is uniswap.apply(pool, Log(ADDRESS, (), b""), bench.at)


@pytest.mark.parametrize("upper", [600, 60_000])
def test_mint_at_a_tick_that_is_not_loaded_asks_for_it(uniswap: Dex, bench: Any, pool: V3Pool, upper: int) -> None:
    """A bit without its tick is read before it is changed, wherever the other end lies."""
    bare = evolve(pool, state=evolve(pool.state, liquidity_gross=pool.state.liquidity_gross.delete(-600)))
    answer = uniswap.apply(bare, mint(-600, upper, 5).log(ADDRESS), bench.at)

    assert Needs((Key(UNISWAP_V3.tick_key(ADDRESS, -600)),)) == answer


def test_initialize_opens_a_closed_pool(uniswap: Dex, bench: Any) -> None:
    """Nobody could mint before: every word is known to be empty, and what is minted next is traded at once."""
    ref = bench.ref("v3")
    closed: Pool = ClosedPool(ref.id, ref.assets, 3_000, 60, UNISWAP_V3)
    opened = uniswap.apply(closed, v3.Initialize(1 << 96, 0).log(ADDRESS), bench.at)
    assert isinstance(opened, V3Pool)
    assert (1 << 96, 0, 0) == (opened.state.sqrt_price_x96, opened.state.tick, opened.state.liquidity)

    minted = uniswap.apply(opened, mint(-887_220, 887_220, 10**18).log(ADDRESS), bench.at)
    assert isinstance(minted, V3Pool)
    assert 10**6 - 3_000 - 1 == minted.amount_out(*minted.assets, 10**6, bench.at)
    assert closed is uniswap.apply(closed, v3.Collect(WHO, WHO, 0, 60, 1, 1).log(ADDRESS), bench.at)


@pytest.mark.parametrize(
    "log",
    [
        v3.Initialize(1 << 96, 0).log(ADDRESS),
        v3.Swap(WHO, WHO, 1, 1, 1 << 96, 5, 700).log(ADDRESS),
        v3.Swap(WHO, WHO, 1, 1, 5, 5, -887_272).log(ADDRESS),
        mint(600, -600, 5).log(ADDRESS),
        mint(-601, 600, 5).log(ADDRESS),
        mint(-600, 888_000, 5).log(ADDRESS),
        mint(-600, 600, (1 << 128) - 1).log(ADDRESS),
        burn(-600, 600, 10**18 + 1).log(ADDRESS),
        burn(-60, 60, 1).log(ADDRESS),
        evolve(mint(-600, 600, 5).log(ADDRESS), data=b""),
        mint(-600, 600, 5).log(WHO),
    ],
)
def test_impossible_log_of_a_pool_is_refused(uniswap: Dex, bench: Any, pool: V3Pool, log: Log) -> None:
    """A second price, a tick that is not the price's, ends off the spacing, more burnt than there is, a cut log, another contract's log."""
    with pytest.raises(DecodeError, match=f"^{pool.id}: "):
        uniswap.apply(pool, log, bench.at)


@pytest.mark.parametrize("event", [v3.Swap(WHO, WHO, 1, 1, 1 << 96, 5, 0), mint(-600, 600, 5), burn(-600, 600, 5), v3.Initialize(5, 0)])
def test_impossible_log_of_a_closed_pool_is_refused(uniswap: Dex, bench: Any, event: Event) -> None:
    """Before its first price a pool can neither swap nor mint, and the price must be one."""
    ref = bench.ref("v3")
    with pytest.raises(DecodeError, match=f"^{ref.id}: "):
        uniswap.apply(ClosedPool(ref.id, ref.assets, 3_000, 60, UNISWAP_V3), event.log(ADDRESS), bench.at)


@pytest.mark.parametrize("log", [v2.Sync(1, 1).log(WHO), evolve(v2.Sync(1, 1).log(ADDRESS), data=b"\1" * 64)])
def test_impossible_log_of_a_pair_is_refused(uniswap: Dex, bench: Any, pair: V2Pool, log: Log) -> None:
    """Another contract's Sync and reserves beyond uint112 are refused."""
    with pytest.raises(DecodeError, match=f"^{pair.id}: "):
        uniswap.apply(pair, log, bench.at)


def test_foreign_pool_is_a_fault(uniswap: Dex, bench: Any) -> None:
    """A pool that this plugin did not make is not played on."""

    class Foreign:
        id = bench.ref("v3").id

    foreign: Any = Foreign()
    with pytest.raises(InvariantError, match="Foreign"):
        uniswap.apply(foreign, v2.Sync(1, 1).log(ADDRESS), bench.at)
