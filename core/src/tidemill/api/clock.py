"""How far this machine's clock may be off: what the kernel knows of it from whoever keeps it (chrony, ntpd, systemd-timesyncd)."""

import ctypes
import sys

_UNSYNCHRONISED = 0x40
"""STA_UNSYNC of <sys/timex.h>: nobody has set the clock by another one lately."""
_US_PER_MS = 1_000


class _Timex(ctypes.Structure):
    """``struct timex`` of <sys/timex.h>, as far as it is read; the kernel writes behind it, hence the room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("frequency", ctypes.c_long),
        ("most", ctypes.c_long),
        ("expected", ctypes.c_long),
        ("status", ctypes.c_int),
        ("room", ctypes.c_char * 512),
    )


def clock_error_ms() -> int | None:
    """Return the most that the wall clock may be off, in milliseconds rounded up.

    None where nobody keeps it by another clock, or the platform does not tell: then nothing is known.
    """
    if not sys.platform.startswith("linux"):
        return None
    found = _Timex(modes=0)
    try:
        state = ctypes.CDLL(None).ntp_adjtime(ctypes.byref(found))
    except (OSError, AttributeError):
        return None
    if state < 0 or found.status & _UNSYNCHRONISED:
        return None
    most: int = found.most
    return -(-most // _US_PER_MS)
