"""The two kinds of accounts of the simulated chain, and the names that stand for them.

An ``evm`` account is the last 20 bytes of the keccak256 of a secp256k1 key (x, y), written as ``0x`` and lower-case digits. An ``svm``
account is an ed25519 key itself, written in base58.
"""

from typing import Final, Literal

from tidemill.domain.signing import Scheme
from tidemill_evm.address import address_bytes, address_of_bytes
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.keccak import keccak256
from tidemill_simworld.envelope.base58 import decode_base58, encode_base58

Accounts = Literal["evm", "svm"]
_LONGEST: Final = 44
"""What 32 bytes take in base58 at most."""


def account_of(name: str, kind: Accounts = "evm") -> str:
    """Return the address that stands for a name where nothing is signed, in paper runs; nobody knows a key to it."""
    digest = keccak256(f"tidemill simulated account {name}".encode())
    return address_of_bytes(digest[:20]) if kind == "evm" else encode_base58(digest)


def account_of_key(public_key: bytes) -> str:
    """Return the address of a public key: 64 bytes (x, y) of secp256k1, or 32 of ed25519.

    Raises:
        EncodeError: it has neither length.
    """
    if len(public_key) == 64:
        return address_of_bytes(keccak256(public_key)[-20:])
    if len(public_key) == 32:
        return encode_base58(public_key)
    raise EncodeError(f"expected a public key of 64 bytes (secp256k1: x, y) or 32 bytes (ed25519), found {len(public_key)}")


def scheme_of(account: str) -> Scheme:
    """Return how an account signs, by the form of its address.

    Raises:
        EncodeError: it is no address of this chain.
    """
    account_bytes(account)
    return "secp256k1" if account.startswith("0x") else "ed25519"


def account_bytes(account: str) -> bytes:
    """Return the 20 or 32 bytes of an address.

    Raises:
        EncodeError: it is no address of this chain.
    """
    if account.startswith("0x"):
        return address_bytes(account)
    if len(account) > _LONGEST:
        raise EncodeError(f"expected an address of at most {_LONGEST} characters, found {len(account)}")
    try:
        raw = decode_base58(account)
    except MalformedBytes as error:
        raise EncodeError(f"expected an address of this chain, found {account!r}: {error.reason}") from error
    if len(raw) != 32:
        raise EncodeError(f"expected an address of 32 bytes in base58, or of 0x and 40 digits, found {account!r} of {len(raw)} bytes")
    return raw
