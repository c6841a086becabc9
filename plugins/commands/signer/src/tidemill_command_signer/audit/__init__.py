"""The audit trail: every use of a key and every refusal, one line each, chained by hashes."""

from tidemill_command_signer.audit.entry import Entry
from tidemill_command_signer.audit.errors import AuditError
from tidemill_command_signer.audit.trail import LOG, AuditTrail
from tidemill_command_signer.audit.verify import Verdict, verify

__all__ = ["LOG", "AuditError", "AuditTrail", "Entry", "Verdict", "verify"]
