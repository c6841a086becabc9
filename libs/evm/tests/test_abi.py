"""ABI encoding, compared with another implementation and with itself."""

from typing import Any

import pytest
from eth_abi.abi import encode as eth_encode
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill_evm.abi import decode, decode_word, encode, encode_call, encode_word, event_topic, selector
from tidemill_evm.abi_types import parse_type
from tidemill_evm.errors import EncodeError, MalformedBytes

WORDS: dict[str, st.SearchStrategy[Any]] = {
    **{f"uint{bits}": st.integers(0, (1 << bits) - 1) for bits in (8, 24, 112, 256)},
    **{f"int{bits}": st.integers(-(1 << bits - 1), (1 << bits - 1) - 1) for bits in (8, 24, 256)},
    "bool": st.booleans(),
    "address": st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()),
    "bytes4": st.binary(min_size=4, max_size=4),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes": st.binary(max_size=70),
    "string": st.text(max_size=40),
}
NESTED = st.recursive(
    st.sampled_from(list(WORDS)),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["[]", "[1]", "[3]"])).map("".join)
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({','.join(parts)})")
    ),
    max_leaves=6,
)


def values_of(name: str) -> st.SearchStrategy[Any]:
    kind = parse_type(name)
    if kind.shape == "tuple":
        return st.tuples(*(values_of(part.name) for part in kind.parts))
    if kind.shape == "array":
        least, most = (0, 3) if kind.count is None else (kind.count, kind.count)
        return st.lists(values_of(kind.parts[0].name), min_size=least, max_size=most).map(tuple)
    return WORDS[name]


ARGUMENTS = st.lists(st.sampled_from(list(WORDS)) | NESTED, max_size=5).flatmap(
    lambda kinds: st.tuples(st.just(tuple(kinds)), st.tuples(*(values_of(kind) for kind in kinds)))
)


@given(ARGUMENTS)
@settings(deadline=None)
def test_encode_any_values_equals_eth_abi_and_decodes_to_them(arguments: tuple[tuple[str, ...], tuple[Any, ...]]) -> None:
    """Every list of values, tuples and arrays however nested, has the encoding that eth-abi gives it, and decodes to the same values."""
    kinds, values = arguments
    encoded = encode(kinds, values)

    assert eth_encode(kinds, values) == encoded
    assert values == decode(kinds, encoded)


@given(ARGUMENTS, st.integers(0, 1 << 16), st.integers(1, 255))
@settings(deadline=None)
def test_decode_changed_byte_raises_or_reads_what_encodes_to_it(
    arguments: tuple[tuple[str, ...], tuple[Any, ...]], place: int, change: int
) -> None:
    """No two byte strings decode to the same values: what is accepted encodes to exactly the bytes that were read."""
    kinds, values = arguments
    raw = bytearray(encode(kinds, values))
    if raw:
        raw[place % len(raw)] ^= change
    try:
        found = decode(kinds, bytes(raw))
    except MalformedBytes:
        return
    assert bytes(raw) == encode(kinds, found)


@given(ARGUMENTS, st.integers(0, 1 << 16))
@settings(deadline=None)
def test_decode_cut_bytes_raises(arguments: tuple[tuple[str, ...], tuple[Any, ...]], cut: int) -> None:
    """An encoding that lacks its end is refused wherever it is cut."""
    kinds, values = arguments
    raw = encode(kinds, values)
    if raw:
        with pytest.raises(MalformedBytes):
            decode(kinds, raw[: cut % len(raw)])


@pytest.mark.parametrize(
    ("kind", "raw", "offset"),
    [
        ("uint8", b"\0" * 30 + b"\1\0", 0),
        ("int8", b"\0" * 31 + b"\x80", 0),
        ("int8", b"\xff" * 30 + b"\0\0", 0),
        ("bool", b"\0" * 31 + b"\2", 0),
        ("address", b"\1" + b"\0" * 31, 0),
        ("bytes4", b"abcd" + b"\0" * 27 + b"\1", 4),
        ("uint256", b"\0" * 31, 0),
    ],
)
def test_decode_word_out_of_range_names_offset(kind: str, raw: bytes, offset: int) -> None:
    """A word with bits outside its type is refused, with the offset of the first wrong byte's value."""
    with pytest.raises(MalformedBytes, match=f"^{kind}: at offset {offset}: ") as raised:
        decode_word(kind, raw)

    assert offset == raised.value.offset


@pytest.mark.parametrize(
    ("kinds", "raw", "offset"),
    [
        (("bytes",), encode(("bytes",), (b"ab",))[:-1] + b"\1", 66),
        (("string",), encode(("bytes",), (b"a\xff",)), 65),
        (("uint8",), encode(("uint8",), (1,)) + b"\0", 32),
        (("bytes",), (64).to_bytes(32, "big") + bytes(64), 0),
        (("uint8[]",), (32).to_bytes(32, "big") + (1 << 40).to_bytes(32, "big"), 32),
        (("bytes",), (32).to_bytes(32, "big") + (1).to_bytes(32, "big") + b"a", 65),
    ],
)
def test_decode_malformed_names_offset(kinds: tuple[str, ...], raw: bytes, offset: int) -> None:
    """Dirty padding, text that is none, a rest, a stray pointer and an impossible length are refused where they stand."""
    with pytest.raises(MalformedBytes) as raised:
        decode(kinds, raw)

    assert offset == raised.value.offset


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint8", 256),
        ("uint8", -1),
        ("uint8", True),
        ("int8", 128),
        ("bool", 1),
        ("address", "0x12"),
        ("address", 5),
        ("bytes4", b"abc"),
        ("uint9", 1),
        ("float", 1),
        ("bytes33", b"a"),
        ("uint264", 1),
    ],
)
def test_encode_word_unfit_value_raises(kind: str, value: Any) -> None:
    """A value that does not fit its type has no encoding."""
    with pytest.raises(EncodeError):
        encode_word(kind, value)


@pytest.mark.parametrize(("kinds", "values"), [(("bytes",), ("text",)), (("uint8[]",), (b"12",)), (("string",), (b"a",)), (("bool",), ())])
def test_encode_unfit_dynamic_value_raises(kinds: tuple[str, ...], values: tuple[Any, ...]) -> None:
    """Bytes for text, text for bytes, and missing values have no encoding."""
    with pytest.raises(EncodeError):
        encode(kinds, values)


def test_names_of_functions_and_events_are_those_of_the_contracts() -> None:
    """Selectors and topics are those that every block explorer shows."""
    assert "a9059cbb" == selector("transfer(address,uint256)").hex()
    assert "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef" == event_topic("Transfer(address,address,uint256)").hex()
    assert selector("totalSupply()") == encode_call("totalSupply()")
    expected = selector("transfer(address,uint256)") + encode(("address", "uint256"), ("0x" + "11" * 20, 5))
    assert expected == encode_call("transfer(address,uint256)", ("0x" + "11" * 20, 5))
