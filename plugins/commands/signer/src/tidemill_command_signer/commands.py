"""The commands ``tidemill signer`` and ``tidemill audit``; what they do is imported when they are typed."""

from typing import ClassVar

import click

from tidemill import Command


class Signer(Command):
    """Signs what its policy allows, for runs that ask over its socket."""

    name: ClassVar[str] = "signer"

    def command(self) -> click.Command:
        from tidemill_command_signer.signer_command import signer

        return signer


class Audit(Command):
    """Says whether the audit trail of a keystore is as it was written."""

    name: ClassVar[str] = "audit"

    def command(self) -> click.Command:
        from tidemill_command_signer.audit_command import audit

        return audit
