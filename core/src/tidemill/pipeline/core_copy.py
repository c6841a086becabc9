"""A copy of a core for another process: everything but the plugins, which that process has instances of its own of.

A copy cannot go back behind the moment it was made: the market's checkpoints share most of what they hold, and would be written out once
for each of 64 blocks.
"""

import copyreg
import io
import pickle
from collections.abc import Mapping
from typing import Any

from tidemill.pipeline.core import Core
from tidemill.pipeline.parts import Parts
from tidemill.stages.market import Market


def shared(core: Core, parts: Parts) -> dict[str, object]:
    """Return what a copy does not hold but finds where it is read, by name: the plugins, the chains' rules and who looks after them."""
    tools = parts.tools
    return {
        "guard": parts.guard,
        "parts": parts,
        "roster": core.roster,
        **{f"dex.{name}": dex for name, dex in tools.dexes.items()},
        **{f"lenders.{lender.name}": lender for lender in tools.lenders},
        **{f"rules.{chain}": rules for chain, rules in tools.rules.items()},
    }


def copy_core(core: Core, parts: Parts) -> bytes:
    """Return a core as bytes for ``read_core``; only between two batches.

    Raises:
        pickle.PicklingError, AttributeError, TypeError: a plugin's value (a pool, as a rule) cannot be pickled.
    """
    target = io.BytesIO()
    _Copier(target, shared(core, parts)).dump(core)
    return target.getvalue()


def read_core(data: bytes, names: Mapping[str, object]) -> Core:
    """Return the core that ``copy_core`` wrote, joined with this process's own plugins."""
    core: Core = _Reader(io.BytesIO(data), names).load()
    return core


class _Copier(pickle.Pickler):
    def __init__(self, target: io.BytesIO, shared_objects: Mapping[str, object]) -> None:
        super().__init__(target, pickle.HIGHEST_PROTOCOL)
        self._names = {id(one): name for name, one in shared_objects.items()}

    def persistent_id(self, obj: object) -> str | None:
        return self._names.get(id(obj))

    def reducer_override(self, obj: object) -> Any:
        if isinstance(obj, Market):
            return copyreg.__newobj__, (Market,), {**vars(obj), "_past": {}}  # type: ignore[attr-defined]
        return NotImplemented


class _Reader(pickle.Unpickler):
    def __init__(self, source: io.BytesIO, names: Mapping[str, object]) -> None:
        super().__init__(source)
        self._names = names

    def persistent_load(self, pid: str) -> object:
        return self._names[pid]
