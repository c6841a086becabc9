"""A keystore keeps keys whole, apart from others, and under one passphrase; what is done with them is written down first."""

import fcntl
import json
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidemill.domain.signing import Scheme
from tidemill.errors import UsageError
from tidemill_command_signer.audit import Entry, verify
from tidemill_command_signer.keystore import DamagedKey, KeyRing, Keystore, KeystoreError, SecretBytes, WrongPassphrase
from tidemill_command_signer.keystore.curves import sign
from tidemill_command_signer.keystore.facts import KeyFacts
from tidemill_command_signer.keystore.files import write_private
from tidemill_command_signer.keystore.sealing import Cost

DIGEST = bytes(range(32))
OTHER = SecretBytes(b"another passphrase altogether")


def told(keystore: Keystore) -> list[tuple[str, Any]]:
    """Gives event and key's name of every entry of a sound trail."""
    entries: list[Entry] = []
    assert not verify(keystore.folder / "audit.log", entries.append).fault
    return [(entry.event, entry.fields["name"]) for entry in entries]


def mode(path: Path) -> int:
    """Gives the permissions of a file."""
    return path.stat().st_mode & 0o777


class Refusing:
    """A trail that cannot be written."""

    def append(self, event: str, /, **fields: str | int) -> object:
        raise KeystoreError("no space left for the trail")


@pytest.mark.parametrize(("scheme", "length"), [("secp256k1", 65), ("ed25519", 64)])
def test_keystore_adds_a_key_that_signs(keystore: Keystore, words: SecretBytes, scheme: Scheme, length: int) -> None:
    """A new key is described without its passphrase, and signs once it is opened."""
    made = keystore.add("main", scheme, words)
    ring = keystore.unlock(words, ["main"])

    assert (("main",), made) == (keystore.names(), keystore.describe("main"))
    assert ("signing", 1, scheme) == (made.role, made.version, made.scheme)
    assert (("main",), scheme, made.public_key) == (ring.names(), ring.scheme("main"), ring.public_key("main"))
    assert length == len(ring.sign("main", DIGEST))
    assert [("key-added", "main")] == told(keystore)


def test_keystore_is_its_owners_alone(keystore: Keystore, words: SecretBytes) -> None:
    """The folder is made with mode 0700, every file in it with 0600, whatever the umask."""
    before = os.umask(0)
    try:
        keystore.add("main", "ed25519", words)
    finally:
        os.umask(before)

    assert 0o700 == mode(keystore.folder)
    assert {0o600} == {mode(path) for path in keystore.folder.iterdir()}


def test_keystore_that_others_can_enter_is_refused_with_the_remedy(keystore: Keystore, words: SecretBytes) -> None:
    """A folder or a file that others can read is not used until it is mended as the message says."""
    keystore.add("main", "ed25519", words)
    path = keystore.folder / "main.json"
    path.chmod(0o640)
    with pytest.raises(KeystoreError, match=rf"others may use it \(mode 0640\): type `chmod 600 {path}`"):
        keystore.unlock(words, ["main"])
    path.chmod(0o600)
    keystore.folder.chmod(0o750)
    with pytest.raises(KeystoreError, match=rf"others may use it \(mode 0750\): type `chmod 700 {keystore.folder}`"):
        keystore.names()
    with pytest.raises(KeystoreError, match="chmod 700"):
        keystore.add("more", "ed25519", words)


def test_keystore_of_another_user_is_refused(keystore: Keystore, words: SecretBytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever owns a file can change it: it must be the user who signs."""
    keystore.add("main", "ed25519", words)
    me = os.geteuid()
    monkeypatch.setattr("os.geteuid", lambda: me + 1)

    with pytest.raises(KeystoreError, match=f"belongs to user {me}, and you are user {me + 1}"):
        keystore.names()


def test_keystore_follows_no_symbolic_link(keystore: Keystore, words: SecretBytes, tmp_path: Path) -> None:
    """A link in the place of a key's file is not read."""
    keystore.add("main", "ed25519", words)
    (keystore.folder / "main.json").rename(tmp_path / "elsewhere.json")
    (keystore.folder / "main.json").symlink_to(tmp_path / "elsewhere.json")

    with pytest.raises(KeystoreError, match=r"main\.json cannot be opened"):
        keystore.describe("main")


def test_keystore_file_that_is_no_plain_file_is_refused(keystore: Keystore, words: SecretBytes) -> None:
    """A pipe would hang its reader, a folder has no bytes."""
    keystore.add("main", "ed25519", words)
    os.mkfifo(keystore.folder / "pipe.json", 0o600)

    with pytest.raises(KeystoreError, match=r"pipe\.json is no plain file"):
        keystore.describe("pipe")


@pytest.mark.parametrize("name", ["", "Main", "a b", "../x", "a/b", ".x", "main.old-1", "x" * 49, "é", "-x"])
def test_keystore_key_with_a_wrong_name_is_refused(keystore: Keystore, words: SecretBytes, name: str) -> None:
    """A name is a file's: nothing that leads elsewhere, and nothing that a rotation uses."""
    with pytest.raises(UsageError, match="a key cannot be called"):
        keystore.add(name, "ed25519", words)


def test_keystore_key_is_not_called_like_another_file(keystore: Keystore, words: SecretBytes) -> None:
    """leases.json lies in the same folder."""
    with pytest.raises(UsageError, match="and not leases"):
        keystore.add("leases", "ed25519", words)


def test_keystore_lists_keys_alone(keystore: Keystore, words: SecretBytes) -> None:
    """Other files in the folder are no keys."""
    keystore.add("main", "ed25519", words)
    for name in ("leases.json", "Copy of main.json", "main.json.bak", "notes.txt"):
        (keystore.folder / name).touch()

    assert ("main",) == keystore.names()


def test_keystore_has_one_passphrase(keystore: Keystore, words: SecretBytes, known: SecretBytes) -> None:
    """A second key under another passphrase is refused: a signer opens all with one."""
    keystore.add("main", "ed25519", words)

    with pytest.raises(WrongPassphrase, match=r"does not open key main, and all keys of .* have one passphrase"):
        keystore.add("more", "ed25519", OTHER)
    with pytest.raises(WrongPassphrase, match="all keys"):
        keystore.import_key("more", "secp256k1", known, OTHER, "hex")
    assert ("main",) == keystore.names()


def test_keystore_keeps_one_key_of_a_name_and_one_name_of_a_key(keystore: Keystore, words: SecretBytes, known: SecretBytes) -> None:
    """Nothing is overwritten, and no account has two names."""
    keystore.import_key("main", "secp256k1", known, words, "hex")

    with pytest.raises(KeystoreError, match="there is a key main"):
        keystore.add("main", "ed25519", words)
    with pytest.raises(KeystoreError, match=r"this key is in .* already, as main"):
        keystore.import_key("again", "secp256k1", known, words, "hex")
    assert [("key-imported", "main")] == told(keystore)


def test_keystore_rotates_a_key_and_keeps_the_old_one(keystore: Keystore, words: SecretBytes) -> None:
    """The name has a new key, the old one signs nothing more; both are listed, the old one can still be exported."""
    first = keystore.add("main", "secp256k1", words)
    new, old = keystore.rotate("main", words)
    newer, newer_old = keystore.rotate("main", words)

    assert (2, "signing", 3, "signing") == (new.version, new.role, newer.version, newer.role)
    assert KeyFacts("main.old-1", "secp256k1", first.public_key, first.created, "retired", 1) == old == keystore.describe("main.old-1")
    assert ("main.old-2", new.public_key) == (newer_old.name, newer_old.public_key)
    assert ("main", "main.old-1", "main.old-2") == keystore.names()
    assert newer.public_key == keystore.unlock(words, ["main"]).public_key("main")
    with pytest.raises(KeystoreError, match=r"main\.old-1 is retired: it signs nothing more"):
        keystore.unlock(words, ["main.old-1"])
    with pytest.raises(KeystoreError, match=r"main\.old-1 is retired already"):
        keystore.rotate("main.old-1", words)
    assert 32 == len(keystore.export_key("main.old-1", words, lambda _, secret: SecretBytes(secret.reveal()), "x"))
    assert [("key-added", "main"), ("key-rotated", "main"), ("key-rotated", "main"), ("key-exported", "main.old-1")] == told(keystore)


def test_keystore_rotation_that_was_killed_is_done_again(keystore: Keystore, words: SecretBytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ended between its two writes, the old key stands under both names: it still signs, and rotate goes through."""
    first = keystore.add("main", "ed25519", words)

    def killed(path: Path, content: bytes) -> None:
        if path.name == "main.json":
            raise KeyboardInterrupt
        write_private(path, content)

    monkeypatch.setattr("tidemill_command_signer.keystore.store.write_private", killed)
    with pytest.raises(KeyboardInterrupt):
        keystore.rotate("main", words)
    monkeypatch.undo()

    assert first.public_key == keystore.unlock(words, ["main"]).public_key("main")
    new, old = keystore.rotate("main", words)
    assert (first.public_key, 2) == (old.public_key, new.version)


def test_keystore_rotation_takes_no_name_that_is_taken(keystore: Keystore, words: SecretBytes) -> None:
    """A key that comes after a removed one counts on from the retired ones of its name."""
    keystore.add("main", "ed25519", words)
    keystore.rotate("main", words)
    keystore.remove("main")
    again = keystore.add("main", "ed25519", words)

    assert 2 == again.version
    assert "main.old-2" == keystore.rotate("main", words)[1].name


def test_keystore_rotation_over_another_retired_key_is_refused(keystore: Keystore, words: SecretBytes) -> None:
    """A copy put back from elsewhere is not overwritten."""
    keystore.add("main", "ed25519", words)
    copy = (keystore.folder / "main.json").read_bytes()
    keystore.rotate("main", words)
    keystore.remove("main")
    kept = (keystore.folder / "main.old-1.json").read_bytes()
    keystore.remove("main.old-1")
    keystore.add("main", "ed25519", words)
    (keystore.folder / "main.old-1.json").touch(0o600)
    (keystore.folder / "main.old-1.json").write_bytes(kept)

    with pytest.raises(KeystoreError, match=r"there is another key main\.old-1 already: remove it first"):
        keystore.rotate("main", words)
    assert copy != kept


def test_keystore_removes_a_key_also_a_damaged_one(keystore: Keystore, words: SecretBytes) -> None:
    """What cannot be read can still be removed."""
    made = keystore.add("main", "ed25519", words)
    keystore.add("torn", "ed25519", words)
    (keystore.folder / "torn.json").write_bytes(b"{")

    assert made == keystore.remove("main")
    assert None is keystore.remove("torn")
    assert () == keystore.names()
    assert [("key-removed", "main"), ("key-removed", "torn")] == told(keystore)[2:]


def test_keystore_without_the_key_says_which_there_are(keystore: Keystore, words: SecretBytes) -> None:
    """A misspelt name ends in the list of names."""
    keystore.add("main", "ed25519", words)
    uses: list[Callable[[], object]] = [
        lambda: keystore.describe("mian"),
        lambda: keystore.unlock(words, ["mian"]),
        lambda: keystore.rotate("mian", words),
        lambda: keystore.remove("mian"),
        lambda: keystore.export_key("mian", words, lambda _, secret: secret, "x"),
    ]

    for use in uses:
        with pytest.raises(KeystoreError, match=r"there is no key 'mian' in .*: there are main$"):
            use()


def test_keystore_that_is_not_there_says_how_to_make_one(keystore: Keystore, words: SecretBytes) -> None:
    """Only adding a key makes a folder."""
    with pytest.raises(KeystoreError, match=r"there is no keystore .*`tidemill keys add"):
        keystore.names()
    keystore.folder.touch()
    with pytest.raises(KeystoreError, match="is no folder"):
        keystore.names()
    with pytest.raises(KeystoreError, match="is no folder"):
        keystore.add("main", "ed25519", words)


def test_keystore_below_a_file_cannot_be_made_or_opened(tmp_path: Path, words: SecretBytes) -> None:
    """What the system refuses is told with its reason."""
    (tmp_path / "file").touch()
    keystore = Keystore(tmp_path / "file" / "keys")

    with pytest.raises(KeystoreError, match="cannot be made"):
        keystore.add("main", "ed25519", words)
    with pytest.raises(KeystoreError, match="cannot be opened: Not a directory"):
        keystore.names()


def test_keystore_does_nothing_that_its_trail_does_not_tell(keystore: Keystore, words: SecretBytes, cheap: Cost) -> None:
    """Where the audit trail cannot be written, no key is added, exported, rotated or removed."""
    keystore.add("main", "ed25519", words)
    before = {path.name: path.read_bytes() for path in keystore.folder.glob("*.json")}
    mute = Keystore(keystore.folder, Refusing(), cheap)
    uses: list[Callable[[], object]] = [
        lambda: mute.add("more", "ed25519", words),
        lambda: mute.rotate("main", words),
        lambda: mute.remove("main"),
        lambda: mute.export_key("main", words, lambda _, secret: SecretBytes(secret.reveal()), "x"),
    ]

    for use in uses:
        with pytest.raises(KeystoreError, match="no space left for the trail"):
            use()
    assert before == {path.name: path.read_bytes() for path in keystore.folder.glob("*.json")}


def test_keystore_tells_the_trail_that_it_is_given(tmp_path: Path, words: SecretBytes, cheap: Cost) -> None:
    """Each line has the key's name, scheme, public key and version, and never anything secret."""
    lines: list[tuple[str, dict[str, str | int]]] = []

    class Listening:
        def append(self, event: str, /, **fields: str | int) -> object:
            lines.append((event, fields))
            return None

    keystore = Keystore(tmp_path / "keys", Listening(), cheap)
    made = keystore.add("main", "ed25519", words)
    keystore.remove("main")
    known = {"name": "main", "scheme": "ed25519", "public_key": made.public_key.hex(), "version": 1}

    assert [("key-added", known), ("key-removed", known)] == lines
    assert not (keystore.folder / "audit.log").exists()


def test_keystore_file_that_cannot_be_read_is_told(keystore: Keystore, words: SecretBytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails is told with the file's name."""
    keystore.add("main", "ed25519", words)

    def failing(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.fdopen", failing)
    with pytest.raises(KeystoreError, match=r"main\.json cannot be read: Input/output error"):
        keystore.describe("main")


def test_keystore_wrong_passphrase_stands_in_the_trail(keystore: Keystore, words: SecretBytes) -> None:
    """Who tries to take or change a key leaves a line."""
    keystore.add("main", "ed25519", words)

    for use in (lambda: keystore.rotate("main", OTHER), lambda: keystore.export_key("main", OTHER, lambda _, secret: secret, "x")):
        with pytest.raises(WrongPassphrase):
            use()
    assert [("key-refused", "main")] * 2 == told(keystore)[1:]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-40]), "is cut short"),
        (lambda path: path.write_text(path.read_text().replace("main", "mein")), "was edited or is damaged"),
        (lambda path: path.chmod(0o640), "others may use it (mode 0640)"),
    ],
)
def test_keystore_spoilt_key_stands_in_the_trail(
    spoil: Callable[[Path], object], said: str, keystore: Keystore, words: SecretBytes
) -> None:
    """A file that was cut, edited or opened to others is used by nobody, moves nothing, and whoever tries leaves a line with the reason."""
    keystore.add("main", "ed25519", words)
    path = keystore.folder / "main.json"
    spoil(path)
    before = path.read_bytes()
    uses = (
        lambda: keystore.check("main", "export"),
        lambda: keystore.rotate("main", words),
        lambda: keystore.export_key("main", words, lambda _, secret: secret, "x"),
    )
    for use in uses:
        with pytest.raises(KeystoreError, match=re.escape(said)):
            use()
    entries = [json.loads(line) for line in (keystore.folder / "audit.log").read_text().splitlines()][1:]

    assert ["key-refused"] * 3 == [entry["event"] for entry in entries]
    assert ["export", "rotate", "export"] == [entry["fields"]["use"] for entry in entries]
    assert all(said in entry["fields"]["reason"] for entry in entries)
    assert before == path.read_bytes()
    assert ("main",) == keystore.names()


def test_keystore_that_another_process_changes_is_left_alone(keystore: Keystore, words: SecretBytes) -> None:
    """Two changes at once would overwrite each other: the second is told to wait."""
    keystore.add("main", "ed25519", words)
    with (keystore.folder / ".lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(KeystoreError, match="is being changed by another process"):
            keystore.remove("main")
    keystore.remove("main")


def test_keystore_lock_that_cannot_be_made_is_told(keystore: Keystore, words: SecretBytes, tmp_path: Path) -> None:
    """A link in the lock's place is not followed."""
    keystore.folder.mkdir(mode=0o700)
    (keystore.folder / ".lock").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(KeystoreError, match="cannot be locked"):
        keystore.add("main", "ed25519", words)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("failing", ["os.fsync", "pathlib.Path.replace"])
def test_keystore_write_that_fails_leaves_what_was_there(
    keystore: Keystore, words: SecretBytes, cheap: Cost, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """A full disk leaves the old file, and no half of a new one."""
    first = keystore.add("main", "ed25519", words)

    class Silent:
        def append(self, event: str, /, **fields: str | int) -> object:
            return None

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(failing, full)
    with pytest.raises(KeystoreError, match=r"main\.old-1\.json cannot be written: No space left on device"):
        Keystore(keystore.folder, Silent(), cheap).rotate("main", words)
    monkeypatch.undo()

    assert first == keystore.describe("main")
    assert ("main",) == keystore.names()
    assert [] == list(keystore.folder.glob(".new-*"))


def test_keystore_clears_what_a_killed_change_left(keystore: Keystore, words: SecretBytes) -> None:
    """A file that was never finished goes with the next change."""
    keystore.add("main", "ed25519", words)
    (keystore.folder / ".new-0123").write_bytes(b"half")
    keystore.add("more", "ed25519", words)

    assert [] == list(keystore.folder.glob(".new-*"))


def test_keystore_file_that_vanishes_or_cannot_be_removed_is_told(
    keystore: Keystore, words: SecretBytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the system refuses is told with the file's name."""
    keystore.add("main", "ed25519", words)

    def refused(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("pathlib.Path.unlink", refused)
    with pytest.raises(KeystoreError, match=r"main\.json cannot be removed: Operation not permitted"):
        keystore.remove("main")


def test_keystore_damaged_file_is_told_before_the_passphrase_counts(keystore: Keystore, words: SecretBytes) -> None:
    """Cut, edited, and of another passphrase are three sentences."""
    keystore.add("main", "ed25519", words)
    path = keystore.folder / "main.json"
    whole = path.read_bytes()

    path.write_bytes(whole[:100])
    with pytest.raises(DamagedKey, match="cut short"):
        keystore.unlock(OTHER, ["main"])
    path.write_bytes(whole.replace(b"signing", b"retired"))
    with pytest.raises(DamagedKey, match="its checksum is not that of its content"):
        keystore.unlock(OTHER, ["main"])
    path.write_bytes(whole + b" " * 5_000)
    with pytest.raises(DamagedKey, match="4097 bytes are no JSON object"):
        keystore.unlock(OTHER, ["main"])
    path.write_bytes(whole)
    with pytest.raises(WrongPassphrase, match="the passphrase is wrong"):
        keystore.unlock(OTHER, ["main"])


def test_keystore_seals_at_the_full_cost_unless_told_otherwise(tmp_path: Path, words: SecretBytes) -> None:
    """64 MiB, three passes, one lane."""
    keystore = Keystore(tmp_path / "keys")
    keystore.add("main", "ed25519", words)
    text = (keystore.folder / "main.json").read_text()

    assert '"memory_kib": 65536,\n    "passes": 3,\n    "lanes": 1,' in text


def test_ring_is_useless_once_it_is_wiped(keystore: Keystore, words: SecretBytes, known: SecretBytes) -> None:
    """After a ``with`` nothing can be signed, and the bytes are gone."""
    keystore.import_key("main", "secp256k1", known, words, "hex")
    with keystore.unlock(words, ["main", "main"]) as ring:
        assert sign("secp256k1", known, DIGEST) == ring.sign("main", DIGEST)

    assert ((), "KeyRing(no keys)") == (ring.names(), repr(ring))
    with pytest.raises(KeystoreError, match="'main' is not opened; opened are none"):
        ring.sign("main", DIGEST)


def test_ring_and_secrets_are_neither_shown_nor_copied(known: SecretBytes) -> None:
    """No repr, no pickle, no hash, no attributes that a dump would walk."""
    facts = KeyFacts("main", "secp256k1", bytes(64), "2026-01-02T03:04:05Z", "signing", 1)
    ring = KeyRing({"main": (facts, known)})

    assert ("KeyRing(main)", "SecretBytes(…)", "SecretBytes(…)") == (repr(ring), repr(known), str(known))
    for held in (ring, known):
        assert not hasattr(held, "__dict__")
        with pytest.raises(TypeError, match="not copied or pickled"):
            pickle.dumps(held)
    with pytest.raises(TypeError, match="has no hash"):
        hash(known)
    assert known != b"\xac"
    known.wipe()
    assert (0, b"") == (len(known), known.reveal())
