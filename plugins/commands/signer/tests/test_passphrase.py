"""Passphrases come from where they are not seen, and are what people typed."""

import os
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from tidemill.errors import UsageError
from tidemill_command_signer.keystore import SecretBytes
from tidemill_command_signer.passphrase import PassphraseSource, _has_terminal

Typing = Callable[..., list[str]]


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Typing:
    """Types answers at a terminal; gives the list of the prompts."""

    def answer(*lines: str) -> list[str]:
        prompts: list[str] = []
        answers = iter(lines)

        def typed(prompt: str) -> str:
            prompts.append(prompt)
            line = next(answers, None)
            if line is None:
                raise EOFError
            return line

        monkeypatch.setattr("tidemill_command_signer.passphrase._has_terminal", lambda: True)
        monkeypatch.setattr("getpass.getpass", typed)
        return prompts

    return answer


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_passphrase_of_a_file_is_its_first_line(tmp_path: Path, ending: str) -> None:
    """The newline that editors add is none of it; blanks are."""
    path = tmp_path / "words"
    path.touch(0o600)
    path.write_bytes(f" two words {ending}".encode())

    assert SecretBytes(b" two words ") == PassphraseSource(file=path).read("passphrase")


def test_passphrase_of_an_open_file_is_read_from_it() -> None:
    """A pipe that a program made, named by its number; it is left open."""
    read, write = os.pipe()
    os.write(write, b"two words\n")
    os.close(write)

    assert SecretBytes(b"two words") == PassphraseSource(fd=read).read("passphrase")
    os.close(read)


def test_passphrase_is_composed_as_unicode_says(tmp_path: Path) -> None:
    """An umlaut is one sign or two, by system and keyboard: both open the same key."""
    path = tmp_path / "words"
    path.touch(0o600)
    found = []
    for text in ("u\u0308ber", "\u00fcber"):
        path.write_text(text, "utf-8")
        found.append(PassphraseSource(file=path).read("passphrase"))

    assert [SecretBytes("über".encode())] * 2 == found


def test_new_passphrase_of_no_text_is_refused(tmp_path: Path) -> None:
    """Nobody could type it where a terminal asks; the message says what to do, and nothing of the passphrase."""
    path = tmp_path / "words"
    path.touch(0o600)
    path.write_bytes("über vier Wörter hinweg".encode("latin-1"))

    with pytest.raises(UsageError, match=r"is no UTF-8 text.*save its file as UTF-8") as found:
        PassphraseSource(file=path).read("passphrase", new=True)
    assert "rter" not in str(found.value)
    assert found.value.__context__ is None


def test_passphrase_of_no_text_is_taken_as_it_is(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 open what was sealed under them."""
    path = tmp_path / "words"
    path.touch(0o600)
    path.write_bytes(b"\xff\xfe")

    assert SecretBytes(b"\xff\xfe") == PassphraseSource(file=path).read("passphrase")


def test_passphrase_in_a_file_that_others_read_is_refused(tmp_path: Path) -> None:
    """The message has the command that mends it."""
    path = tmp_path / "words"
    path.write_text("two words")
    path.chmod(0o644)

    with pytest.raises(UsageError, match=rf"\(mode 0644\): type `chmod 600 {path}`"):
        PassphraseSource(file=path).read("passphrase")


def test_passphrase_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A missing file, a closed descriptor, both at once, and nothing at all are usage errors."""
    with pytest.raises(UsageError, match=r"--passphrase-file .*missing cannot be read: No such file"):
        PassphraseSource(file=tmp_path / "missing").read("passphrase")
    with pytest.raises(UsageError, match="--passphrase-fd 987 cannot be read: Bad file descriptor"):
        PassphraseSource(fd=987).read("passphrase")
    with pytest.raises(UsageError, match="two ways to say the same"):
        PassphraseSource(fd=1, file=tmp_path).read("passphrase")
    (tmp_path / "empty").touch(0o600)
    with pytest.raises(UsageError, match="the passphrase is empty"):
        PassphraseSource(file=tmp_path / "empty").read("passphrase")


def test_passphrase_that_is_new_is_typed_twice(typing: Typing) -> None:
    """A slip of the finger would lock the key away for ever."""
    prompts = typing("twelve signs", "twelve signs")

    assert SecretBytes(b"twelve signs") == PassphraseSource().read("new passphrase", new=True)
    assert ["new passphrase: ", "new passphrase again: "] == prompts


def test_passphrase_that_is_typed_differently_is_refused(typing: Typing) -> None:
    """Nothing is done with either."""
    typing("twelve signs", "twelve sings")

    with pytest.raises(UsageError, match="the two passphrases differ"):
        PassphraseSource().read("new passphrase", new=True)


def test_passphrase_that_is_known_is_typed_once(typing: Typing) -> None:
    """And may be as short as it was made."""
    prompts = typing("short")

    assert SecretBytes(b"short") == PassphraseSource().read("passphrase")
    assert ["passphrase: "] == prompts


def test_passphrase_prompt_that_is_left_ends_the_command(typing: Typing) -> None:
    """Ctrl-D is no passphrase."""
    typing()

    with pytest.raises(click.Abort):
        PassphraseSource().read("passphrase")


@pytest.mark.parametrize("text", ["eleven sign", "üüüüüüüüüüü"])
def test_passphrase_that_is_new_and_short_is_refused(typing: Typing, text: str) -> None:
    """Characters are counted, not bytes; the message says how many are needed."""
    typing(text, text)

    with pytest.raises(UsageError, match="has 11 characters: a new one needs 12"):
        PassphraseSource().read("new passphrase", new=True)


def test_passphrase_without_a_terminal_names_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script is told what to give it."""
    monkeypatch.setattr("tidemill_command_signer.passphrase._has_terminal", lambda: False)

    with pytest.raises(UsageError, match=r"no terminal to ask for the passphrase: name --file-passphrase-fd N or --file-passphrase-file F"):
        PassphraseSource(options=("--file-passphrase-fd", "--file-passphrase-file")).read("passphrase")


def test_terminal_is_there_where_its_device_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    """What getpass would open decides, not standard input."""
    opened = os.open(os.devnull, os.O_RDONLY)
    monkeypatch.setattr("os.open", lambda *_: opened)
    assert _has_terminal()

    def refused(*_: object) -> int:
        raise OSError(6, "No such device or address")

    monkeypatch.setattr("os.open", refused)
    assert not _has_terminal()
