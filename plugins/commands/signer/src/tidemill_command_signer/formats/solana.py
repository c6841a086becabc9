"""Solana's key pairs: the 32 bytes of the seed and the 32 of the public key, as ``id.json`` or in base58."""

import json

from tidemill_command_signer.base58 import decode_base58, encode_base58
from tidemill_command_signer.formats.errors import UnreadableKey
from tidemill_command_signer.keystore.curves import public_key_of
from tidemill_command_signer.keystore.secret import SecretBytes

PAIR_LENGTH = 64


def read_solana(text: SecretBytes) -> SecretBytes:
    """Return the seed of a key pair, given as a JSON array of 64 numbers or as base58.

    Raises:
        UnreadableKey: it is something else, or its public half is not that of its seed.
    """
    pair = _pair(text)
    if pair is None or len(pair) != PAIR_LENGTH:
        raise UnreadableKey(
            f"expected a Solana key pair, an array of {PAIR_LENGTH} numbers or base58: found {len(text)} bytes of other text"
        )
    seed = SecretBytes(pair.reveal()[:32])
    if public_key_of("ed25519", seed) != pair.reveal()[32:]:
        raise UnreadableKey("the second half of the Solana key pair is not the public key of the first: the file is damaged")
    return seed


def write_id_json(seed: SecretBytes) -> SecretBytes:
    """Return a key pair as ``solana-keygen`` writes it."""
    return SecretBytes(json.dumps(list(seed.reveal() + public_key_of("ed25519", seed)), separators=(",", ":")).encode())


def write_base58(seed: SecretBytes) -> SecretBytes:
    """Return a key pair in base58, as wallets show it."""
    return SecretBytes(encode_base58(seed.reveal() + public_key_of("ed25519", seed)).encode())


def _pair(text: SecretBytes) -> SecretBytes | None:
    """Return the bytes of either form, None where they are neither; what a parser raises holds the text, and ends here."""
    try:
        plain = text.reveal().decode("ascii").strip()
        raw = bytes(json.loads(plain)) if plain.startswith("[") else decode_base58(plain) if len(plain) <= 100 else None
    except (ValueError, TypeError, RecursionError):
        return None
    return None if raw is None else SecretBytes(raw)
