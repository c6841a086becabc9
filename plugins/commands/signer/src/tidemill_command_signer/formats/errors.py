"""What can be wrong with a key that another program wrote. No message or cause repeats any of it."""

from tidemill_command_signer.keystore.errors import KeystoreError


class UnreadableKey(KeystoreError):
    """What should hold a key holds none, or one that its passphrase does not open."""
