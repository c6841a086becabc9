"""Tuples and arrays of the contract ABI, compared with the specification's examples."""

from typing import Any

import pytest

from tidemill_evm.abi import decode, decode_call, encode, encode_call, word_offset
from tidemill_evm.abi_types import argument_types
from tidemill_evm.errors import EncodeError, MalformedBytes

SWAP = "swap((bytes32,uint8,address,address,uint256,bytes),(address,bool,address,bool),uint256,uint256)"


def words(*rows: str) -> bytes:
    """Return words from hexadecimal text: numbers padded on the left, text that begins with a point on the right."""
    return b"".join(bytes.fromhex(row[1:].ljust(64, "0") if row.startswith(".") else row.rjust(64, "0")) for row in rows)


def test_encode_call_equals_the_examples_of_the_specification() -> None:
    """The four worked examples of the Solidity documentation come out byte for byte."""
    bar = bytes.fromhex("fce353f6") + words(".616263", ".646566")
    assert bar == encode_call("bar(bytes3[2])", ((b"abc", b"def"),))

    sam = words("60", "1", "a0", "4", ".64617665", "3", "1", "2", "3")
    assert bytes.fromhex("a5643bf2") + sam == encode_call("sam(bytes,bool,uint256[])", (b"dave", True, (1, 2, 3)))

    f = words("123", "80", f".{b'1234567890'.hex()}", "e0", "2", "456", "789", "d", f".{b'Hello, world!'.hex()}")
    call = encode_call("f(uint256,uint32[],bytes10,bytes)", (0x123, (0x456, 0x789), b"1234567890", b"Hello, world!"))
    assert bytes.fromhex("8be65246") + f == call

    numbers = ("40", "140", "2", "40", "a0", "2", "1", "2", "1", "3")
    texts = ("3", "60", "a0", "e0", "3", f".{b'one'.hex()}", "3", f".{b'two'.hex()}", "5", f".{b'three'.hex()}")
    g = encode_call("g(uint256[][],string[])", (((1, 2), (3,)), ("one", "two", "three")))
    assert bytes.fromhex("2289b18c") + words(*numbers, *texts) == g


def test_encode_call_structs_of_a_vault_has_the_layout_of_its_compiler() -> None:
    """A dynamic struct stands behind all heads, a static one among them; the selector is the one that explorers show."""
    sell, buy, caller = "0x" + "aa" * 20, "0x" + "bb" * 20, "0x" + "cc" * 20
    head = words("e0", "cc" * 20, "0", "cc" * 20, "0", "5", "6")
    described = words("11" * 32, "0", "aa" * 20, "bb" * 20, "7", "c0", "0")
    arguments = ((b"\x11" * 32, 0, sell, buy, 7, b""), (caller, False, caller, False), 5, 6)

    assert bytes.fromhex("52bbbe29") + head + described == encode_call(SWAP, arguments)
    assert arguments == decode_call(SWAP, encode_call(SWAP, arguments))


@pytest.mark.parametrize(
    ("kinds", "raw", "offset"),
    [
        (("(uint8,bool)",), words("1", "2"), 32),
        (("(uint8,bool)",), words("1"), 32),
        (("(bytes,uint8)",), words("20", "20", "1", "0"), 32),
        (("(bytes,uint8)",), words("40", "40", "1", "0"), 0),
        (("(bytes,uint8)",), words("20", "60", "1", "0", "0"), 32),
        (("(bytes,uint8)",), words("ff" * 32, "40", "1", "0"), 0),
        (("(bytes,uint8)",), words("20", "40", "1", "1", ".6101"), 129),
        (("(uint8,uint8)[]",), words("20", "2", "1", "2", "3"), 32),
        (("(uint8,uint8)[]",), words("20", "ff" * 32, "1", "2"), 32),
        (("uint8[3]",), words("1", "2"), 0),
        (("uint8[2]",), words("1", "100"), 32),
        (("bytes[2]",), words("20", "40", "40", "0", "0"), 64),
        (("(uint8)", "bytes"), words("1", "40", "0", "0"), 96),
    ],
)
def test_decode_malformed_tuple_names_offset(kinds: tuple[str, ...], raw: bytes, offset: int) -> None:
    """Values out of range, stray, shared or backward pointers, dirty padding, cut ends and long claims are refused where they stand."""
    with pytest.raises(MalformedBytes) as raised:
        decode(kinds, raw)

    assert offset == raised.value.offset


@pytest.mark.parametrize(
    ("kinds", "values"),
    [
        (("(uint8,bool)",), ((1,),)),
        (("(uint8,bool)",), ((1, True, 2),)),
        (("(uint8,bool)",), ((256, True),)),
        (("(uint8,bool)",), (b"12",)),
        (("(string)",), ("a",)),
        (("uint8[2]",), ((1,),)),
        (("uint8[2]",), ((1, 2, 3),)),
        (("(uint8,bool)[]",), ((1, True),)),
        (("(bytes)",), (("text",),)),
    ],
)
def test_encode_unfit_tuple_raises(kinds: tuple[str, ...], values: tuple[Any, ...]) -> None:
    """A tuple has all its components, an array of fixed length all its elements."""
    with pytest.raises(EncodeError):
        encode(kinds, values)


@pytest.mark.parametrize(
    "name",
    [
        "()",
        "(uint8",
        "uint8)",
        "(uint8,)",
        "(,uint8)",
        "uint8[0]",
        "uint8[01]",
        "uint8[-1]",
        "uint8]",
        "uint",
        "(uint8, bool)",
        "[]",
        "a),(b",
    ],
)
def test_parse_type_of_no_type_raises(name: str) -> None:
    """What is no canonical type has no encoding: an alias would hash to another selector."""
    for kind in (name, f"({name})"):
        with pytest.raises(EncodeError):
            encode((kind,), ((),))


@pytest.mark.parametrize("signature", ["", "f", "f(", "f)", "(uint8)", "f(uint8", "f(uint8)x", "1f()", "f(a),g(b)"])
def test_encode_call_of_no_signature_raises(signature: str) -> None:
    """A function is a name and its types in brackets."""
    with pytest.raises(EncodeError):
        encode_call(signature, (1,))


def test_argument_types_are_split_at_outer_commas() -> None:
    """A comma inside a tuple does not end an argument."""
    assert ("(bytes32,uint8[2])[]", "bool", "(bool,(bytes,bool))") == argument_types("f((bytes32,uint8[2])[],bool,(bool,(bytes,bool)))")
    assert () == argument_types("totalSupply()")


def test_decode_call_of_another_function_raises() -> None:
    """The selector is part of what is read."""
    with pytest.raises(MalformedBytes, match="expected the selector"):
        decode_call("f(uint8)", encode_call("g(uint8)", (1,)))
    with pytest.raises(MalformedBytes, match="found nothing"):
        decode_call("f(uint8)", b"")


@pytest.mark.parametrize(
    ("signature", "values", "path"),
    [
        (
            SWAP,
            ((b"\1" * 32, 1, "0x" + "aa" * 20, "0x" + "bb" * 20, 7, b"abc"), ("0x" + "cc" * 20, True, "0x" + "cc" * 20, True), 5, 6),
            (0, 4),
        ),
        ("f(uint256,bytes)", (7, b"x"), (0,)),
        ("f(bytes,uint256)", (b"x", 7), (1,)),
        ("f(uint8[2],(uint256,uint256)[3])", ((1, 2), ((3, 4), (5, 7), (6, 8))), (1, 1, 1)),
        ("f(bytes,(string,uint256[])[])", (b"x", (("a", (1, 2)), ("b", (3, 4, 7)))), (1, 1, 1, 2)),
        ("f((uint8,(bytes,uint256)))", ((1, (b"", 7)),), (0, 1, 1)),
    ],
)
def test_word_offset_is_where_the_value_stands(signature: str, values: tuple[Any, ...], path: tuple[int, ...]) -> None:
    """The word found is the value's: written over, the call says the new one there and everything else as before."""
    calldata = encode_call(signature, values)
    at = word_offset(signature, calldata, path)
    patched = decode_call(signature, calldata[:at] + (99).to_bytes(32, "big") + calldata[at + 32 :])

    assert 7 == int.from_bytes(calldata[at : at + 32], "big")
    assert _replaced(values, path) == patched


def _replaced(values: tuple[Any, ...], path: tuple[int, ...]) -> tuple[Any, ...]:
    place, *rest = path
    new = _replaced(values[place], tuple(rest)) if rest else 99
    return (*values[:place], new, *values[place + 1 :])


@pytest.mark.parametrize("path", [(), (0,), (1,), (2,), (1, 2), (1, 0), (0, 0), (1, 1), (-1,), (1, 1, 1), (1, 1, 0, 0)])
def test_word_offset_of_no_word_raises(path: tuple[int, ...]) -> None:
    """A path leads to one elementary value."""
    signature = "f(bytes,(string,uint256[]))"
    with pytest.raises(EncodeError):
        word_offset(signature, encode_call(signature, (b"x", ("y", (7,)))), path)


def test_word_offset_in_other_calldata_raises() -> None:
    """Bytes that are no such call have no places."""
    with pytest.raises(MalformedBytes):
        word_offset("f(uint8)", encode_call("f(uint8)", (1,)) + b"\0", (0,))
