"""Keeps what a process holds out of core dumps, and other processes of its user out of its memory."""

import ctypes
import resource
import sys

_SET_DUMPABLE = 4
"""``PR_SET_DUMPABLE`` of Linux: see prctl(2)."""


def forbid_dumps() -> None:
    """Have the system write no core file of this process, and let no debugger of its user attach."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
