"""What can be wrong with a keystore. No message, argument or cause of these errors holds a key or a passphrase."""

from tidemill.errors import SignerError


class KeystoreError(SignerError):
    """A keystore, or a file of one, cannot be used; nothing was signed and nothing was changed."""


class DamagedKey(KeystoreError):
    """A key's file is cut short or was edited: its key is not used."""


class WrongPassphrase(KeystoreError):
    """The passphrase does not open the key."""
