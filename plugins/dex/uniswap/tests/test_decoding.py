"""Storage to pools."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from tidemill.domain.answers import Needs
from tidemill.domain.ids import Key
from tidemill.domain.pool import LogFilter, PoolRef, Quote
from tidemill.errors import DecodeError
from tidemill.hookspecs.dex import Dex
from tidemill_amm.concentrated import MAX_TICK, MIN_TICK, sqrt_ratio_at_tick
from tidemill_dex_uniswap.decoding import window
from tidemill_dex_uniswap.pancakeswap import PancakeSwap
from tidemill_dex_uniswap.quickswap import QuickSwap
from tidemill_dex_uniswap.quoting import ClosedPool, V2Pool, V3Pool
from tidemill_evm import uniswap_v3_logs as v3
from tidemill_evm.storage import word_bytes
from tidemill_evm.uniswap_v2 import Reserves, encode_reserves, reserves_key
from tidemill_evm.uniswap_v2_logs import Sync
from tidemill_evm.uniswap_v3 import PANCAKESWAP_V3, UNISWAP_V3, Slot0, encode_tick

MAX = (1 << 112) - 1
TICKS = {-600: (10**18, 10**18), 600: (10**18, -(10**18)), -900_000 // 60 * 60 + 13_200: (5, 5), 887_220: (5, -5)}


def test_decode_pair_reads_one_word(uniswap: Dex, bench: Any) -> None:
    """A pair is one word, watched by key and by its Sync logs."""
    ref = bench.ref("v2")
    key = reserves_key(ref.address)

    decoded, rounds = bench.load(uniswap, ref, {key: encode_reserves(Reserves(5, 7, 9))})

    assert V2Pool(ref.id, ref.assets, 3_000, 5, 7) == decoded.pool
    assert 1 == rounds
    assert ((key,), (LogFilter(ref.address, (Sync.topic,)),)) == (decoded.watch.keys, decoded.watch.logs)


@pytest.mark.parametrize(("reserve0", "reserve1"), [(0, 0), (0, 5), (1, 1), (MAX, MAX)])
def test_decode_pair_any_reserves_are_kept(uniswap: Dex, bench: Any, reserve0: int, reserve1: int) -> None:
    """The least and the greatest reserves come back as they are; a pair that lacks one gives no quote."""
    ref = bench.ref("v2")
    decoded, _ = bench.load(uniswap, ref, {reserves_key(ref.address): encode_reserves(Reserves(reserve0, reserve1))})

    assert {ref.assets[0]: reserve0, ref.assets[1]: reserve1} == decoded.pool.holdings
    assert (reserve0 > 0 < reserve1) or not isinstance(decoded.pool.quote_exact_in(*ref.assets, 10**6, bench.at), Quote)


def test_decode_absent_storage_is_an_empty_pool(uniswap: Dex, bench: Any) -> None:
    """A slot that is known to be absent reads as zero: no reserves, or no price."""
    pair, pool = bench.ref("v2"), bench.ref("v3")
    closed = bench.load(uniswap, pool, {})[0]

    assert V2Pool(pair.id, pair.assets, 3_000, 0, 0) == bench.load(uniswap, pair, {})[0].pool
    assert ClosedPool(pool.id, pool.assets, 3_000, 60, UNISWAP_V3) == closed.pool
    assert (UNISWAP_V3.slot0_keys(pool.address)[0], UNISWAP_V3.liquidity_key(pool.address)) == closed.watch.keys
    assert v3.Initialize.topic in closed.watch.logs[0].topics


def test_decode_pool_asks_for_price_then_words_then_ticks(uniswap: Dex, bench: Any) -> None:
    """Three rounds: slot0 and liquidity, the words of the window, the ticks whose bits are set in them."""
    ref = bench.ref("v3")
    storage = bench.storage(ref, 1 << 96, 0, 10**18, TICKS)
    states: dict[Key, bytes | None] = {}
    asked = []
    while isinstance(answer := uniswap.decode(ref, states, bench.at, None), Needs):
        asked.append(answer.keys)
        states.update({key: storage.get(key) for key in answer.keys})

    head = (*UNISWAP_V3.slot0_keys(ref.address), UNISWAP_V3.liquidity_key(ref.address))
    words = tuple(UNISWAP_V3.word_key(ref.address, position) for position in range(-2, 3))
    ticks = tuple(UNISWAP_V3.tick_key(ref.address, tick) for tick in (-600, 600))
    assert [head, words, ticks] == asked
    assert (*head, *words, *ticks) == answer.watch.keys
    assert isinstance(answer.pool, V3Pool)
    assert {-600: 10**18, 600: -(10**18)} == dict(answer.pool.state.liquidity_net.items())
    assert set(range(-2, 3)) == set(answer.pool.state.words)
    topics = (v3.Swap.topic, v3.Mint.topic, v3.Burn.topic, v3.Initialize.topic)
    assert (LogFilter(ref.address, topics),) == answer.watch.logs


def test_decode_pool_takes_over_words_read_for_a_quote(uniswap: Dex, bench: Any) -> None:
    """A word next to the window that was read already belongs to the pool; one that was read beyond a hole does not."""
    ref = bench.ref("v3")
    storage = bench.storage(ref, 1 << 96, 0, 10**18, TICKS)
    keys = [UNISWAP_V3.word_key(ref.address, position) for position in (-4, -3, 3, 9)]
    decoded, _ = bench.grow(uniswap, ref, storage, {key: storage.get(key) for key in keys})

    assert isinstance(decoded.pool, V3Pool)
    assert set(range(-4, 4)) == set(decoded.pool.state.words)


def test_decode_pool_reads_the_layout_of_pancakeswap(bench: Any) -> None:
    """PancakeSwap's pools are read from their own slots, and watched for their own swap event."""
    ref = bench.ref("v3", spacing=50, fee_ppm=2_500, dex="pancakeswap")
    ticks = {-500: (7, 7), 500: (7, -7)}
    storage = bench.storage(ref, 1 << 96, 0, 7, ticks, PANCAKESWAP_V3)
    decoded, _ = bench.load(PancakeSwap(), ref, storage)

    assert isinstance(decoded.pool, V3Pool)
    assert (7, {-500: 7, 500: -7}) == (decoded.pool.state.liquidity, dict(decoded.pool.state.liquidity_net.items()))
    assert v3.PancakeSwap.topic in decoded.watch.logs[0].topics
    assert v3.Swap.topic not in decoded.watch.logs[0].topics


def test_decode_recorded_pools_are_equal_to_what_was_encoded(recorded: Callable[[str], Path], uniswap: Dex, bench: Any) -> None:
    """All 17 recorded pools of Ethereum come back from storage as they went in, as far as their window reaches."""
    tiers = {"Lowest": (100, 1), "Low": (500, 10), "Medium": (3_000, 60), "High": (10_000, 200)}
    count = 0
    for entry in json.loads(recorded("evm/tycho/use_serialized_state.json").read_text("utf-8")):
        if entry["state"]["protocol"] != "UniswapV3State":
            continue
        count += 1
        raw = entry["state"]["state"]
        fee_ppm, spacing = tiers[raw["fee"]]
        nets = {tick["index"]: tick["net_liquidity"] for tick in raw["ticks"]["ticks"]}
        # The record has no gross liquidity: the least that a tick with this net can have.
        ticks = {tick: (max(abs(net), 1), net) for tick, net in nets.items()}
        ref = bench.ref("v3", fee_ppm=fee_ppm, spacing=spacing)
        price, tick, liquidity = int(raw["sqrt_price"], 16), raw["tick"], raw["liquidity"]
        decoded, rounds = bench.load(uniswap, ref, bench.storage(ref, price, tick, liquidity, ticks))
        state = decoded.pool.state
        loaded = {at: net for at, net in nets.items() if at // spacing >> 8 in window(tick, spacing)}

        assert 3 == rounds
        assert (price, tick, liquidity) == (state.sqrt_price_x96, state.tick, state.liquidity)
        assert loaded == dict(state.liquidity_net.items())
        assert {at: ticks[at][0] for at in loaded} == dict(state.liquidity_gross.items())

    assert 17 == count


@pytest.mark.parametrize(
    ("tick", "spacing", "expected"),
    [
        (0, 1, range(-40, 41)),
        (0, 10, range(-4, 5)),
        (-1, 60, range(-3, 2)),
        (0, 200, range(-2, 3)),
        (MIN_TICK, 60, range(-58, -55)),
        (MAX_TICK - 1, 200, range(15, 18)),
        (0, 16_383, range(-1, 1)),
    ],
)
def test_window_reaches_as_far_as_stated(tick: int, spacing: int, expected: range) -> None:
    """Ten thousand ticks to both sides, at least two words and at most forty, within the bitmap."""
    assert expected == window(tick, spacing)


def changed(storage: Mapping[Key, bytes], key: Key, word: bytes) -> dict[Key, bytes]:
    return {**storage, key: word}


ADDRESS = "0x" + "ab" * 20
SLOT0, LIQUIDITY = UNISWAP_V3.slot0_keys(ADDRESS)[0], UNISWAP_V3.liquidity_key(ADDRESS)


@pytest.mark.parametrize(
    ("key", "word", "named"),
    [
        (SLOT0, b"\0" * 31, "slot0"),
        (SLOT0, word_bytes(1 << 250), "slot0"),
        (SLOT0, UNISWAP_V3.encode_slot0(Slot0(1 << 96, 5))[0], "tick"),
        (SLOT0, UNISWAP_V3.encode_slot0(Slot0(5, MIN_TICK))[0], "sqrt_price"),
        (SLOT0, UNISWAP_V3.encode_slot0(Slot0((1 << 160) - 1, MAX_TICK))[0], "sqrt_price"),
        (SLOT0, UNISWAP_V3.encode_slot0(Slot0(sqrt_ratio_at_tick(MIN_TICK), 900_000))[0], "tick"),
        (SLOT0, UNISWAP_V3.encode_slot0(Slot0(0, 0, unlocked=False))[0], "liquidity"),
        (SLOT0, UNISWAP_V3.encode_slot0(Slot0(0, 0, unlocked=True))[0], "without a price"),
        (LIQUIDITY, word_bytes(1 << 128), "liquidity"),
        (LIQUIDITY, b"", "liquidity"),
        (UNISWAP_V3.word_key(ADDRESS, 0), b"\0" * 33, "bitmap word 0"),
        (UNISWAP_V3.word_key(ADDRESS, 0), word_bytes(1 << 10 | 1 << 11), "tick 660"),
        (UNISWAP_V3.tick_key(ADDRESS, 600), encode_tick(0, 0), "tick 600"),
        (UNISWAP_V3.tick_key(ADDRESS, 600), encode_tick(5, -6), "tick 600"),
        (UNISWAP_V3.tick_key(ADDRESS, 600), b"\0" * 5, "tick"),
    ],
)
def test_decode_pool_bad_word_names_pool_and_field(uniswap: Dex, bench: Any, key: Key, word: bytes, named: str) -> None:
    """Words that are no state of a pool, or do not fit each other, are refused by name; empty bytes are none, and not an absent slot."""
    ref = bench.ref("v3")
    storage = changed(bench.storage(ref, 1 << 96, 0, 10**18, TICKS), key, word)
    with pytest.raises(DecodeError, match=f"^{ref.id}: .*{named}"):
        bench.load(uniswap, ref, storage)


def test_decode_pool_bit_outside_the_ticks_is_refused(uniswap: Dex, bench: Any) -> None:
    """A bit of the last word beyond the greatest tick belongs to no tick."""
    ref = bench.ref("v3")
    storage = bench.storage(ref, sqrt_ratio_at_tick(880_000), 880_000, 0, {})
    with pytest.raises(DecodeError, match=r"bitmap word 57: bit 255 is tick 890820"):
        bench.load(uniswap, ref, changed(storage, UNISWAP_V3.word_key(ADDRESS, 57), word_bytes(1 << 255)))


@pytest.mark.parametrize(
    ("ref", "named"),
    [
        (lambda ref: evolve(ref, fee_ppm=None), "fee_ppm"),
        (lambda ref: evolve(ref, fee_ppm=1_000_000), "fee_ppm"),
        (lambda ref: evolve(ref, fee_ppm=-1), "fee_ppm"),
        (lambda ref: evolve(ref, assets=ref.assets[:1]), "two assets"),
        (lambda ref: evolve(ref, assets=ref.assets[:1] * 2), "two assets"),
        (lambda ref: evolve(ref, kind="stable"), "kind"),
        (lambda ref: evolve(ref, details=()), "tick_spacing"),
        (lambda ref: evolve(ref, details=(("tick_spacing", 0),)), "tick_spacing"),
        (lambda ref: evolve(ref, details=(("tick_spacing", 16_384),)), "tick_spacing"),
        (lambda ref: evolve(ref, details=(("tick_spacing", "60"),)), "tick_spacing"),
    ],
)
def test_decode_bad_description_is_refused(uniswap: Dex, bench: Any, ref: Callable[[PoolRef], PoolRef], named: str) -> None:
    """A fee of 100 % or none, one asset, another kind and a spacing that is none are refused by name."""
    described = ref(bench.ref("v3"))
    with pytest.raises(DecodeError, match=f"^{described.id}: .*{named}"):
        bench.load(uniswap, described, bench.storage(bench.ref("v3"), 1 << 96, 0, 10**18, TICKS))


def test_decode_pair_bad_word_names_pool(uniswap: Dex, bench: Any) -> None:
    """A reserve word of another length is refused."""
    ref = bench.ref("v2")
    with pytest.raises(DecodeError, match=f"^{ref.id}: reserves"):
        bench.load(uniswap, ref, {reserves_key(ref.address): b"\1" * 31})


def test_decode_concentrated_pool_of_quickswap_is_refused(bench: Any) -> None:
    """QuickSwap's V3 is another contract, which this plugin would misread."""
    with pytest.raises(DecodeError, match="kind v2, found 'v3'"):
        QuickSwap().decode(bench.ref("v3"), {}, bench.at, None)
