"""The real V2 pair accepts what the formula says, and not a unit more."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_amm.constant_product import MAX_RESERVE, amount_in, amount_out, pool_after
from tidemill_testing import bytecode as oracle

pytestmark = pytest.mark.bytecode


@pytest.fixture(scope="module")
def pair(bytecode: "oracle.Chain") -> "oracle.V2Pair":
    return oracle.V2Pair(bytecode)


def refusal(pair: "oracle.V2Pair", zero_for_one: bool, paid: int, taken: int) -> str | None:
    """Why the pair refuses the swap, or None where it accepts; the pair is afterwards as before."""
    with pair.chain.rolled_back():
        try:
            pair.swap(zero_for_one, paid, taken)
        except oracle.Reverted as error:
            return error.reason
    return None


def check(pair: "oracle.V2Pair", zero_for_one: bool, paid: int, reserves: tuple[int, int]) -> None:
    """The pair stores what ``pool_after`` says, and refuses one unit more of output."""
    reserve_in, reserve_out = reserves if zero_for_one else reversed(reserves)
    after = pool_after(paid, reserve_in, reserve_out, 3_000)
    pair.set_reserves(*reserves)
    if after.amount_out:
        with pair.chain.rolled_back():
            pair.swap(zero_for_one, paid, after.amount_out)

            assert pair.reserves() == ((after.reserve_in, after.reserve_out) if zero_for_one else (after.reserve_out, after.reserve_in))
    last = after.amount_out + 1 == reserve_out

    assert ("UniswapV2: INSUFFICIENT_LIQUIDITY" if last else "UniswapV2: K") == refusal(pair, zero_for_one, paid, after.amount_out + 1)


def recorded_reserves(recorded: Callable[[str], Path]) -> Iterator[tuple[int, int]]:
    rows = json.loads(recorded("evm/multi_pool/mainnet_18806136_18806161_v2_v3.json").read_text("utf-8"))["v2"]
    yield from ((int(row["reserve0"]), int(row["reserve1"])) for row in rows)


def test_amount_out_recorded_pairs_is_the_most_the_contract_pays(recorded: Callable[[str], Path], pair: "oracle.V2Pair") -> None:
    """151 pairs of Ethereum, two directions, four sizes of input: equal reserves after, one unit more is refused."""
    seen = 0
    for reserves in recorded_reserves(recorded):
        for zero_for_one in (True, False):
            for share in (10**9, 10**5, 1_000, 3):
                check(pair, zero_for_one, reserves[not zero_for_one] // share + 1, reserves)
                seen += 1

    assert 151 * 8 == seen


@given(st.booleans(), st.integers(1, MAX_RESERVE >> 1), st.integers(2, MAX_RESERVE), st.integers(1, MAX_RESERVE >> 1))
def test_amount_out_any_pair_is_the_most_the_contract_pays(
    pair: "oracle.V2Pair", zero_for_one: bool, reserve_in: int, reserve_out: int, paid: int
) -> None:
    """Any reserves that a pair can hold."""
    check(pair, zero_for_one, paid, (reserve_in, reserve_out) if zero_for_one else (reserve_out, reserve_in))


@given(st.data(), st.integers(1, 1 << 80), st.integers(2, 1 << 80))
def test_amount_in_any_pair_is_accepted(pair: "oracle.V2Pair", data: st.DataObject, reserve_in: int, reserve_out: int) -> None:
    """The pair accepts the input that is asked for; below what the output needs it refuses."""
    wanted = data.draw(st.integers(1, reserve_out - 1))
    paid = amount_in(wanted, reserve_in, reserve_out, 3_000)
    if paid > MAX_RESERVE - reserve_in:
        return
    pair.set_reserves(reserve_in, reserve_out)

    assert refusal(pair, True, paid, wanted) is None
    if paid > 2 and amount_out(paid - 2, reserve_in, reserve_out, 3_000) < wanted:
        assert "UniswapV2: K" == refusal(pair, True, paid - 2, wanted)
