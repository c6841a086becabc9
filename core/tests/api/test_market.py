"""A tape's market from Python: exact quotes, and every cycle that gains."""

import gc
import gzip
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from tidemill.api.cycles import Cycle
from tidemill.api.market import Market, PoolQuote
from tidemill.api.tape import Tape, chosen_config, import_tape, open_tape
from tidemill.config.load import default_config
from tidemill.config.model import Config
from tidemill.config.text import config_to_json
from tidemill.domain.answers import NoQuote, NoQuoteReason
from tidemill.domain.events import Batch, Event, Head, Opening, Rollback, States
from tidemill.domain.ids import ChainId, Key
from tidemill.domain.time import ChainTime
from tidemill.errors import MarketDataError, PluginError, TapeDamaged, UsageError
from tidemill.tape.header import TapeHeader
from tidemill.tape.reader import TapeReader
from tidemill.tape.writer import TapeWriter

CHAIN = ChainId("eip155:1")
KIND = "uniswap-v2-pairs"
DAI, USDC = "0x6b175474e89094c44da98b954eedeac495271d0f", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
WETH, FAKE = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", "0x" + "01" * 20
POOLS = {f"0x{place:040x}": (one, other) for place, (one, other) in enumerate(((USDC, WETH), (DAI, WETH), (DAI, USDC), (FAKE, WETH)), 1)}
USDC_WETH, DAI_WETH, DAI_USDC, FAKE_WETH = POOLS
RESERVES = {
    USDC_WETH: (4_000_000 * 10**6, 10_000 * 10**18),
    DAI_WETH: (2_100_000 * 10**18, 5_000 * 10**18),
    DAI_USDC: (900_000 * 10**18, 1_000_000 * 10**6),
    FAKE_WETH: (10**24, 3 * 10**18),
}
SYMBOLS = {DAI: ("DAI", 18), USDC: ("USDC", 6), WETH: ("WETH", 18), FAKE: ("USDC", 18)}


def asset(address: str) -> str:
    return f"eip155:1/erc20:{address}"


def pool(address: str) -> str:
    return f"eip155:1/uniswap:{address}"


def paid(amount: int, held_in: int, held_out: int) -> int:
    """Return what a Uniswap V2 pair pays (UniswapV2Library.getAmountOut, v2-periphery 1.1.0-beta.0)."""
    return amount * 997 * held_out // (held_in * 1000 + amount * 997)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small list of pairs, as a file of the kind that is imported."""

    def token(address: str) -> dict[str, Any]:
        return {"address": address, "symbol": SYMBOLS[address][0], "decimal": SYMBOLS[address][1]}

    rows = [
        {
            "address": address,
            "token0": token(one),
            "token1": token(other),
            "reserve0": RESERVES[address][0],
            "reserve1": RESERVES[address][1],
        }
        for address, (one, other) in POOLS.items()
    ]
    path = tmp_path_factory.mktemp("pairs") / "pairs.json"
    path.write_text(json.dumps(rows))
    return path


@pytest.fixture(scope="module")
def tape(pairs: Path) -> Tape:
    """The pairs as a tape."""
    import_tape(KIND, pairs, pairs.with_name("t"))
    return open_tape(pairs.with_name("t"))


@pytest.fixture(scope="module")
def market(tape: Tape) -> Market:
    """The tape's market at its end."""
    return tape.market_at()


Record = Callable[..., Tape]


@pytest.fixture
def record(tape: Tape, tmp_path: Path) -> Record:
    """Return a function that writes the pairs and further batches of (height, events) as a tape."""

    def written(*batches: tuple[int, tuple[Event, ...]], chains: tuple[ChainId, ...] = (CHAIN,), config: str = "") -> Tape:
        path = tmp_path / "recorded"
        with TapeWriter(path, TapeHeader(KIND, chains, config=config)) as writer:
            for first in tape.records():
                writer.write(first.batch)
            for seq, (height, events) in enumerate(batches, 2):
                writer.write(Batch(KIND, seq, CHAIN, height, f"0x{height:02x}", "", "confirmed", 0, 0, events))
        return open_tape(path)

    return written


def block(height: int, weth: int) -> tuple[int, tuple[Event, ...]]:
    """Return a block in which the USDC/WETH pair holds so much WETH."""
    word = (weth << 112 | RESERVES[USDC_WETH][0]).to_bytes(32, "big")
    return height, (States(CHAIN, ((Key(f"{USDC_WETH}:0x8"), word),)), Head(CHAIN, height, f"0x{height:02x}", "", 1_601_683_200 + height))


# --- opening ----------------------------------------------------------------------------------------------------------------------------


def test_tape_says_what_it_is_and_holds(tape: Tape) -> None:
    """Header, closing record and summary are those of the file; validation agrees."""
    assert (KIND, (CHAIN,), "pairs.json") == (tape.header.kind, tape.header.chains, tape.header.source)
    assert 1 == tape.closing.records == len(list(tape.records()))
    assert tape.summary() == tape.validate()
    assert str(tape.path) == tape.summary().path


def test_configuration_is_the_given_else_the_tapes_else_the_default(tmp_path: Path) -> None:
    """What is given counts first, then what the tape was recorded with, then the default for its kind."""
    default = default_config(KIND)
    given = attrs.evolve(default, seed=5)
    header = TapeHeader(KIND, (CHAIN,), config=config_to_json(attrs.evolve(default, seed=7)))
    assert given is chosen_config(header, given)
    assert 7 == chosen_config(header).seed
    assert default.tables == chosen_config(TapeHeader(KIND, (CHAIN,))).tables
    file = tmp_path / "tidemill.toml"
    file.write_text("seed = 9\n[chains.recorded]\n")
    assert 9 == chosen_config(header, str(file)).seed
    with pytest.raises(UsageError, match="no default configuration for 'other'"):
        chosen_config(TapeHeader("other", ()))


def test_damaged_tape_gives_no_market(tape: Tape, tmp_path: Path) -> None:
    """A market is made of a whole tape or not at all."""
    (tmp_path / "cut").write_bytes(tape.path.read_bytes()[:-1])
    with pytest.raises(TapeDamaged):
        open_tape(tmp_path / "cut").market_at()


def test_market_leaves_the_collector_as_it_was(tape: Tape) -> None:
    """The garbage collector is paused while pools are loaded, and goes on after it."""
    assert gc.isenabled()
    tape.market_at()
    assert gc.isenabled()
    gc.disable()
    try:
        tape.market_at()
        assert not gc.isenabled()
    finally:
        gc.enable()


# --- heights ----------------------------------------------------------------------------------------------------------------------------


def weth_held(market: Market) -> int:
    found = market.snapshot.pools[market.names.pool(USDC_WETH)]
    return found.holdings[market.names.asset(WETH)]


def test_market_at_a_height_has_seen_that_block_and_no_later_one(record: Record) -> None:
    """A height between two heads shows the lower one; the end of the tape the last."""
    recorded = record(block(2, 20), block(5, 50), block(6, 60))
    assert [20, 20, 20, 50, 60] == [weth_held(recorded.market_at(height)) for height in (2, 3, 4, 5, 6)]
    assert 60 == weth_held(recorded.market_at())
    assert ChainTime(CHAIN, 5, 1_601_683_205) == recorded.market_at(5).snapshot.head(CHAIN)


@pytest.mark.parametrize("height", [0, 7])
def test_height_that_the_tape_does_not_hold_is_refused(record: Record, height: int) -> None:
    """The message says which heights there are."""
    with pytest.raises(UsageError, match=f"the tape holds heights 1 to 6 of eip155:1, not {height}"):
        record(block(6, 60)).market_at(height)


def test_tape_without_heads_has_no_height(tmp_path: Path) -> None:
    """Where no head was recorded no height can be asked for."""
    with TapeWriter(tmp_path / "t", TapeHeader(KIND, (CHAIN,))):
        pass
    with pytest.raises(UsageError, match="the tape holds no head of eip155:1, not 1"):
        open_tape(tmp_path / "t").market_at(1)


def test_height_on_a_tape_of_several_chains_is_ambiguous(record: Record) -> None:
    """A height is of one chain."""
    with pytest.raises(UsageError, match="several chains, eip155:1, eip155:10: a height says nothing without its chain"):
        record(chains=(CHAIN, ChainId("eip155:10"))).market_at(1)


def test_chain_that_the_configuration_does_not_name_is_refused(record: Record) -> None:
    """The rules of every chain on the tape are needed."""
    with pytest.raises(UsageError, match="the tape is of eip155:10, the configuration is for eip155:1"):
        record(chains=(CHAIN, ChainId("eip155:10"))).market_at()


def test_rollback_on_the_tape_restores_the_market(record: Record) -> None:
    """A block that was dropped leaves nothing behind."""
    dropped = (2, (Rollback(CHAIN, 2, "0x02"),))
    assert 20 == weth_held(record(block(2, 20), block(3, 30), dropped).market_at())


def test_rollback_beyond_what_can_be_undone_is_an_error(record: Record) -> None:
    """A market that cannot go back that far is not shown as if it could."""
    with pytest.raises(MarketDataError, match="rolled back to 0 on the tape, further than"):
        record(block(2, 20), (2, (Rollback(CHAIN, 0, "0x00"),))).market_at()


def test_answers_on_the_tape_do_not_touch_the_market(record: Record) -> None:
    """What became of a run's own plans is no part of the observed market."""
    assert 20 == weth_held(record(block(2, 20), (2, (Opening(()),))).market_at())


def test_pool_whose_state_does_not_decode_is_told(record: Record) -> None:
    """A pool that cannot be loaded is named, and gives no quote."""
    recorded = record((2, (States(CHAIN, ((Key(f"{USDC_WETH}:0x8"), b"short"),)), Head(CHAIN, 2, "0x02", "", 1_601_683_212))))
    shown = recorded.market_at()
    assert ["dex.uniswap"] == [fault.partition(":")[0] for fault in shown.faults]
    assert USDC_WETH in shown.faults[0] or "32 bytes" in shown.faults[0]
    answer = shown.quote(USDC_WETH, "WETH", 1)
    assert isinstance(answer, NoQuote)
    assert NoQuoteReason.STALE == answer.reason


# --- quotes -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", [1, 10**6, 10**9, 10**15])
def test_quote_pays_what_the_contract_pays(market: Market, amount: int) -> None:
    """An exact-in quote equals the contract's formula to the unit, its fee is 0.30 % of the input."""
    answer = market.quote(USDC_WETH, "USDC", amount)
    held_in, held_out = RESERVES[USDC_WETH]
    expected = paid(amount, held_in, held_out)
    if not expected:
        assert isinstance(answer, NoQuote)
        return
    assert isinstance(answer, PoolQuote)
    assert (pool(USDC_WETH), asset(USDC), asset(WETH)) == (answer.pool, answer.sell, answer.buy)
    assert (amount, expected) == (answer.amount_in, answer.amount_out)
    assert ChainTime(CHAIN, 2, 1_601_683_212) == answer.at


def test_exact_out_asks_the_least_input_that_suffices(market: Market) -> None:
    """One unit less does not buy the amount."""
    wanted = 10**18
    answer = market.quote(pool(USDC_WETH), USDC, wanted, WETH, exact_out=True)
    assert isinstance(answer, PoolQuote)
    assert wanted == answer.amount_out
    assert paid(answer.amount_in, *RESERVES[USDC_WETH]) >= wanted > paid(answer.amount_in - 1, *RESERVES[USDC_WETH])


@pytest.mark.parametrize("amount", [0, -1])
def test_amount_that_is_none_gets_no_quote(market: Market, amount: int) -> None:
    """Zero and negative amounts are the pool's normal no."""
    answer = market.quote(USDC_WETH, "USDC", amount)
    assert isinstance(answer, NoQuote)
    assert NoQuoteReason.AMOUNT == answer.reason


def test_asset_that_the_pool_does_not_hold_is_answered_with_its_assets(market: Market) -> None:
    """Without ``buy`` there is no one other asset; with it the pool says no."""
    with pytest.raises(UsageError, match=f"trades {asset(USDC)}, {asset(WETH)}: say what to buy for {asset(DAI)}"):
        market.quote(USDC_WETH, "DAI", 1)
    answer = market.quote(USDC_WETH, "DAI", 1, "WETH")
    assert isinstance(answer, NoQuote)
    assert NoQuoteReason.ASSET == answer.reason


@pytest.mark.parametrize("name", ["0x" + "ff" * 20, "eip155:1/uniswap:0x" + "ff" * 20, "nonsense", ""])
def test_unknown_pool_is_refused(market: Market, name: str) -> None:
    """A pool that is not on the tape is an error that says how many are."""
    with pytest.raises(UsageError, match=r"there is no pool .* among the 4 of the enabled DEXs"):
        market.quote(name, "USDC", 1)


# --- cycles -----------------------------------------------------------------------------------------------------------------------------


def best_cycle(route: list[tuple[int, int]]) -> int:
    """Return the greatest integer profit of a route of constant product pools.

    A route is one Möbius function x·K / (M + x·N); its real optimum is (sqrt(K·M) - M) / N, and the integer one is near.
    """
    scale, base, bend = 1, 1, 0
    for held_in, held_out in route:
        scale, base, bend = scale * 997 * held_out, base * held_in * 1000, bend * held_in * 1000 + scale * 997
    if scale <= base:
        return 0

    def profit(amount: int) -> int:
        out = amount
        for held_in, held_out in route:
            out = paid(out, held_in, held_out)
        return out - amount

    middle = (math.isqrt(scale * base) - base) // bend
    return max(profit(amount) for amount in range(max(1, middle - 3), middle + 4))


def test_scan_gives_cycles_whose_legs_are_exact_quotes(market: Market) -> None:
    """Every leg pays what the contract pays for what the leg before it paid, and the profit is what is left."""
    (cycle,) = market.scan("WETH", 3)
    amount = cycle.amount_in
    for leg in cycle.legs:
        address = leg.pool.rpartition(":")[2]
        held = dict(zip(map(asset, POOLS[address]), RESERVES[address], strict=True))
        assert (amount, paid(amount, held[leg.sell], held[leg.buy])) == (leg.amount_in, leg.amount_out)
        amount = leg.amount_out
    assert (3, amount, amount - cycle.amount_in) == (cycle.hops, cycle.amount_out, cycle.profit)
    assert "cycle" == cycle.kind
    assert [asset(WETH), asset(DAI), asset(USDC)] == [leg.sell for leg in cycle.legs]


def test_scan_finds_the_best_amount(market: Market) -> None:
    """The profit is that of the closed form, to a millionth."""
    (cycle,) = market.scan(WETH, 3)
    best = best_cycle([RESERVES[DAI_WETH][::-1], RESERVES[DAI_USDC], RESERVES[USDC_WETH]])
    assert best > 0
    assert abs(cycle.profit - best) <= best // 10**6


def test_scan_from_another_asset_counts_in_it(market: Market) -> None:
    """The same mispricing from USDC is one cycle that gains USDC."""
    (cycle,) = market.scan("USDC", 3)
    assert (asset(USDC), asset(USDC)) == (cycle.legs[0].sell, cycle.legs[-1].buy)


def test_scan_leaves_out_what_gains_too_little(market: Market) -> None:
    """The least profit is counted in base units of the start asset."""
    (cycle,) = market.scan("WETH", 3)
    assert [cycle] == market.scan("WETH", 3, min_profit=cycle.profit)
    assert [] == market.scan("WETH", 3, min_profit=cycle.profit + 1)
    assert [] == market.scan("WETH", 2)


def test_scan_of_a_range_has_its_end_outside(market: Market) -> None:
    """Ranges are Python's."""
    assert [3] == [cycle.hops for cycle in market.scan("WETH", range(2, 4))]
    assert [] == market.scan("WETH", range(2, 3))
    assert market.scan("WETH", 3) == market.scan("WETH", 3, top=1)


@pytest.mark.parametrize(("hops", "least", "top"), [(1, 1, None), (0, 1, None), (range(3, 3), 1, None), (3, 0, None), (3, 1, 0)])
def test_scan_refuses_numbers_that_mean_nothing(market: Market, hops: int | range, least: int, top: int | None) -> None:
    """Fewer than two hops, an empty range, no profit and no rows are mistakes."""
    with pytest.raises(UsageError, match="hops must be 2 or more"):
        market.scan("WETH", hops, least, top)


def without(config: Config, kind: str) -> Config:
    return attrs.evolve(config, tables=tuple(table for table in config.tables if table.kind != kind))


def test_scan_without_a_searcher_says_so(tape: Tape) -> None:
    """Cycles are a searcher's: a configuration without one cannot scan, but can quote."""
    shown = tape.market_at(config=without(default_config(KIND), "search"))
    with pytest.raises(UsageError, match=r"no searcher is enabled: add a table such as \[search.cycles\]"):
        shown.scan("WETH", 3)
    assert isinstance(shown.quote(USDC_WETH, "USDC", 10**6), PoolQuote)


def test_searcher_that_raises_is_named(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin's error is the plugin's, and no traceback of ours."""

    def broken(query: object) -> Iterator[object]:
        raise ZeroDivisionError

    monkeypatch.setattr(market.snapshot.finder, "find", broken)
    with pytest.raises(PluginError, match="ZeroDivisionError"):
        market.scan("WETH", 3)


def test_recorded_snapshot_scan_equals_brute_force(recorded: Callable[[str], Path], tmp_path: Path) -> None:
    """Each WETH cycle of three hops over 10,704 recorded pairs gains at least what integer brute force found, and few gain besides.

    The brute force probes seven amounts around the real optimum: where few units of an intermediate token pass, others may gain more, and
    a few cycles gain at such amounts alone.
    """
    source = recorded("dex/uniswap_v2_pairs_reserves_2020-10.json.gz")
    import_tape(KIND, source, tmp_path / "t")
    cycles = open_tape(tmp_path / "t").market_at().scan(WETH, 3)
    want = brute_force(json.loads(gzip.decompress(source.read_bytes())))
    got = {tuple(leg.pool.rpartition(":")[2] for leg in cycle.legs): cycle.profit for cycle in cycles}
    grains = {route: max(profit // 10**6, 10**12) for route, profit in want.items()}
    assert [] == [route for route, profit in want.items() if got.get(route, 0) < profit - grains[route]]
    assert len(got.keys() - want.keys()) <= len(want) // 50
    assert sorted(got.values(), reverse=True) == [cycle.profit for cycle in cycles]
    assert all(isinstance(cycle, Cycle) and cycle.exact for cycle in cycles)


def brute_force(rows: list[dict[str, Any]]) -> dict[tuple[str, ...], int]:
    """Return the profit of every WETH cycle of three hops that gains, by its pools."""
    edges: dict[str, list[tuple[str, int, int, str]]] = {}
    for row in rows:
        one, other = row["token0"]["address"].lower(), row["token1"]["address"].lower()
        held, pair = (row["reserve0"], row["reserve1"]), row["address"].lower()
        if all(held):
            edges.setdefault(one, []).append((other, held[0], held[1], pair))
            edges.setdefault(other, []).append((one, held[1], held[0], pair))
    back: dict[str, list[tuple[int, int, str]]] = {}
    for token, held_in, held_out, pair in edges[WETH]:
        back.setdefault(token, []).append((held_out, held_in, pair))
    found: dict[tuple[str, ...], int] = {}
    for first, in1, out1, pair1 in edges[WETH]:
        for second, in2, out2, pair2 in edges[first]:
            for in3, out3, pair3 in back.get(second, ()) if second != WETH else ():
                profit = best_cycle([(in1, out1), (in2, out2), (in3, out3)])
                if profit > 0:
                    found[pair1, pair2, pair3] = profit
    return found


def test_market_of_a_validated_reader_reads_the_same(tape: Tape) -> None:
    """Opening by text, by path and through the reader are one."""
    assert open_tape(str(tape.path)).header == TapeReader(tape.path).header == tape.header


def test_pools_of_a_dex_that_is_not_enabled_are_told(tape: Tape, tmp_path: Path) -> None:
    """They do not vanish without a word: how many of which DEX, and what would bring them."""
    path = tmp_path / "other.toml"
    path.write_text('[chains.recorded]\nchain = "eip155:1"\n[dex.sushiswap]\n[search.cycles]\n[books.main]\nbase = "WETH"\n')

    assert ("4 pools of uniswap: no [dex.uniswap] is enabled",) == tape.market_at(config=path).faults
    assert () == tape.market_at().faults
