"""Commands: what people can type after ``tidemill``."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from tidemill.hookspecs.markers import hookspec
from tidemill.hookspecs.plugin import Plugin

if TYPE_CHECKING:
    import click


class Command(Plugin):
    """Adds one command to ``tidemill``; ``name`` is how it is typed, with dashes for underscores.

    Typing it is what enables it: it has no table in the configuration, and nobody's run imports it. ``tidemill --help`` lists every
    installed command with the one sentence that its distribution says of itself, from metadata alone. What it would set stands among
    its own options. It may use the public API of ``tidemill`` (``open_tape``, ``open_ledger``, ``run``, …), so that it can never do
    more than its user could in Python. A name that ``tidemill`` has itself, or that two distributions claim, is refused.

    The command raises ``tidemill.errors`` or click's exceptions: both are told in one message, with the exit code 2 for usage and
    configuration and 1 for the rest. Anything else that it raises is put to the plugin, by name and distribution.
    """

    interface_version: ClassVar[int] = 1

    @abstractmethod
    def command(self) -> "click.Command":
        """Return the click command (or group); called once, when it was typed. Its name is replaced by that of the plugin.

        Heavy imports belong inside the command's function, so that ``--help`` of it stays quick.
        """


@hookspec
def tidemill_register_commands() -> Sequence[type[Command]]:  # type: ignore[empty-body]
    """Return the command classes this plugin provides.

    What to return: classes derived from Command, each with a name of its own.
    When: once, when one of them was typed.
    Must not: do I/O, read the environment, or return the name of a command that is there already.
    Raises: nothing; what the command itself raises is told like any error.
    Example: tidemill new plugin command NAME
    """
