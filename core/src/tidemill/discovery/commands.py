"""The commands of plugins: listed from metadata alone, imported when they are typed.

The configuration enables what takes part in a run. A command takes part in none, so that nothing in a configuration could enable it:
typing it does. Listing commands imports no plugin and none of the kernel's values, since every ``tidemill --help`` does it.
"""

import re
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tidemill.discovery.entry_points import EntryPoint, find_entry_points
from tidemill.discovery.reserved import clash, command_name

if TYPE_CHECKING:
    from tidemill.errors import PluginError

COMMAND_INTERFACE = 1
"""The version of the command interface that this kernel loads, as in the table of kinds."""
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


class FoundCommand(NamedTuple):
    """An installed command: ``name`` as it is typed, ``refusal`` why it is not loaded, or ""."""

    name: str
    sentence: str
    distribution: str
    refusal: str
    entry: EntryPoint


def find_commands(path: Sequence[str] | None = None) -> dict[str, FoundCommand]:
    """Return the installed commands of plugins by name, in order; imports none of them.

    Args:
        path: where to look instead of ``sys.path``.
    """
    entries = [entry for entry in find_entry_points(path, "[tidemill.command.") if entry.kind == "command"]
    found: dict[str, FoundCommand] = {}
    for entry in sorted(entries, key=lambda one: one.interface_version != COMMAND_INTERFACE):
        name, sentence = command_name(entry.name), "".join(sign if sign.isprintable() else " " for sign in entry.summary)
        refusal = _refusal(name, entry)
        if name in found and not (refusal or found[name].refusal):
            other = found[name].entry
            found[name] = found[name]._replace(refusal=_two_owners(other, entry))
        elif name not in found:
            found[name] = FoundCommand(name, sentence, entry.distribution, refusal, entry)
    return dict(sorted(found.items()))


def _two_owners(one: EntryPoint, other: EntryPoint) -> str:
    if one.distribution == other.distribution:
        return f"{one.distribution} has two entry points that are typed like this, {one.name} and {other.name}: it needs a newer version"
    return f"has two owners, {one.distribution} {one.version} and {other.distribution} {other.version}: uninstall one"


def _refusal(name: str, entry: EntryPoint) -> str:
    if clash(name):
        return clash(name)
    if not _NAME.fullmatch(name):
        return f"{name!r} cannot be typed as a command: its entry point must be lower case letters, digits and underscores"
    if entry.interface_version != COMMAND_INTERFACE:
        from tidemill.discovery.metadata import PluginMetadata

        return PluginMetadata(*entry).refusal or ""
    return ""


@contextmanager
def answering_for(found: FoundCommand) -> Iterator[None]:
    """Put what a command raises to its plugin; our errors, click's, and the end of the process pass as they are.

    Raises:
        PluginContractError: it raised anything else; the cause is kept.
    """
    try:
        yield
    except Exception as error:
        blame = _blame(found, error)
        if blame is None:
            raise
        raise blame from error


def _blame(found: FoundCommand, error: Exception) -> "PluginError | None":
    import click

    from tidemill.errors import PluginContractError, TidemillError, said

    if isinstance(error, TidemillError | click.ClickException | click.exceptions.Exit | click.Abort | BrokenPipeError):
        return None
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(last.filename).name}, line {last.lineno}"
    message = f"its command raised {said(error)} ({where})"
    return PluginContractError(f"commands.{found.entry.name}", message, distribution=found.distribution)
