"""Canaries: a key and a passphrase that everybody would recognise never reach an output, an error or its traceback."""

import json
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType

import click
import pytest
from click.testing import Result

from tidemill_command_signer.address import address_of
from tidemill_command_signer.base58 import encode_base58
from tidemill_command_signer.formats import solana, web3
from tidemill_command_signer.formats.errors import UnreadableKey
from tidemill_command_signer.formats.plain import read_hex
from tidemill_command_signer.keys import Keys
from tidemill_command_signer.keystore import Keystore, KeystoreError, SecretBytes
from tidemill_command_signer.keystore.curves import public_key_of, sign
from tidemill_command_signer.passphrase import PassphraseSource

Run = Callable[..., Result]
CANARY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
WORDS = "correct horse battery staple"


def forms(secret: bytes) -> tuple[str, ...]:
    """Gives every way in which a secret could be spelt."""
    numbers = ", ".join(map(str, secret))
    return (secret.hex(), secret.hex().upper(), str(int.from_bytes(secret, "big")), numbers, numbers.replace(" ", ""), repr(secret)[2:-1])


SPELT = (*forms(CANARY), encode_base58(CANARY), WORDS)


def shown(text: str) -> list[str]:
    """Gives the canaries that a text holds."""
    return [canary for canary in SPELT if canary in text]


def frames(error: BaseException) -> Iterator[FrameType]:
    """Gives every frame of our code that an error and those behind it hold; the test's own is left out."""
    seen: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        found = queue.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        queue += [found.__cause__, found.__context__]
        for frame, _ in traceback.walk_tb(found.__traceback__):
            if "tests" not in Path(frame.f_code.co_filename).parts:
                yield frame


def leaks(error: BaseException) -> list[str]:
    """Gives canaries in what a reporter of errors would send: text, arguments, attributes, local variables and what these hold."""
    texts: list[str] = []
    found: BaseException | None = error
    while found is not None:
        texts += [str(found), repr(found.args), repr(vars(found))]
        found = found.__cause__ or found.__context__
    for frame in frames(error):
        for value in frame.f_locals.values():
            texts += [repr(value), repr(getattr(value, "__dict__", ""))]
            if isinstance(value, bytes | bytearray):
                texts.append(bytes(value).hex())
            if isinstance(value, Mapping):
                texts += [repr(inner) for inner in value.values()]
    return [canary for text in texts for canary in shown(text)]


@pytest.fixture
def used(keystore: Keystore, words: SecretBytes) -> Keystore:
    """A keystore with the canary in it."""
    keystore.import_key("main", "secp256k1", SecretBytes(CANARY), words, "hex")
    return keystore


def test_canaries_are_seen_where_they_are_shown() -> None:
    """The search finds what it must: text, bytes in locals, and objects that hold a key."""

    def outspoken(name: bytes) -> None:
        raise KeystoreError(f"cannot use {name.hex()}")

    with pytest.raises(KeystoreError) as caught:
        outspoken(CANARY)
    assert leaks(caught.value)
    assert shown(json.dumps(list(CANARY)))
    assert shown(f"the words {WORDS} are wrong")


def test_no_error_of_a_keystore_shows_a_canary(used: Keystore, words: SecretBytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every way to fail while a key is open: a bug in what follows, a full disk, a trail that cannot be written, a wrong digest."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of ours")

    def failing_export(scheme: str, secret: SecretBytes) -> SecretBytes:
        raise RuntimeError("a fault of ours")

    # New keys are known ones here, so that they are recognised too
    monkeypatch.setattr("tidemill_command_signer.keystore.store.make_secret", lambda _: SecretBytes(CANARY))
    ring = used.unlock(words, ["main"])
    uses: list[tuple[str, Callable[[], object]]] = [
        ("", lambda: ring.sign("main", b"no digest")),
        ("", lambda: used.export_key("main", words, failing_export, "x")),
        ("keystore.store.close_envelope", lambda: used.rotate("main", words)),
        ("keystore.store.write_private", lambda: used.rotate("main", words)),
        ("keystore.envelope.public_key_of", lambda: used.unlock(words, ["main"])),
        ("keystore.envelope.is_secret", lambda: used.unlock(words, ["main"])),
        ("keystore.envelope.seal", lambda: used.rotate("main", words)),
        ("keystore.envelope.open_envelope", lambda: used.rotate("main", words)),
        ("keystore.store.write_private", lambda: used.add("more", "ed25519", words)),
        ("audit.AuditTrail.append", lambda: used.export_key("main", words, lambda _, secret: secret, "x")),
    ]
    for target, use in uses:
        with monkeypatch.context() as patched:
            if target:
                patched.setattr(f"tidemill_command_signer.{target}", broken)
            with pytest.raises((RuntimeError, KeystoreError)) as caught:
                use()
        assert [] == leaks(caught.value), target


def test_no_fault_in_a_library_shows_a_canary(words: SecretBytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the libraries themselves fail, our frames hold no bytes of a key or a passphrase."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of theirs")

    secret, seed = SecretBytes(CANARY), SecretBytes(CANARY)
    uses: list[tuple[str, Callable[[], object]]] = [
        ("coincurve.PrivateKey.sign_recoverable", lambda: sign("secp256k1", secret, bytes(32))),
        ("coincurve.PublicKey.from_valid_secret", lambda: public_key_of("secp256k1", secret)),
        ("Crypto.Protocol.KDF.scrypt", lambda: web3.write_web3(secret, words, 1024)),
        ("tidemill_command_signer.formats.web3._mac", lambda: web3.write_web3(secret, words, 1024)),
        ("tidemill_command_signer.formats.web3._counted", lambda: web3.write_web3(secret, words, 1024)),
        ("tidemill_command_signer.formats.solana.public_key_of", lambda: solana.write_id_json(seed)),
        ("tidemill_command_signer.formats.solana.encode_base58", lambda: solana.write_base58(seed)),
    ]
    for target, use in uses:
        with monkeypatch.context() as patched:
            patched.setattr(target, broken)
            with pytest.raises(RuntimeError) as caught:
                use()
        assert [] == leaks(caught.value), target


def test_no_error_of_an_import_shows_a_canary(words: SecretBytes) -> None:
    """Parsers put the whole text into their errors: none of those is kept."""
    pair = CANARY + public_key_of("ed25519", SecretBytes(CANARY))
    numbers = json.dumps(list(pair))
    wrong = json.dumps([*pair[:63], pair[63] ^ 1])
    uses: list[Callable[[], object]] = [
        lambda: read_hex(SecretBytes(CANARY.hex().encode() + b"00"), "secp256k1"),
        lambda: read_hex(SecretBytes(CANARY.hex().encode() + b"zz"), "secp256k1"),
        lambda: solana.read_solana(SecretBytes(numbers[:-1].encode())),
        lambda: solana.read_solana(SecretBytes(numbers.replace("]", ",256]").encode())),
        lambda: solana.read_solana(SecretBytes(wrong.encode())),
        lambda: solana.read_solana(SecretBytes(encode_base58(pair).encode() + b"0")),
        lambda: solana.read_solana(SecretBytes(CANARY.hex().encode())),
        lambda: web3.read_web3(SecretBytes(numbers.encode()), words),
        lambda: web3.read_web3(SecretBytes(numbers[:-1].encode()), words),
        lambda: web3.read_web3(SecretBytes(CANARY.hex().encode()), words),
    ]
    for use in uses:
        with pytest.raises(UnreadableKey) as caught:
            use()
        assert [] == leaks(caught.value)


def test_no_error_of_a_passphrase_shows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too short, typed differently, and failures behind it."""

    def broken(*_: object) -> str:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("tidemill_command_signer.passphrase._has_terminal", lambda: True)
    typed = iter([WORDS, f"{WORDS}!", WORDS, WORDS, WORDS])
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    with pytest.raises(Exception, match="the two passphrases differ") as differ:
        PassphraseSource().read("passphrase", new=True)
    monkeypatch.setattr("tidemill_command_signer.passphrase.SHORTEST", 100)
    with pytest.raises(Exception, match="a new one needs 100") as short:
        PassphraseSource().read("passphrase", new=True)
    monkeypatch.setattr("tidemill_command_signer.passphrase._line", broken)
    with pytest.raises(RuntimeError) as fault:
        PassphraseSource().read("passphrase")

    assert [] == [*leaks(differ.value), *leaks(short.value), *leaks(fault.value)]


def test_no_command_prints_a_canary(keys: Run, tmp_path: Path, passphrase_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Everything that can be typed, right and wrong: standard output, standard error, errors and the log are clean, the trail too."""
    caplog.set_level(0)
    place = ("--keystore", "keys", "--passphrase-file", passphrase_file)
    of_file = ("--file-passphrase-file", passphrase_file)
    Path("key.txt").write_text(CANARY.hex())
    calls: list[tuple[object, ...]] = [
        ("import", "main", "--from", "hex", "--file", "key.txt", *place),
        ("import", "sol", "--from", "hex", "--scheme", "ed25519", "--file", "key.txt", *place),
        ("import", "main", "--from", "hex", "--file", "key.txt", *place),
        ("import", "bad", "--from", "solana", "--file", "key.txt", *place),
        ("import", "bad", "--from", "web3", "--file", "key.txt", *place, *of_file),
        ("import", "bad", "--from", "hex", "--file", passphrase_file, *place),
        ("list", "--keystore", "keys"),
        ("list", "--json", "--keystore", "keys"),
        ("export", "main", "--to", "web3", "--out", "web3.json", *place, *of_file),
        ("export", "sol", "--to", "solana", "--out", "id.json", *place),
        ("export", "sol", "--to", "base58", "--out", "base58.txt", *place),
        ("export", "sol", "--to", "base58", "--out", "-", *place),
        ("add", "more", "--scheme", "ed25519", "--keystore", "keys", "--passphrase-file", "key.txt"),
        ("rotate", "main", *place),
        ("remove", "main", "--yes", "--keystore", "keys"),
    ]
    done = [keys(*map(str, call)) for call in calls]
    texts = [result.output + repr(result.exception) for result in done]
    texts += [path.read_text() for path in sorted(Path("keys").iterdir()) if path.name != ".lock"]

    assert [0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0] == [result.exit_code for result in done]
    assert [] == [canary for text in [*texts, caplog.text] for canary in shown(text)]
    assert [] == [canary for result in done if isinstance(result.exception, Exception) for canary in leaks(result.exception)]
    assert shown(Path("id.json").read_text())
    assert not shown(Path("web3.json").read_text())


def test_no_option_of_the_command_takes_a_secret() -> None:
    """The argument list of a process is seen by everybody: names, choices, numbers, flags and paths are all that can be typed."""
    group = Keys().command()
    assert isinstance(group, click.Group)
    free = {
        f"{name} {option.name}"
        for name, command in group.commands.items()
        for option in command.params
        if not isinstance(option.type, click.Choice | click.Path | click.IntRange) and not getattr(option, "is_flag", False)
    }

    assert {f"{name} name" for name in ("add", "import", "export", "rotate", "remove")} == free
    assert [] == [option.name for command in group.commands.values() for option in command.params if option.envvar is not None]


def test_the_installed_command_keeps_the_canary_to_itself(tmp_path: Path, passphrase_file: Path) -> None:
    """As a user types it, with the key over a pipe: the address is printed, and nothing else of the key."""
    command = ["keys", "import", "main", "--from", "hex", "--file", "-", "--keystore", "keys", "--passphrase-file", str(passphrase_file)]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("tidemill")), *command],
        cwd=tmp_path,
        input=CANARY.hex(),
        capture_output=True,
        text=True,
        check=False,
    )
    public = public_key_of("secp256k1", SecretBytes(CANARY))

    assert (f"imported main  secp256k1  {address_of('secp256k1', public)}\n", "", 0) == (done.stdout, done.stderr, done.returncode)
    assert [] == shown(done.stdout + done.stderr + (tmp_path / "keys" / "main.json").read_text())
