"""The commands keep the rules of their kind."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tidemill_command_signer.audit import LOG, AuditTrail
from tidemill_command_signer.commands import Audit, Signer
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


class TestAudit(CommandConformance):
    """``tidemill audit verify`` of a trail."""

    plugin = Audit
    capabilities = frozenset({"example", "json", "failing"})

    @pytest.fixture
    def arguments(self, keystore: Keystore) -> Sequence[str]:
        """A trail that is as it was written."""
        keystore.folder.mkdir(mode=0o700)
        with AuditTrail(keystore.folder) as trail:
            trail.append("opened")
        return ("verify", str(keystore.folder / LOG))

    @pytest.fixture
    def wrong_arguments(self, tmp_path: Path) -> Sequence[str]:
        """A trail that is not there."""
        return ("verify", str(tmp_path / "missing" / LOG))


class TestSigner(CommandConformance):
    """``tidemill signer``: a call that works has no end of its own, so that it is shown by one that fails."""

    plugin = Signer
    capabilities = frozenset({"failing"})

    @pytest.fixture
    def wrong_arguments(self, tmp_path: Path) -> Sequence[str]:
        """A configuration that is not there."""
        return ("--config", str(tmp_path / "missing.toml"))
