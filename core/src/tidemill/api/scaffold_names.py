"""One name, its spellings, and whether it is free."""

import keyword
import re
from difflib import get_close_matches

from attrs import frozen

from tidemill.config.plugin_tables import RESERVED
from tidemill.discovery.packages import PACKAGES
from tidemill.discovery.reserved import clash, command_name
from tidemill.discovery.scan import find_plugins
from tidemill.errors import UsageError
from tidemill.hookspecs.kinds import KIND_BY_FOLDER, KIND_BY_NAME, KINDS, Kind

_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_LONGEST = 60


@frozen
class PluginNames:
    """The spellings of one plugin's name.

    For ``acme_swap`` of kind dex: ``title`` is the class ``AcmeSwap``, ``distribution`` ``tidemill-dex-acme-swap``, ``package``
    ``tidemill_dex_acme_swap``, ``folder`` that of the kind in the configuration (``dex``), ``group`` the entry points' group, ``hook`` and
    ``interface`` those of the kind, ``command`` how a command of that name is typed.
    """

    kind: str
    name: str
    title: str
    distribution: str
    package: str
    folder: str
    group: str
    hook: str
    interface: str
    command: str


def names_of(kind: str, name: str) -> PluginNames:
    """Return the spellings of a new plugin's name.

    Raises:
        UsageError: there is no such kind, the name is no lower case identifier or a word of Python, or a plugin has it already.
    """
    found = KIND_BY_NAME.get(kind)
    if found is None:
        raise UsageError(_no_kind(kind))
    title = "".join(part.capitalize() for part in name.split("_"))
    _check_form(name, title, found)
    _check_free(name, found)
    return PluginNames(
        kind=found.name,
        name=name,
        title=title,
        distribution=f"tidemill-{found.name}-{name.replace('_', '-')}",
        package=f"tidemill_{found.name}_{name}",
        folder=found.folder,
        group=found.group,
        hook=found.hook,
        interface=found.interface,
        command=command_name(name),
    )


def _no_kind(kind: str) -> str:
    known = ", ".join(each.name for each in KINDS)
    folder = KIND_BY_FOLDER.get(kind)
    near = [folder.name] if folder is not None else get_close_matches(kind, list(KIND_BY_NAME), n=1)
    return f"there is no kind {kind!r}; " + (f"did you mean {near[0]}? The" if near else "the") + f" kinds are {known}"


def _check_form(name: str, title: str, kind: Kind) -> None:
    if len(name) > _LONGEST or not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name for a plugin: write up to {_LONGEST} lower case letters, digits and single underscores, a letter first,"
            " such as acme or acme_swap"
        )
    if keyword.iskeyword(name) or keyword.iskeyword(title):
        raise UsageError(f"{name!r} is a word of Python: choose another name")
    if title == kind.interface:
        raise UsageError(f"{name!r} makes a class {title}, as the interface is called: choose another name")


def _check_free(name: str, kind: Kind) -> None:
    path = f"{kind.folder}.{name}"
    if path in PACKAGES:
        raise UsageError(f"{path} is one of our own plugins, in {PACKAGES[path]}: choose another name")
    for plugin in find_plugins():
        if plugin.kind == kind.name and plugin.name == name:
            raise UsageError(f"{path} is installed already, from {plugin.distribution} {plugin.version}: choose another name")
    if kind.name == "strategy" and name in RESERVED:
        raise UsageError(f"{name} is no strategy's name: {RESERVED[name]}; choose another name")
    if kind.name == "command" and clash(command_name(name)):
        raise UsageError(clash(command_name(name)))
