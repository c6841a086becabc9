"""What an environment holds: its distributions, what they need of each other, and its plugins."""

import json
import sys
from collections.abc import Iterator, Sequence

from attrs import frozen

from tidemill.api.installing.tool import Tool
from tidemill.discovery.metadata import PluginMetadata
from tidemill.discovery.scan import find_plugins
from tidemill.discovery.versions import normal, parse_requirement


@frozen
class Installed:
    """A distribution: ``name`` in its normal form, ``requires`` as its metadata has them."""

    name: str
    version: str
    requires: tuple[str, ...]


def installed_distributions(tool: Tool) -> dict[str, Installed]:
    """Return the distributions of an environment by normal name; of several copies the first, which is the one that is imported."""
    rows = _asked(tool, "[[d.metadata['Name'], d.version, d.requires or []] for d in importlib.metadata.distributions()]")
    found: dict[str, Installed] = {}
    for written, version, requires in rows:
        name = normal(written or "")
        found.setdefault(name, Installed(name, version, tuple(requires)))
    return found


def installed_plugins(tool: Tool) -> tuple[PluginMetadata, ...]:
    """Return the plugins that are installed in an environment."""
    return find_plugins() if tool.python == sys.executable else find_plugins(_asked(tool, "sys.path"))


def needs_of(name: str, installed: Sequence[Installed], version: str = "") -> Iterator[tuple[Installed, str]]:
    """Yield who needs a distribution, with the requirement that says so.

    What a marker may leave out, as every extra does, is no need that is known to hold.

    Args:
        name: the distribution, in its normal form.
        installed: who may need it.
        version: leave out the requirements that this version meets; "": none meets them, since it would be gone.
    """
    for one in installed:
        for text in one.requires:
            bounds = parse_requirement(text) if ";" not in text else None
            if bounds is not None and bounds.name == name and one.name != name and not (version and bounds.allows(version)):
                yield one, text


def _asked(tool: Tool, expression: str) -> list:  # type: ignore[type-arg]  # JSON of what was asked
    """Return what an environment's own interpreter says; -P keeps the current folder out of its path."""
    asking = Tool("python", (tool.python,), tool.python)
    code = f"import importlib.metadata, json, sys; print(json.dumps({expression}))"
    answer: list = json.loads(asking.run(["-P", "-c", code], "asking", "look at that environment").stdout)  # type: ignore[type-arg]  # JSON
    return answer
