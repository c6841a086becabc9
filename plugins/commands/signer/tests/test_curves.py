"""Keys and signatures equal those that the standards publish."""

import hashlib

import pytest

from tidemill.domain.signing import Scheme
from tidemill_command_signer.address import address_of
from tidemill_command_signer.base58 import decode_base58, encode_base58
from tidemill_command_signer.keystore import KeystoreError, SecretBytes
from tidemill_command_signer.keystore.curves import ORDER, is_secret, make_secret, public_key_of, sign

TEARS = "All those moments will be lost in time, like tears in rain. Time to die..."
LAST = ORDER - 1
RFC_6979 = [
    (1, "Satoshi Nakamoto", "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8",
     "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"),
    (1, TEARS, "8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b",
     "547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21"),
    (LAST, "Satoshi Nakamoto", "fd567d121db66e382991534ada77a6bd3106f0a1098c231e47993447cd6af2d0",
     "6b39cd0eb1bc8603e159ef5c20a5c8ad685a45b06ce9bebed3f153d10d93bed5"),
]  # fmt: skip
RFC_8032 = [
    ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "text", "r", "s"), RFC_6979)
def test_sign_secp256k1_gives_the_published_signature(number: int, text: str, r: str, s: str) -> None:
    """The nonce is that of RFC 6979, s the lower one, and the 65th byte lets the public key be recovered."""
    from coincurve import PublicKey

    secret, digest = SecretBytes(number.to_bytes(32, "big")), hashlib.sha256(text.encode()).digest()
    signature = sign("secp256k1", secret, digest)

    assert r + s == signature[:64].hex()
    assert signature[64] in (0, 1)
    recovered = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    assert public_key_of("secp256k1", secret) == recovered.format(compressed=False)[1:]


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_sign_ed25519_gives_the_published_signature(seed: str, public: str, message: str, signature: str) -> None:
    """Public key and signature are those of RFC 8032, section 7.1."""
    secret = SecretBytes(bytes.fromhex(seed))

    assert public == public_key_of("ed25519", secret).hex()
    assert signature == sign("ed25519", secret, bytes.fromhex(message)).hex()


@pytest.mark.parametrize("number", [0, ORDER, 2**256 - 1])
def test_secret_out_of_range_is_none_of_secp256k1(number: int) -> None:
    """A secret of secp256k1 is from 1 to its order less 1; ed25519 takes any 32 bytes."""
    secret = SecretBytes(number.to_bytes(32, "big"))

    assert (False, True) == (is_secret("secp256k1", secret), is_secret("ed25519", secret))
    with pytest.raises(KeystoreError, match="no secret key of secp256k1"):
        public_key_of("secp256k1", secret)


def test_sign_secp256k1_of_no_digest_is_refused() -> None:
    """What is signed with secp256k1 was hashed before: anything but 32 bytes is a mistake."""
    with pytest.raises(KeystoreError, match="a digest of 32 bytes, not 3"):
        sign("secp256k1", SecretBytes(bytes(31) + b"\1"), b"abc")


@pytest.mark.parametrize("scheme", ["secp256k1", "ed25519"])
def test_make_secret_never_gives_the_same_twice(scheme: Scheme) -> None:
    """New secrets are valid and differ."""
    made = [make_secret(scheme) for _ in range(20)]

    assert [True] * 20 == [is_secret(scheme, secret) for secret in made]
    assert 20 == len({secret.reveal() for secret in made})


def test_make_secret_draws_again_where_the_first_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the 2^256 numbers some are no secret of secp256k1: another is drawn."""
    drawn = iter([bytes(32), b"\1" * 32])
    monkeypatch.setattr("os.urandom", lambda _: next(drawn))

    assert b"\1" * 32 == make_secret("secp256k1").reveal()


def test_address_is_the_one_that_chains_give() -> None:
    """Of the secret 1 the address is known to everybody; of ed25519 it is the public key in base58."""
    one = public_key_of("secp256k1", SecretBytes(bytes(31) + b"\1"))

    assert "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf" == address_of("secp256k1", one)
    assert "11111111111111111111111111111111" == address_of("ed25519", bytes(32))


@pytest.mark.parametrize(
    ("raw", "text"),
    [("", ""), ("00", "1"), ("0000", "11"), ("61", "2g"), ("626262", "a3gV"), ("73696d706c792061206c6f6e6720737472696e67",
      "2cFupjhnEsSn59qHXstmK2ffpLv2"), ("00eb15231dfceb60925886b67d065299925915aeb172c06647", "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L")],
)  # fmt: skip
def test_base58_equals_the_published_vectors(raw: str, text: str) -> None:
    """Both directions, as in Bitcoin's own test data."""
    assert (text, raw) == (encode_base58(bytes.fromhex(raw)), (decode_base58(text) or b"").hex())


@pytest.mark.parametrize("text", ["0", "O", "I", "l", "a b", "é"])
def test_base58_of_other_signs_is_none(text: str) -> None:
    """0, O, I and l are left out of the alphabet since they look alike."""
    assert None is decode_base58(text)
