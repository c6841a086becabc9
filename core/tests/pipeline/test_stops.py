"""The lines about emergency stops in a data folder: kept for good, and each handed on once."""

from pathlib import Path

import pytest

from tidemill.errors import ControlError
from tidemill.pipeline.brake import ASKED, Brake
from tidemill.pipeline.stops import FILE, SENT, StopNotes


def told(notes: StopNotes) -> list[tuple[str, str]]:
    return [(note.event, note.text) for note in notes.unsent()]


def test_brake_tells_every_stop_resume_and_refusal(tmp_path: Path) -> None:
    """Who stopped and why, each further cause, who may go on and why, and who tried without saying why."""
    brake = Brake(tmp_path)
    brake.load()
    brake.pull("a drill", "command")
    brake.pull("another", "signal")
    brake.said_again("gas is dear")
    with pytest.raises(ControlError):
        brake.release(" ")
    brake.release("it is over")

    held = "stopped by command: a drill; also: gas is dear"
    assert [
        ("stopped", "by command: a drill"),
        ("stopped", "once more: gas is dear"),
        ("resume-refused", f"no cause was given; {held}"),
        ("resumed", f"it is over; {held}"),
    ] == told(brake.notes)


def test_brake_file_is_told_and_a_link_that_leads_nowhere_counts(tmp_path: Path) -> None:
    """Whoever made it meant it; a resume beside it is refused, and told."""
    (tmp_path / ASKED).symlink_to(tmp_path / "nowhere")
    brake = Brake(tmp_path)
    with pytest.raises(ControlError, match="remove it first"):
        brake.release("all well")

    assert ["stopped", "resume-refused"] == [event for event, _ in told(brake.notes)]
    assert brake.notes.unsent()[0].text.startswith("by file: ")


def test_notes_are_handed_on_once_each_over_restarts(tmp_path: Path) -> None:
    """What was taken is not told again, and stays in the file."""
    notes = StopNotes(tmp_path)
    assert () == notes.unsent()
    notes.add("stopped", "one")
    notes.add("resumed", "two\nof two lines")
    first, second = notes.unsent()
    notes.take(first)

    assert (second,) == StopNotes(tmp_path).unsent()
    notes.take(second)
    assert () == StopNotes(tmp_path).unsent()
    assert 2 == (tmp_path / FILE).read_bytes().count(b"\n")
    assert 0o600 == (tmp_path / FILE).stat().st_mode & 0o777


@pytest.mark.parametrize("rest", [b'{"event": "stopped", "at": "', b"what is this\n", b'{"event": "stopped"}\n', b"[]\n"])
def test_notes_that_are_none_of_ours_are_left_out(rest: bytes, tmp_path: Path) -> None:
    """A line that a full disk cut, or that another hand wrote, hides no other."""
    notes = StopNotes(tmp_path)
    notes.add("stopped", "one")
    with (tmp_path / FILE).open("ab") as file:
        file.write(rest)

    assert [("stopped", "one")] == told(notes)


@pytest.mark.parametrize("said", ["999999\n", "-1\n", "no number", ""])
def test_notes_whose_place_cannot_be_known_are_told_anew(said: str, tmp_path: Path) -> None:
    """Twice is better than never."""
    notes = StopNotes(tmp_path)
    notes.add("stopped", "one")
    (tmp_path / SENT).write_text(said)

    assert [("stopped", "one")] == told(notes)


def test_notes_that_no_disk_takes_keep_nobody_from_stopping(tmp_path: Path) -> None:
    """The folder is gone: the brake holds all the same."""
    brake = Brake(tmp_path / "gone")
    brake.pull("a drill", "command")
    notes = StopNotes(tmp_path)
    notes.add("stopped", "one")
    (tmp_path / SENT).mkdir()
    notes.take(notes.unsent()[0])

    assert brake.stopped is not None
    assert ((), [("stopped", "one")]) == (brake.notes.unsent(), told(notes))
