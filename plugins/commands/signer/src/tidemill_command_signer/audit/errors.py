"""What goes wrong with an audit trail."""

from tidemill.errors import SignerError


class AuditError(SignerError):
    """The trail is not as it was written, or cannot be written: nothing is signed without it."""
