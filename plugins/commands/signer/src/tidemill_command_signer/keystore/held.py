"""The keys that a signer signs with, followed for as long as it runs: one that is rotated, put back or removed meanwhile counts at once."""

from collections.abc import Sequence

from attrs import frozen

from tidemill_command_signer.keystore.errors import KeystoreError
from tidemill_command_signer.keystore.facts import KeyFacts
from tidemill_command_signer.keystore.ring import KeyRing
from tidemill_command_signer.keystore.secret import SecretBytes
from tidemill_command_signer.keystore.store import Keystore

Stamp = tuple[int, int, int] | None


@frozen
class KeyChange:
    """A key whose file changed: what stands in it now, or why it signs nothing more until it changes again."""

    name: str
    facts: KeyFacts | None
    reason: str = ""


class HeldKeys:
    """Opened keys and the passphrase that opens those which take their place.

    The passphrase lies in memory beside the keys themselves, which say as much to whoever could read it. It belongs to the caller, who
    wipes it when the signer ends.
    """

    def __init__(self, store: Keystore, names: Sequence[str], passphrase: SecretBytes) -> None:
        """Open keys for signing.

        Raises:
            WrongPassphrase, DamagedKey: a key does not open. KeystoreError: there is no such key, or it is retired.
        """
        self._store = store
        self._passphrase = passphrase
        # First: what changes between is opened twice, and not missed
        self._stamps = {name: store.stamp(name) for name in names}
        self.ring: KeyRing = store.unlock(passphrase, names)

    def look(self) -> tuple[KeyChange, ...]:
        """Open anew what changed on the disk since the last look, and say what it was.

        The key that was there is dropped first: it signs nothing more, also where its successor does not open.
        """
        changes = []
        for name, before in self._stamps.items():
            stamp = self._store.stamp(name)
            if stamp != before:
                self._stamps[name] = stamp
                changes.append(self._open_anew(name))
        return tuple(changes)

    def _open_anew(self, name: str) -> KeyChange:
        self.ring.drop(name)
        try:
            facts, secret = self._store.open_key(name, self._passphrase)
        except KeystoreError as error:
            return KeyChange(name, None, str(error))
        self.ring.take(facts, secret)
        return KeyChange(name, facts)
