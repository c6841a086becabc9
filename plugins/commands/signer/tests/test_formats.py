"""Keys of other programs: published files are read, own ones can be read again, wrong ones are told."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_command_signer.address import address_of
from tidemill_command_signer.formats.errors import UnreadableKey
from tidemill_command_signer.formats.plain import read_hex
from tidemill_command_signer.formats.solana import read_solana, write_base58, write_id_json
from tidemill_command_signer.formats.web3 import read_web3, write_web3
from tidemill_command_signer.keystore import SecretBytes
from tidemill_command_signer.keystore.curves import ORDER, public_key_of

# The two test vectors of the Web3 Secret Storage Definition
VECTOR = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"
VECTOR_ADDRESS = "008aeeda4d805471df9b2a5b0f38a0c3bcba786b"
WORD = SecretBytes(b"testpassword")
PBKDF2: dict[str, Any] = {
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
        "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
        "kdf": "pbkdf2",
        "kdfparams": {
            "c": 262144,
            "dklen": 32,
            "prf": "hmac-sha256",
            "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
        },
        "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
    },
    "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version": 3,
}
SCRYPT: dict[str, Any] = {
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "83dbcc02d8ccb40e466191a123791e0e"},
        "ciphertext": "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
        "kdf": "scrypt",
        "kdfparams": {
            "dklen": 32,
            "n": 262144,
            "p": 8,
            "r": 1,
            "salt": "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19",
        },
        "mac": "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
    },
    "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version": 3,
}
# Two key pairs that the documentation of Solana prints: one as bytes, one in base58, each with its address
PAIR = bytes.fromhex(
    "ae2f9a10cac1ce71c7be3585a9af1f38de358abde0d875ad0a95352d49fbedf6"
    "0fb9ba52b1f09445f1e3a7508d59f0797923acf744fbe2da303fb06da859ee87"
)  # fmt: skip
PAIR_TEXT = "5MaiiCavjCmn9Hs1o3eznqDEhRwxo7pXiAYez7keQUviUkauRiTMD8DrESdrNjN8zd9mTmVhRvBJeg5vhyvgrAhG"
PAIR_TEXT_ADDRESS = "5pVyoAeURQHNMVU7DmfMHvCDNmTEYXWfEwc136GYhTKG"
PAIR_ADDRESS = "24PNhTaNtomHhoy3fTRaMhAFCRj4uHqhZEEoWrKDbR5p"


def text_of(value: object) -> SecretBytes:
    """Gives a value as the text of a JSON file."""
    return SecretBytes(json.dumps(value).encode())


def changed(vector: dict[str, Any], **crypto: object) -> SecretBytes:
    """Gives a Web3 file with parts of its sealed key replaced."""
    return text_of({**vector, "crypto": {**vector["crypto"], **crypto}})


@pytest.mark.parametrize("vector", [PBKDF2, SCRYPT])
def test_web3_reads_the_published_files(vector: dict[str, Any]) -> None:
    """The standard's own vectors, with and without an address, and with the capital of the first years."""
    assert VECTOR == read_web3(text_of(vector), WORD).reveal().hex()


def test_web3_reads_a_file_of_the_first_years() -> None:
    """The table was called Crypto, and the address stands beside it, with 0x or without."""
    old = {"Crypto": PBKDF2["crypto"], "address": VECTOR_ADDRESS, "version": 3}

    assert VECTOR == read_web3(text_of(old), WORD).reveal().hex()
    assert VECTOR == read_web3(text_of({**old, "address": f"0x{VECTOR_ADDRESS}"}), WORD).reveal().hex()


def test_web3_of_another_address_is_refused() -> None:
    """The MAC does not cover the address: it is compared with that of the key."""
    with pytest.raises(UnreadableKey, match="another address than its key, which is that of 0x008AeEda"):
        read_web3(text_of({**PBKDF2, "address": "00" * 20}), WORD)


@pytest.mark.parametrize("passphrase", [b"testpasswore", b"x"])
def test_web3_with_another_passphrase_does_not_open(passphrase: bytes) -> None:
    """A wrong passphrase and an edited file look the same here: the message says both."""
    with pytest.raises(UnreadableKey, match="its passphrase is another one, or the file was edited"):
        read_web3(text_of(PBKDF2), SecretBytes(passphrase))


@pytest.mark.parametrize(
    ("crypto", "message"),
    [
        ({"ciphertext": "00" * 32}, "does not open"),
        ({"ciphertext": "00"}, "expected 32 bytes under aes-128-ctr"),
        ({"ciphertext": 5}, "ciphertext is no text in hexadecimal"),
        ({"mac": "zz"}, "mac is no text in hexadecimal"),
        ({"cipher": "aes-256-cbc"}, "expected 32 bytes under aes-128-ctr"),
        ({"cipherparams": 1}, "cipherparams is no table"),
        ({"kdf": "md5"}, "kdf is neither scrypt nor pbkdf2"),
        ({"kdfparams": {"salt": "00", "dklen": 16}}, "dklen is 16, expected 32 to 64"),
        ({"kdfparams": {"salt": "00", "dklen": "32"}}, "dklen is no whole number"),
        ({"kdfparams": {"salt": "00", "dklen": 32, "c": 1, "prf": "hmac-md5"}}, "expected hmac-sha256"),
        ({"kdfparams": {"salt": "00", "dklen": 32, "c": 10**12, "prf": "hmac-sha256"}}, "pbkdf2 with c 1000000000000"),
        ({"kdf": "scrypt", "kdfparams": {"salt": "00", "dklen": 32, "n": 2**30, "r": 8, "p": 1}}, "at most 1024 MiB"),
        ({"kdf": "scrypt", "kdfparams": {"salt": "00", "dklen": 32, "n": 2**80, "r": 8, "p": 1}}, "at most 63 bits"),
        ({"kdf": "scrypt", "kdfparams": {"salt": "00", "dklen": 32, "n": 1024, "r": 8, "p": 2**40}}, "steps"),
        ({"kdf": "scrypt", "kdfparams": {"salt": "00", "dklen": 32, "n": 1000, "r": 8, "p": 1}}, "n a power of two"),
        ({"kdf": "scrypt", "kdfparams": {"salt": "00", "dklen": 32, "n": 1024, "r": 0, "p": 1}}, "r 0"),
    ],
)
def test_web3_file_that_is_wrong_says_what_of_it(crypto: dict[str, object], message: str) -> None:
    """Each number is bounded before anything is derived from the passphrase, each field is named."""
    with pytest.raises(UnreadableKey, match=message):
        read_web3(changed(PBKDF2, **crypto), WORD)


@pytest.mark.parametrize("value", [[], {}, 5, {"version": 3}, {"version": True, "crypto": {}}, {"version": 3, "crypto": {}, "address": 1}])
def test_web3_of_something_else_is_refused(value: object) -> None:
    """Other JSON is no Web3 file."""
    with pytest.raises(UnreadableKey, match="this is no Web3 v3 file"):
        read_web3(text_of(value), WORD)


def test_web3_of_no_json_is_refused() -> None:
    """Neither is text, nor what nests too deep."""
    for raw in (b"nothing", b"\xff", b"[" * 100_000):
        with pytest.raises(UnreadableKey, match=f"found {len(raw)} bytes that are none"):
            read_web3(SecretBytes(raw), WORD)


def test_web3_that_holds_no_secp256k1_key_is_refused(words: SecretBytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sealed zero opens and is no key."""
    one = SecretBytes(bytes(31) + b"\1")
    monkeypatch.setattr("tidemill_command_signer.formats.web3.is_secret", lambda *_: False)
    with pytest.raises(UnreadableKey, match="what it holds is no secp256k1 key"):
        read_web3(write_web3(one, words, 1024), words)


@given(seed=st.binary(min_size=31, max_size=31))
def test_web3_written_is_read_again(seed: bytes) -> None:
    """An export opens with its own passphrase and is that of the same address; every file differs."""
    secret, words = SecretBytes(b"\1" + seed), SecretBytes(b"another passphrase")
    text = write_web3(secret, words, 1024)
    fields = json.loads(text.reveal())

    assert secret == read_web3(text, words)
    assert f"0x{fields['address']}" == address_of("secp256k1", public_key_of("secp256k1", secret)).lower()
    assert text != write_web3(secret, words, 1024)
    assert "4" == fields["id"][14]


def test_web3_is_written_as_costly_as_geth_does(known: SecretBytes, words: SecretBytes) -> None:
    """The standard cost of geth: n 2^18, r 8, p 1."""
    text = write_web3(known, words)

    assert {"n": 262144, "r": 8, "p": 1, "dklen": 32} == {
        name: value for name, value in json.loads(text.reveal())["crypto"]["kdfparams"].items() if name != "salt"
    }
    assert known == read_web3(text, words)


@pytest.mark.parametrize(
    ("text", "address"),
    [(json.dumps(list(PAIR)), PAIR_ADDRESS), (f" {PAIR_TEXT}\n", PAIR_TEXT_ADDRESS)],
)
def test_solana_reads_the_published_pairs(text: str, address: str) -> None:
    """The array of ``id.json`` and base58, each with the address that is printed beside it."""
    seed = read_solana(SecretBytes(text.encode()))

    assert address == address_of("ed25519", public_key_of("ed25519", seed))


def test_solana_writes_what_others_read() -> None:
    """Both forms are exactly those that ``solana-keygen`` and wallets write."""
    assert list(PAIR) == json.loads(write_id_json(SecretBytes(PAIR[:32])).reveal())
    assert PAIR_TEXT == write_base58(read_solana(SecretBytes(PAIR_TEXT.encode()))).reveal().decode()


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"[1,2,3]", b"[256]", b'["a"]', b"[1.5]", b"[null]", b"[", b"{}", b"0OIl", b"\xff", b"1" * 64_000, b"[" * 100_000, b"abc"],
)
def test_solana_of_something_else_is_refused(raw: bytes) -> None:
    """One sentence for all that is no key pair; none of it is repeated."""
    with pytest.raises(UnreadableKey, match=rf"expected a Solana key pair, .* found {len(raw)} bytes"):
        read_solana(SecretBytes(raw))


def test_solana_pair_whose_halves_differ_is_refused() -> None:
    """The second half is the public key of the first, or the file is damaged."""
    with pytest.raises(UnreadableKey, match="not the public key of the first"):
        read_solana(text_of([*PAIR[:63], PAIR[63] ^ 1]))


@pytest.mark.parametrize("form", ["{}", "0x{}", "  {}\n", "0x{}\r\n"])
def test_hex_is_read_with_and_without_its_prefix(form: str, known: SecretBytes) -> None:
    """64 digits, 0x or not, with blanks around."""
    assert known == read_hex(SecretBytes(form.format(known.reveal().hex()).encode()), "secp256k1")


@pytest.mark.parametrize("raw", [b"", b"0x", b"00" * 31, b"00" * 33, b"zz" * 32, b"\xff" * 64])
def test_hex_of_something_else_is_refused(raw: bytes) -> None:
    """The text is not repeated."""
    with pytest.raises(UnreadableKey, match=f"found {len(raw)} bytes of other text"):
        read_hex(SecretBytes(raw), "secp256k1")


@pytest.mark.parametrize(
    ("number", "said"), [(0, "out of range, 0;"), (ORDER, "out of range, the order of the curve or more;"), ((1 << 256) - 1, "or more;")]
)
def test_hex_out_of_range_is_told_as_that(number: int, said: str) -> None:
    """It has the form of a key, and is a number that no key of secp256k1 is; the message has none of its digits."""
    digits = f"{number:064x}"
    with pytest.raises(UnreadableKey, match=said) as found:
        read_hex(SecretBytes(digits.encode()), "secp256k1")

    assert digits not in str(found.value)
    assert found.value.__cause__ is None
    assert SecretBytes(bytes.fromhex(digits)) == read_hex(SecretBytes(digits.encode()), "ed25519")
