"""Keys of storage and the layouts of pools."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.ids import Key
from tidemill_evm.erc20 import balance_key
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.storage import mapping_slot, split_key, storage_key, word_bytes, word_number
from tidemill_evm.uniswap_v2 import Reserves, decode_reserves, encode_reserves, reserves_key
from tidemill_evm.uniswap_v3 import (
    PANCAKESWAP_V3,
    UNISWAP_V3,
    Slot0,
    V3Layout,
    decode_liquidity,
    decode_tick,
    encode_liquidity,
    encode_tick,
)

POOL = "0x" + "ab" * 20
LAYOUTS = pytest.mark.parametrize("layout", [UNISWAP_V3, PANCAKESWAP_V3], ids=["uniswap", "pancakeswap"])


def slots0(fee_bits: int) -> st.SearchStrategy[Slot0]:
    counts = st.integers(0, (1 << 16) - 1)
    return st.builds(
        Slot0,
        st.integers(0, (1 << 160) - 1),
        st.integers(-(1 << 23), (1 << 23) - 1),
        counts,
        counts,
        counts,
        st.integers(0, (1 << fee_bits) - 1),
        st.booleans(),
    )


@given(st.integers(0, (1 << 256) - 1))
def test_split_key_gives_what_storage_key_took(slot: int) -> None:
    """A key names contract and slot, and nothing else."""
    assert (POOL, slot) == split_key(storage_key(POOL, slot))


def test_reserves_key_is_written_as_sources_write_it() -> None:
    """Slot 8 of a pair is `<address>:0x8`."""
    assert Key(f"{POOL}:0x8") == reserves_key(POOL)


@pytest.mark.parametrize(
    "key", [POOL, f"{POOL}:", f"{POOL}:8", f"{POOL}:0x08", f"{POOL}:0xG", "0x12:0x8", f"{POOL}:-0x1", f"{POOL.upper()}:0x8"]
)
def test_split_key_malformed_raises(key: str) -> None:
    """Anything but the one way to write a key is refused."""
    with pytest.raises(MalformedBytes):
        split_key(Key(key))


def test_mapping_slot_is_the_hash_of_key_and_slot() -> None:
    """The slot of a mapping's element is keccak256(key . slot); a negative key is sign-extended."""
    assert 0xAD3228B676F7D3CD4284A5443F17F1962B36E491B30A40B2405849E597BA5FB5 == mapping_slot(0, 0)
    assert mapping_slot((1 << 256) - 60, 5) == mapping_slot(-60, 5)
    with pytest.raises(EncodeError):
        mapping_slot(1 << 256, 0)


def test_balance_key_is_a_slot_of_the_token() -> None:
    """An owner's balance stands in the token's mapping under its address."""
    assert storage_key("0x" + "cd" * 20, mapping_slot(int(POOL, 16), 9)) == balance_key("0x" + "cd" * 20, POOL, 9)


@pytest.mark.parametrize("word", [-1, 1 << 256])
def test_word_bytes_out_of_range_raises(word: int) -> None:
    """A word has 256 bits."""
    with pytest.raises(EncodeError):
        word_bytes(word)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_word_number_other_length_raises(length: int) -> None:
    """A word has 32 bytes, for every reader of one."""
    for read in (word_number, decode_reserves, decode_liquidity, decode_tick):
        with pytest.raises(MalformedBytes):
            read(bytes(length))


@given(st.integers(0, (1 << 112) - 1), st.integers(0, (1 << 112) - 1), st.integers(0, (1 << 32) - 1))
def test_reserves_decode_to_what_was_encoded(reserve0: int, reserve1: int, timestamp: int) -> None:
    """Reserves survive slot 8, whose other words decode to what encodes to them."""
    reserves = Reserves(reserve0, reserve1, timestamp)

    assert reserves == decode_reserves(encode_reserves(reserves))


@pytest.mark.parametrize("reserves", [Reserves(1 << 112, 1), Reserves(1, 1 << 112), Reserves(-1, 1), Reserves(1, 1, 1 << 32)])
def test_encode_reserves_beyond_their_bits_raises(reserves: Reserves) -> None:
    """A reserve beyond uint112 has no place in slot 8."""
    with pytest.raises(EncodeError):
        encode_reserves(reserves)


@LAYOUTS
def test_slot0_decodes_to_what_was_encoded(layout: V3Layout) -> None:
    """Every first struct survives its words."""

    @given(slots0(layout.fee_protocol_bits))
    def holds(slot0: Slot0) -> None:
        words = layout.encode_slot0(slot0)
        assert len(layout.slot0_keys(POOL)) == len(words)
        assert slot0 == layout.decode_slot0(words)

    holds()


def test_slot0_layouts_differ_as_the_contracts_do() -> None:
    """PancakeSwap's fee protocol and lock stand in a second word, and everything behind it one slot further."""
    slot0 = Slot0(1 << 96, -1, 2, 3, 4, 5, True)
    shared = 4 << 216 | 3 << 200 | 2 << 184 | 0xFFFFFF << 160 | 1 << 96

    assert (word_bytes(1 << 240 | 5 << 232 | shared),) == UNISWAP_V3.encode_slot0(slot0)
    assert (word_bytes(shared), word_bytes(1 << 32 | 5)) == PANCAKESWAP_V3.encode_slot0(slot0)
    assert (Key(f"{POOL}:0x0"), Key(f"{POOL}:0x1")) == PANCAKESWAP_V3.slot0_keys(POOL)
    assert (Key(f"{POOL}:0x4"), Key(f"{POOL}:0x5")) == (UNISWAP_V3.liquidity_key(POOL), PANCAKESWAP_V3.liquidity_key(POOL))


@pytest.mark.parametrize(
    ("layout", "words", "offset"),
    [
        (UNISWAP_V3, (word_bytes(1 << 248),), 0),
        (PANCAKESWAP_V3, (word_bytes(1 << 232), bytes(32)), 0),
        (PANCAKESWAP_V3, (bytes(32), word_bytes(1 << 33)), 32),
        (PANCAKESWAP_V3, (bytes(32),), 32),
        (UNISWAP_V3, (bytes(32), bytes(32)), 32),
        (UNISWAP_V3, (bytes(31),), 31),
    ],
)
def test_decode_slot0_malformed_names_offset(layout: V3Layout, words: tuple[bytes, ...], offset: int) -> None:
    """Bits where the layout has none, and words too many or too few, are refused."""
    with pytest.raises(MalformedBytes) as raised:
        layout.decode_slot0(words)

    assert offset == raised.value.offset


@pytest.mark.parametrize("slot0", [Slot0(1 << 160, 0), Slot0(-1, 0), Slot0(1, 1 << 23), Slot0(1, 0, 1 << 16), Slot0(1, 0, 0, 0, 0, 1 << 8)])
def test_encode_slot0_beyond_its_bits_raises(slot0: Slot0) -> None:
    """A field that is too large has no place in its word."""
    with pytest.raises(EncodeError):
        UNISWAP_V3.encode_slot0(slot0)


@given(st.integers(0, (1 << 128) - 1), st.integers(-(1 << 127), (1 << 127) - 1))
def test_tick_and_liquidity_decode_to_what_was_encoded(gross: int, net: int) -> None:
    """Gross and net liquidity survive a tick's first word, liquidity its own."""
    assert (gross, net) == decode_tick(encode_tick(gross, net))
    assert gross == decode_liquidity(encode_liquidity(gross))


def test_liquidity_beyond_128_bits_is_refused() -> None:
    """Liquidity has 128 bits, whichever way it goes."""
    with pytest.raises(EncodeError):
        encode_liquidity(1 << 128)
    with pytest.raises(MalformedBytes):
        decode_liquidity(word_bytes(1 << 128))
    with pytest.raises(EncodeError):
        encode_tick(1 << 128, 0)
    with pytest.raises(EncodeError):
        encode_tick(0, 1 << 127)


@LAYOUTS
def test_pool_storage_holds_every_field_where_its_key_says(layout: V3Layout) -> None:
    """A pool written whole is read back through the keys of its parts."""
    ticks = {-887_220: (7, 7), -60: (10, 3), 0: (5, 5), 15_300: (10, -3), 887_220: (12, -12)}
    slot0 = Slot0(1 << 96, 0)
    slots = layout.pool_storage(slot0, 15, 60, ticks)
    held = {storage_key(POOL, slot): word for slot, word in slots.items()}

    assert slot0 == layout.decode_slot0(tuple(held[key] for key in layout.slot0_keys(POOL)))
    assert 15 == decode_liquidity(held[layout.liquidity_key(POOL)])
    assert ticks == {tick: decode_tick(held[layout.tick_key(POOL, tick)]) for tick in ticks}
    words = {position: word_number(held[layout.word_key(POOL, position)]) for position in (-58, -1, 0, 57)}
    assert {-58: 1 << 61, -1: 1 << 255, 0: 1 | 1 << 255, 57: 1 << 195} == words


def test_pool_storage_impossible_state_raises() -> None:
    """A tick off the spacing and liquidity beyond 128 bits cannot be written."""
    with pytest.raises(EncodeError):
        UNISWAP_V3.pool_storage(Slot0(1 << 96, 0), 15, 60, {61: (1, 1)})
    with pytest.raises(EncodeError):
        UNISWAP_V3.pool_storage(Slot0(1 << 96, 0), 1 << 128, 60, {})
