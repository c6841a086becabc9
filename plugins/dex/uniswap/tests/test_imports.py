"""The import ``evm-pools``: recorded states become the storage that the contracts keep, and nothing that was not recorded."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidemill.api.tape import import_tape, open_tape
from tidemill.domain.answers import Needs, NoQuote, NoQuoteReason
from tidemill.domain.events import Batch, Found, Head, States
from tidemill.domain.ids import AssetId, ChainId, Key
from tidemill.domain.pool import Decoded, Pool, PoolRef
from tidemill.domain.time import ChainTime
from tidemill.errors import DecodeError, UsageError
from tidemill.hookspecs.dex import Dex
from tidemill_amm.concentrated import ConcentratedState, amount_out
from tidemill_amm.concentrated.tick_math import sqrt_ratio_at_tick
from tidemill_dex_uniswap.forks import PANCAKESWAP, SUSHISWAP, UNISWAP
from tidemill_dex_uniswap.imports import read
from tidemill_dex_uniswap.imports.blocks import NO_FACTORY, NO_PRICE, NO_RESERVES, NO_SPACING
from tidemill_dex_uniswap.pancakeswap import PancakeSwap
from tidemill_dex_uniswap.quoting import V2Pool, V3Pool
from tidemill_dex_uniswap.sushiswap import SushiSwap
from tidemill_dex_uniswap.uniswap import Uniswap
from tidemill_evm.create2 import v2_pair_address, v3_pool_address

CHAIN = ChainId("eip155:1")
AT = ChainTime(CHAIN, 100, 1_700_000_000)
LOW, HIGH = "0x" + "1A" * 20, "0x" + "2B" * 20
PAIRS, POOLS = UNISWAP.v2[CHAIN], UNISWAP.v3[CHAIN]
DEXES: dict[str, Dex] = {dex.name: dex for dex in (Uniswap(), SushiSwap(), PancakeSwap())}
TICKS = {-120: (9 * 10**18, 9 * 10**18), 60: (10**18, 10**18), 180: (10**19, -(10**19))}
Row = dict[str, Any]
Written = Callable[[object], Path]


def pool_address(fee: int = 3_000, one: str = LOW, other: str = HIGH) -> str:
    return v3_pool_address(POOLS.deployer, one, other, fee, POOLS.init_code_hash)


def common(block: int, exchange: str) -> Row:
    numbers = {"chain_id": 1, "block": block, "decimals0": 18, "decimals1": 6, "fee_pips": 3_000}
    return {**numbers, "exchange": exchange, "token0": LOW, "token1": HIGH, "symbol0": "AA", "symbol1": "BB"}


def pair_row(**changes: Any) -> Row:
    made: Row = {
        **common(7, "uniswap_v2"),
        "address": v2_pair_address(PAIRS.address, LOW, HIGH, PAIRS.init_code_hash),
        "reserve0": str(10**24),
        "reserve1": 3 * 10**12,
    }
    return {**made, **changes}


def pool_row(**changes: Any) -> Row:
    made: Row = {
        **common(8, "uniswap_v3"),
        "address": pool_address(),
        "tick_spacing": 60,
        "sqrt_price_x96": str(sqrt_ratio_at_tick(5) + 1),
        "tick": 5,
        "liquidity": str(9 * 10**18),
        "ticks": {str(tick): [str(gross), str(net)] for tick, (gross, net) in TICKS.items()},
    }
    return {name: value for name, value in {**made, **changes}.items() if value is not ...}


def lists(*pools: Row, pairs: tuple[Row, ...] = ()) -> Row:
    return {"source": "made", "v2": list(pairs), "v3": list(pools)}


def whole_state(**changes: Any) -> ConcentratedState:
    given: dict[str, Any] = {"sqrt_price_x96": sqrt_ratio_at_tick(5) + 1, "tick": 5, "liquidity": 9 * 10**18}
    return ConcentratedState.from_ticks(**{**given, "fee_ppm": 3_000, "tick_spacing": 60, "ticks": TICKS, **changes})


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Returns a function that writes a document as JSON and gives the path."""

    def write(document: object) -> Path:
        path = tmp_path / "pools.json"
        path.write_text(json.dumps(document))
        return path

    return write


def contents(source: Path) -> tuple[list[PoolRef], dict[Key, bytes | None]]:
    """All pools of a recording, and all storage."""
    refs: list[PoolRef] = []
    states: dict[Key, bytes | None] = {}
    for batch in read(source).batches:
        found, values, _ = batch.events
        assert isinstance(found, Found)
        assert isinstance(values, States)
        refs += found.pools
        states.update(values.values)
    return refs, states


def decoded(ref: PoolRef, states: dict[Key, bytes | None]) -> Pool:
    answer = DEXES[ref.dex].decode(ref, states, AT, None)
    assert isinstance(answer, Decoded)
    return answer.pool


def ways(pool: Pool) -> dict[bool, tuple[AssetId, AssetId]]:
    """By whether token0 is sold."""
    one, other = pool.assets
    return {True: (one, other), False: (other, one)}


def only_pool(source: Path) -> Pool:
    (ref,), states = contents(source)
    return decoded(ref, states)


def head_of(batch: Batch) -> Head:
    head = batch.events[-1]
    assert isinstance(head, Head)
    return head


def test_pair_decodes_to_its_reserves(written: Written) -> None:
    """A pair's one word holds the reserves, and the fee is that of the factory that made it."""
    pool = only_pool(written(lists(pairs=(pair_row(),))))
    assert isinstance(pool, V2Pool)
    assert (10**24, 3 * 10**12, 3_000) == (pool.reserve0, pool.reserve1, pool.fee_ppm)


def test_pool_with_all_ticks_decodes_to_the_whole_state(written: Written) -> None:
    """Every word of the bitmap is there, and so is gross liquidity: the pool is the one built from the ticks directly."""
    pool = only_pool(written(lists(pool_row())))
    assert isinstance(pool, V3Pool)
    assert whole_state() == pool.state


@pytest.mark.parametrize("amount", [1, 10**9, 10**16, 10**17, 10**30])
@pytest.mark.parametrize("zero_for_one", [True, False])
def test_quote_of_imported_pool_equals_the_pool_built_directly(written: Written, amount: int, zero_for_one: bool) -> None:
    """Quotes across ticks, and beyond the last one, are those of the pool's mathematics."""
    pool = only_pool(written(lists(pool_row())))
    assert amount_out(whole_state(), zero_for_one, amount) == pool.amount_out(*ways(pool)[zero_for_one], amount, AT)


def test_each_block_is_a_batch_in_order_of_height(written: Written) -> None:
    """A state stands in the block that it is of, the lowest first, whatever the order of the recording."""
    recording = read(written(lists(pool_row(block=5), pairs=(pair_row(block=9),))))
    batches = list(recording.batches)
    assert [(1, 5), (2, 9)] == [(batch.seq, head_of(batch).height) for batch in batches]
    assert [["v3"], ["v2"]] == [[ref.kind for ref in batch.events[0].pools] for batch in batches if isinstance(batch.events[0], Found)]
    assert ("no time is in the source: 1970-01-01 00:00:00 UTC stands for it",) == recording.remarks


def test_assets_are_described_once(written: Written) -> None:
    """A token of many pools is found with the first of them."""
    batches = list(read(written(lists(pool_row(), pairs=(pair_row(),)))).batches)
    found = [
        [(asset.symbol, asset.decimals) for asset in batch.events[0].assets] for batch in batches if isinstance(batch.events[0], Found)
    ]
    assert [[("AA", 18), ("BB", 6)], []] == found


def test_token_without_decimals_is_not_described(written: Written) -> None:
    """Decimals are never guessed: such an asset is known by its id alone, and the import says so."""
    recording = read(written(lists(pool_row(decimals1=None))))
    (batch,) = recording.batches
    assert isinstance(batch.events[0], Found)
    assert ["AA"] == [asset.symbol for asset in batch.events[0].assets]
    assert "1 asset without symbol and decimals in the source" in recording.remarks


def test_pool_without_ticks_asks_for_its_bitmap(written: Written) -> None:
    """Price and liquidity alone do not say where the liquidity ends: the pool is found, and waits for its words."""
    source = written(lists(pool_row(ticks=...)))
    (ref,), states = contents(source)
    answer = Uniswap().decode(ref, states, AT, None)
    assert isinstance(answer, Needs)
    assert not states.keys() & set(answer.keys)
    assert "1 pool without ticks in the source: what is known of them is on the tape, and they give no quote" in read(source).remarks


@pytest.mark.parametrize(
    "changes",
    [
        {"liquidity": 9 * 10**18 + 1},
        {"ticks": {"-120": [9 * 10**18, 9 * 10**18]}},
        {"ticks": {"180": [10**19, -(10**19)], "60": [10**18, 10**18]}},
        {"ticks": {}},
    ],
)
def test_pool_whose_ticks_do_not_add_up_gives_no_quote(written: Written, changes: Row) -> None:
    """Where ticks are missing, nobody knows which: none of them is used."""
    source = written(lists(pool_row(**changes)))
    (ref,), states = contents(source)
    assert isinstance(Uniswap().decode(ref, states, AT, None), Needs)
    assert any("do not add up" in remark for remark in read(source).remarks)


def test_pool_with_some_words_quotes_up_to_them(written: Written) -> None:
    """Within the words that are known a quote is exact, beyond them it names the words that are missing."""
    words = {str(position): "0" for position in range(-2, 3)} | {"-1": hex(1 << 254), "0": (1 << 1) | (1 << 3)}
    ticks = {**TICKS, 180: (10**18, -(10**18))}
    given = {str(tick): list(pair) for tick, pair in ticks.items()}
    pool = only_pool(written(lists(pool_row(ticks=given, words=words))))
    assert isinstance(pool, V3Pool)
    state = whole_state(ticks={**ticks, 600_000: (9 * 10**18, -9 * 10**18)})
    assert amount_out(state, False, 10**17) == pool.amount_out(*ways(pool)[False], 10**17, AT)
    beyond = pool.quote_exact_in(*ways(pool)[False], 10**22, AT)
    assert isinstance(beyond, NoQuote)
    assert (NoQuoteReason.MISSING_STATE, (pool.layout.word_key(pool_address(), 3),)) == (beyond.reason, beyond.keys)


@pytest.mark.parametrize(("gross", "expected"), [(None, 10**18), (10**20, 10**20)])
def test_gross_liquidity_that_is_not_recorded_is_the_least_there_can_be(written: Written, gross: int | None, expected: int) -> None:
    """No quote reads gross liquidity; a tick without it cannot hold less than its net."""
    ticks = {str(tick): [known, net] for tick, (known, net) in TICKS.items()} | {"60": [gross, 10**18]}
    source = written(lists(pool_row(ticks=ticks)))
    pool = only_pool(source)
    assert isinstance(pool, V3Pool)
    assert (expected, 10**18) == (pool.state.liquidity_gross[60], pool.state.liquidity_net[60])
    assert (gross is None) == any("gross" in remark for remark in read(source).remarks)


def test_tick_whose_positions_cancel_out_stays_initialized(written: Written) -> None:
    """A net liquidity of zero does not clear the bit: swaps stop there and round."""
    ticks = {str(tick): list(pair) for tick, pair in TICKS.items()} | {"0": [None, 0]}
    pool = only_pool(written(lists(pool_row(ticks=ticks))))
    assert isinstance(pool, V3Pool)
    assert (2, 0, 1) == (pool.state.liquidity_gross[0], pool.state.liquidity_net[0], pool.state.words[0] & 1)


def test_dex_is_the_one_whose_factory_gives_the_address(written: Written) -> None:
    """A name in the recording proves nothing, the address does."""
    sushi, pancake = SUSHISWAP.v2[CHAIN], PANCAKESWAP.v3[CHAIN]
    pair = pair_row(address=v2_pair_address(sushi.address, LOW, HIGH, sushi.init_code_hash))
    address = v3_pool_address(pancake.deployer, LOW, HIGH, 2_500, pancake.init_code_hash)
    pool = pool_row(address=address, fee_pips=2_500, tick_spacing=None, exchange="pancakeswap_v3", ticks=...)
    del pair["exchange"]
    refs, states = contents(written(lists(pool, pairs=(pair,))))
    assert [("sushiswap", "v2"), ("pancakeswap", "v3")] == [(ref.dex, ref.kind) for ref in refs]
    assert isinstance(decoded(refs[0], states), V2Pool)
    assert 50 == refs[1].detail("tick_spacing")


def test_entries_that_are_no_pools_of_these_contracts_are_counted(written: Written) -> None:
    """What is not read here is left out with its number and the reason."""
    rows = lists(
        pool_row(),
        pool_row(exchange="solidly_v3"),
        pool_row(exchange="uniswap_v2"),
        pool_row(address=LOW),
        pool_row(sqrt_price_x96=0, tick=0, liquidity=0, address=pool_address(500), fee_pips=500),
        pool_row(address=pool_address(150), fee_pips=150, tick_spacing=None),
        pairs=(pair_row(reserve1=0), pair_row(address=HIGH), pair_row(chain_id=250)),
    )
    recording = read(written({**rows, "v4": [{}, {}], "carbon": [5]}))
    expected = {
        "'solidly_v3' has no pools of this kind that are read here": 1,
        "'uniswap_v2' has no pools of this kind that are read here": 1,
        NO_FACTORY: 3,
        NO_PRICE: 1,
        NO_SPACING: 1,
        NO_RESERVES: 1,
        "v4: expected a list named v2 or v3": 2,
        "carbon: expected a list named v2 or v3": 1,
    }
    assert expected == recording.left_out


def test_gzip_and_plain_json_are_the_same(written: Written, tmp_path: Path) -> None:
    """Compression is recognised by its content."""
    plain, packed = written(lists(pool_row())), tmp_path / "packed"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read(plain).batches == read(packed).batches


def test_block_hash_depends_on_the_states(written: Written) -> None:
    """Two recordings are one block only if their states are equal."""
    (one,) = read(written(lists(pool_row()))).batches
    (same,) = read(written(lists(pool_row()))).batches
    (other,) = read(written(lists(pool_row(sqrt_price_x96=sqrt_ratio_at_tick(5) + 2)))).batches
    assert one == same
    assert one.block_hash != other.block_hash


def test_tape_holds_what_was_read(written: Written, tmp_path: Path) -> None:
    """The tape is sound, and gives the batches back."""
    source = written(lists(pool_row(), pairs=(pair_row(),)))
    done = import_tape("evm-pools", source, tmp_path / "t")
    tape = open_tape(tmp_path / "t")
    assert list(read(source).batches) == [record.batch for record in tape.records()]
    assert done.closing == tape.validate().closing
    assert (2, 2, "evm-pools", "pools.json") == (done.pools, done.assets, tape.header.kind, tape.header.source)
    assert read(source).remarks == done.remarks


BIG = 1 << 256


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (lists(pairs=(5,)), "$.v2[0]: expected an object, found 5"),  # type: ignore[arg-type]
        ({"v2": {}}, "$.v2: expected a list, found {}"),
        (lists(pool_row(exchange=5)), "$.v3[0].exchange: expected text, found 5"),
        (lists(pool_row(address="0x12")), "$.v3[0].address: expected an address of 0x and 40 hexadecimal digits, found '0x12'"),
        (lists(pool_row(), pool_row(tick=...)), "$.v3[1]: tick is missing"),
        (lists(pool_row(chain_id=0)), "$.v3[0].chain_id: expected a whole number from 1 to"),
        (lists(pool_row(block=-1)), "$.v3[0].block: expected a whole number from 0 to"),
        (lists(pool_row(fee_pips=10**6)), "$.v3[0].fee_pips: expected a whole number from 0 to 999999, found 1000000"),
        (lists(pool_row(tick_spacing=0)), "$.v3[0].tick_spacing: expected a whole number from 1 to"),
        (lists(pool_row(tick=887_273)), "$.v3[0].tick: expected a whole number from -887272 to 887272, found 887273"),
        (lists(pool_row(tick=7)), "$.v3[0]: expected the tick of sqrt_price_x96"),
        (lists(pool_row(tick=5.0)), "$.v3[0].tick: expected a whole number"),
        (lists(pool_row(tick=True)), "$.v3[0].tick: expected a whole number"),
        (lists(pool_row(sqrt_price_x96=1)), "$.v3[0]: expected 4295128739 <= sqrt_price_x96"),
        (lists(pool_row(sqrt_price_x96=BIG)), "$.v3[0].sqrt_price_x96: expected a whole number"),
        (lists(pool_row(liquidity=1 << 128)), "$.v3[0].liquidity: expected a whole number"),
        (lists(pool_row(liquidity="1e18")), "$.v3[0].liquidity: expected a whole number"),
        (lists(pool_row(ticks=[])), "$.v3[0].ticks: expected an object, found []"),
        (lists(pool_row(ticks={"60": 5})), "$.v3[0].ticks.60: expected a list of gross and net liquidity, found 5"),
        (lists(pool_row(ticks={"60": [5, 6]})), "$.v3[0].ticks.60: expected a whole number from 6 to"),
        (lists(pool_row(ticks={"60": [0, 0]})), "$.v3[0].ticks.60: expected a whole number from 1 to"),
        (lists(pool_row(ticks={"60": [1 << 127, 1 << 127]})), "$.v3[0].ticks.60: expected a whole number from -"),
        (lists(pool_row(ticks={"sixty": [5, 5]})), "$.v3[0].ticks.sixty: expected a whole number from -887272"),
        (lists(pool_row(ticks={"60": [1, 1], "61": [1, -1]}, liquidity=0)), "expected initialized ticks to be multiples of 60"),
        (lists(pool_row(words=5)), "$.v3[0].words: expected an object, found 5"),
        (lists(pool_row(words={"0": BIG})), "$.v3[0].words.0: expected a whole number"),
        (lists(pool_row(words={"40000": 0})), "$.v3[0].words.40000: expected a whole number"),
        (lists(pool_row(words={"0": 5})), "$.v3[0]: expected word 0 of the bitmap to have the bits of the ticks, found 0x5"),
        (lists(pool_row(words={"999": 0})), "$.v3[0]: expected word 999 of the bitmap to have the bits of the ticks, found 0x0"),
        (lists(pool_row(words={"0": 10})), "$.v3[0]: there are ticks in word -1 of the bitmap, which is not among the words"),
        (lists(pool_row(token0=HIGH, token1=LOW)), "$.v3[0]: the first token must be the lower address of two"),
        (lists(pool_row(symbol0=5)), "$.v3[0].symbol0: expected text, found 5"),
        (lists(pool_row(decimals0=256)), "$.v3[0].decimals0: expected a whole number from 0 to 255, found 256"),
        (lists(pool_row(), pool_row()), f"$.v3[1]: pool {pool_address()} stands at"),
        (lists(pool_row(), pairs=(pair_row(decimals0=8),)), f"$.v3[0]: eip155:1/erc20:{LOW.lower()} has 18 decimals, 8 in an entry before"),
        (lists(pairs=(pair_row(fee_pips=2_500),)), "$.v2[0]: pairs of uniswap take 3000 parts per million, found 2500"),
        (lists(pairs=(pair_row(reserve0=1 << 112),)), "$.v2[0].reserve0: expected a whole number from 0 to"),
        (lists(pool_row(), pairs=(pair_row(block=None),)), "expected a block in all entries or in none"),
        (lists(pairs=(pair_row(reserve0=0),)), "there is no pool that can be used: 1 left out: a reserve is zero"),
        (lists(), "there is no pool that can be used: it names none"),
        ({"pools": []}, "expected lists of pools named v2 and v3, a file of one pool, or states"),
        (5, "expected lists of pools named v2 and v3, a file of one pool, or states, a snapshot or a message of Tycho, found 5"),
        ([], "there is no pool that can be used: it names none"),
    ],
)
def test_bad_entry_is_named_with_its_place(written: Written, tmp_path: Path, document: object, message: str) -> None:
    """What is wrong is said once, with the file and the path to the field, and no tape is written."""
    source = written(document)
    with pytest.raises(DecodeError) as caught:
        import_tape("evm-pools", source, tmp_path / "t")
    assert str(source) in str(caught.value)
    assert message in str(caught.value)
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected JSON"),
        (b'{"v2": [{"chain_id"', "expected JSON"),
        (gzip.compress(b'{"v2": []}' * 99, mtime=0)[:30], "the gzip file is damaged"),
    ],
)
def test_cut_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """A file that ends early is named as such."""
    (tmp_path / "cut").write_bytes(content)
    with pytest.raises(DecodeError, match=message):
        read(tmp_path / "cut")


def test_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    """A recording that is not there, or is a folder, is the caller's mistake: recordings of several times are no one market."""
    with pytest.raises(UsageError, match="there is no file"):
        read(tmp_path / "none")
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path)


def test_pools_of_two_chains_are_refused(written: Written) -> None:
    """A recording is of one chain."""
    polygon = UNISWAP.v3[ChainId("eip155:137")]
    address = v3_pool_address(polygon.deployer, LOW, HIGH, 500, polygon.init_code_hash)
    with pytest.raises(DecodeError, match="expected a pool of eip155:1, as those before it, found one of eip155:137"):
        read(written(lists(pool_row(), pool_row(chain_id=137, address=address, fee_pips=500))))
