"""Keys of the simulated chain's accounts for tests: made from a name, worth nothing.

They sign for real, with the packages of the extra ``tidemill-simworld[signatures]``.
"""

import hashlib

from tidemill.domain.signing import Scheme
from tidemill.domain.transaction import Signed, TxRef, Unsigned
from tidemill_simworld.envelope import account_of_key, join, message_of, open_signed
from tidemill_testing.signing_keys import ed25519_key, secp256k1_key


class NamedKey:
    """A key that everybody can make again: its secret is the sha256 of its name.

    Attributes:
        public_key: 64 bytes (x, y) of secp256k1, or 32 of ed25519.
        account: its address on the simulated chain.
    """

    def __init__(self, name: str, scheme: Scheme = "secp256k1") -> None:
        secret = hashlib.sha256(f"tidemill key for tests {name}".encode()).digest()
        self._key = secp256k1_key(secret) if scheme == "secp256k1" else ed25519_key(secret)
        self.public_key = self._key.public_key
        self.account = account_of_key(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """Return 65 bytes over a digest of 32 (secp256k1), or 64 over the message itself (ed25519)."""
        return self._key.sign(message)

    def sign_sealed(self, sealed: Unsigned) -> Signed:
        """Return the bytes to broadcast of a sealed transaction of this account on the simulated chain."""
        raw = join(sealed.payload, self.sign(message_of(sealed.payload)))
        return Signed(sealed.plan, TxRef(sealed.chain, open_signed(raw).tx), raw)
