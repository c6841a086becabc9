"""The command keeps the rules of its kind."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tidemill_command_signer.keys import Keys
from tidemill_command_signer.keystore import Keystore, SecretBytes
from tidemill_testing.conformance import CommandConformance


class TestKeys(CommandConformance):
    """``tidemill keys list`` over a keystore with two keys."""

    plugin = Keys
    capabilities = frozenset({"example", "json", "failing"})

    @pytest.fixture
    def arguments(self, keystore: Keystore, words: SecretBytes) -> Sequence[str]:
        """The list of a keystore."""
        keystore.add("main", "secp256k1", words)
        keystore.add("other", "ed25519", words)
        return ("list", "--keystore", str(keystore.folder))

    @pytest.fixture
    def wrong_arguments(self, tmp_path: Path) -> Sequence[str]:
        """The list of a keystore that is not there."""
        return ("list", "--keystore", str(tmp_path / "missing"))
