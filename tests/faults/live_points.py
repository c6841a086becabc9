"""Named points of an intent's way, and what ends a run there: a patch of one function that Python loads before anything else."""

POINTS = {
    "before it is signed": ("tidemill.signing.client", "SignerClient.sign", "before"),
    "signed, before it is kept": ("tidemill.signing.client", "SignerClient.sign", "after"),
    "kept, before it is sent": ("tidemill.pipeline.writer", "LedgerWriter.keep_durable", "after"),
    "before the link sends it": ("tidemill_chain_sim.link", "SimLink.broadcast", "before"),
    "sent, before that is kept": ("tidemill_chain_sim.link", "SimLink.broadcast", "after"),
    "before it is asked about": ("tidemill_chain_sim.link", "SimLink.outcome", "before"),
    "its outcome known, before it is kept": ("tidemill_chain_sim.link", "SimLink.outcome", "after"),
    "before a slot is asked for": ("tidemill_chain_sim.link", "SimLink.slot", "before"),
    "before balances are asked for": ("tidemill_chain_sim.link", "SimLink.holdings", "before"),
    "balances known, before they are booked": ("tidemill_chain_sim.link", "SimLink.holdings", "after"),
}
"""Named points of an intent's way: the function at which the process ends, and whether before or after it did its work."""

PATCHED = """\
def _patched():
    import importlib.abc
    import sys

    def patched(module):
        owner = module
        *path, last = {name!r}.split(".")
        for part in path:
            owner = getattr(owner, part)
        real = getattr(owner, last)

{body}
        setattr(owner, last, {new})

    class Watching(importlib.abc.MetaPathFinder):
        def find_spec(self, name, path, target=None):
            if name != {module!r} or self not in sys.meta_path:
                return None
            sys.meta_path.remove(self)
            import importlib.util
            spec = importlib.util.find_spec(name)
            load = spec.loader.exec_module
            def exec_module(module):
                load(module)
                patched(module)
            spec.loader.exec_module = exec_module
            return spec

    if {module!r} in sys.modules:
        # A fork of a warm process has its modules already
        patched(sys.modules[{module!r}])
    else:
        sys.meta_path.insert(0, Watching())

_patched()
"""
"""Replaces a function of a module as soon as the module is loaded; ``real`` is what it was."""

ENDING = """\
import os
import signal
calls = [0]

async def ending(*args, **kwargs):
    calls[0] += 1
    due = calls[0] == {count}
    if due and {when!r} == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        return await real(*args, **kwargs)
    finally:
        if due:
            os.kill(os.getpid(), signal.SIGKILL)
"""


def replacing(module: str, name: str, new: str, body: str) -> str:
    """Return a program that puts ``new``, which ``body`` defines, in the place of a module's function; there it is known as ``real``."""
    indented = "".join(f"        {line}" if line.strip() else line for line in body.splitlines(keepends=True))
    return PATCHED.format(module=module, name=name, new=new, body=indented)


def ending_at(module: str, name: str, when: str, count: int) -> str:
    """Return a program that kills its process, as ``kill -9`` does, before or after the ``count``-th call of a function."""
    return replacing(module, name, "ending", ENDING.format(when=when, count=count))
