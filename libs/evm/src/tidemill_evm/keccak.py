"""The hash of the EVM."""

from Crypto.Hash import keccak


def keccak256(preimage: bytes) -> bytes:
    """Return the 32-byte Keccak-256 digest (the padding before SHA-3 was standardised, as the yellow paper uses it)."""
    return keccak.new(digest_bits=256, data=preimage).digest()
