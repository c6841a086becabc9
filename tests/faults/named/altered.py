"""Faults at chosen places of a real process, and what a stand says of them afterwards."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from textwrap import indent
from typing import Any

from tests.faults.live_judge import judged
from tests.faults.live_stand import Stand
from tidemill.domain.intent import IntentStep

PATIENCE_S = 60

_HOOK = """
import importlib.abc
import importlib.util
import sys

class _Altering(importlib.abc.MetaPathFinder):
    def __init__(self, patches):
        self.patches = patches

    def find_spec(self, name, path, target=None):
        patch = self.patches.pop(name, None)
        if patch is None:
            return None
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module
        def exec_module(module):
            load(module)
            patch(module)
        spec.loader.exec_module = exec_module
        return spec

def _alter(patches):
    # A fork of a warm process has its modules already
    for name in patches.keys() & sys.modules.keys():
        patches.pop(name)(sys.modules[name])
    sys.meta_path.insert(0, _Altering(patches))

"""


def altered(patches: Mapping[str, str], before: str = "") -> str:
    """Return what Python runs first in a process: ``before`` at once, each patch as soon as its module is loaded, as ``module``."""
    functions = [f"def _patch_{place}(module):\n{indent(patch, '    ')}\n" for place, patch in enumerate(patches.values())]
    names = ", ".join(f"{module!r}: _patch_{place}" for place, module in enumerate(patches))
    return "\n".join([before, _HOOK, *functions, f"_alter({{{names}}})\n"])


def audit(stand: Stand, event: str) -> list[dict[str, Any]]:
    """Return the fields of the audit trail's entries of one kind, in order."""
    lines = (stand.folder / "keys" / "audit.log").read_text("utf-8").splitlines()
    return [entry["fields"] for entry in map(json.loads, lines) if entry["event"] == event]


def signed_for(stand: Stand, number: int) -> list[str]:
    """Return the names of all transactions that were ever signed for an intent."""
    return [fields["tx"] for fields in audit(stand, "signed") if fields["intent"] == number]


def included(stand: Stand) -> list[str]:
    """Return the names of our transactions that the chain holds, in its order."""
    return [entry.tx for entry in stand.chain.statement(stand.account)]


def waiting(stand: Stand) -> list[str]:
    """Return the names of our transactions that wait to be included."""
    return [one.tx for one in stand.chain.mempool() if one.account == stand.account]


def check_books(stand: Stand) -> None:
    """Let a run come to its end, and demand that the books are the chain's: nothing lost, nothing doubled, every balance equal."""
    found = str(judged(stand, 0))
    assert "0 kills: 0 lost, 0 doubled, ledger balanced" == found, found


def ways(stand: Stand, number: int) -> Sequence[IntentStep]:
    """Return the way of one transaction, as the ledger keeps it."""
    from tidemill_store_sqlite import SqliteStore

    store = SqliteStore()
    store.open(stand.folder / "data", write=False)
    try:
        return store.intent_steps(number)
    finally:
        store.close()


def until(seen: Callable[[], bool], what: str) -> None:
    """Return as soon as something can be seen."""
    ends = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < ends, f"within {PATIENCE_S} s: {what} was not seen"
        time.sleep(0.02)
