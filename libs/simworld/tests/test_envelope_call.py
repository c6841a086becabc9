"""Calls as bytes."""

import pytest

from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_simworld import HUBS
from tidemill_simworld.envelope import Call, decode_call, encode_call

TOKEN = HUBS[0].address


def test_call_decodes_to_what_was_encoded() -> None:
    """Funds and program come back."""
    funds = ((TOKEN, 10**30), (HUBS[2].address, 0))
    assert Call(10**9, funds, b"program") == decode_call(encode_call(funds, b"program", 10**9))


def test_call_without_funds_and_program_is_empty() -> None:
    """Only such a call does nothing."""
    calls = [encode_call([], b"", 1), encode_call([], b"p", 1), encode_call([(TOKEN, 1)], b"", 1)]
    assert [True, False, False] == [decode_call(call).is_empty for call in calls]


@pytest.mark.parametrize("cut", range(44))
def test_call_cut_anywhere_in_its_funds_is_malformed(cut: int) -> None:
    """A call that ends inside its head is never half read."""
    call = encode_call([(TOKEN, 1 << 16)], b"", 5)
    assert 45 == len(call)
    with pytest.raises(MalformedBytes):
        decode_call(call[:cut])


@pytest.mark.parametrize("amount", [b"\0", b"\0\1", b"\1" * 33])
def test_call_with_an_amount_in_another_form_is_malformed(amount: bytes) -> None:
    """An amount has one form, so that a call has."""
    call = encode_call([(TOKEN, 0)], b"", 5)[:-1] + bytes((len(amount),)) + amount
    with pytest.raises(MalformedBytes, match="without leading zeros"):
        decode_call(call)


def test_call_with_more_than_255_funds_cannot_be_encoded() -> None:
    """The count is one byte."""
    with pytest.raises(EncodeError, match="at most 255 tokens, found 256"):
        encode_call([(TOKEN, 1)] * 256, b"", 1)


@pytest.mark.parametrize("amount", [-1, 1 << 256])
def test_call_with_an_amount_out_of_range_cannot_be_encoded(amount: int) -> None:
    """Amounts have 256 bits."""
    with pytest.raises(EncodeError, match="amount of 256 bits"):
        encode_call([(TOKEN, amount)], b"", 1)


@pytest.mark.parametrize("fee", [-1, 1 << 128])
def test_call_with_a_fee_out_of_range_cannot_be_encoded(fee: int) -> None:
    """The most to pay has 128 bits."""
    with pytest.raises(EncodeError, match="fee of 128 bits"):
        encode_call([], b"", fee)
