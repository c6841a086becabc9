"""The real V3 pool gives the same amounts and is left in the same state."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill_amm.concentrated import (
    ConcentratedState,
    SwapResult,
    amount_out,
    amounts_for_liquidity,
    sqrt_ratio_at_tick,
    swap,
    tick_at_sqrt_ratio,
    with_liquidity,
)
from tidemill_amm.errors import AmmError
from tidemill_testing import bytecode as oracle

pytestmark = pytest.mark.bytecode
Contract = Callable[[ConcentratedState], "oracle.V3Pool"]
Pools = st.SearchStrategy[ConcentratedState]
Recorded = Callable[[str], Path]
AMOUNTS = st.integers(0, 110).flatmap(lambda bits: st.integers(1 << bits, 2 << bits))
Left = tuple[int, int, int, int, int]


def computed(state: ConcentratedState, zero_for_one: bool, amount: int, limit: int | None = None) -> Left | None:
    """Amounts, price, tick and liquidity after the swap; None where it is refused."""
    try:
        result = swap(state, zero_for_one, amount, limit)
    except AmmError:
        return None
    assert isinstance(result, SwapResult)
    if amount > 0:
        assert (result.amount_out if result.filled and limit is None else 0) == (0 if limit else amount_out(state, zero_for_one, amount))
    return result.amount0, result.amount1, result.sqrt_price_x96, result.tick, result.liquidity


def executed(pool: "oracle.V3Pool", zero_for_one: bool, amount: int, limit: int | None = None) -> Left | None:
    """The same of the contract; None where it reverts. The pool is afterwards as before."""
    with pool.chain.rolled_back():
        try:
            amounts = pool.swap(zero_for_one, amount, limit)
        except oracle.Reverted:
            return None
        return *amounts, *pool.slot0(), pool.liquidity()


def compare(state: ConcentratedState, pool: "oracle.V3Pool", amounts: list[int]) -> int:
    """Compare every amount in both directions, as input and as output; returns how many."""
    cases = [(way, sign * amount) for way in (True, False) for sign in (1, -1) for amount in amounts]
    expected = {case: executed(pool, *case) for case in cases}

    assert expected == {case: computed(state, *case) for case in cases}
    return len(cases)


def test_swap_tycho_pools_equal_contract(tycho_pools: Sequence[ConcentratedState], contract_of: Contract) -> None:
    """17 pools of Ethereum with all their ticks, up to 1,415: amounts from one unit to more than there is."""
    seen = 0
    for state in tycho_pools:
        seen += compare(state, contract_of(state), [7 * 10**exponent for exponent in (0, 6, 10, 15, 20)])

    assert 17 * 4 * 5 == seen


@pytest.mark.parametrize("name", ["uniswap_v3_snapshot", "pancakeswap_v3_snapshot"])
def test_swap_tycho_snapshots_equal_contract(recorded: Recorded, contract_of: Contract, name: str) -> None:
    """One pool of each fork with a spacing of 1; PancakeSwap's has the same arithmetic."""
    attributes = json.loads(recorded(f"evm/tycho/{name}.json").read_text("utf-8"))["state"]["attributes"]
    number = {key: int.from_bytes(bytes.fromhex(text[2:]), "big", signed=True) for key, text in attributes.items() if text[:2] == "0x"}
    ticks = {int(key.split("/")[1]): net for key, net in number.items() if key.startswith("ticks/")}
    price = int(attributes["sqrt_price_x96"], 16)
    tick = tick_at_sqrt_ratio(price)
    state = ConcentratedState.from_ticks(
        sqrt_price_x96=price,
        tick=tick,
        liquidity=sum(net for at, net in ticks.items() if at <= tick),
        fee_ppm=100,
        tick_spacing=1,
        ticks={at: (abs(net), net) for at, net in ticks.items()},
    )

    compare(state, contract_of(state), [7 * 10**exponent for exponent in range(0, 19, 3)])


def test_swap_recorded_ranges_equal_contract(recorded: Recorded, contract_of: Contract) -> None:
    """79 pools of Ethereum whose ticks were not recorded: liquidity as if it went on for ever."""
    rows = json.loads(recorded("evm/multi_pool/mainnet_18806136_18806161_v2_v3.json").read_text("utf-8"))["v3"]
    seen = 0
    for row in rows:
        spacing = {100: 1, 500: 10, 2_500: 50, 3_000: 60, 10_000: 200}[row["fee_pips"]]
        state = ConcentratedState.from_ticks(
            sqrt_price_x96=int(row["sqrt_price_x96"]),
            tick=row["tick"],
            liquidity=int(row["liquidity"]),
            fee_ppm=row["fee_pips"],
            tick_spacing=spacing,
            ticks={},
        )
        seen += compare(state, contract_of(state), [3, 10**6, 10**12])

    assert 79 * 12 == seen


@settings(max_examples=150)
@given(st.data(), st.booleans(), AMOUNTS, st.sampled_from([1, -1]))
def test_swap_any_pool_equals_contract(
    pools: Pools, contract_of: Contract, data: st.DataObject, zero_for_one: bool, amount: int, sign: int
) -> None:
    """Amounts, price, tick and liquidity of random pools, refusals included."""
    state = data.draw(pools)

    assert executed(contract_of(state), zero_for_one, sign * amount) == computed(state, zero_for_one, sign * amount)


@settings(max_examples=75)
@given(st.data(), st.booleans(), AMOUNTS, st.sampled_from([1, -1]), st.integers(-2, 30_000))
def test_swap_with_limit_equals_contract(
    pools: Pools, contract_of: Contract, data: st.DataObject, zero_for_one: bool, amount: int, sign: int, distance: int
) -> None:
    """The same with a price limit, on the wrong side of the price too."""
    state = data.draw(pools)
    limit = sqrt_ratio_at_tick(state.tick - distance if zero_for_one else state.tick + distance)

    assert executed(contract_of(state), zero_for_one, sign * amount, limit) == computed(state, zero_for_one, sign * amount, limit)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("zero_for_one", [True, False])
def test_swap_beyond_256_bits_equals_contract(widest_pool: ConcentratedState, contract_of: Contract, zero_for_one: bool, sign: int) -> None:
    """Where products overflow the contract takes its less precise formula, or reverts."""
    pool = contract_of(widest_pool)
    amounts = [sign * (3 << bits) for bits in range(40, 190, 3)]

    assert [executed(pool, zero_for_one, amount) for amount in amounts] == [
        computed(widest_pool, zero_for_one, amount) for amount in amounts
    ]


@settings(max_examples=60)
@given(st.data(), st.lists(st.tuples(st.booleans(), AMOUNTS), min_size=2, max_size=5))
def test_swap_state_after_equals_contract(pools: Pools, contract_of: Contract, data: st.DataObject, swaps: list[tuple[bool, int]]) -> None:
    """Swaps in a row, each on the state that the one before left."""
    state = data.draw(pools)
    pool = contract_of(state)
    with pool.chain.rolled_back():
        for zero_for_one, amount in swaps:
            result = computed(state, zero_for_one, amount)
            if result is None:
                return
            amounts = pool.swap(zero_for_one, amount)

            assert (*amounts, *pool.slot0(), pool.liquidity()) == result
            after = swap(state, zero_for_one, amount)
            assert isinstance(after, SwapResult)
            state = after.state


@settings(max_examples=60)
@given(st.data(), st.integers(-40, 40), st.integers(1, 60), st.integers(1, 10**28), st.integers(0, 10**28))
def test_with_liquidity_equals_contract(
    pools: Pools, contract_of: Contract, data: st.DataObject, offset: int, width: int, minted: int, burnt: int
) -> None:
    """Amounts, ticks, words and liquidity in range after a mint, and after burning a part of it."""
    state = data.draw(pools)
    pool = contract_of(state)
    lower = (state.tick // state.tick_spacing + offset) * state.tick_spacing
    upper = lower + width * state.tick_spacing
    burnt = min(burnt, minted)
    with pool.chain.rolled_back():
        assert pool.mint(lower, upper, minted) == amounts_for_liquidity(state.sqrt_price_x96, lower, upper, minted)
        after_mint = agree(with_liquidity(state, lower, upper, minted), pool, lower, upper)
        freed0, freed1 = pool.burn(lower, upper, burnt)

        assert (-freed0, -freed1) == amounts_for_liquidity(state.sqrt_price_x96, lower, upper, -burnt)
        agree(with_liquidity(after_mint, lower, upper, -burnt), pool, lower, upper)


def agree(state: object, pool: "oracle.V3Pool", lower: int, upper: int) -> ConcentratedState:
    """The contract's storage holds this state at both ends of the position."""
    assert isinstance(state, ConcentratedState)
    assert pool.storage(pool.LIQUIDITY_SLOT) == state.liquidity
    for tick in (lower, upper):
        position = tick // state.tick_spacing >> 8

        assert pool.tick(tick) == (state.liquidity_gross.get(tick, 0), state.liquidity_net.get(tick, 0))
        assert pool.storage(pool.word_slot(position)) == state.words[position]
    return state


def test_with_liquidity_refused_where_contract_reverts(simple_pool: ConcentratedState, contract_of: Contract) -> None:
    """Ticks out of order or off the spacing, and more than a tick may hold."""
    pool = contract_of(simple_pool)
    for lower, upper, liquidity, reason in (
        (60, 60, 1, "TLU"),
        (-887_280, 60, 1, "TLM"),
        (60, 887_280, 1, "TUM"),
        (-60, 60, 1 << 126, "LO"),
    ):
        with pytest.raises(AmmError):
            with_liquidity(simple_pool, lower, upper, liquidity)
        with pytest.raises(oracle.Reverted, match=reason):
            pool.mint(lower, upper, liquidity)
    with pytest.raises(AmmError):
        with_liquidity(simple_pool, 1, 60, 1)
    with pytest.raises(oracle.Reverted):
        pool.mint(1, 60, 1)
