"""RLP: known encodings, every other spelling refused, and whatever is decoded encodes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_evm import rlp
from tidemill_evm.errors import EncodeError, MalformedBytes

items = st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=5).map(tuple), max_leaves=12)

LOREM = b"Lorem ipsum dolor sit amet, consectetur adipisicing elit"


@pytest.mark.parametrize(
    ("item", "encoded"),
    [
        (b"dog", "83646f67"),
        ((b"cat", b"dog"), "c88363617483646f67"),
        (b"", "80"),
        ((), "c0"),
        (b"\x00", "00"),
        (b"\x0f", "0f"),
        (b"\x04\x00", "820400"),
        (((), ((),), ((), ((),))), "c7c0c1c0c3c0c1c0"),
        (LOREM, f"b838{LOREM.hex()}"),
    ],
)
def test_encode_examples_of_the_specification_are_equal(item: rlp.Item, encoded: str) -> None:
    """The examples of the Ethereum wiki's page on RLP come out as they stand there, and back."""
    assert encoded == rlp.encode(item).hex()
    assert item == rlp.decode(bytes.fromhex(encoded))


@pytest.mark.parametrize(
    ("encoded", "words"),
    [
        ("", "found the end"),
        ("8100", "to stand for itself"),
        ("817f", "to stand for itself"),
        ("83646f", "cut: expected 3 bytes"),
        ("b801" + "ff", "the shortest length"),
        ("b90038" + "00" * 56, "the shortest length"),
        ("b8", "the shortest length, found a longer one or the end"),
        ("bfffffffffffffffff", "cut: expected 18446744073709551615 bytes"),
        ("c28080" + "00", "expected the end, found 1 bytes more"),
        ("c283", "cut: expected 2 bytes"),
        ("c183", "cut: expected 3 bytes"),
        ("c0" * 2, "expected the end"),
        ("c3c28080" + "80", "expected the end"),
        ("f800", "the shortest length"),
    ],
)
def test_decode_any_other_spelling_raises(encoded: str, words: str) -> None:
    """What is cut, longer than it needs to be or followed by something is no encoding."""
    with pytest.raises(MalformedBytes, match=words):
        rlp.decode(bytes.fromhex(encoded))


def test_decode_too_many_lists_raises() -> None:
    """Lists inside each other end at a depth, not in a RecursionError."""
    item: rlp.Item = ()
    for _ in range(rlp.DEEPEST - 1):
        item = (item,)
    assert item == rlp.decode(rlp.encode(item))
    with pytest.raises(MalformedBytes, match="at most 16 lists inside each other"):
        rlp.decode(rlp.encode((item,)))


def test_decode_what_was_encoded_is_the_same() -> None:
    """Any item comes back."""

    @given(items)
    def holds(item: rlp.Item) -> None:
        assert item == rlp.decode(rlp.encode(item))

    holds()


def test_decode_of_any_bytes_encodes_back_or_raises() -> None:
    """There is one spelling: bytes that decode are those that the item encodes to."""

    @given(st.binary(max_size=80))
    def holds(raw: bytes) -> None:
        try:
            found = rlp.decode(raw)
        except MalformedBytes:
            return
        assert raw == rlp.encode(found)

    holds()


def test_numbers_have_no_leading_zeros_and_fit() -> None:
    """0 is no byte; a leading zero or a bit too many is refused."""
    assert (b"", b"\x04\x00") == (rlp.encode_number(0), rlp.encode_number(1024))
    assert (0, 1024) == (rlp.decode_number(b"", 8, "n"), rlp.decode_number(b"\x04\x00", 11, "n"))
    with pytest.raises(MalformedBytes, match="nonce: at offset 0: expected a number without leading zeros"):
        rlp.decode_number(b"\x00\x01", 64, "nonce")
    with pytest.raises(MalformedBytes, match="expected a number of 8 bits, found 9"):
        rlp.decode_number(b"\x01\x00", 8, "n")
    with pytest.raises(EncodeError, match="at least 0, found -1"):
        rlp.encode_number(-1)
