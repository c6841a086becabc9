"""The emergency stop from another process: with a run, without one, with one that does not answer; and the folder it is about."""

import fcntl
import os
from pathlib import Path

import pytest

from tidemill.api.emergency import flatten, folder_of_a_run, stop_now
from tidemill.errors import ConfigError, ControlError
from tidemill.pipeline import control_folder, stops
from tidemill.pipeline.brake import ASKED, FILE, Brake
from tidemill.pipeline.protocol import REQUEST_BYTES, decode_request, encode_error, encode_value

SILENT = ControlError("data: the instance does not answer within 2 s: it is busy, or hangs")


def answers(monkeypatch: pytest.MonkeyPatch, *lines: bytes | ControlError) -> list[bytes]:
    """Let an instance answer these, one call after another; return what it was asked."""
    asked: list[bytes] = []
    left = list(lines)

    def call(data: Path, line: bytes, *, longest: int, timeout_s: float) -> bytes:
        asked.append(line)
        answer = left.pop(0)
        if isinstance(answer, ControlError):
            raise answer
        return answer

    monkeypatch.setattr(control_folder, "call", call)
    return asked


def said(text: str) -> bytes:
    return encode_value({"command": "stop-now", "strategies": [], "changed": ["broadcast"], "text": text})


def test_stop_asks_a_run_that_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One question, and nothing is written beside it."""
    asked = answers(monkeypatch, said("nothing leaves any more"))

    assert "nothing leaves any more" == stop_now(tmp_path, "a drill").text
    assert [b'{"v":1,"command":"stop-now","cause":"a drill"}\n'] == asked
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("cause", ["so long " * 20_000, "two\nlines\x1b[2J", "\U0001f6d1" * 5_000, "\udc80"])
def test_stop_never_fails_over_what_is_said_of_it(cause: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Too long, several lines, no letters: it is cut and cleaned, and the run takes it."""
    asked = answers(monkeypatch, said("nothing leaves any more"))
    stop_now(tmp_path, cause)
    request = decode_request(asked[0])

    assert len(asked[0]) <= REQUEST_BYTES
    assert ("stop-now", True) == (request.command, request.cause.isprintable())


def test_stop_that_a_run_refuses_writes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A run on paper has nothing to stop: that is said, and no file holds a later run back."""
    answers(monkeypatch, encode_error("this run trades on paper"))
    with pytest.raises(ControlError, match="this run trades on paper"):
        stop_now(tmp_path)

    assert [] == list(tmp_path.iterdir())


def test_stop_without_a_run_holds_the_next_one_back(tmp_path: Path) -> None:
    """The brake is pulled on disk."""
    assert "none starts with real money until it is resumed with a cause" in stop_now(tmp_path).text
    assert [FILE, stops.FILE] == sorted(path.name for path in tmp_path.iterdir())


def test_stop_before_there_ever_was_a_run_holds_the_first_one_back(tmp_path: Path) -> None:
    """The folder is made, and that is said: it may be a slip."""
    data = tmp_path / "new" / "data"
    done = stop_now(data, "not yet")
    brake = Brake(data)
    brake.load()

    assert (("broadcast",), True) == (done.changed, done.text.startswith(f"no run is on in {data}, which was not there and has been made;"))
    assert brake.stopped is not None
    assert "not yet" == brake.stopped.cause


def test_stop_where_there_is_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    """Nothing can be held back there, and no run can be on."""
    (tmp_path / "data").touch()
    with pytest.raises(ControlError, match="no instance runs on this folder"):
        stop_now(tmp_path / "data")


def test_stop_said_again_without_a_run_keeps_both_causes(tmp_path: Path) -> None:
    """The first one still holds, since when it does; the second stands beside it, once."""
    first = stop_now(tmp_path, "a drill").changed
    again, same, none = stop_now(tmp_path, "gas is dear"), stop_now(tmp_path, "gas is dear"), stop_now(tmp_path)
    brake = Brake(tmp_path)
    brake.load()

    assert brake.stopped is not None
    assert (("broadcast",), (), "a drill; also: gas is dear") == (first, again.changed, brake.stopped.cause)
    assert again.text.startswith(
        f"stopped already by command since {brake.stopped.at}: a drill; your cause is kept beside it; no run is on"
    )
    both = f"stopped already by command since {brake.stopped.at}: a drill; also: gas is dear; no run is on"
    assert [True, True] == [one.text.startswith(both) for one in (same, none)]


def test_stop_that_cannot_be_written_down_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody must believe that something is held back which is not."""
    monkeypatch.setattr(Brake, "_write", lambda *_: None)
    with pytest.raises(ControlError, match="cannot be written: no run is on there, and nothing holds the next one back"):
        stop_now(tmp_path)


def test_stop_of_a_run_that_does_not_answer_leaves_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its process holds the folder: the file STOP is asked for before each broadcast, whatever else it does."""
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    answers(monkeypatch, SILENT)
    text = stop_now(tmp_path).text
    os.close(folder)

    assert [ASKED] == [path.name for path in tmp_path.iterdir()]
    assert f"hangs; the file {tmp_path / ASKED} holds it back: remove it before `tidemill resume --cause TEXT`" in text


def test_stop_of_a_run_that_does_not_answer_on_a_disk_that_takes_nothing_says_kill(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The last way left is named."""

    def refuses(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "touch", refuses)
    monkeypatch.setattr(control_folder, "is_held", lambda _: True)
    answers(monkeypatch, SILENT)
    with pytest.raises(ControlError, match=r"cannot be written \(No space left on device\): kill its process"):
        stop_now(tmp_path)


def test_flatten_stops_first_and_then_sells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two questions: the first needs no turn between two blocks."""
    asked = answers(monkeypatch, said("nothing leaves any more"), said("selling"))

    assert "selling" == flatten(tmp_path, "a drill").text
    assert [b'"stop-now"' in asked[0], b'"flatten"' in asked[1]] == [True, True]


def test_flatten_without_a_run_holds_back_and_says_that_nothing_is_sold(tmp_path: Path) -> None:
    """The brake holds all the same."""
    with pytest.raises(
        ControlError, match=r"until it is resumed with a cause; nothing is sold back, since only a run sells: `tidemill resume --cause"
    ):
        flatten(tmp_path)

    assert [FILE, stops.FILE] == sorted(path.name for path in tmp_path.iterdir())


def test_folder_is_that_of_the_configuration_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of the variable, else of the file's line, else the usual one; a file that cannot be read stops nobody by mistake."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIDEMILL__DATA", raising=False)
    assert Path("tidemill-data") == folder_of_a_run()
    (tmp_path / "tidemill.toml").write_text('data = "mine"\n[nonsense]\n')
    assert Path("mine") == folder_of_a_run()
    monkeypatch.setenv("TIDEMILL__DATA", "theirs")
    assert Path("theirs") == folder_of_a_run()
    monkeypatch.delenv("TIDEMILL__DATA")
    (tmp_path / "tidemill.toml").write_text("data = \n")
    with pytest.raises(ConfigError, match="name the run's folder with --data"):
        folder_of_a_run()
