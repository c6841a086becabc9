"""The import ``evm-pools`` over recorded pools: quotes are what the chain answered, or what the pool's mathematics gives."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tidemill.domain.answers import Needs, NoQuote, NoQuoteReason
from tidemill.domain.events import Found, Head, States
from tidemill.domain.ids import AssetId, ChainId, Key, address_of
from tidemill.domain.pool import Decoded, Pool, PoolRef, Quote
from tidemill.domain.time import ChainTime
from tidemill.hookspecs.dex import Dex
from tidemill_amm import constant_product
from tidemill_amm.concentrated import ConcentratedState, amount_out
from tidemill_dex_uniswap.imports import read
from tidemill_dex_uniswap.imports.tycho import FEES
from tidemill_dex_uniswap.pancakeswap import PancakeSwap
from tidemill_dex_uniswap.quoting import V2Pool, V3Pool
from tidemill_dex_uniswap.uniswap import Uniswap

AT = ChainTime(ChainId("eip155:1"), 100, 1_700_000_000)
DEXES: dict[str, Dex] = {dex.name: dex for dex in (Uniswap(), PancakeSwap())}
Recorded = Callable[[str], Path]
Golden = Callable[[str], list[tuple[str, str, int, int]]]


def imported(source: Path) -> tuple[dict[PoolRef, Pool], dict[PoolRef, Needs]]:
    """The pools of a recording that decode, and those that ask for more."""
    refs: list[PoolRef] = []
    states: dict[Key, bytes | None] = {}
    for batch in read(source).batches:
        found, values, _ = batch.events
        assert isinstance(found, Found)
        assert isinstance(values, States)
        refs += found.pools
        states.update(values.values)
    answers = {ref: DEXES[ref.dex].decode(ref, states, AT, None) for ref in refs}
    pools = {ref: answer.pool for ref, answer in answers.items() if isinstance(answer, Decoded)}
    return pools, {ref: answer for ref, answer in answers.items() if isinstance(answer, Needs)}


def ways(pool: Pool) -> dict[bool, tuple[AssetId, AssetId]]:
    """By whether token0 is sold."""
    one, other = pool.assets
    return {True: (one, other), False: (other, one)}


def only_pool(source: Path) -> Pool:
    pools, asking = imported(source)
    assert not asking
    (pool,) = pools.values()
    return pool


def test_quotes_of_recorded_pool_equal_the_quoter_on_chain(recorded: Recorded, golden: Golden) -> None:
    """Of the quoter's 80 answers 69 are the imported pool's to the unit; the eleven that it filled only in part get no quote."""
    pool = only_pool(recorded("evm/chain_data/1/uniswap_v3_wbtc_weth_block_24407242.json"))
    expected, actual, partial = {}, {}, 0
    for function, direction, amount, value in golden(
        "uniswap/v3/test_uniswap_v3_onchain_parity/test_cached_calculations_v3_wbtc_weth.json"
    ):
        way = ways(pool)[direction == "WBTC->WETH"]
        exact_in = function == "quoteExactInputSingle"
        answer = pool.quote_exact_in(*way, amount, AT) if exact_in else pool.quote_exact_out(*way, amount, AT)
        if isinstance(answer, NoQuote):
            assert NoQuoteReason.LIQUIDITY == answer.reason
            partial += 1
        else:
            expected[function, direction, amount] = value
            actual[function, direction, amount] = answer.amount_out if exact_in else answer.amount_in
    assert (11, 69) == (partial, len(expected))
    assert expected == actual


def test_quotes_of_recorded_pair_equal_the_router_on_chain(recorded: Recorded, golden: Golden) -> None:
    """Each of the 24 answers of the PancakeSwap V2 router on Base is the imported pair's to the unit."""
    pool = only_pool(recorded("evm/chain_data/8453/pancakeswap_v2_weth_usdbc_block_46875151.json"))
    answers = golden("pancakeswap/test_pancakeswap_v2_onchain_parity/test_pancakeswap_v2_router_get_amounts_out.json")
    expected = {(direction, amount): value for _, direction, amount, value in answers}
    assert 24 == len(expected)
    assert expected == {asked: pool.amount_out(*ways(pool)[asked[0] == "WETH->USDbC"], asked[1], AT) for asked in expected}


def serialised(entry: dict[str, Any]) -> ConcentratedState:
    """A state of Tycho's, built directly."""
    state = entry["state"]["state"]
    return ConcentratedState.from_ticks(
        sqrt_price_x96=int(state["sqrt_price"], 16),
        tick=state["tick"],
        liquidity=state["liquidity"],
        fee_ppm=FEES[state["fee"]],
        tick_spacing=state["ticks"]["tick_spacing"],
        ticks={one["index"]: (abs(one["net_liquidity"]), one["net_liquidity"]) for one in state["ticks"]["ticks"]},
    )


def test_recorded_states_of_tycho_decode_whole(recorded: Recorded) -> None:
    """Seventeen concentrated pools, and their quotes, are those built directly from their tick lists; two pairs have their reserves."""
    source = recorded("evm/tycho/use_serialized_state.json")
    pools, asking = imported(source)
    entries = json.loads(source.read_text("utf-8"))
    assert not asking
    assert Counter({V3Pool: 17, V2Pool: 2}) == Counter(map(type, pools.values()))
    compared = 0
    for entry, (ref, pool) in zip(entries, pools.items(), strict=True):
        assert [token["address"] for token in entry["tokens"]] == [address_of(asset) for asset in ref.assets]
        if isinstance(pool, V2Pool):
            held = entry["state"]["state"]
            assert (int(held["reserve0"], 16), int(held["reserve1"], 16)) == (pool.reserve0, pool.reserve1)
            continue
        assert isinstance(pool, V3Pool)
        direct = serialised(entry)
        assert direct == pool.state
        for amount in (10**6, 10**12, 10**18, 10**24):
            for zero_for_one, way in ways(pool).items():
                compared += 1
                assert amount_out(direct, zero_for_one, amount) == pool.amount_out(*way, amount, AT)
    assert 17 * 8 == compared


def test_recorded_states_of_tycho_stand_at_known_addresses(recorded: Recorded) -> None:
    """The addresses that follow from tokens and fee are those of the pools that everybody knows."""
    pools, _ = imported(recorded("evm/tycho/use_serialized_state.json"))
    known = {
        "0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8",
        "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640",
        "0xcbcdf9626bc03e24f779434178a73a0b4bad62ed",
        "0xa43fe16908251ee70ef74718545e4fe6c5ccec9f",
    }
    assert known <= {ref.address for ref in pools}


def test_recorded_snapshots_of_tycho_decode_whole(recorded: Recorded) -> None:
    """Uniswap's and PancakeSwap's pools decode by their own layouts, a tick of one byte keeps its sign."""
    uniswap = only_pool(recorded("evm/tycho/uniswap_v3_snapshot.json"))
    pancake = only_pool(recorded("evm/tycho/pancakeswap_v3_snapshot.json"))
    assert isinstance(uniswap, V3Pool)
    assert isinstance(pancake, V3Pool)
    assert ("eip155:1/uniswap", -17, 67) == (uniswap.id.partition(":0x")[0], uniswap.state.tick, len(uniswap.state.liquidity_net))
    assert ("eip155:1/pancakeswap", -1, 76) == (pancake.id.partition(":0x")[0], pancake.state.tick, len(pancake.state.liquidity_net))
    for pool in (uniswap, pancake):
        assert isinstance(pool.quote_exact_in(*ways(pool)[True], 10**6, AT), Quote)


def test_recorded_message_of_tycho_keeps_its_block(recorded: Recorded) -> None:
    """The head is that of the header."""
    (batch,) = read(recorded("evm/tycho/uniswap_v2_snapshot.json")).batches
    head = batch.events[-1]
    assert isinstance(head, Head)
    assert (21_284_145, 1_732_771_799) == (head.height, head.unix_time)


def test_recorded_lists_quote_their_pairs_and_ask_for_ticks(recorded: Recorded) -> None:
    """151 pairs pay what the formula says; 79 concentrated pools, recorded without ticks, ask for their bitmaps; 26 blocks."""
    source = recorded("evm/multi_pool/mainnet_18806136_18806161_v2_v3.json")
    pools, asking = imported(source)
    rows = {row["address"].lower(): row for row in json.loads(source.read_text("utf-8"))["v2"]}
    for ref, pool in pools.items():
        reserves = int(rows[ref.address]["reserve0"]), int(rows[ref.address]["reserve1"])
        for amount in (1, 10**12, 10**20):
            assert constant_product.amount_out(amount, *reserves, 3_000) == pool.amount_out(*ways(pool)[True], amount, AT)
    recording = read(source)
    heights = [batch.height for batch in recording.batches]
    assert (151, 79, {}) == (len(pools), len(asking), recording.left_out)
    assert (26, 18_806_136, 18_806_161) == (len(heights), heights[0], heights[-1])
    assert sorted(heights) == heights
