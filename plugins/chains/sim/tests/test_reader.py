"""Reading state and logs."""

from collections.abc import Callable

import anyio
import pytest

from tidemill.domain.ids import Key
from tidemill.domain.pool import LogFilter
from tidemill.errors import Unavailable, UsageError
from tidemill_chain_sim.engine import Engine
from tidemill_chain_sim.node.local import LocalNode
from tidemill_chain_sim.pools import PairState, PoolSpec, RangeState
from tidemill_chain_sim.reader import SimReader
from tidemill_chain_sim.storage import Storage
from tidemill_chain_sim.world import Account, World
from tidemill_evm import uniswap_v2_logs as v2
from tidemill_evm.erc20 import balance_key
from tidemill_evm.storage import call_key, storage_key, word_number
from tidemill_evm.uniswap_v2 import decode_reserves, reserves_key
from tidemill_evm.uniswap_v3 import PANCAKESWAP_V3, UNISWAP_V3, decode_liquidity, decode_tick
from tidemill_simworld import CHAIN, HUBS, VAULT, vault_key

MakeEngine = Callable[..., Engine]


def _read(engine: Engine, *keys: Key, height: int | None = None) -> list[bytes]:
    states = anyio.run(SimReader(LocalNode(lambda: engine)).read, keys, height)
    assert CHAIN == states.chain
    assert keys == tuple(key for key, _ in states.values)
    return [value for _, value in states.values if value is not None]


def _pool(engine: Engine, kind: str, dex: str = "") -> PoolSpec:
    return next(spec for spec in engine.market.specs if spec.kind == kind and dex in ("", spec.venue.dex))


def test_read_slot_8_of_a_pair_holds_its_reserves(make_engine: MakeEngine) -> None:
    """A pair is read as on a real chain: reserves and time in slot 8, tokens in slots 6 and 7."""
    engine = make_engine()
    spec = _pool(engine, "v2")
    state = engine.head.world.pools[spec.index]
    assert isinstance(state, PairState)
    word, token0, token1 = _read(engine, reserves_key(spec.address), storage_key(spec.address, 6), storage_key(spec.address, 7))
    reserves = decode_reserves(word)
    assert state == (reserves.reserve0, reserves.reserve1, reserves.timestamp)
    assert (int(spec.token0.address, 16), int(spec.token1.address, 16)) == (word_number(token0), word_number(token1))


@pytest.mark.parametrize("dex", ["uniswap", "pancakeswap"])
def test_read_a_concentrated_pool_gives_price_liquidity_words_and_ticks(make_engine: MakeEngine, dex: str) -> None:
    """A concentrated pool is read in its DEX's layout: first struct, liquidity, every word, every tick."""
    engine = make_engine(makers_ppm=1_000_000)
    for _ in range(60):
        engine.mine()
    layout = PANCAKESWAP_V3 if dex == "pancakeswap" else UNISWAP_V3
    spec = _pool(engine, "v3", dex)
    state = engine.head.world.pools[spec.index]
    assert isinstance(state, RangeState)
    core = state.core
    slot0 = layout.decode_slot0(tuple(_read(engine, *layout.slot0_keys(spec.address))))
    assert (core.sqrt_price_x96, core.tick, True) == (slot0.sqrt_price_x96, slot0.tick, slot0.unlocked)
    assert core.liquidity == decode_liquidity(_read(engine, layout.liquidity_key(spec.address))[0])
    words = sorted(core.words.items())
    assert [word for _, word in words] == [
        word_number(value) for value in _read(engine, *(layout.word_key(spec.address, place) for place, _ in words))
    ]
    ticks = sorted(core.liquidity_net.items())
    assert len(ticks) >= 6
    assert [(core.liquidity_gross[tick], net) for tick, net in ticks] == [
        decode_tick(value) for value in _read(engine, *(layout.tick_key(spec.address, tick) for tick, _ in ticks))
    ]


def test_read_at_an_older_height_gives_that_block(make_engine: MakeEngine) -> None:
    """All state is of one block, the head or an older one, however often heights are mixed."""
    engine = make_engine()
    spec = _pool(engine, "v2")
    worlds = [engine.head.world, *(engine.mine().world for _ in range(70))]
    for height in (70, 3, 70, 6):
        state = worlds[height].pools[spec.index]
        assert isinstance(state, PairState)
        reserves = decode_reserves(_read(engine, reserves_key(spec.address), height=height)[0])
        assert state == (reserves.reserve0, reserves.reserve1, reserves.timestamp)


def test_read_what_nobody_wrote_is_zero(make_engine: MakeEngine) -> None:
    """As on a real chain an unwritten slot, an unknown contract and a balance nobody has are 32 zero bytes."""
    engine = make_engine()
    nobody = Key("0x" + "11" * 20 + ":0x8")
    unwritten = storage_key(engine.market.specs[0].address, 1 << 200)
    keys = (nobody, unwritten, storage_key(VAULT, 5), balance_key(HUBS[0].address, "0x" + "22" * 20, 0))
    assert [bytes(32)] * 4 == _read(engine, *keys)


def test_read_the_vault_gives_what_it_can_lend(make_engine: MakeEngine) -> None:
    """The vault keeps one word a token."""
    engine = make_engine()
    assert engine.head.world.vault[HUBS[1].address] == word_number(_read(engine, vault_key(HUBS[1].address))[0])


def test_read_a_token_balance_of_an_account_of_ours(make_engine: MakeEngine) -> None:
    """Tokens keep the balances of our accounts in their mapping at slot 0."""
    engine = make_engine()
    owner, token = "0x" + "33" * 20, HUBS[0].address
    world = engine.head.world
    accounts = world.accounts.set("0x" + "44" * 20, Account(0, 0, world.vault)).set(owner, Account(0, 0, world.vault.set(token, 77)))
    word = Storage(engine.market).read(balance_key(token, owner, 0), World(world.pools, world.vault, accounts))
    assert 77 == word_number(word or b"")


@pytest.mark.parametrize("key", ["", "0x11", "0x11:", "0x11:zz", "0x11:-5", f"0x11:{1 << 256:#x}", "0x11:call:0x"])
def test_read_a_malformed_key_says_what_is_expected(make_engine: MakeEngine, key: str) -> None:
    """A key of another form is an error of whoever asks."""
    with pytest.raises(UsageError, match="expected <address in lower case>:<slot hex>"):
        _read(make_engine(), Key(key))


def test_read_a_call_is_known_to_be_absent(make_engine: MakeEngine) -> None:
    """No contract of this chain answers calls: a DEX that is made of them finds nothing here, and nothing fails."""
    key = call_key(HUBS[0].address, bytes.fromhex("18160ddd"))

    engine = make_engine()

    assert ((key, None),) == anyio.run(SimReader(LocalNode(lambda: engine)).read, (key,)).values


@pytest.mark.parametrize("height", [-1, 5])
def test_read_a_block_that_is_not_kept_is_unavailable(make_engine: MakeEngine, height: int) -> None:
    """A block that is not mined yet, or dropped from memory, cannot be read now."""
    with pytest.raises(Unavailable, match=f"block {height} is not kept: the head is 0"):
        _read(make_engine(), vault_key(HUBS[0].address), height=height)


def test_logs_of_a_pool_are_those_of_its_blocks(make_engine: MakeEngine) -> None:
    """Logs are filtered by contract and topic, in chain order."""
    engine = make_engine()
    blocks = [engine.mine() for _ in range(30)]
    spec = next(spec for spec in engine.market.specs if spec.kind == "v2" and any(log.address == spec.address for log in blocks[-1].logs))
    reader = SimReader(LocalNode(lambda: engine))
    everything = anyio.run(reader.logs, LogFilter(spec.address), 5, 30)
    syncs = anyio.run(reader.logs, LogFilter(spec.address, (v2.Sync.topic,)), 5, 30)
    assert [log for block in blocks[4:] for log in block.logs if log.address == spec.address] == list(everything)
    assert [log for log in everything if log.topics[0] == v2.Sync.topic] == list(syncs)
    assert 0 < len(syncs) < len(everything)
