"""Signed transactions: sealed bytes and the signature behind them.

An ``evm`` account signs the keccak256 of the sealed bytes with secp256k1: r, s, recovery 0 or 1, 65 bytes. s is in the lower half of the
order (EIP-2), so that nobody can make a second signature out of one, and the key that is recovered must be the sender's. Its name is the
keccak256 of all bytes. An ``svm`` account signs the sealed bytes themselves with ed25519 (RFC 8032), 64 bytes, and the name is the
signature in base58. Checking needs the extra ``tidemill-simworld[signatures]``.
"""

from typing import Final

from attrs import field, frozen

from tidemill.errors import UsageError
from tidemill_evm.errors import MalformedBytes
from tidemill_evm.keccak import keccak256
from tidemill_simworld.envelope.accounts import account_bytes, account_of_key
from tidemill_simworld.envelope.base58 import encode_base58
from tidemill_simworld.envelope.sealed import EVM, Sealed, read_sealed, sealed_length

_LENGTHS: Final = {"secp256k1": 65, "ed25519": 64}
_HALF_ORDER: Final = 0x7FFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_5D576E73_57A4501D_DFE92F46_681B20A0
_WHAT: Final = "signed simulated transaction"
_MISSING: Final = 'signatures of the simulated chain need packages that are not installed: pip install "tidemill-simworld[signatures]"'


@frozen
class SignedTransaction:
    """A signed transaction whose signature was checked: ``account`` has signed ``payload``; ``tx`` is its name."""

    sealed: Sealed
    account: str
    tx: str
    payload: bytes = field(repr=False)


def message_of(payload: bytes) -> bytes:
    """Return what the key signs of a sealed transaction: a digest of 32 bytes for secp256k1, the bytes themselves for ed25519."""
    return keccak256(payload) if payload[:4] == EVM else payload


def join(payload: bytes, signature: bytes) -> bytes:
    """Return the bytes to broadcast; the signature is not checked, ``open_signed`` does."""
    return payload + signature


def open_signed(raw: bytes) -> SignedTransaction:
    """Return a transaction from signed bytes.

    Raises:
        MalformedBytes: the bytes are cut or altered, are no such transaction, or the signature is not its sender's.
        UsageError: the packages that check signatures are not installed.
    """
    end = sealed_length(raw)
    payload, signature = raw[:end], raw[end:]
    sealed = read_sealed(payload)
    length = _LENGTHS[sealed.scheme]
    if len(signature) != length:
        raise MalformedBytes(_WHAT, min(len(raw), end + length), f"expected a signature of {length} bytes, found {len(signature)}")
    if sealed.scheme == "secp256k1":
        _check_secp256k1(sealed, payload, signature)
        return SignedTransaction(sealed, sealed.account, "0x" + keccak256(raw).hex(), payload)
    _check_ed25519(sealed, payload, signature)
    return SignedTransaction(sealed, sealed.account, encode_base58(signature), payload)


def _check_secp256k1(sealed: Sealed, payload: bytes, signature: bytes) -> None:
    try:
        from coincurve import PublicKey
    except ModuleNotFoundError as error:
        raise UsageError(_MISSING) from error
    end = len(payload)
    if signature[64] > 1:
        raise MalformedBytes(_WHAT, end + 64, f"expected a recovery number of 0 or 1, found {signature[64]}")
    if int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        raise MalformedBytes(_WHAT, end + 32, "s is in the upper half of the order: another signature of the same content")
    try:
        key = PublicKey.from_signature_and_message(signature, message_of(payload), hasher=None)
    # What the library raises where no point belongs to r and s
    except ValueError as error:
        raise MalformedBytes(_WHAT, end, "no key belongs to the signature") from error
    signer = account_of_key(key.format(compressed=False)[1:])
    if signer != sealed.account:
        raise MalformedBytes(_WHAT, end, f"expected the signature of {sealed.account}, found that of {signer}")


def _check_ed25519(sealed: Sealed, payload: bytes, signature: bytes) -> None:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ModuleNotFoundError as error:
        raise UsageError(_MISSING) from error
    try:
        Ed25519PublicKey.from_public_bytes(account_bytes(sealed.account)).verify(signature, payload)
    except InvalidSignature as error:
        raise MalformedBytes(_WHAT, len(payload), f"the signature is not that of {sealed.account}") from error
