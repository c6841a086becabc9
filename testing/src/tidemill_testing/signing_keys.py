"""Keys of tests, of both schemes, made from 32 bytes; there is no money behind them.

What signs is imported when a key is made: ``coincurve`` for secp256k1 and ``cryptography`` for ed25519, both in the extra ``signatures``.
"""

from collections.abc import Callable

from attrs import field, frozen

from tidemill.domain.signing import Scheme


@frozen
class SigningKey:
    """A key as a codec's tests use it: its public half as ``Codec.account`` takes it, and what signs a codec's ``message``."""

    scheme: Scheme
    public_key: bytes
    sign: Callable[[bytes], bytes] = field(repr=False)


def secp256k1_key(secret: bytes) -> SigningKey:
    """Return the key of a secret of 32 bytes; it signs digests of 32 bytes as RFC 6979 says, so that equal digests get equal signatures.

    Example::

        from tidemill_testing.signing_keys import secp256k1_key
        key = secp256k1_key(bytes(31) + bytes([1]))
        assert (64, 65) == (len(key.public_key), len(key.sign(bytes(32))))
    """
    from coincurve import PrivateKey

    key = PrivateKey(secret)
    return SigningKey("secp256k1", key.public_key.format(compressed=False)[1:], lambda digest: key.sign_recoverable(digest, hasher=None))


def ed25519_key(secret: bytes) -> SigningKey:
    """Return the key of a seed of 32 bytes (RFC 8032).

    Example::

        from tidemill_testing.signing_keys import ed25519_key
        key = ed25519_key(bytes(32))
        assert ("3b6a27bc", 64) == (key.public_key.hex()[:8], len(key.sign(b"a message")))
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(secret)
    return SigningKey("ed25519", key.public_key().public_bytes_raw(), key.sign)
