"""Keys and signatures of the two schemes. The libraries are imported when a key is used."""

import os
from typing import Final

from tidemill.domain.signing import Scheme
from tidemill_command_signer.keystore.errors import KeystoreError
from tidemill_command_signer.keystore.secret import SecretBytes

SECRET_LENGTH: Final = 32
DIGEST_LENGTH: Final = 32
ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""How many points secp256k1 has (SEC 2, section 2.4.1): a secret is less, and not 0."""


def is_secret(scheme: Scheme, secret: SecretBytes) -> bool:
    """Tell whether 32 bytes are a secret key of a scheme: of ed25519 any are, of secp256k1 numbers from 1 to its order less 1."""
    return len(secret) == SECRET_LENGTH and (scheme == "ed25519" or 0 < int.from_bytes(secret.reveal(), "big") < ORDER)


def make_secret(scheme: Scheme) -> SecretBytes:
    """Return a new secret key from the system's own source of chance."""
    while True:
        secret = SecretBytes(os.urandom(SECRET_LENGTH))
        if is_secret(scheme, secret):
            return secret


def public_key_of(scheme: Scheme, secret: SecretBytes) -> bytes:
    """Return the public key: 64 bytes (x, y) for secp256k1, 32 for ed25519.

    Raises:
        KeystoreError: the secret is none of this scheme.
    """
    _require(scheme, secret)
    if scheme == "ed25519":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(secret.reveal()).public_key().public_bytes_raw()
    from coincurve import PublicKey

    return PublicKey.from_valid_secret(secret.reveal()).format(compressed=False)[1:]


def sign(scheme: Scheme, secret: SecretBytes, message: bytes) -> bytes:
    """Return a signature, the same for the same message.

    Args:
        scheme: how to sign.
        secret: the key.
        message: for secp256k1 a digest of 32 bytes; for ed25519 the message itself.

    Returns:
        For secp256k1 r, s (the lower of the two that would do) and the recovery id 0 or 1: 65 bytes, the nonce as RFC 6979 makes it. For
        ed25519 the 64 bytes of RFC 8032.

    Raises:
        KeystoreError: the secret is none of this scheme, or the digest has another length.
    """
    _require(scheme, secret)
    if scheme == "ed25519":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(secret.reveal()).sign(message)
    if len(message) != DIGEST_LENGTH:
        raise KeystoreError(f"secp256k1 signs a digest of {DIGEST_LENGTH} bytes, not {len(message)}")
    from coincurve import PrivateKey

    return PrivateKey(secret.reveal()).sign_recoverable(message, hasher=None)


def _require(scheme: Scheme, secret: SecretBytes) -> None:
    if not is_secret(scheme, secret):
        raise KeystoreError(f"this is no secret key of {scheme}: expected {SECRET_LENGTH} bytes, for secp256k1 from 1 to its order less 1")
