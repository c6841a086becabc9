"""No key lies in the tree."""

from pathlib import Path

import pytest

from scripts.checks import secrets

# Put together here, so that this file holds none
KEYS = [
    "-----BEGIN EC PRIVATE" + " KEY-----",
    "PRIVATE_KEY = '0x" + "ab" * 32 + "'",
    "wallet = '" + "3" * 88 + "'",
    "[" + ", ".join(["17"] * 64) + "]",
    "mnemonic: " + "test " * 11 + "junk",
    "ghp_" + "a" * 36,
]
HARMLESS = [
    "block_hash = '0x" + "ab" * 32 + "'",
    "private_key = os.environ['KEY']",
    f"private_key = '0x{secrets.PUBLISHED[0]}'",
    "[" + ", ".join(["17"] * 63) + "]",
]


@pytest.mark.parametrize("text", KEYS)
def test_key_is_found(text: str) -> None:
    """What looks like a key is found on its line."""
    assert [3] == [line for line, _ in secrets.keys(f"\n\n{text}\n")]


@pytest.mark.parametrize("text", HARMLESS)
def test_hash_reference_or_published_key_passes(text: str) -> None:
    """Hashes, references and the published test keys pass."""
    assert secrets.keys(text) == []


def test_finding_does_not_repeat_the_key(tmp_path: Path) -> None:
    """What is printed tells the place, never the key."""
    (tmp_path / "a.txt").write_text(KEYS[1], "utf-8")

    (finding,) = secrets.check(tmp_path).findings

    assert finding.place == "a.txt:1"
    assert "abab" not in str(finding)
