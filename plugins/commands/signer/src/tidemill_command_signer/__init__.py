"""Keys, and the process that signs with them: commands that stand apart from every run."""

from collections.abc import Sequence

from tidemill import Command, hookimpl
from tidemill_command_signer.commands import Audit, Signer
from tidemill_command_signer.keys import Keys

__all__ = ["Audit", "Keys", "Signer", "tidemill_register_commands"]


@hookimpl
def tidemill_register_commands() -> Sequence[type[Command]]:
    """Register the commands."""
    return (Audit, Keys, Signer)
