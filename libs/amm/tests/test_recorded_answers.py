"""Answers that contracts gave on chain, recorded with the state they gave them on."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tidemill_amm import constant_product
from tidemill_amm.concentrated import ConcentratedState, SwapResult, amount_out, swap

Recorded = Callable[[str], Path]
V3 = "evm/golden/uniswap/v3/test_uniswap_v3_onchain_parity/test_cached_calculations_v3_wbtc_weth.json"
V2 = "evm/golden/pancakeswap/test_pancakeswap_v2_onchain_parity/test_pancakeswap_v2_router_get_amounts_out.json"
EXACT_IN, EXACT_OUT = "quoteExactInputSingle", "quoteExactOutputSingle"


def answers(path: Path) -> Iterator[tuple[str, str, int, int]]:
    """Function, direction, amount and recorded answer of each entry."""
    for key, entry in json.loads(path.read_text("utf-8"))["entries"].items():
        _, function, direction, amount = key.split("|")
        yield function, direction, int(amount), entry["value"]


def swapped(pool: ConcentratedState, zero_for_one: bool, amount: int) -> SwapResult:
    result = swap(pool, zero_for_one, amount)
    assert isinstance(result, SwapResult)
    return result


@pytest.mark.parametrize("function", [EXACT_IN, EXACT_OUT])
@pytest.mark.parametrize("direction", ["WBTC->WETH", "WETH->WBTC"])
def test_swap_recorded_pool_equals_quoter(recorded: Recorded, wbtc_weth: ConcentratedState, function: str, direction: str) -> None:
    """Each of the 80 answers of the V3 quoter is equal to the unit, in both directions, input and output given."""
    expected = {amount: value for name, way, amount, value in answers(recorded(V3)) if (name, way) == (function, direction)}
    zero_for_one = direction == "WBTC->WETH"
    if function == EXACT_IN:
        actual = {amount: swapped(wbtc_weth, zero_for_one, amount).amount_out for amount in expected}
    else:
        actual = {amount: swapped(wbtc_weth, zero_for_one, -amount).amount_in for amount in expected}

    assert expected == actual


def test_swap_recorded_pool_shows_partial_fills(recorded: Recorded, wbtc_weth: ConcentratedState) -> None:
    """80 answers were recorded, eleven of which the pool's liquidity could not fill."""
    entries = list(answers(recorded(V3)))
    filled = [swapped(wbtc_weth, way == "WBTC->WETH", amount if name == EXACT_IN else -amount).filled for name, way, amount, _ in entries]

    assert 80 == len(filled)
    assert 11 == filled.count(False)


def test_amount_out_recorded_pool_equals_quoter_or_is_zero(recorded: Recorded, wbtc_weth: ConcentratedState) -> None:
    """The bare number is the quoter's answer where the pool fills the whole input, and 0 where it does not."""
    entries = [(way == "WBTC->WETH", amount, value) for name, way, amount, value in answers(recorded(V3)) if name == EXACT_IN]
    expected = {(way, amount): value if swapped(wbtc_weth, way, amount).filled else 0 for way, amount, value in entries}
    actual = {(way, amount): amount_out(wbtc_weth, way, amount) for way, amount, _ in entries}

    assert expected == actual


def test_constant_product_recorded_pair_equals_router(recorded: Recorded) -> None:
    """Each of the 24 answers of the PancakeSwap V2 router on Base is equal to the unit, in both directions."""
    pair = json.loads(recorded("evm/chain_data/8453/pancakeswap_v2_weth_usdbc_block_46875151.json").read_text("utf-8"))
    reserves = pair["reserves_token0"], pair["reserves_token1"]
    fee_ppm = pair["fee_numer"] * 1_000_000 // pair["fee_denom"]
    expected, actual = {}, {}
    for _, direction, amount, value in answers(recorded(V2)):
        reserve_in, reserve_out = reserves if direction == "WETH->USDbC" else reversed(reserves)
        expected[direction, amount] = value
        actual[direction, amount] = constant_product.amount_out(amount, reserve_in, reserve_out, fee_ppm)

    assert 24 == len(expected)
    assert expected == actual
