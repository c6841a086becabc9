"""Keys in use: opened once, asked by name."""

from collections.abc import Mapping
from types import TracebackType
from typing import NoReturn, Self

from tidemill.domain.signing import Scheme
from tidemill_command_signer.keystore.curves import sign
from tidemill_command_signer.keystore.errors import KeystoreError
from tidemill_command_signer.keystore.facts import KeyFacts
from tidemill_command_signer.keystore.secret import SecretBytes


class KeyRing:
    """Opened keys. It gives signatures and public keys, never a secret; ``wipe``, or the end of a ``with``, makes it useless."""

    __slots__ = ("_facts", "_secrets")

    def __init__(self, keys: Mapping[str, tuple[KeyFacts, SecretBytes]]) -> None:
        self._facts = {name: keys[name][0] for name in sorted(keys)}
        self._secrets = {name: keys[name][1] for name in sorted(keys)}

    def names(self) -> tuple[str, ...]:
        """Return the names of the opened keys, sorted."""
        return tuple(sorted(self._facts))

    def scheme(self, name: str) -> Scheme:
        """Return how a key signs.

        Raises:
            KeystoreError: it is not opened.
        """
        return self._of(name).scheme

    def public_key(self, name: str) -> bytes:
        """Return a public key: 64 bytes (x, y) for secp256k1, 32 for ed25519.

        Raises:
            KeystoreError: it is not opened.
        """
        return self._of(name).public_key

    def sign(self, name: str, message: bytes) -> bytes:
        """Return the signature of a message: see ``tidemill_command_signer.keystore.curves.sign``.

        Raises:
            KeystoreError: the key is not opened, or the message is no digest of 32 bytes where it must be one.
        """
        return sign(self._of(name).scheme, self._secrets[name], message)

    def take(self, facts: KeyFacts, secret: SecretBytes) -> None:
        """Sign with a key from now on; one that had its name is dropped."""
        self.drop(facts.name)
        self._facts[facts.name], self._secrets[facts.name] = facts, secret

    def drop(self, name: str) -> None:
        """Sign nothing more with a key; nothing happens where it is not opened."""
        self._facts.pop(name, None)
        secret = self._secrets.pop(name, None)
        if secret is not None:
            secret.wipe()

    def wipe(self) -> None:
        """Overwrite the secrets; from here on no key is opened."""
        for secret in self._secrets.values():
            secret.wipe()
        self._facts, self._secrets = {}, {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.wipe()

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._facts) or 'no keys'})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("opened keys are not copied or pickled")

    def _of(self, name: str) -> KeyFacts:
        facts = self._facts.get(name)
        if facts is None:
            raise KeystoreError(f"key {name!r} is not opened; opened are {', '.join(self._facts) or 'none'}")
        return facts
