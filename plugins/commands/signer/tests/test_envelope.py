"""A key's file: no byte of it can change without being noticed, and what is wrong with it is said."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_command_signer.keystore import DamagedKey, KeyFacts, SecretBytes, WrongPassphrase
from tidemill_command_signer.keystore.curves import public_key_of
from tidemill_command_signer.keystore.envelope import close_envelope, open_envelope, read_envelope
from tidemill_command_signer.keystore.sealing import Cost

SEED = bytes(range(32))
FACTS = KeyFacts("main", "ed25519", public_key_of("ed25519", SecretBytes(SEED)), "2026-01-02T03:04:05Z", "signing", 1)
WORDS = SecretBytes(b"correct horse battery staple")
TEXT = close_envelope(FACTS, SecretBytes(SEED), WORDS, Cost(8 << 10, 1, 1)).encode()


def resealed(change: Callable[[dict[str, Any]], object]) -> bytes:
    """Gives the file after somebody changed its fields and made the checksum anew."""
    fields = json.loads(TEXT)
    change(fields)
    del fields["checksum"]
    plain = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    return (json.dumps({**fields, "checksum": sha256(plain).hexdigest()}, indent=2) + "\n").encode()


def open_text(raw: bytes, name: str = "main", passphrase: SecretBytes = WORDS) -> SecretBytes:
    """Reads and opens a key's file."""
    return open_envelope(read_envelope(raw, name), passphrase)


def test_envelope_gives_back_facts_and_secret() -> None:
    """What was sealed is opened with its passphrase, and what stands in the open is as it was."""
    assert FACTS == read_envelope(TEXT, "main").facts
    assert SecretBytes(SEED) == open_text(TEXT)


def test_envelope_of_the_same_key_differs_each_time() -> None:
    """Salt and nonce are drawn anew."""
    again = json.loads(close_envelope(FACTS, SecretBytes(SEED), WORDS, Cost(8 << 10, 1, 1)))
    before = json.loads(TEXT)

    assert before["kdf"]["salt"] != again["kdf"]["salt"]
    assert before["cipher"]["nonce"] != again["cipher"]["nonce"]
    assert before["sealed"] != again["sealed"]


@given(place=st.integers(0, len(TEXT) - 1), flip=st.integers(1, 255))
def test_envelope_with_any_byte_changed_is_refused(place: int, flip: int) -> None:
    """Wherever a byte changes and however, the file is damaged, and that is said before the passphrase is tried."""
    changed = bytearray(TEXT)
    changed[place] ^= flip

    with pytest.raises(DamagedKey, match=r"key main (was edited or is damaged|is cut short)"):
        read_envelope(bytes(changed), "main")


def test_envelope_with_any_one_byte_flipped_is_refused() -> None:
    """No byte is left out: one bit of each in turn."""
    for place in range(len(TEXT)):
        changed = bytearray(TEXT)
        changed[place] ^= 1
        with pytest.raises(DamagedKey):
            read_envelope(bytes(changed), "main")


def test_envelope_cut_anywhere_is_cut_short() -> None:
    """A file that ends too early is told apart from an edited one, with what to do."""
    for length in range(len(TEXT)):
        with pytest.raises(DamagedKey, match=rf"cut short: its end is missing after {length} bytes; put back a copy"):
            read_envelope(TEXT[:length], "main")


@pytest.mark.parametrize(
    ("field", "value"),
    [("created", "2020-01-01T00:00:00Z"), ("role", "retired"), ("version", 2), ("public_key", "00" * 32), ("sealed", "00" * 48)],
)
def test_envelope_edited_with_a_new_checksum_does_not_open(field: str, value: object) -> None:
    """Metadata is bound to the sealed key: who edits it and makes the checksum anew is found out with the right passphrase."""
    raw = resealed(lambda fields: fields.update({field: value}))

    with pytest.raises(DamagedKey, match="the passphrase is right, and what it seals was changed"):
        open_text(raw)


@pytest.mark.parametrize("place", [("kdf", "salt", 16), ("cipher", "nonce", 12), ("kdf", "proof", 32)])
def test_envelope_with_other_randomness_does_not_open_unnoticed(place: tuple[str, str, int]) -> None:
    """Another salt is another key, another nonce another seal; the proof alone decides nothing."""
    table, name, length = place
    raw = resealed(lambda fields: fields[table].update({name: "00" * length}))

    if name == "proof":
        assert SecretBytes(SEED) == open_text(raw)
    else:
        with pytest.raises((DamagedKey, WrongPassphrase)):
            open_text(raw)


def test_envelope_renamed_and_edited_does_not_open() -> None:
    """A file that is put in the place of another is found out; so is one whose name was edited to fit."""
    with pytest.raises(DamagedKey, match="it is that of key 'main'"):
        read_envelope(TEXT, "other")
    with pytest.raises(DamagedKey, match="the passphrase is right"):
        open_text(resealed(lambda fields: fields.update(name="other")), "other")


def test_envelope_of_a_name_that_no_key_has_is_refused() -> None:
    """A name is a file's: one that leads elsewhere is not taken from a file either."""
    with pytest.raises(DamagedKey, match=r"name is '\.\./main'"):
        read_envelope(resealed(lambda fields: fields.update(name="../main")), "../main")


def test_envelope_with_another_passphrase_says_so() -> None:
    """A wrong passphrase is its own sentence, and its own class."""
    with pytest.raises(WrongPassphrase, match=r"^the passphrase is wrong: it does not open key main$"):
        open_text(TEXT, passphrase=SecretBytes(b"correct horse battery stapler"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tidemill_key": 2}, "tidemill_key is 2: this version reads format 1"),
        ({"tidemill_key": True}, "not written as tidemill writes it"),
        ({"extra": 1}, "'extra' does not belong there"),
        ({"scheme": "rsa"}, "scheme is 'rsa'"),
        ({"scheme": ["ed25519"]}, r"scheme is \['ed25519'\]"),
        ({"scheme": "secp256k1"}, "public_key is not 64 bytes"),
        ({"role": "owner"}, "role 'owner'"),
        ({"public_key": 7}, "public_key is not 32 bytes"),
        ({"public_key": "AA" * 32}, "not written as tidemill writes it"),
        ({"version": 0}, "version 0"),
        ({"version": True}, "version True"),
        ({"created": "a\nb"}, "created is"),
        ({"created": "x" * 100}, None),
        ({"kdf": 5}, "kdf and cipher are not"),
        ({"kdf": {"name": "argon2id"}}, "no whole numbers"),
        ({"cipher": {"name": "rot13"}}, "kdf and cipher are not"),
        ({"cipher": {"name": "aes-256-gcm", "nonce": "0"}}, "not so many bytes"),
        ({"sealed": "00"}, "not so many bytes"),
    ],
)
def test_envelope_of_other_fields_is_refused(change: dict[str, Any], message: str | None) -> None:
    """Each field is checked before anything is derived, and the message names it."""
    raw = resealed(lambda fields: fields.update(change))

    with pytest.raises(DamagedKey, match=message):
        open_text(raw)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"memory_kib": 100 * 1024 * 1024}, "kdf.memory_kib is 104857600, expected 8192 to 1048576"),
        ({"memory_kib": 1}, "kdf.memory_kib is 1,"),
        ({"passes": 10**9}, "kdf.passes is 1000000000, expected 1 to 10"),
        ({"lanes": 17}, "kdf.lanes is 17, expected 1 to 16"),
        ({"lanes": True}, "no whole numbers"),
        ({"passes": 1.0}, "no whole numbers"),
    ],
)
def test_envelope_that_asks_for_too_much_is_refused(change: dict[str, Any], message: str) -> None:
    """A file cannot make its reader spend memory or time without bounds; nothing is derived."""
    with pytest.raises(DamagedKey, match=message):
        read_envelope(resealed(lambda fields: fields["kdf"].update(change)), "main")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"[]\n" * 2_000, "6000 bytes are no JSON object"),
        (b"x}\n", "3 bytes are no JSON object"),
        (b"[]}\n", "no JSON object"),
        (b'"}\n', "no JSON object"),
        (b"{" * 2_000 + b"}\n", "no JSON object"),
        (b'{"tidemill_key": 1}\n', "checksum is missing"),
        (b'"\xff}\n', "its byte 2 is no text"),
    ],
)
def test_envelope_of_something_else_is_refused(raw: bytes, message: str) -> None:
    """Other files end in one clear sentence."""
    with pytest.raises(DamagedKey, match=message):
        read_envelope(raw, "main")


def test_envelope_whose_public_key_is_of_another_secret_is_refused() -> None:
    """Sealed by somebody who knows the passphrase: the address that people saw must still be that of the key."""
    facts = KeyFacts("main", "ed25519", bytes(32), FACTS.created, "signing", 1)

    with pytest.raises(DamagedKey, match="public_key is not that of the sealed key"):
        close_envelope(facts, SecretBytes(SEED), WORDS, Cost(8 << 10, 1, 1))


@pytest.mark.parametrize("value", [{"kdf": {"name": "argon2id", "memory_kib": 8192, "passes": 1, "lanes": 1, "salt": "z"}}])
def test_envelope_with_no_hexadecimal_is_refused(value: dict[str, Any]) -> None:
    """What should be bytes and is not is found before it is used."""
    with pytest.raises(DamagedKey, match="not so many bytes in hexadecimal"):
        read_envelope(resealed(lambda fields: fields.update(value)), "main")
