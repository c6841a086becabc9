"""Whose signature is it? Addresses of keys, and of signatures.

Recovering a key needs the extra ``tidemill-evm[signatures]``, which is imported when it is first asked for.
"""

from typing import Final

from tidemill.errors import UsageError
from tidemill_evm.address import address_of_bytes
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.keccak import keccak256

HALF_ORDER: Final = 0x7FFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_5D576E73_57A4501D_DFE92F46_681B20A0
"""The largest s that EIP-2 allows."""
PUBLIC_KEY: Final = 64
_WHAT: Final = "signature"
_MISSING: Final = 'checking signatures needs coincurve, which is not installed: pip install "tidemill-evm[signatures]"'


def address_of_key(public_key: bytes) -> str:
    """Return the address of a public key of 64 bytes (x, y): the last 20 of its keccak256, in lower case.

    Raises:
        EncodeError: it has another length.
    """
    if len(public_key) != PUBLIC_KEY:
        raise EncodeError(f"expected a public key of {PUBLIC_KEY} bytes (x, y), found {len(public_key)}")
    return address_of_bytes(keccak256(public_key)[12:])


def signer_of(digest: bytes, signature: bytes) -> str:
    """Return the address that signed a digest of 32 bytes.

    Args:
        digest: what was signed.
        signature: r and s, 32 bytes each, and the recovery number.

    Raises:
        MalformedBytes: s is in the upper half of the order (EIP-2), the recovery number is neither 0 nor 1, or no key belongs to it.
        UsageError: the package that recovers keys is not installed.
    """
    try:
        from coincurve import PublicKey
    except ModuleNotFoundError as error:
        raise UsageError(_MISSING) from error
    if len(signature) != PUBLIC_KEY + 1 or signature[PUBLIC_KEY] > 1:
        raise MalformedBytes(_WHAT, 0, "expected r and s of 32 bytes each and a recovery number of 0 or 1")
    if int.from_bytes(signature[32:64], "big") > HALF_ORDER:
        raise MalformedBytes(_WHAT, 32, "s is in the upper half of the order: another signature of the same content (EIP-2)")
    try:
        key = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    # What the library raises where no point belongs to r and s
    except ValueError as error:
        raise MalformedBytes(_WHAT, 0, "no key belongs to it") from error
    return address_of_key(key.format(compressed=False)[1:])
