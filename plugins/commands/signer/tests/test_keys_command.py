"""``tidemill keys``: what is typed, what is printed, what is refused."""

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tidemill.errors import ConfigError, UsageError
from tidemill_command_signer import tidemill_register_commands
from tidemill_command_signer.formats.errors import UnreadableKey
from tidemill_command_signer.keys import Keys
from tidemill_command_signer.keystore import Keystore, KeystoreError, SecretBytes, WrongPassphrase
from tidemill_command_signer.keystore.sealing import Cost
from tidemill_command_signer.location import keystore_folder
from tidemill_command_signer.undumpable import forbid_dumps

Run = Callable[..., Result]
KNOWN = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
KNOWN_ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
STORE = ("--keystore", "keys")


@pytest.fixture
def add(keys: Run, passphrase_file: Path) -> Run:
    """Adds a key to the keystore ``keys``."""
    return lambda name, scheme: keys("add", name, "--scheme", scheme, *STORE, "--passphrase-file", passphrase_file)


@pytest.fixture(autouse=True)
def cheap_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes guessing the passphrase of an exported Web3 file cheap."""
    monkeypatch.setattr("tidemill_command_signer.formats.web3.write_web3.__defaults__", (1024,))


def rows(keys: Run) -> list[dict[str, object]]:
    """Gives what ``list --json`` prints."""
    return [json.loads(line) for line in keys("list", "--json", *STORE).stdout.splitlines()]


def failed(result: Result, kind: type[Exception], said: str) -> bool:
    """Tells whether a call ended in an error of a kind that says something."""
    return type(result.exception) is kind and said in str(result.exception)


def test_keys_are_registered_beside_the_signer() -> None:
    """One package holds the commands that deal with keys."""
    assert Keys in tidemill_register_commands()


def test_keys_add_prints_the_address(keys: Run, add: Run, debuggable: list[str]) -> None:
    """One line on standard output; the reminder of a copy is for people. The process was protected before."""
    done = add("main", "secp256k1")

    assert 0 == done.exit_code
    assert f"added main  secp256k1  {rows(keys)[0]['address']}\n" == done.stdout
    assert "Keep a copy of its file and of the passphrase" in done.stderr
    assert {"forbid_dumps"} == set(debuggable)


def test_keys_list_shows_what_stands_in_the_files(keys: Run, add: Run) -> None:
    """A table for people, one JSON object a line for programs; no passphrase is asked for."""
    add("main", "secp256k1")
    add("sol", "ed25519")
    table = keys("list", *STORE).stdout.splitlines()

    assert ["name", "scheme", "address", "role", "version", "created"] == table[0].split()
    assert ["main", "sol"] == [line.split()[0] for line in table[1:]]
    assert ["name", "scheme", "address", "public_key", "created", "role", "version"] == list(rows(keys)[0])
    assert [("main", "secp256k1", "signing", 1), ("sol", "ed25519", "signing", 1)] == [
        (row["name"], row["scheme"], row["role"], row["version"]) for row in rows(keys)
    ]


def test_keys_list_goes_on_after_a_damaged_file(keys: Run, add: Run) -> None:
    """The others are shown, the damage is told, and the exit code is not 0."""
    add("main", "secp256k1")
    Path("keys/torn.json").touch(0o600)
    done = keys("list", *STORE)

    assert "main  secp256k1" in done.stdout
    assert failed(done, KeystoreError, "the file of key torn is cut short")
    Path("keys/main.json").unlink()
    assert "" == keys("list", *STORE).stdout


def test_keys_list_of_an_empty_keystore_says_so(keys: Run) -> None:
    """A folder without keys is no fault."""
    Path("keys").mkdir(mode=0o700)

    assert "keys holds no keys\n" == keys("list", *STORE).stdout
    assert "" == keys("list", "--json", *STORE).stdout


@pytest.mark.parametrize(("text", "given"), [(KNOWN, ""), (f"0x{KNOWN}\n", ""), ("", f"{KNOWN}\n")])
def test_keys_import_of_hex_is_the_known_address(keys: Run, passphrase_file: Path, text: str, given: str) -> None:
    """From a file or from standard input; where a file still holds the key, that is said."""
    Path("key.txt").write_text(text)
    source = "-" if given else "key.txt"
    done = keys("import", "main", "--from", "hex", "--file", source, *STORE, "--passphrase-file", passphrase_file, given=given)

    assert f"imported main  secp256k1  {KNOWN_ADDRESS}\n" == done.stdout
    assert ("" if given else "key.txt still holds the key: remove it once you have a copy of the keystore.\n") == done.stderr


def test_keys_import_of_hex_for_solana_names_its_scheme(keys: Run, passphrase_file: Path) -> None:
    """The same 32 bytes are a key of either scheme."""
    Path("key.txt").write_text(KNOWN)
    how = ("--from", "hex", "--scheme", "ed25519", "--file", "key.txt", "--passphrase-file", passphrase_file)

    assert "imported main  ed25519  " in keys("import", "main", *how, *STORE).stdout


@pytest.mark.parametrize(
    ("scheme", "form", "back"), [("secp256k1", "web3", "web3"), ("ed25519", "solana", "solana"), ("ed25519", "base58", "solana")]
)
def test_keys_export_can_be_imported_again(keys: Run, add: Run, passphrase_file: Path, scheme: str, form: str, back: str) -> None:
    """The file is of its owner alone, what is not under a passphrase says so, and it holds the very key."""
    add("main", scheme)
    address = rows(keys)[0]["address"]
    words = ("--passphrase-file", passphrase_file)
    of_file = ("--file-passphrase-file", passphrase_file)
    done = keys("export", "main", "--to", form, "--out", "out.key", *STORE, *words, *of_file)

    assert "exported main to out.key\n" == done.stdout
    assert ("" if form == "web3" else "out.key holds the key in the open: whoever reads it has the key.\n") == done.stderr
    assert 0o600 == Path("out.key").stat().st_mode & 0o777
    again = keys("import", "copy", "--from", back, "--file", "out.key", "--keystore", "other", *words, *of_file)
    assert f"imported copy  {scheme}  {address}\n" == again.stdout


def test_keys_export_takes_no_place_that_is_taken(keys: Run, add: Run, passphrase_file: Path) -> None:
    """Nothing is overwritten or printed, and that is said before a passphrase is asked for."""
    add("main", "ed25519")
    Path("there").touch()
    Path("link").symlink_to("nowhere")

    for out, said in (("there", "is there already"), ("link", "is there already"), ("-", "never printed"), ("no/file", "is no folder")):
        done = keys("export", "main", "--to", "solana", "--out", out, *STORE, "--passphrase-file", passphrase_file)
        assert failed(done, UsageError, said)


def test_keys_export_to_a_form_of_another_scheme_is_refused(keys: Run, add: Run, passphrase_file: Path) -> None:
    """The message names the forms that this key has."""
    add("main", "ed25519")
    done = keys("export", "main", "--to", "web3", "--out", "out", *STORE, "--passphrase-file", passphrase_file)

    assert failed(done, UsageError, "a key of ed25519 cannot be exported to web3: expected solana or base58")


def test_keys_export_that_cannot_be_written_leaves_nothing(
    keys: Run, add: Run, passphrase_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, or a file that came meanwhile: an error, and no half of a key."""
    add("main", "ed25519")
    how = ("export", "main", "--to", "solana", "--out", "out", *STORE, "--passphrase-file", passphrase_file)
    monkeypatch.setattr("tidemill_command_signer.transfer.check_out", lambda _: None)
    Path("out").touch()
    assert failed(keys(*how), KeystoreError, "out is there already")
    Path("out").unlink()

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tidemill_command_signer.keystore.files._sync_folder", lambda path: full(path) if path == Path() else None)
    assert failed(keys(*how), KeystoreError, "out cannot be written: No space left on device")
    assert not Path("out").exists()


def test_keys_rotate_shows_both_keys(keys: Run, add: Run, passphrase_file: Path) -> None:
    """The new address stands under the name, the old one is kept and listed as retired."""
    add("main", "secp256k1")
    old = rows(keys)[0]["address"]
    done = keys("rotate", "main", *STORE, "--passphrase-file", passphrase_file)
    new = rows(keys)[0]["address"]

    assert old != new
    assert f"rotated main  secp256k1  {new}\nkept main.old-1  secp256k1  {old}\n" == done.stdout
    assert [("main", "signing"), ("main.old-1", "retired")] == [(row["name"], row["role"]) for row in rows(keys)]


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, []), ("n\n", 1, ["main"])])
def test_keys_remove_asks_at_a_terminal(
    keys: Run, add: Run, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: list[str]
) -> None:
    """What is gone without a copy is lost: the question says so."""
    add("main", "ed25519")
    monkeypatch.setattr("tidemill_command_signer.keys_command._at_terminal", lambda: True)
    done = keys("remove", "main", *STORE, given=answer)

    assert (code, left) == (done.exit_code, [row["name"] for row in rows(keys)])
    assert "Without a copy, what its address holds is lost" in done.stdout


def test_keys_remove_without_a_terminal_needs_yes(keys: Run, add: Run) -> None:
    """A script says what it means."""
    add("main", "ed25519")

    assert failed(keys("remove", "main", *STORE), UsageError, "say so with --yes")
    assert "removed main\n" == keys("remove", "main", "--yes", *STORE).stdout
    assert failed(keys("remove", "main", "--yes", *STORE), KeystoreError, "there is no key 'main' in keys: there are none")


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        (("add", "BAD", "--scheme", "ed25519"), UsageError, "a key cannot be called 'BAD'"),
        (("add", "main", "--scheme", "ed25519"), UsageError, "no terminal to ask for the new passphrase of the keystore"),
        (("import", "main", "--from", "web3", "--scheme", "ed25519", "--file", "x"), UsageError, "--from web3 holds keys of secp256k1"),
        (("import", "main", "--from", "hex", "--file", "missing"), UsageError, "missing cannot be read: No such file"),
        (
            ("import", "main", "--from", "hex", "--file", "-", "--passphrase-fd", "0"),
            UsageError,
            "standard input cannot hold the key and a",
        ),
        (("import", "main", "--from", "hex", "--file", "/dev/zero"), UsageError, "has more than 65536 bytes: it is no key's file"),
        (("import", "main", "--from", "hex", "--file", "/dev/null"), UnreadableKey, "found 0 bytes of other text"),
        (("rotate", "main"), KeystoreError, "there is no keystore keys"),
        (("export", "main", "--to", "web3", "--out", "x"), KeystoreError, "there is no keystore keys"),
    ],
)
def test_keys_call_that_is_wrong_says_what_is(keys: Run, arguments: tuple[str, ...], kind: type[Exception], said: str) -> None:
    """Before anything is made: no keystore comes of a wrong call."""
    assert failed(keys(*arguments, *STORE), kind, said)
    assert not Path("keys").exists()


def test_keys_add_asks_for_the_known_passphrase_once_there_are_keys(keys: Run, add: Run, tmp_path: Path) -> None:
    """It is checked against the keys that are there, not measured."""
    add("main", "ed25519")
    other = tmp_path / "other"
    other.touch(0o600)
    other.write_text("short")
    done = keys("add", "more", "--scheme", "ed25519", *STORE, "--passphrase-file", other)

    assert failed(done, WrongPassphrase, "does not open key main")


def test_keystore_folder_is_that_of_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option goes before ``[signer] keystore``, which lies beside its file; without either it is a folder here."""
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "etc" / "mine.toml"
    place.parent.mkdir()
    place.write_text('[signer]\nkeystore = "ours"\n\n[chains.sim]\n')

    assert Path("tidemill-keys") == keystore_folder(None, None)
    assert place.parent / "ours" == keystore_folder(None, place)
    assert Path("given") == keystore_folder(Path("given"), place)
    with pytest.raises(ConfigError):
        keystore_folder(None, tmp_path / "missing.toml")


def test_forbid_dumps_ends_core_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """No core file, and on Linux no debugger of the same user; elsewhere the first alone."""
    limits: list[object] = []
    calls: list[tuple[int, ...]] = []

    class Library:
        def __init__(self, name: None) -> None:
            self.prctl = lambda *given: calls.append(given)

    monkeypatch.setattr("resource.setrlimit", lambda *given: limits.append(given))
    monkeypatch.setattr("ctypes.CDLL", Library)
    monkeypatch.setattr(sys, "platform", "linux")
    forbid_dumps()
    monkeypatch.setattr(sys, "platform", "darwin")
    forbid_dumps()

    assert [(resource.RLIMIT_CORE, (0, 0))] * 2 == limits
    assert [(4, 0, 0, 0, 0)] == calls


def test_keys_of_python_and_of_the_command_are_the_same(keys: Run, add: Run, words: SecretBytes, cheap: Cost) -> None:
    """What the command makes, the signer opens."""
    add("main", "ed25519")

    assert ("main",) == Keystore(Path("keys"), cost=cheap).unlock(words, ["main"]).names()
