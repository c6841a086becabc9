"""The emergency stop from another process: it imports little and asks one thing, because every moment counts."""

import os
import tomllib
from contextlib import suppress
from pathlib import Path

from tidemill.api.commanded import Commanded, commanded_of
from tidemill.errors import ConfigError, ControlError, Problem
from tidemill.pipeline import control_folder
from tidemill.pipeline.brake import ASKED, Brake
from tidemill.pipeline.protocol import ANSWER_BYTES, Request, cause_line, decode_answer, encode_request

PATIENCE_S = 2
"""An instance that does not answer for so long is held back by a file."""
TURN_S = 15
"""A command that has its turn between two blocks may take so long."""
CONFIG = Path("tidemill.toml")
DATA = "tidemill-data"
DATA_VARIABLE = "TIDEMILL__DATA"


def stop_now(data: Path, cause: str = "") -> Commanded:
    """Let nothing leave any more that a run on this folder would broadcast, now and after restarts, until it is resumed with a cause.

    Where no run is on, the next one with real money does not start, also where there never was one: then the folder is made. Where one is
    on and does not answer, the file ``STOP`` in the folder holds it back: it is asked for before each broadcast.

    Raises:
        ControlError: the run trades on paper, its folder is no folder or belongs to another user, or nothing can be written there.
    """
    cause = cause_line(cause)
    try:
        line = control_folder.call(data, encode_request(Request("stop-now", cause=cause)), longest=ANSWER_BYTES, timeout_s=PATIENCE_S)
    except ControlError as error:
        if data.exists() and not data.is_dir():
            raise
        return _held_by_file(data, error) if control_folder.is_held(data) else _held_for_the_next(data, cause)
    return commanded_of(data, decode_answer(line))


def flatten(data: Path, cause: str = "") -> Commanded:
    """Stop as ``stop_now`` does, and have everything but the base asset sold back.

    Raises:
        ControlError: as for ``stop_now``; or nothing is sold, because no run is on, or it does not answer: nothing leaves all the same.
    """
    stopped = stop_now(data, cause)
    try:
        line = control_folder.call(
            data, encode_request(Request("flatten", cause=cause_line(cause))), longest=ANSWER_BYTES, timeout_s=TURN_S
        )
    except ControlError as error:
        if not control_folder.is_held(data):
            said = "nothing is sold back, since only a run sells: `tidemill resume --cause TEXT`, `tidemill run --live`, then this again"
            raise ControlError(f"{stopped.text}; {said}") from error
        raise ControlError(f"{stopped.text}; nothing is sold back: {error}") from error
    return commanded_of(data, decode_answer(line))


def _held_by_file(data: Path, error: ControlError) -> Commanded:
    path = data / ASKED
    try:
        path.touch()
    except OSError as failed:
        raise ControlError(f"{error}; and {path} cannot be written ({failed.strerror}): kill its process") from failed
    said = f"{error}; the file {path} holds it back: remove it before `tidemill resume --cause TEXT`"
    return Commanded("stop-now", (), ("broadcast",), said)


def _held_for_the_next(data: Path, cause: str) -> Commanded:
    new = not data.exists()
    with suppress(OSError):
        data.mkdir(parents=True, exist_ok=True)
    brake = Brake(data)
    brake.load()
    before = brake.said_again(cause)
    brake.pull(cause or "an operator stopped it", "command")
    if not brake.path.exists():
        said = "no run is on there, and nothing holds the next one back: make the folder writable, and say it again"
        raise ControlError(f"{brake.path} cannot be written: {said}")
    there = f"{data}, which was not there and has been made" if new else f"{data}"
    said = f"{f'{before}; ' if before else ''}no run is on in {there}; none starts with real money until it is resumed with a cause"
    return Commanded("stop-now", (), () if before else ("broadcast",), said)


def folder_of_a_run() -> Path:
    """Return the data folder of the configuration in this folder, of which only that line is read, else ``tidemill-data``.

    Raises:
        ConfigError: the configuration cannot be read, and nobody must stop another run in its place.
    """
    named: object = os.environ.get(DATA_VARIABLE)
    if named is None:
        try:
            named = tomllib.loads(CONFIG.read_text("utf-8-sig")).get("data")
        except FileNotFoundError:
            named = None
        except (OSError, ValueError) as error:
            raise ConfigError([Problem("$", f"cannot be read ({error}): name the run's folder with --data", str(CONFIG))]) from error
    return Path(named) if isinstance(named, str) and named else Path(DATA)
