"""Addresses of keys, as people know them."""

from tidemill.domain.signing import Scheme
from tidemill_command_signer.base58 import encode_base58


def address_of(scheme: Scheme, public_key: bytes) -> str:
    """Return the address that most chains of a scheme give a key: of secp256k1 that of the EVM with EIP-55 capitals, of ed25519 base58.

    Args:
        scheme: how the key signs.
        public_key: 64 bytes (x, y) for secp256k1, 32 for ed25519.
    """
    if scheme == "ed25519":
        return encode_base58(public_key)
    from tidemill_evm.address import checksum_address
    from tidemill_evm.keccak import keccak256

    return checksum_address(f"0x{keccak256(public_key)[-20:].hex()}")
