"""A keystore: a folder with one sealed file a key."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from tidemill.domain.signing import Scheme
from tidemill_command_signer.audit import AuditTrail
from tidemill_command_signer.keystore.curves import make_secret, public_key_of
from tidemill_command_signer.keystore.envelope import LONGEST, Envelope, close_envelope, open_envelope, read_envelope
from tidemill_command_signer.keystore.errors import KeystoreError, WrongPassphrase
from tidemill_command_signer.keystore.facts import FILE_NAME, OTHER_FILES, KeyFacts, check_name, retired_name
from tidemill_command_signer.keystore.files import check_folder, locked, make_folder, read_private, remove_file, write_private
from tidemill_command_signer.keystore.ring import KeyRing
from tidemill_command_signer.keystore.sealing import Cost
from tidemill_command_signer.keystore.secret import SecretBytes

_SUFFIX = ".json"

Write = Callable[[Scheme, SecretBytes], SecretBytes]
"""Makes the text of an export from a key."""


class Trail(Protocol):
    """Where every use of a key is written down before it happens."""

    def append(self, event: str, /, **fields: str | int) -> object:
        """Keep one line; raises where that cannot be done."""


class Keystore:
    """The keys of one folder, all under one passphrase.

    A key is added, exported, rotated or removed only after the audit trail in the same folder says so. Changes lock the folder; a change
    that is killed leaves every key as it was, or as it should be.
    """

    def __init__(self, folder: Path, trail: Trail | None = None, cost: Cost | None = None) -> None:
        self.folder = folder
        self._trail = trail
        self._cost = cost if cost is not None else Cost()

    def names(self) -> tuple[str, ...]:
        """Return the names of all keys, retired ones too, sorted.

        Raises:
            KeystoreError: there is no keystore, or others can look into it.
        """
        check_folder(self.folder)
        found = (path.name.removesuffix(_SUFFIX) for path in self.folder.iterdir() if path.name.endswith(_SUFFIX))
        return tuple(sorted(name for name in found if FILE_NAME.fullmatch(name) and name not in OTHER_FILES))

    def describe(self, name: str) -> KeyFacts:
        """Return what a key's file says in the open. It is proven when the key is opened, not before.

        Raises:
            DamagedKey: the file is cut short or edited. KeystoreError: there is no such key, or others can read it.
        """
        return self._read(name).facts

    def check(self, name: str, use: str) -> KeyFacts:
        """Return what a key's file says in the open, before a passphrase is asked for it; the trail has what is wrong with it.

        Raises:
            As ``describe``; KeystoreError: another process changes the keystore right now, or the trail cannot be written.
        """
        with self._changing() as trail:
            return self._to_use(trail, name, use).facts

    def unlock(self, passphrase: SecretBytes, names: Sequence[str]) -> KeyRing:
        """Open keys for signing.

        Raises:
            WrongPassphrase, DamagedKey: a key does not open. KeystoreError: there is no such key, or it is retired.
        """
        return KeyRing({name: self.open_key(name, passphrase) for name in dict.fromkeys(names)})

    def open_key(self, name: str, passphrase: SecretBytes) -> tuple[KeyFacts, SecretBytes]:
        """Open one key for signing.

        Raises:
            As ``unlock``.
        """
        envelope = self._read(name)
        if envelope.facts.role != "signing":
            raise KeystoreError(f"key {name} is retired: it signs nothing more")
        return envelope.facts, open_envelope(envelope, passphrase)

    def stamp(self, name: str) -> tuple[int, int, int] | None:
        """Return what changes whenever a key's file is put in place, None where there is none: a file is never written over."""
        try:
            found = self._path(name).stat(follow_symlinks=False)
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def add(self, name: str, scheme: Scheme, passphrase: SecretBytes) -> KeyFacts:
        """Make a new key.

        Raises:
            WrongPassphrase: the keystore has keys, under another passphrase. UsageError: no key can be called this.
            KeystoreError: there is such a key already, or it cannot be written.
        """
        return self.import_key(name, scheme, make_secret(scheme), passphrase, source="")

    def import_key(self, name: str, scheme: Scheme, secret: SecretBytes, passphrase: SecretBytes, source: str) -> KeyFacts:
        """Keep a key that was made elsewhere; ``source`` is what the audit trail says of that.

        Raises:
            As ``add``.
        """
        check_name(name)
        make_folder(self.folder)
        with self._changing() as trail:
            if name in self.names():
                raise KeystoreError(f"there is a key {name} in {self.folder} already: choose another name, or rotate that one")
            self._agree(passphrase)
            facts = self._facts(name, scheme, secret, self._next_version(name))
            self._refuse_twin(facts)
            text = close_envelope(facts, secret, passphrase, self._cost)
            self._tell(trail, "key-imported" if source else "key-added", facts, source=source)
            write_private(self._path(name), text.encode())
        return facts

    def export_key(self, name: str, passphrase: SecretBytes, write: Write, target: str) -> SecretBytes:
        """Return the text that ``write`` makes of a key; ``target`` is what the audit trail calls it. The key stays.

        Raises:
            WrongPassphrase, DamagedKey: the key does not open. KeystoreError: there is none, or the trail cannot be written.
        """
        with self._changing() as trail:
            envelope = self._to_use(trail, name, "export")
            with self._opened(trail, envelope, passphrase, "export") as secret:
                text = write(envelope.facts.scheme, secret)
            self._tell(trail, "key-exported", envelope.facts, target=target)
        return text

    def rotate(self, name: str, passphrase: SecretBytes) -> tuple[KeyFacts, KeyFacts]:
        """Put a new key in the place of a key and retire that; returns the facts of the new and of the old one, under its new name.

        Killed in between, the old key stands under both names and ``rotate`` can be called again.

        Raises:
            WrongPassphrase, DamagedKey: the key does not open. KeystoreError: there is none, it is retired, or it cannot be written.
        """
        with self._changing() as trail:
            envelope = self._to_use(trail, name, "rotate")
            before = envelope.facts
            if before.role != "signing":
                raise KeystoreError(f"key {name} is retired already: rotate the one that took its place")
            old = KeyFacts(retired_name(before), before.scheme, before.public_key, before.created, "retired", before.version)
            if old.name in self.names() and self.describe(old.name).public_key != old.public_key:
                raise KeystoreError(f"there is another key {old.name} already: remove it first")
            with self._opened(trail, envelope, passphrase, "rotate") as secret:
                kept = close_envelope(old, secret, passphrase, self._cost)
            with make_secret(before.scheme) as fresh:
                new = self._facts(name, before.scheme, fresh, before.version + 1)
                text = close_envelope(new, fresh, passphrase, self._cost)
            self._tell(trail, "key-rotated", new, retired=old.name, retired_key=old.public_key.hex())
            write_private(self._path(old.name), kept.encode())
            write_private(self._path(name), text.encode())
        return new, old

    def remove(self, name: str) -> KeyFacts | None:
        """Delete a key's file, also a damaged one; returns what it said of its key, None where that could not be read.

        Raises:
            KeystoreError: there is no such key, or it cannot be removed.
        """
        with self._changing() as trail:
            self._require(name)
            facts = self._readable(name)
            if facts is None:
                trail.append("key-removed", name=name, damaged="yes")
            else:
                self._tell(trail, "key-removed", facts)
            remove_file(self._path(name))
        return facts

    @contextmanager
    def _changing(self) -> Iterator[Trail]:
        with locked(self.folder):
            if self._trail is not None:
                yield self._trail
                return
            with AuditTrail(self.folder) as trail:
                yield trail

    def _readable(self, name: str) -> KeyFacts | None:
        try:
            return self.describe(name)
        except KeystoreError:
            return None

    def _read(self, name: str) -> Envelope:
        self._require(name)
        return read_envelope(read_private(self._path(name), LONGEST), name)

    def _require(self, name: str) -> None:
        known = self.names()
        if name not in known:
            raise KeystoreError(f"there is no key {name!r} in {self.folder}: there are {', '.join(known) or 'none'}")

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{_SUFFIX}"

    def _agree(self, passphrase: SecretBytes) -> None:
        """Hold that a passphrase is that of the keys that are there: a signer opens them with one."""
        for name in self.names():
            try:
                open_envelope(self._read(name), passphrase).wipe()
            except WrongPassphrase as error:
                raise WrongPassphrase(
                    f"the passphrase is wrong: it does not open key {name}, and all keys of {self.folder} have one passphrase; "
                    "use it, or another folder with --keystore"
                ) from error
            return

    def _refuse_twin(self, facts: KeyFacts) -> None:
        """Refuse a key that is there under another name: of an account there must be one name, which a policy can allow or not."""
        for name in self.names():
            other = self._readable(name)
            if other is not None and (other.scheme, other.public_key) == (facts.scheme, facts.public_key):
                raise KeystoreError(f"this key is in {self.folder} already, as {name}")

    def _to_use(self, trail: Trail, name: str, use: str) -> Envelope:
        """Read a key's file for a use of the key; the trail has what is wrong with it."""
        self._require(name)
        try:
            return self._read(name)
        except KeystoreError as error:
            trail.append("key-refused", name=name, use=use, reason=str(error))
            raise

    def _opened(self, trail: Trail, envelope: Envelope, passphrase: SecretBytes, use: str) -> SecretBytes:
        try:
            return open_envelope(envelope, passphrase)
        except KeystoreError as error:
            reason = "wrong passphrase" if isinstance(error, WrongPassphrase) else str(error)
            trail.append("key-refused", name=envelope.facts.name, use=use, reason=reason)
            raise

    def _facts(self, name: str, scheme: Scheme, secret: SecretBytes, version: int) -> KeyFacts:
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return KeyFacts(name, scheme, public_key_of(scheme, secret), created, "signing", version)

    def _next_version(self, name: str) -> int:
        """Return a version that no retired key of this name has, so that its rotation takes no name that is taken."""
        numbers = (found.removeprefix(f"{name}.old-") for found in self.names() if found.startswith(f"{name}.old-"))
        return max((int(number) for number in numbers), default=0) + 1

    def _tell(self, trail: Trail, event: str, facts: KeyFacts, **fields: str) -> None:
        known: dict[str, str | int] = {"scheme": facts.scheme, "public_key": facts.public_key.hex(), "version": facts.version}
        trail.append(event, name=facts.name, **known, **{name: text for name, text in fields.items() if text})
