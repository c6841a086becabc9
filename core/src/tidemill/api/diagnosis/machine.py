"""The machine: Python, clocks, how many files may be open."""

import platform
import resource
import sys
import time
from collections.abc import Iterator

from tidemill.domain.finding import Finding

OLDEST_PYTHON = (3, 11)
OLDEST_TIME_S, NEWEST_TIME_S = 1_735_689_600, 4_102_444_800
"""2025 and 2100: a clock outside was never set. Seconds since 1970, so that no timezone takes part."""
PAUSE_S = 0.05
JUMP_NS = 500_000_000
FEW_FILES, TOO_FEW_FILES = 1_024, 256


def machine() -> Iterator[Finding]:
    """Look at Python, the clocks and the limit of open files."""
    yield python_version()
    yield clock()
    yield open_files()


def python_version() -> Finding:
    """Tell the version of Python, and whether it is too old."""
    said = f"{platform.python_implementation()} {platform.python_version()}"
    if sys.version_info >= OLDEST_PYTHON:
        return Finding("python", "ok", said)
    wanted = ".".join(map(str, OLDEST_PYTHON))
    return Finding("python", "error", f"{said} is older than {wanted}", f"install Python {wanted} or newer, and tidemill into it")


def clock() -> Finding:
    """Tell whether the wall clock was ever set, and whether it and the monotonic clock go on together."""
    wall, steady = time.time_ns(), time.monotonic_ns()
    time.sleep(PAUSE_S)
    wall_ns, steady_ns = time.time_ns() - wall, time.monotonic_ns() - steady
    now_s = wall // 1_000_000_000
    if not OLDEST_TIME_S <= now_s <= NEWEST_TIME_S:
        said = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now_s))
        return Finding("clock", "error", f"it is {said} here", "set the clock, or let the system keep it (systemd-timesyncd, chrony)")
    if steady_ns <= 0:
        return Finding("clock", "error", "the monotonic clock stands still", "restart the machine, or its virtual machine")
    if abs(wall_ns - steady_ns) > JUMP_NS:
        jump = f"the wall clock moved {(wall_ns - steady_ns) // 1_000_000} ms beside the monotonic one"
        return Finding("clock", "warning", jump, "something sets it by jumps: let it be slewed (chrony, systemd-timesyncd)")
    return Finding("clock", "ok", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now_s)))


def open_files() -> Finding:
    """Tell how many files and sockets this process may have open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= FEW_FILES:
        return Finding("open files", "ok", "no limit" if soft == resource.RLIM_INFINITY else f"at most {soft:,}")
    more = f"`ulimit -n {FEW_FILES * 4}` before the run" + (
        "" if hard == resource.RLIM_INFINITY or hard > soft else ", by an administrator"
    )
    return Finding("open files", "error" if soft < TOO_FEW_FILES else "warning", f"at most {soft:,}", more)
