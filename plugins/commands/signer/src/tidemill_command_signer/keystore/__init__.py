"""Keys at rest and in use: one sealed file a key, in a folder that its owner alone can read."""

from tidemill_command_signer.keystore.errors import DamagedKey, KeystoreError, WrongPassphrase
from tidemill_command_signer.keystore.facts import KeyFacts, Role
from tidemill_command_signer.keystore.held import HeldKeys, KeyChange
from tidemill_command_signer.keystore.ring import KeyRing
from tidemill_command_signer.keystore.secret import SecretBytes
from tidemill_command_signer.keystore.store import Keystore

__all__ = [
    "DamagedKey",
    "HeldKeys",
    "KeyChange",
    "KeyFacts",
    "KeyRing",
    "Keystore",
    "KeystoreError",
    "Role",
    "SecretBytes",
    "WrongPassphrase",
]
