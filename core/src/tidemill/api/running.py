"""Whether a run is on in a data folder, as far as what it leaves there shows."""

import json
import os
import tomllib
from pathlib import Path
from typing import Literal

from attrs import frozen

from tidemill.api.config import find_config
from tidemill.api.connect import Instance
from tidemill.api.ledger import open_ledger
from tidemill.api.status import Status
from tidemill.config.read import read_file
from tidemill.errors import ConfigError, ControlError, TidemillError
from tidemill.pipeline.control_folder import is_held

LOCK_FILE = "ledger.lock"
DATA = Path("tidemill-data")
DATA_VARIABLE = "TIDEMILL__DATA"

RunMode = Literal["paper", "live", "unknown"]


@frozen
class RunningInstance:
    """A run that holds a data folder: the process that wrote its id into the lock ("" where it could not), and what the run is.

    ``uptime_s`` is how many seconds it has been up, None where it does not answer.
    """

    folder: Path
    process: str
    mode: RunMode
    uptime_s: int | None = None

    @property
    def may_be_live(self) -> bool:
        """Whether it trades real money; what cannot be known counts as if it did."""
        return self.mode != "paper"


def data_folder(config: Path | None) -> Path:
    """Return the data folder that a configuration names, also where it is wrong otherwise: a missing plugin is why one installs.

    Args:
        config: its file; None: the default configuration.
    """
    named: object = os.environ.get(DATA_VARIABLE)
    if named is None and config is not None:
        try:
            named = tomllib.loads(read_file(config)).get("data")
        except (ConfigError, tomllib.TOMLDecodeError):
            return DATA
    return Path(named) if isinstance(named, str) and named else DATA


def chosen_folder(data: Path | str | None) -> Path:
    """Return the data folder that an operator means: the one named, else that of ``tidemill.toml`` here, else the default one."""
    return Path(data) if data is not None else data_folder(find_config())


@frozen
class Running:
    """Whether a run is on in a folder, and what it says of itself: None where it is not, or does not answer."""

    on: bool
    status: Status | None = None


def running_text(on: bool, answers: bool) -> str:
    """Say whether a run is on."""
    return "no run is on" if not on else "a run is on" if answers else "a run is on, and does not answer"


def running_in(folder: Path) -> Running:
    """Return whether a run is on in a folder, with what it says of itself."""
    if not _is_held(folder):
        return Running(False)
    try:
        return Running(True, Instance(folder).status())
    except ControlError:
        return Running(True)


def find_running(folder: Path) -> RunningInstance | None:
    """Return the run that holds a data folder, or None.

    The locks are asked, not the files: those stay behind when a run ends, and the operating system drops a lock with the process.
    """
    if not _is_held(folder):
        return None
    try:
        status = Instance(folder).status()
    except ControlError:  # it hangs, is of another user or of another version: what it wrote tells less, and enough
        return RunningInstance(folder, _holder(folder / LOCK_FILE), _mode_of(folder))
    return RunningInstance(folder, str(status.process), _known(status.mode), status.uptime_s)


def _is_held(folder: Path) -> bool:
    return is_held(folder) or is_held(folder / LOCK_FILE)


def _holder(path: Path) -> str:
    try:
        return path.read_text("ascii", errors="replace")[:20].strip()
    except OSError:
        return ""


def _mode_of(folder: Path) -> RunMode:
    """Return the mode that the latest run wrote into the ledger it holds."""
    try:
        with open_ledger(folder) as ledger:
            header = json.loads(ledger.run().header)
    except (TidemillError, json.JSONDecodeError):
        return "unknown"
    return _known(header.get("mode") if isinstance(header, dict) else None)


def _known(mode: object) -> RunMode:
    return "paper" if mode == "paper" else "live" if mode == "live" else "unknown"
