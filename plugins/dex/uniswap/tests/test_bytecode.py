"""Pools read from the storage, and moved by the logs, of the contracts that chains run."""

import json
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.answers import Needs, NoQuote, NoQuoteReason
from tidemill.domain.events import Log
from tidemill.domain.ids import Key, erc20, pool_id
from tidemill.domain.pool import Decoded, Pool, PoolRef, Quote, Swapped
from tidemill.hookspecs.dex import Dex
from tidemill_amm.concentrated import MAX_TICK, MIN_TICK
from tidemill_dex_uniswap.quoting import V2Pool, V3Pool
from tidemill_evm.storage import mapping_slot, split_key, word_bytes
from tidemill_evm.uniswap_v3 import UNISWAP_V3, Slot0
from tidemill_testing.bytecode import Chain, Reverted, V2Pair, bytecode
from tidemill_testing.bytecode import V3Pool as V3Contract

if TYPE_CHECKING:
    from tidemill_testing.bytecode_chain import Log as RawLog

__all__ = ["bytecode"]
pytestmark = pytest.mark.bytecode


def described(bench: Any, kind: str, contract: Any) -> PoolRef:
    ref: PoolRef = bench.ref(kind, contract.address)
    assets = (erc20(ref.chain, contract.token0.address), erc20(ref.chain, contract.token1.address))
    return evolve(ref, assets=assets, id=pool_id(ref.chain, ref.dex, contract.address))


def loaded(dex: Dex, bench: Any, ref: PoolRef, contract: Any, read: Mapping[Key, bytes | None] | None = None) -> Pool:
    """Decode from the contract's storage, from what was read already and what is asked for."""
    states: dict[Key, bytes | None] = dict(read or {})
    while isinstance(answer := dex.decode(ref, states, bench.at, None), Needs):
        states.update({key: word_bytes(contract.storage(split_key(key)[1])) for key in answer.keys})
    assert isinstance(answer, Decoded)
    return answer.pool


def played(dex: Dex, bench: Any, pool: Pool, logs: "tuple[RawLog, ...]") -> Pool:
    """Play what the contract emitted; token transfers are another contract's."""
    for raw in logs:
        if raw.address == pool.id.rpartition(":")[2]:
            moved = dex.apply(pool, Log(raw.address, raw.topics, raw.data), bench.at)
            assert not isinstance(moved, Needs)
            pool = moved
    return pool


RESERVES = st.integers(10**4, 1 << 111)


def test_pair_quotes_and_follows_the_contract(bytecode: Chain, bench: Any, uniswap: Dex) -> None:
    """The real pair pays what is quoted and not a unit more; its storage and its logs are the pool after the swap."""
    contract = V2Pair(bytecode)
    ref = described(bench, "v2", contract)

    @given(RESERVES, RESERVES, st.booleans(), st.integers(1, 1 << 110))
    def holds(reserve0: int, reserve1: int, zero_for_one: bool, amount: int) -> None:
        with bytecode.rolled_back():
            contract.set_reserves(reserve0, reserve1)
            pool = loaded(uniswap, bench, ref, contract)
            assert {ref.assets[0]: reserve0, ref.assets[1]: reserve1} == pool.holdings
            way = ref.assets if zero_for_one else ref.assets[::-1]
            swapped = pool.swap_exact_in(way[0], way[1], amount, bench.at)
            if isinstance(swapped, NoQuote):
                with bytecode.rolled_back(), pytest.raises(Reverted):
                    contract.swap(zero_for_one, amount, 1)
                return
            with bytecode.rolled_back(), pytest.raises(Reverted):
                contract.swap(zero_for_one, amount, swapped.quote.amount_out + 1)
            logs = contract.swap(zero_for_one, amount, swapped.quote.amount_out)
            assert swapped.pool == loaded(uniswap, bench, ref, contract) == played(uniswap, bench, pool, logs)

    holds()


def test_pair_exact_out_is_the_least_the_contract_takes(bytecode: Chain, bench: Any, uniswap: Dex) -> None:
    """The real pair pays an exact output for the quoted input, and reverts for one unit less."""
    contract = V2Pair(bytecode)
    ref = described(bench, "v2", contract)

    @given(RESERVES, RESERVES, st.booleans(), st.integers(1, 10**4 - 1))
    def holds(reserve0: int, reserve1: int, zero_for_one: bool, share: int) -> None:
        with bytecode.rolled_back():
            contract.set_reserves(reserve0, reserve1)
            pool = loaded(uniswap, bench, ref, contract)
            way = ref.assets if zero_for_one else ref.assets[::-1]
            amount = max((reserve1 if zero_for_one else reserve0) * share // 10**4, 1)
            quote = pool.quote_exact_out(way[0], way[1], amount, bench.at)
            if isinstance(quote, Quote):
                with bytecode.rolled_back(), pytest.raises(Reverted):
                    contract.swap(zero_for_one, quote.amount_in - 1, amount)
                contract.swap(zero_for_one, quote.amount_in, amount)

    holds()


def test_pair_follows_mint_and_burn_of_the_contract(bytecode: Chain, bench: Any, uniswap: Dex) -> None:
    """Adding and taking liquidity moves the pool by the Sync that the real pair emits."""
    contract = V2Pair(bytecode)
    ref = described(bench, "v2", contract)
    pool = loaded(uniswap, bench, ref, contract)
    with bytecode.rolled_back():
        liquidity = contract.mint(10**18, 5 * 10**18)
        pool = played(uniswap, bench, pool, bytecode.logs)
        assert loaded(uniswap, bench, ref, contract) == pool
        contract.burn(liquidity // 3)
        pool = played(uniswap, bench, pool, bytecode.logs)

        assert loaded(uniswap, bench, ref, contract) == pool
        assert isinstance(pool, V2Pool)
        assert 0 < pool.reserve0 < 10**18


POSITIONS = st.lists(st.tuples(st.integers(-900, 900), st.integers(1, 400), st.integers(10**6, 10**24)), min_size=1, max_size=4)
ACTIONS = st.lists(st.tuples(st.sampled_from(["swap", "mint", "burn"]), st.booleans(), st.integers(1, 10**22)), max_size=8)


@pytest.mark.parametrize(("fee_ppm", "spacing"), [(500, 10), (3_000, 60), (100, 1)])
def test_concentrated_pool_quotes_and_follows_the_contract(bytecode: Chain, bench: Any, uniswap: Dex, fee_ppm: int, spacing: int) -> None:
    """From its first price on, a pool moved by the real contract's logs is the one that its storage decodes to, and quotes what it pays."""
    contract = V3Contract(bytecode, fee_ppm, spacing)
    ref = evolve(described(bench, "v3", contract), fee_ppm=fee_ppm, details=(("tick_spacing", spacing),))

    @given(st.integers(-300, 300), POSITIONS, ACTIONS)
    def holds(start: int, positions: list[tuple[int, int, int]], actions: list[tuple[str, bool, int]]) -> None:
        with bytecode.rolled_back():
            pool = loaded(uniswap, bench, ref, contract)
            contract.initialize(int(1.0001 ** (start / 2) * 2**96))
            pool = played(uniswap, bench, pool, bytecode.logs)
            for lower, width, liquidity in positions:
                contract.mint(lower * spacing, (lower + width) * spacing, liquidity)
                pool = played(uniswap, bench, pool, bytecode.logs)
            for action, zero_for_one, amount in actions:
                if action == "swap":
                    pool = swapped(pool, zero_for_one, amount)
                    continue
                lower, width, liquidity = positions[amount % len(positions)]
                if action == "mint":
                    contract.mint(lower * spacing, (lower + width) * spacing, amount)
                else:
                    contract.burn(lower * spacing, (lower + width) * spacing, min(amount, liquidity) // 10)
                pool = played(uniswap, bench, pool, bytecode.logs)
            assert_same(pool, loaded(uniswap, bench, ref, contract))

    def swapped(pool: Pool, zero_for_one: bool, amount: int) -> Pool:
        way = pool.assets if zero_for_one else pool.assets[::-1]
        expected = pool.swap_exact_in(way[0], way[1], amount, bench.at)
        try:
            paid = contract.swap(zero_for_one, amount)
        except Reverted:
            assert isinstance(expected, NoQuote)
            return pool
        after = played(uniswap, bench, pool, bytecode.logs)
        amount_in, amount_out = paid if zero_for_one else paid[::-1]
        if isinstance(expected, Swapped):
            assert (amount_in, -amount_out) == (expected.quote.amount_in, expected.quote.amount_out)
            assert expected.pool == after
        else:
            # The contract swaps as far as liquidity reaches, which is not what was asked for.
            assert amount_in < amount
        return after

    holds()


def test_recorded_pairs_pay_what_is_quoted(bytecode: Chain, bench: Any, uniswap: Dex, recorded: Callable[[str], Path]) -> None:
    """The real pair with the reserves of each of 151 recorded ones pays the quote of a thousandth, and not a unit more."""
    contract = V2Pair(bytecode)
    ref = described(bench, "v2", contract)
    recorded_pairs = json.loads(recorded("evm/multi_pool/mainnet_18806136_18806161_v2_v3.json").read_text("utf-8"))["v2"]
    for raw in recorded_pairs:
        with bytecode.rolled_back():
            contract.set_reserves(int(raw["reserve0"]), int(raw["reserve1"]))
            pool = loaded(uniswap, bench, ref, contract)
            amount = int(raw["reserve0"]) // 1_000 + 1
            quote = pool.quote_exact_in(ref.assets[0], ref.assets[1], amount, bench.at)
            assert isinstance(quote, Quote)
            with bytecode.rolled_back(), pytest.raises(Reverted):
                contract.swap(True, amount, quote.amount_out + 1)
            contract.swap(True, amount, quote.amount_out)

    assert 151 == len(recorded_pairs)


def test_recorded_concentrated_pools_pay_what_is_quoted(bytecode: Chain, bench: Any, uniswap: Dex, recorded: Callable[[str], Path]) -> None:
    """The real pool, its storage written from each of 17 recorded ones, says and pays what the decoded pool says and quotes."""
    tiers = {"Lowest": (100, 1), "Low": (500, 10), "Medium": (3_000, 60), "High": (10_000, 200)}
    checked = 0
    for entry in json.loads(recorded("evm/tycho/use_serialized_state.json").read_text("utf-8")):
        if entry["state"]["protocol"] != "UniswapV3State":
            continue
        raw = entry["state"]["state"]
        fee_ppm, spacing = tiers[raw["fee"]]
        # The record has no gross liquidity: the least that a tick with this net can have.
        ticks = {tick["index"]: (max(abs(tick["net_liquidity"]), 1), tick["net_liquidity"]) for tick in raw["ticks"]["ticks"]}
        contract = V3Contract(bytecode, fee_ppm, spacing)
        ref = evolve(described(bench, "v3", contract), fee_ppm=fee_ppm, details=(("tick_spacing", spacing),))
        slot0 = Slot0(int(raw["sqrt_price"], 16), raw["tick"])
        slots = UNISWAP_V3.pool_storage(slot0, raw["liquidity"], spacing, ticks)
        for slot, word in slots.items():
            bytecode.set_storage(contract.address, slot, int.from_bytes(word, "big"))
        bytecode.set_storage(contract.address, contract.OBSERVATIONS_SLOT, 1 << 248 | 1)
        assert (slot0.sqrt_price_x96, slot0.tick) == contract.slot0()
        assert raw["liquidity"] == contract.liquidity()
        some = sorted(ticks)[:: len(ticks) // 7 + 1]
        assert {tick: ticks[tick] for tick in some} == {tick: contract.tick(tick) for tick in some}
        positions = range(MIN_TICK // spacing >> 8, (MAX_TICK // spacing >> 8) + 1)
        words = {UNISWAP_V3.word_key(ref.address, position): slots.get(mapping_slot(position, UNISWAP_V3.bitmap)) for position in positions}
        pool = loaded(uniswap, bench, ref, contract, words)
        for zero_for_one, power in product((True, False), (1, 6, 10, 14)):
            way = ref.assets if zero_for_one else ref.assets[::-1]
            amount = pool.holdings[way[0]] * 10**power // 10**14 + 1
            quote = pool.quote_exact_in(way[0], way[1], amount, bench.at)
            with bytecode.rolled_back():
                paid = contract.swap(zero_for_one, amount)
            amount_in, amount_out = paid if zero_for_one else paid[::-1]
            checked += 1
            if isinstance(quote, Quote):
                assert (amount_in, -amount_out) == (quote.amount_in, quote.amount_out)
            else:
                assert quote.reason == NoQuoteReason.LIQUIDITY
                assert amount_in < amount

    assert 17 * 8 == checked


def assert_same(played_pool: Pool, read: Pool) -> None:
    """Both are the same pool, as far as the one that was read is loaded: the one that was played knows every word."""
    assert isinstance(played_pool, V3Pool)
    assert isinstance(read, V3Pool)
    known, state = played_pool.state, read.state
    assert (known.sqrt_price_x96, known.tick, known.liquidity) == (state.sqrt_price_x96, state.tick, state.liquidity)
    assert {position: known.words[position] for position in state.words} == dict(state.words.items())
    inside = {tick for tick in known.liquidity_net if tick // known.tick_spacing >> 8 in state.words}
    assert {tick: known.liquidity_net[tick] for tick in inside} == dict(state.liquidity_net.items())
    assert {tick: known.liquidity_gross[tick] for tick in inside} == dict(state.liquidity_gross.items())
