"""Transactions of EIP-1559: published ones, those of another library, and what is none."""

import hashlib
from typing import Any

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from tidemill_evm import rlp
from tidemill_evm.address import address_bytes, checksum_address
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.keccak import keccak256
from tidemill_evm.secp256k1 import address_of_key, signer_of
from tidemill_evm.transactions import (
    MOST_NONCE,
    Transaction,
    add_signature,
    decode_payload,
    decode_unsigned,
    encode_payload,
    encode_unsigned,
    split_signature,
)

SECRET = hashlib.sha256(b"a key of tests").digest()
SENDER = "0x" + Account.from_key(SECRET).address[2:].lower()
TO = "0x" + "ab" * 20
PLAIN = Transaction(1, 7, 2, 30, 21_000, TO, 5, b"")

# Vectors 1 and 8 of packages/tx/test/json/eip1559.json in ethereumjs/ethereumjs-monorepo, commit 052242c; the sender is that of their key
PUBLISHED = [
    (
        Transaction(7822, 819, 75_853, 121_212, 35_552, "0x000000000000000000000000000000000000aaaa", 43_203_529, b""),
        (
            "02f870821e8e8203338301284d8301d97c828ae094000000000000000000000000000000000000aaaa8402933bc980c080"
            "a0d067f2167008c59219652f91cbf8788dbca5f771f6e91e2b7657e85b78b472e0"
            "a01d305af9fe81fdba43f0dfcd400ed24dcace0a7e30d4e85701dcaaf484cd079e"
        ),
    ),
    (
        Transaction(7822, 709, 86_252, 94_636, 28_335, "0x000000000000000000000000000000000000aaaa", 6_478_043, b""),
        (
            "02f86f821e8e8202c5830150ec830171ac826eaf94000000000000000000000000000000000000aaaa8362d8db80c001"
            "a09880d133cd636f8c8dce32e2c43494b9f2dc000eee8dc61931e09f866ed04b46"
            "a00e44d5c503c7f08b36c8b062c32a963f3dd20a71e95e3d903bfbe7f4da47cd47"
        ),
    ),
]
PUBLISHED_SENDER = "0xfe3b557e8fb62b89f4916b721be55ceb828dbd73"

transactions = st.builds(
    Transaction,
    chain_id=st.integers(0, 1 << 64),
    nonce=st.integers(0, MOST_NONCE),
    max_priority_fee=st.integers(0, 1 << 40),
    max_fee=st.integers(1 << 40, 1 << 64),
    gas_limit=st.integers(0, (1 << 64) - 1),
    to=st.just("") | st.binary(min_size=20, max_size=20).map(lambda raw: f"0x{raw.hex()}"),
    value=st.integers(0, (1 << 256) - 1),
    calldata=st.binary(max_size=100),
    access_list=st.lists(
        st.tuples(
            st.binary(min_size=20, max_size=20).map(lambda raw: f"0x{raw.hex()}"),
            st.lists(st.binary(min_size=32, max_size=32), max_size=3).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
)


def as_eth_account(transaction: Transaction) -> dict[str, Any]:
    """The transaction as eth-account takes it."""
    return {
        "type": 2,
        "chainId": transaction.chain_id,
        "nonce": transaction.nonce,
        "maxPriorityFeePerGas": transaction.max_priority_fee,
        "maxFeePerGas": transaction.max_fee,
        "gas": transaction.gas_limit,
        "to": checksum_address(transaction.to) if transaction.to else "",
        "value": transaction.value,
        "data": transaction.calldata,
        "accessList": [
            {"address": checksum_address(one), "storageKeys": [f"0x{slot.hex()}" for slot in slots]}
            for one, slots in transaction.access_list
        ],
    }


@pytest.mark.parametrize(("transaction", "raw"), PUBLISHED)
def test_published_transactions_are_taken_apart_and_put_together(transaction: Transaction, raw: str) -> None:
    """Fields, signer and bytes of published signed transactions are met to the last bit."""
    unsigned, signature = split_signature(bytes.fromhex(raw))

    assert encode_unsigned(transaction) == unsigned
    assert transaction == decode_unsigned(unsigned)
    assert PUBLISHED_SENDER == signer_of(keccak256(unsigned), signature)
    assert raw == add_signature(unsigned, signature).hex()


def test_transactions_are_those_of_eth_account() -> None:
    """Another library, given the same fields and key, signs the same bytes."""

    @given(transactions.filter(lambda one: one.chain_id > 0))
    def holds(transaction: Transaction) -> None:
        signed = Account.sign_transaction(as_eth_account(transaction), SECRET)
        unsigned, signature = split_signature(bytes(signed.raw_transaction))

        assert encode_unsigned(transaction) == unsigned
        assert (SENDER, bytes(signed.hash)) == (signer_of(keccak256(unsigned), signature), keccak256(bytes(signed.raw_transaction)))
        assert bytes(signed.raw_transaction) == add_signature(unsigned, signature)
        assert (SENDER, transaction) == decode_payload(encode_payload(SENDER, transaction))

    holds()


def test_most_cost_is_gas_limit_times_max_fee() -> None:
    """Inclusion never costs more than the whole limit at the highest fee."""
    assert 630_000 == PLAIN.most_cost


def items_of(transaction: Transaction) -> list[Any]:
    found = rlp.decode(encode_unsigned(transaction)[1:])
    assert not isinstance(found, bytes)
    return list(found)


@pytest.mark.parametrize(
    ("place", "item", "words"),
    [
        (0, b"\0", "chain id: at offset 0: expected a number without leading zeros"),
        (1, ((1 << 64) - 1).to_bytes(8, "big"), "nonce: .*expected at most 18446744073709551614"),
        (2, b"\xff", "max priority fee: .*expected at most the max fee"),
        (3, b"\1" * 33, "max fee: .*expected a number of 256 bits"),
        (4, b"\1" * 9, "gas limit: .*expected a number of 64 bits"),
        (5, b"\1" * 19, "expected 20 bytes, found 19"),
        (6, b"\1" * 33, "value: .*256 bits"),
        (7, (b"",), "expected bytes, found a list of 1 items"),
        (8, b"", "access list: .*expected a list, found 0 bytes"),
        (8, ((b"\1" * 20,),), "expected an address and its slots, found 1 items"),
        (8, ((b"\1" * 20, (b"\1" * 31,)),), "expected slots of 32 bytes"),
        (8, ((b"\1" * 19, ()),), "expected 20 bytes, found 19"),
        (8, ((b"\1" * 20, b""),), "expected a list, found 0 bytes"),
    ],
)
def test_decode_unsigned_field_that_is_none_raises(place: int, item: rlp.Item, words: str) -> None:
    """Every field is checked for what it may be."""
    items = items_of(PLAIN)
    items[place] = item
    with pytest.raises(MalformedBytes, match=words):
        decode_unsigned(b"\x02" + rlp.encode(items))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "expected type 2 .*found nothing"),
        (b"\xc0", "found a legacy transaction"),
        (b"\x01\xc0", r"found type 1, EIP-2930 \(access list\)"),
        (b"\x03\xc0", r"found type 3, EIP-4844 \(blobs\)"),
        (b"\x04\xc0", r"found type 4, EIP-7702 \(code of an account\)"),
        (b"\x09\xc0", "found type 9, which is unknown"),
        (b"\x02\xc0", "expected a list of 9 items, found a list of 0"),
        (b"\x02\x80", "expected a list of 9 items, found bytes"),
        (encode_unsigned(PLAIN) + b"\0", "expected the end, found 1 bytes more"),
        (encode_unsigned(PLAIN)[:-1], "cut"),
    ],
)
def test_decode_unsigned_other_bytes_raise(raw: bytes, words: str) -> None:
    """Other types of transactions are named, other bytes refused."""
    with pytest.raises(MalformedBytes, match=words):
        decode_unsigned(raw)


def test_decode_payload_without_a_sender_raises() -> None:
    """Fewer than 21 bytes hold no sender and a transaction."""
    with pytest.raises(MalformedBytes, match="expected 20 bytes of the sender and a transaction, found 20"):
        decode_payload(address_bytes(TO))


def test_signature_of_another_form_is_refused() -> None:
    """A signature has 65 bytes; joined, its parity is one bit, and its numbers have 256."""
    unsigned = encode_unsigned(PLAIN)
    with pytest.raises(EncodeError, match="expected a signature of 65 bytes, found 64"):
        add_signature(unsigned, bytes(64))
    with pytest.raises(MalformedBytes, match=r"parity: .*expected a number of 1 bits, found 2"):
        split_signature(add_signature(unsigned, bytes(64) + b"\2"))
    with pytest.raises(MalformedBytes, match="expected a list of 12 items, found a list of 9"):
        split_signature(unsigned)


def test_signer_of_refuses_what_no_chain_takes() -> None:
    """The upper half of s, a recovery number above 1 and numbers that are no point are refused."""
    raw = bytes(Account.sign_transaction(as_eth_account(PLAIN), SECRET).raw_transaction)
    unsigned, signature = split_signature(raw)
    digest, order = keccak256(unsigned), 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
    upper = (order - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")

    assert SENDER == signer_of(digest, signature)
    with pytest.raises(MalformedBytes, match="upper half of the order"):
        signer_of(digest, signature[:32] + upper + bytes((signature[64] ^ 1,)))
    for other in (signature[:64] + b"\2", signature[:64], b""):
        with pytest.raises(MalformedBytes, match="a recovery number of 0 or 1"):
            signer_of(digest, other)
    with pytest.raises(MalformedBytes, match="no key belongs to it"):
        signer_of(digest, bytes(65))


def test_address_of_key_is_that_of_eth_account() -> None:
    """The address is the one that wallets show; a key of another length has none."""
    public_key = bytes.fromhex(str(Account.from_key(SECRET)._key_obj.public_key)[2:])

    assert SENDER == address_of_key(public_key)
    with pytest.raises(EncodeError, match=r"expected a public key of 64 bytes \(x, y\), found 65"):
        address_of_key(b"\4" + public_key)


def test_signer_of_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading needs no package for signatures; checking one says which."""
    import sys

    from tidemill.errors import UsageError

    monkeypatch.setitem(sys.modules, "coincurve", None)
    with pytest.raises(UsageError, match=r'pip install "tidemill-evm\[signatures\]"'):
        signer_of(bytes(32), bytes(65))
