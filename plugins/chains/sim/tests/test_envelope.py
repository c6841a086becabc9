"""Transactions as bytes."""

from collections.abc import Callable

import pytest

from tidemill.domain.transaction import Unsigned
from tidemill_chain_sim.envelope import Call, account_of, call_of, decode_call, decode_transaction, encode_call, seal, sign, tx_hash
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.steps import V3Swap
from tidemill_simworld import HUBS

MakeCall = Callable[..., Unsigned]
ME = account_of("main")
TOKEN = HUBS[0].address


@pytest.fixture
def composed(make_call: MakeCall) -> Unsigned:
    """A composed plan with funds."""
    return make_call([V3Swap("0x" + "aa" * 20, TOKEN, HUBS[1].address, True, 5, 1)], funds=[(TOKEN, 1_000), (HUBS[1].address, 0)])


def test_call_decodes_to_what_was_encoded() -> None:
    """Funds and program come back."""
    funds = ((TOKEN, 10**30), (HUBS[2].address, 0))
    assert Call(10**9, funds, b"program") == decode_call(encode_call(funds, b"program", 10**9))


@pytest.mark.parametrize("cut", range(44))
def test_call_cut_anywhere_in_its_funds_is_malformed(cut: int) -> None:
    """A call that ends inside its head is never half read."""
    call = encode_call([(TOKEN, 1 << 16)], b"", 5)
    assert 45 == len(call)
    with pytest.raises(MalformedBytes):
        decode_call(call[:cut])


def test_call_with_more_than_255_funds_cannot_be_encoded() -> None:
    """The count is one byte."""
    with pytest.raises(EncodeError, match="at most 255 tokens, found 256"):
        encode_call([(TOKEN, 1)] * 256, b"", 1)


@pytest.mark.parametrize("amount", [-1, 1 << 256])
def test_call_with_an_amount_out_of_range_cannot_be_encoded(amount: int) -> None:
    """Amounts have 256 bits."""
    with pytest.raises(EncodeError, match="amount of 256 bits"):
        encode_call([(TOKEN, amount)], b"", 1)


def test_sealed_and_signed_plan_decodes_to_its_parts(composed: Unsigned) -> None:
    """Sender, nonce, gas limit, fee and call survive sealing and signing; the hash names the bytes."""
    sealed = seal(composed, ME, 7)
    signed = sign(sealed)
    tx = decode_transaction(signed.raw)
    assert (ME, 7, composed.compute_limit, 10**12, composed.payload) == (tx.sender, tx.nonce, tx.gas_limit, tx.max_fee, tx.call)
    assert tx_hash(signed.raw) == tx.tx == signed.ref.tx
    assert composed.payload == call_of(composed) == call_of(sealed)
    for name in ("plan", "chain", "expires", "digest", "compute", "compute_limit"):
        assert getattr(composed, name) == getattr(sealed, name)


def test_sign_unsealed_plan_is_refused(composed: Unsigned) -> None:
    """Without a nonce there is nothing to sign."""
    with pytest.raises(MalformedBytes, match="expected a sealed plan"):
        sign(composed)


@pytest.mark.parametrize("nonce", [-1, 1 << 64])
def test_seal_nonce_out_of_range_is_refused(composed: Unsigned, nonce: int) -> None:
    """Each number must fit its field."""
    with pytest.raises(EncodeError, match="nonce of 64 bits, found"):
        seal(composed, ME, nonce)


@pytest.mark.parametrize("fee", [-1, 1 << 128])
def test_call_with_a_fee_out_of_range_cannot_be_encoded(fee: int) -> None:
    """The most to pay has 128 bits."""
    with pytest.raises(EncodeError, match="fee of 128 bits"):
        encode_call([], b"", fee)


def test_transaction_with_any_byte_changed_is_malformed(composed: Unsigned) -> None:
    """No altered byte goes unnoticed."""
    raw = sign(seal(composed, ME, 0)).raw
    for place in range(len(raw)):
        with pytest.raises(MalformedBytes):
            decode_transaction(raw[:place] + bytes((raw[place] ^ 1,)) + raw[place + 1 :])


def test_transaction_cut_or_extended_is_malformed(composed: Unsigned) -> None:
    """The length must be right."""
    raw = sign(seal(composed, ME, 0)).raw
    for damaged in (b"", raw[:3], raw[:59], raw[:-1], raw + b"\0"):
        with pytest.raises(MalformedBytes):
            decode_transaction(damaged)


def test_account_of_other_names_are_other_addresses() -> None:
    """Each book has an account of its own."""
    assert ME != account_of("other")
    assert 42 == len(ME)
