"""The data folder: room, rights, the ledger, and what a run left there or holds."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from tidemill.api.ledger import open_ledger
from tidemill.api.running import LOCK_FILE, RunningInstance, find_running
from tidemill.domain.finding import Finding
from tidemill.errors import ConfigError, PluginError, TidemillError
from tidemill.pipeline.control_folder import NAME as SOCKET_FILE

LITTLE_BYTES, TOO_LITTLE_BYTES = 1_000_000_000, 100_000_000


def folder(data: Path, store: str | None) -> Iterator[Finding]:
    """Look at a data folder.

    Args:
        data: the folder; it need not be there yet.
        store: the name of the store that is enabled, or None.
    """
    place = nearest(data)
    yield from _rights(data, place)
    yield room(place)
    running = find_running(data)
    if running is not None:
        who = f"process {running.process}" if running.process else "a process"
        mode = "whose mode cannot be told" if running.mode == "unknown" else f"in {running.mode} mode"
        yield Finding("run", "ok", f"{who} is running on {data}, {mode}")
    yield from _left_behind(data, running)
    if store is not None and data.is_dir():
        yield from _ledger(data, store, running)


def config_rights(path: Path) -> Iterator[Finding]:
    """Tell of a configuration that anybody on the machine may change: it says what is traded, and with which plugins' code."""
    try:
        mode = path.stat().st_mode
    except OSError:  # that it cannot be read is told where it is read
        return
    if stat.S_ISREG(mode) and mode & stat.S_IWOTH:
        yield Finding("configuration", "warning", f"{path} can be written by everybody", f"chmod o-w {path}")


def nearest(data: Path) -> Path:
    """Return a data folder, or the nearest one around it that exists."""
    place = data.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return place


def _rights(data: Path, place: Path) -> Iterator[Finding]:
    if not place.is_dir():
        yield Finding("data folder", "error", f"{place} is no folder", "move it away, or name another folder as data in the configuration")
    elif not os.access(place, os.W_OK | os.X_OK):
        yield Finding("data folder", "error", f"{place} cannot be written", f"give yourself the right (chown, chmod u+rwx {place})")
    elif place == data.absolute() and place.stat().st_mode & stat.S_IWOTH and not place.stat().st_mode & stat.S_ISVTX:
        yield Finding("data folder", "warning", f"{place} can be written by everybody", f"chmod o-w {place}")
    else:
        yield Finding("data folder", "ok", str(data) if place == data.absolute() else f"{data}, which a run makes")


def room(place: Path) -> Finding:
    """Tell how much room there is on the disk of a folder."""
    free = shutil.disk_usage(place if place.is_dir() else place.parent).free
    said = f"{free // 1_000_000:,} MB free under {place}"
    if free >= LITTLE_BYTES:
        return Finding("disk", "ok", said)
    remedy = "make room, or name a folder on another disk as data in the configuration"
    return Finding("disk", "error" if free < TOO_LITTLE_BYTES else "warning", said, remedy)


def _left_behind(data: Path, running: RunningInstance | None) -> Iterator[Finding]:
    lock, socket = data / LOCK_FILE, data / SOCKET_FILE
    if lock.exists() and not os.access(lock, os.R_OK | os.W_OK):
        yield Finding("lock", "error", f"{lock} cannot be opened for writing", f"it is another user's: run as that user, or remove {lock}")
    if os.path.lexists(socket) and not stat.S_ISSOCK(socket.lstat().st_mode):
        yield Finding("control socket", "error", f"{socket} is there and is no socket", f"remove {socket}")
    elif socket.exists() and running is None:
        remedy = f"nothing: the next run replaces it; or remove {socket}"
        yield Finding("control socket", "warning", f"{socket} was left by a run that was killed", remedy)
    elif not os.path.lexists(socket) and running is not None:
        remedy = "`kill -INT` its process ends it as `tidemill stop` would"
        yield Finding("control socket", "warning", f"{socket} is gone, although a run is on: it cannot be asked or paused", remedy)


def _ledger(data: Path, store: str, running: RunningInstance | None) -> Iterator[Finding]:
    """Open the ledger, and verify its newest run; one that is being written is only opened."""
    try:
        with open_ledger(data, store=store) as ledger:
            runs = ledger.runs()
            problems = ledger.verify(runs[-1].run).problems if runs and running is None else ()
    except (ConfigError, PluginError):  # the store itself is missing or at fault, which is told where plugins are
        return
    except TidemillError as error:
        if any(path.name != LOCK_FILE for path in data.glob("ledger*")):
            yield Finding("ledger", "error", str(error), "keep a copy of the folder before anything else is tried")
        else:
            yield Finding("ledger", "ok", f"none in {data} yet")
        return
    for problem in problems:
        yield Finding("ledger", "error", problem, f"keep a copy of {data}; `tidemill ledger verify --data {data}` checks every run")
    if not problems:
        done = "opened while it is written" if running is not None else "the newest is sound"
        yield Finding("ledger", "ok", f"{len(runs)} run{'s' if len(runs) != 1 else ''} in {data}, {done}" if runs else f"empty in {data}")
