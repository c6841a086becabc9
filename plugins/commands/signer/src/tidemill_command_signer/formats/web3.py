"""Web3 Secret Storage, version 3: the files of geth and of most wallets.

https://github.com/ethereum/wiki/wiki/Web3-Secret-Storage-Definition. Its MAC covers the sealed key alone, so that a wrong passphrase and
an edited file look the same; and its numbers say how much memory and time a reader spends, so that they are bounded here.
"""

import hmac
import json
import os
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from tidemill_command_signer.address import address_of
from tidemill_command_signer.formats.errors import UnreadableKey
from tidemill_command_signer.keystore.curves import is_secret, public_key_of
from tidemill_command_signer.keystore.secret import SecretBytes

MOST_MEMORY: Final = 1 << 30
"""Bytes that scrypt may take: 128 · n · r."""
MOST_SCRYPT_WORK: Final = 1 << 24
"""n · r · p, at most; geth's standard has 2^21."""
MOST_ROUNDS: Final = 10_000_000
SCRYPT_N: Final = 1 << 18
_CIPHER, _PRF = "aes-128-ctr", "hmac-sha256"


def read_web3(text: SecretBytes, passphrase: SecretBytes) -> SecretBytes:
    """Return the secp256k1 key of a Web3 v3 file.

    Raises:
        UnreadableKey: it is no such file, asks for more than is spent on it, or does not open.
    """
    crypto, address = _crypto(text)
    cipher, mac = _hex(_table(crypto, "cipherparams"), "iv"), _hex(crypto, "mac")
    content = _hex(crypto, "ciphertext")
    if crypto.get("cipher") != _CIPHER or len(cipher) != 16 or len(content) != 32:
        raise _no_v3(f"expected 32 bytes under {_CIPHER} with an iv of 16")
    with _derived(crypto, passphrase) as key:
        if not hmac.compare_digest(_mac(key, content), mac):
            raise UnreadableKey("the Web3 file does not open: its passphrase is another one, or the file was edited")
        secret = SecretBytes(_counted(key, cipher, content))
    if not is_secret("secp256k1", secret):
        raise _no_v3("what it holds is no secp256k1 key")
    found = address_of("secp256k1", public_key_of("secp256k1", secret))
    if address and address.lower().removeprefix("0x") != found.lower().removeprefix("0x"):
        raise UnreadableKey(f"the Web3 file says that it is of another address than its key, which is that of {found}: it was edited")
    return secret


def write_web3(secret: SecretBytes, passphrase: SecretBytes, scrypt_n: int = SCRYPT_N) -> SecretBytes:
    """Return a Web3 v3 file of a secp256k1 key under a passphrase of its own.

    Args:
        secret: the key.
        passphrase: what will open the file.
        scrypt_n: what a guess costs, a power of two; geth's standard if left out.
    """
    salt, iv = os.urandom(32), os.urandom(16)
    kdf = {"dklen": 32, "n": scrypt_n, "r": 8, "p": 1, "salt": salt.hex()}
    crypto: dict[str, object] = {"cipher": _CIPHER, "cipherparams": {"iv": iv.hex()}, "kdf": "scrypt", "kdfparams": kdf}
    with _derived(crypto, passphrase) as key:
        content = _counted(key, iv, secret.reveal())
        crypto |= {"ciphertext": content.hex(), "mac": _mac(key, content).hex()}
    address = address_of("secp256k1", public_key_of("secp256k1", secret)).lower().removeprefix("0x")
    return SecretBytes(json.dumps({"address": address, "crypto": crypto, "id": _new_id(), "version": 3}).encode())


def _new_id() -> str:
    # A run repeats, a file with a key in it must not: this id is no run's
    return str(uuid.UUID(bytes=os.urandom(16), version=4))


def _crypto(text: SecretBytes) -> tuple[Mapping[str, Any], str]:
    """Return the table of a file that says how its key is sealed, and the address that it names, if it does."""
    found = _object(text)
    version = found.get("version")
    if version != 3 or isinstance(version, bool):
        raise _no_v3(f"expected a JSON object of version 3, found {len(text)} bytes that are none")
    # Files of the first years write the table with a capital
    crypto = found.get("crypto", found.get("Crypto"))
    address = found.get("address", "")
    if not isinstance(crypto, dict) or not isinstance(address, str):
        raise _no_v3("crypto is no table, or address no text")
    return crypto, address


def _object(text: SecretBytes) -> Mapping[str, Any]:
    try:
        found = json.loads(text.reveal())
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _derived(crypto: Mapping[str, Any], passphrase: SecretBytes) -> SecretBytes:
    parameters = _table(crypto, "kdfparams")
    salt, length = _hex(parameters, "salt"), _whole(parameters, "dklen")
    if not 32 <= length <= 64:
        raise _no_v3(f"dklen is {length}, expected 32 to 64")
    match crypto.get("kdf"):
        case "scrypt":
            return _scrypt(parameters, salt, length, passphrase)
        case "pbkdf2":
            return _pbkdf2(parameters, salt, length, passphrase)
    raise _no_v3("kdf is neither scrypt nor pbkdf2")


def _scrypt(parameters: Mapping[str, Any], salt: bytes, length: int, passphrase: SecretBytes) -> SecretBytes:
    # OpenSSL's refuses r = 1 with n >= 2^16, as RFC 7914 does; there are such files, one of them in the standard itself
    from Crypto.Protocol.KDF import scrypt

    n, r, p = (_whole(parameters, name) for name in ("n", "r", "p"))
    if n < 2 or n & (n - 1) or r < 1 or p < 1 or 128 * n * r > MOST_MEMORY or n * r * p > MOST_SCRYPT_WORK:
        raise _no_v3(
            f"scrypt with n {n}, r {r}, p {p}: expected n a power of two, at most {MOST_MEMORY >> 20} MiB and {MOST_SCRYPT_WORK} steps"
        )
    # Typed for text alone, and for several keys at once: bytes are what it works on, and one is what it gives
    derive = cast("Callable[..., bytes]", scrypt)
    return SecretBytes(derive(passphrase.reveal(), salt, length, n, r, p))


def _pbkdf2(parameters: Mapping[str, Any], salt: bytes, length: int, passphrase: SecretBytes) -> SecretBytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

    rounds = _whole(parameters, "c")
    if parameters.get("prf") != _PRF or not 1 <= rounds <= MOST_ROUNDS:
        raise _no_v3(f"pbkdf2 with c {rounds}: expected {_PRF} and 1 to {MOST_ROUNDS} rounds")
    return SecretBytes(PBKDF2HMAC(algorithm=SHA256(), length=length, salt=salt, iterations=rounds).derive(passphrase.reveal()))


def _mac(key: SecretBytes, content: bytes) -> bytes:
    from tidemill_evm.keccak import keccak256

    return keccak256(key.reveal()[16:32] + content)


def _counted(key: SecretBytes, iv: bytes, content: bytes) -> bytes:
    """Return bytes under AES-128 in counter mode: the same function seals and opens."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CTR

    return Cipher(AES(key.reveal()[:16]), CTR(iv)).encryptor().update(content)


def _no_v3(what: str) -> UnreadableKey:
    return UnreadableKey(f"this is no Web3 v3 file: {what}")


def _table(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = found.get(name)
    if not isinstance(inner, dict):
        raise _no_v3(f"{name} is no table")
    return inner


def _whole(found: Mapping[str, Any], name: str) -> int:
    number = found.get(name)
    if not isinstance(number, int) or isinstance(number, bool) or number.bit_length() > 63:
        raise _no_v3(f"{name} is no whole number of at most 63 bits")
    return number


def _hex(found: Mapping[str, Any], name: str) -> bytes:
    text = found.get(name)
    raw = _bytes(text.removeprefix("0x")) if isinstance(text, str) else None
    if raw is None:
        raise _no_v3(f"{name} is no text in hexadecimal")
    return raw


def _bytes(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None
