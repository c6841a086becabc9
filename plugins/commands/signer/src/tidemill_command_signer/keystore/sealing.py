"""How a secret is sealed under a passphrase: argon2id makes the key, AES-256-GCM seals and binds what stands beside it."""

import hashlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from tidemill_command_signer.keystore.secret import SecretBytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SALT_LENGTH: Final = 16
NONCE_LENGTH: Final = 12
TAG_LENGTH: Final = 16
MEMORY_KIB: Final = range(8 << 10, (1 << 20) + 1)
"""From 8 MiB to 1 GiB: a file from elsewhere must not make its reader allocate what it likes."""
PASSES: Final = range(1, 11)
LANES: Final = range(1, 17)


@frozen
class Cost:
    """What one guess of a passphrase costs: argon2id (RFC 9106) over so many KiB, so many times, in so many lanes."""

    memory_kib: int = 64 << 10
    passes: int = 3
    lanes: int = 1

    def wrong(self) -> str:
        """Return which number is out of the range that is accepted, "" where none is."""
        for name, allowed in (("memory_kib", MEMORY_KIB), ("passes", PASSES), ("lanes", LANES)):
            if getattr(self, name) not in allowed:
                return f"kdf.{name} is {getattr(self, name)}, expected {allowed[0]} to {allowed[-1]}"
        return ""


@frozen
class Sealed:
    """A secret under a passphrase. ``proof`` depends on passphrase, salt and cost alone: it tells a wrong passphrase from edited bytes."""

    cost: Cost
    salt: bytes
    nonce: bytes
    proof: bytes
    content: bytes = field(repr=False)


@frozen
class NotOpened:
    """It does not open: the passphrase is another one, or (``passphrase`` True) it is right and something was changed."""

    passphrase: bool


def seal(secret: SecretBytes, passphrase: SecretBytes, bound: bytes, cost: Cost) -> Sealed:
    """Return a secret sealed under a passphrase with a fresh salt and nonce.

    Args:
        secret: what is sealed.
        passphrase: what opens it.
        bound: bytes that stand in the open; it opens only beside the very same.
        cost: of one guess.
    """
    salt, nonce = os.urandom(SALT_LENGTH), os.urandom(NONCE_LENGTH)
    cipher, proof = _cipher(passphrase, salt, cost)
    return Sealed(cost, salt, nonce, proof, cipher.encrypt(nonce, secret.reveal(), bound))


def unseal(sealed: Sealed, passphrase: SecretBytes, bound: bytes) -> SecretBytes | NotOpened:
    """Return the secret, or why it does not open."""
    from cryptography.exceptions import InvalidTag

    cipher, proof = _cipher(passphrase, sealed.salt, sealed.cost)
    try:
        return SecretBytes(cipher.decrypt(sealed.nonce, sealed.content, bound))
    except InvalidTag:
        return NotOpened(passphrase=proof == sealed.proof)


def _cipher(passphrase: SecretBytes, salt: bytes, cost: Cost) -> "tuple[AESGCM, bytes]":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    # The two halves of what argon2id gives are independent of each other: the hash of one says nothing of the other
    with _derived(passphrase, salt, cost) as halves:
        return AESGCM(halves.reveal()[:32]), hashlib.sha256(halves.reveal()[32:]).digest()


def _derived(passphrase: SecretBytes, salt: bytes, cost: Cost) -> SecretBytes:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    made = Argon2id(salt=salt, length=64, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory_kib)
    return SecretBytes(made.derive(passphrase.reveal()))


def cost_of(found: Mapping[str, Any]) -> Cost | str:
    """Return the cost that a file names, or what is wrong with it."""
    numbers = [found.get(name) for name in ("memory_kib", "passes", "lanes")]
    if any(not isinstance(number, int) or isinstance(number, bool) for number in numbers):
        return "kdf holds no whole numbers memory_kib, passes and lanes"
    memory, passes, lanes = (int(number) for number in numbers if number is not None)
    cost = Cost(memory, passes, lanes)
    return cost.wrong() or cost
