"""Finds installed plugins: the entry points of our groups, as values that know whether this kernel loads them."""

from collections.abc import Sequence

from tidemill.discovery.entry_points import find_entry_points
from tidemill.discovery.metadata import PluginMetadata


def find_plugins(path: Sequence[str] | None = None) -> tuple[PluginMetadata, ...]:
    """Return every plugin that is installed, sorted by kind and name; imports none of them.

    Args:
        path: where to look instead of ``sys.path`` and its other finders. Of two distributions of one name the first counts, as
            for imports.
    """
    return tuple(PluginMetadata(*found) for found in find_entry_points(path))
