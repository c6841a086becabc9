"""The command ``tidemill keys``."""

from typing import ClassVar

import click

from tidemill import Command


class Keys(Command):
    """Makes, imports, lists, exports, rotates and removes keys."""

    name: ClassVar[str] = "keys"

    def command(self) -> click.Command:
        from tidemill_command_signer.keys_command import keys

        return keys
