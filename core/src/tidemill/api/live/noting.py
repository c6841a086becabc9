"""Has a signer write into its audit trail what was done about emergency stops, beside whatever else it is asked."""

import os
from contextlib import suppress
from pathlib import Path

import anyio

from tidemill.api.config import load_config
from tidemill.errors import SignerError, TidemillError
from tidemill.pipeline.control_folder import is_held
from tidemill.pipeline.stops import StopNotes
from tidemill.signing.connection import SignerConnection
from tidemill.signing.protocol import NOTED, TEXT_LENGTH, NoteAsk

LOOK_S = 1
"""Between two looks at whether there is something to write."""


def owner_line(data: Path, command: str = "run") -> str:
    """Return how a process on a data folder names itself to a signer."""
    return f"tidemill {command}, process {os.getpid()}, {data}"


def hand_over(data: Path, command: str) -> None:
    """Give what was just done about a stop to the signer of ``tidemill.toml``, where that is of this folder and a signer answers.

    Where not, the next run with real money on the folder does.
    """
    if is_held(data):
        # A run is on: it does so itself
        return
    with suppress(TidemillError, OSError):
        config = load_config()
        if config.signer is not None and Path(config.data).resolve() == data.resolve():
            anyio.run(note_stops, StopNotes(data), config.signer.socket_path, owner_line(data, command))


async def note_stops(notes: StopNotes, socket: Path, owner: str) -> None:
    """Give a signer what none has taken yet, over a connection of its own; where none answers it is kept for the next time.

    Args:
        notes: of one data folder.
        socket: the signer's.
        owner: who tells, in a line.
    """
    waiting = [note for note in notes.unsent() if note.event in NOTED]
    if not waiting:
        return
    line = SignerConnection(socket)
    try:
        await line.open()
        for note in waiting:
            await line.ask(NoteAsk(note.event, owner, f"{note.at} {note.text}"[:TEXT_LENGTH]))
            notes.take(note)
    except SignerError:
        return
    finally:
        await line.close()


async def keep_noting(notes: StopNotes, socket: Path, owner: str) -> None:
    """Do so again and again, for as long as this is awaited."""
    while True:
        await note_stops(notes, socket, owner)
        await anyio.sleep(LOOK_S)
