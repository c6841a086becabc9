"""Transactions as bytes: sealed, signed, opened again, and refused where they are not what they say."""

import sys

import pytest

from tidemill.domain.ids import PlanId
from tidemill.domain.signing import Scheme
from tidemill.domain.transaction import Unsigned
from tidemill.errors import UsageError
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_simworld import CHAIN, HUBS
from tidemill_simworld.envelope import (
    Sealed,
    account_of,
    account_of_key,
    blockhash_slot,
    call_of,
    encode_call,
    join,
    message_of,
    nonce_slot,
    open_signed,
    read_sealed,
    scheme_of,
    seal,
)
from tidemill_simworld.envelope.base58 import decode_base58, encode_base58
from tidemill_testing.keys import NamedKey

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
KEYS = {"secp256k1": NamedKey("main"), "ed25519": NamedKey("main", "ed25519")}
HASH = "0x" + "ab" * 32
SLOTS = {"secp256k1": nonce_slot(7), "ed25519": blockhash_slot(HASH)}
CALL = encode_call([(HUBS[0].address, 1_000), (HUBS[1].address, 0)], b"program", 10**12)
COMPOSED = Unsigned(PlanId("p"), CHAIN, CALL, 90_000, 55, "0xd1", 80_000)
SCHEMES = pytest.mark.parametrize("scheme", ["secp256k1", "ed25519"])


def _sealed(scheme: Scheme) -> Unsigned:
    return seal(COMPOSED, KEYS[scheme].account, SLOTS[scheme], 300)


def test_sealed_reads_back_as_its_parts() -> None:
    """Account, slot, limits and call of both kinds survive; only a block hash comes with a last height."""
    evm, svm = read_sealed(_sealed("secp256k1").payload), read_sealed(_sealed("ed25519").payload)
    assert Sealed(CHAIN, "secp256k1", KEYS["secp256k1"].account, "nonce:7", 0, 90_000, 10**12, CALL) == evm
    assert Sealed(CHAIN, "ed25519", KEYS["ed25519"].account, f"blockhash:{HASH}", 300, 90_000, 10**12, CALL) == svm
    assert [(7, ""), (0, HASH)] == [(one.nonce, one.block_hash) for one in (evm, svm)]
    assert 90_000 * 10**12 == evm.most_cost


@SCHEMES
def test_seal_keeps_the_plan_and_its_call(scheme: Scheme) -> None:
    """What a plan is called, costs and says stays as composed."""
    sealed = _sealed(scheme)
    assert CALL == call_of(COMPOSED) == call_of(sealed)
    for name in ("plan", "chain", "expires", "digest", "compute", "compute_limit"):
        assert getattr(COMPOSED, name) == getattr(sealed, name)


@SCHEMES
def test_signed_opens_to_what_was_sealed(scheme: Scheme) -> None:
    """Payload, signer and name come out of the signed bytes alone."""
    sealed = _sealed(scheme)
    signed = KEYS[scheme].sign_sealed(sealed)
    opened = open_signed(signed.raw)
    assert (sealed.payload, KEYS[scheme].account, signed.ref.tx) == (opened.payload, opened.account, opened.tx)
    assert read_sealed(sealed.payload) == opened.sealed
    assert scheme == scheme_of(opened.account)


@SCHEMES
def test_signed_with_any_byte_changed_is_malformed(scheme: Scheme) -> None:
    """No altered byte goes unnoticed, in content or signature."""
    raw = KEYS[scheme].sign_sealed(_sealed(scheme)).raw
    for place in range(len(raw)):
        with pytest.raises(MalformedBytes):
            open_signed(raw[:place] + bytes((raw[place] ^ 1,)) + raw[place + 1 :])


@SCHEMES
def test_signed_cut_or_extended_is_malformed(scheme: Scheme) -> None:
    """The length must be right, and sealed bytes alone are not signed ones."""
    sealed = _sealed(scheme).payload
    raw = KEYS[scheme].sign_sealed(_sealed(scheme)).raw
    for damaged in (b"", raw[:3], raw[:47], raw[:-1], raw + b"\0", sealed):
        with pytest.raises(MalformedBytes):
            open_signed(damaged)
    for damaged in (sealed[:-1], sealed + b"\0", raw):
        with pytest.raises(MalformedBytes):
            read_sealed(damaged)


@SCHEMES
def test_signature_of_another_account_is_refused(scheme: Scheme) -> None:
    """A signature is good for its own account alone."""
    payload = _sealed(scheme).payload
    raw = join(payload, NamedKey("other", scheme).sign(message_of(payload)))
    with pytest.raises(MalformedBytes, match=KEYS[scheme].account):
        open_signed(raw)


def test_signature_with_s_in_the_upper_half_is_refused() -> None:
    """Without that rule anybody could make a second name of the same transaction."""
    payload = _sealed("secp256k1").payload
    good = KEYS["secp256k1"].sign(message_of(payload))
    high = (ORDER - int.from_bytes(good[32:64], "big")).to_bytes(32, "big")
    with pytest.raises(MalformedBytes, match="upper half of the order"):
        open_signed(join(payload, good[:32] + high + bytes((good[64] ^ 1,))))


def test_signature_with_a_recovery_number_above_one_is_refused() -> None:
    """Two and three mean an r beyond the order, which nobody makes."""
    payload = _sealed("secp256k1").payload
    good = KEYS["secp256k1"].sign(message_of(payload))
    with pytest.raises(MalformedBytes, match="recovery number of 0 or 1, found 3"):
        open_signed(join(payload, good[:64] + b"\3"))


def test_signature_that_no_key_made_is_refused() -> None:
    """Where r is no point of the curve there is no signer."""
    payload = _sealed("secp256k1").payload
    with pytest.raises(MalformedBytes, match="no key belongs"):
        open_signed(join(payload, bytes(64) + b"\0"))


@SCHEMES
def test_transaction_of_another_chain_is_malformed(scheme: Scheme) -> None:
    """The number of the chain is signed with the rest."""
    payload = _sealed(scheme).payload
    with pytest.raises(MalformedBytes, match="chain 1, found one of chain 2"):
        read_sealed(payload[:4] + (2).to_bytes(4, "big") + payload[8:])


@SCHEMES
def test_transaction_without_a_call_is_malformed(scheme: Scheme) -> None:
    """What is carried out must be a call."""
    payload = _sealed(scheme).payload
    damaged = payload[: -len(CALL)] + b"XXXX" + CALL[4:]
    with pytest.raises(MalformedBytes, match="simulated call"):
        read_sealed(damaged)
    with pytest.raises(MalformedBytes, match="simulated call"):
        seal(Unsigned(PlanId("p"), CHAIN, b"no call", 1, 1), KEYS[scheme].account, SLOTS[scheme])


@pytest.mark.parametrize("slot", ["nonce:-1", "nonce:07", f"nonce:{1 << 64}", "nonce:", "", "nonce:²", f"blockhash:{HASH}"])
def test_seal_evm_account_with_another_slot_is_refused(slot: str) -> None:
    """The slot of such an account is a nonce of 64 bits, written in one way."""
    with pytest.raises(EncodeError, match=r"slot nonce:<number>|nonce of 64 bits"):
        seal(COMPOSED, KEYS["secp256k1"].account, slot)


@pytest.mark.parametrize("slot", ["nonce:1", "blockhash:0x", f"blockhash:{HASH}00", f"blockhash:{HASH.upper()}", ""])
def test_seal_svm_account_with_another_slot_is_refused(slot: str) -> None:
    """The slot of such an account is a block hash, written in one way."""
    with pytest.raises(EncodeError, match="slot blockhash:0x<64 digits>"):
        seal(COMPOSED, KEYS["ed25519"].account, slot)


def test_seal_last_valid_height_out_of_range_is_refused() -> None:
    """Each number must fit its field."""
    with pytest.raises(EncodeError, match="last valid height of 64 bits, found -1"):
        seal(COMPOSED, KEYS["ed25519"].account, SLOTS["ed25519"], -1)


@pytest.mark.parametrize("account", ["", "0x12", "abc", "0OIl", "1" * 45, encode_base58(bytes(31))])
def test_seal_for_what_is_no_address_is_refused(account: str) -> None:
    """An address is 20 bytes in hexadecimal or 32 in base58."""
    with pytest.raises(EncodeError, match="expected an address"):
        seal(COMPOSED, account, "nonce:1")


def test_account_of_key_of_another_length_is_refused() -> None:
    """A key is 64 or 32 bytes."""
    with pytest.raises(EncodeError, match="found 33"):
        account_of_key(bytes(33))


def test_account_of_key_is_the_address_that_ethereum_gives_it() -> None:
    """The key 1 has the address that every wallet shows for it."""
    x, y = (
        0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
        0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
    )
    assert "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf" == account_of_key(x.to_bytes(32, "big") + y.to_bytes(32, "big"))


def test_account_of_other_names_are_other_addresses() -> None:
    """Each name has an account of its own, of either kind."""
    names = [account_of(name, kind) for name in ("main", "other") for kind in ("evm", "svm")]
    assert 4 == len(set(names))
    assert ["secp256k1", "ed25519"] * 2 == [scheme_of(name) for name in names]


@pytest.mark.parametrize(("raw", "text"), [(b"", ""), (b"\0\0\1", "112"), (b"Hello World!", "2NEpo7TZRRrLZSi2U"), (bytes(32), "1" * 32)])
def test_base58_is_that_of_bitcoin(raw: bytes, text: str) -> None:
    """Known pairs (draft-msporny-base58, and the address of Solana's system program) come out both ways."""
    assert text == encode_base58(raw)
    assert raw == decode_base58(text)


@pytest.mark.parametrize(("scheme", "module"), [("secp256k1", "coincurve"), ("ed25519", "cryptography.exceptions")])
def test_open_without_the_packages_says_what_to_install(monkeypatch: pytest.MonkeyPatch, scheme: Scheme, module: str) -> None:
    """Paper runs do without them; who checks a signature reads what is missing."""
    raw = KEYS[scheme].sign_sealed(_sealed(scheme)).raw
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=r"tidemill-simworld\[signatures\]"):
        open_signed(raw)
