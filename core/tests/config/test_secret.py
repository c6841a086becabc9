"""A secret is known by its reference; what it says is never shown."""

import json
import pickle
from pathlib import Path

import pytest

from tidemill.config.secret import Secret, is_reference, names_a_secret
from tidemill.errors import ConfigError
from tidemill.redaction import revealed


def test_secret_is_read_when_it_is_revealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret comes from its variable or file at the moment of asking, without the file's last newline."""
    kept = tmp_path / "key"
    by_file, by_variable = Secret(f"file:{kept}"), Secret("env:CANARY_VARIABLE")
    kept.write_text("canary in a file\n")
    monkeypatch.setenv("CANARY_VARIABLE", "canary in the environment")

    assert ("canary in a file", "canary in the environment") == (by_file.reveal(), by_variable.reveal())
    assert "given canary" == by_variable.reveal({"CANARY_VARIABLE": "given canary"})
    assert {"canary in a file", "canary in the environment", "given canary"} <= set(revealed())
    assert list(revealed()) == sorted(revealed(), key=len, reverse=True)


def test_secret_shows_its_reference_alone() -> None:
    """Text, comparison and hash of a secret know the reference, before and after it was revealed."""
    secret = Secret("env:CANARY_X")
    secret.reveal({"CANARY_X": "canary-value"})

    assert ["Secret('env:CANARY_X')"] * 3 == [str(secret), repr(secret), f"{secret}"]
    assert (Secret("env:CANARY_X"), hash(Secret("env:CANARY_X"))) == (secret, hash(secret))
    assert secret != Secret("env:CANARY_Y")
    assert b"canary-value" not in pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)


@pytest.mark.parametrize("reference", ["env:NOT_SET_ANYWHERE", "file:/nowhere/at/all"])
def test_secret_missing_names_its_reference(reference: str) -> None:
    """A secret that is not where it should be is a configuration error that names the place."""
    with pytest.raises(ConfigError, match=reference):
        Secret(reference).reveal({})


@pytest.mark.parametrize("text", ["canary", "", "env:", "env:1X", "ENV:X", "file:", 3])
def test_secret_inline_is_refused_without_repeating_it(text: str) -> None:
    """What is no reference is taken for the secret itself: refused, and not repeated."""
    with pytest.raises(ConfigError) as caught:
        Secret(text)

    assert (False, False) == (is_reference(text), "canary" in str(caught.value))


@pytest.mark.parametrize(
    ("key", "expected"),
    [("private_key", True), ("API_KEY", True), ("bot_token", True), ("webhook_secret", True), ("token", False), ("keys", False)],
)
def test_names_a_secret_knows_telling_names(key: str, expected: bool) -> None:
    """Names that say secret are known; a token is an asset here."""
    assert expected == names_a_secret(key)
