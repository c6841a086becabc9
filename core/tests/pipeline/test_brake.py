"""The emergency stop: pulled it holds, over restarts and whatever the disk does, until somebody says why it may go on."""

from pathlib import Path

import pytest

from tidemill.errors import ControlError, LedgerError
from tidemill.pipeline.brake import ASKED, FILE, Brake


@pytest.fixture
def brake(tmp_path: Path) -> Brake:
    """One of a fresh folder."""
    found = Brake(tmp_path)
    found.load()
    return found


def test_brake_pulled_holds_over_restarts_with_its_first_cause(brake: Brake, tmp_path: Path) -> None:
    """Who pulls it first is named, also by the next process."""
    brake.pull("too many reverts", "command")
    brake.pull("another", "signal")
    again = Brake(tmp_path)
    again.load()

    assert brake.stopped == again.stopped
    assert again.stopped is not None
    assert ("too many reverts", "command") == (again.stopped.cause, again.stopped.by)


def test_brake_keeps_more_causes_beside_the_first(brake: Brake, tmp_path: Path) -> None:
    """Each once, over restarts, and never without end."""
    assert (False, "") == (brake.add("nothing is stopped"), brake.said_again("nothing is stopped"))
    brake.pull("a drill", "command")
    kept = [brake.add(cause) for cause in ("gas is dear", "gas is dear", "", *(f"{place:0200d}" for place in range(20)))]
    again = Brake(tmp_path)
    again.load()

    assert ([True, False, False], 9) == (kept[:3], sum(kept[3:]))
    assert again.stopped is not None
    assert again.stopped.cause.startswith("a drill; also: gas is dear; also: 000")
    assert len(again.stopped.cause) < 2_100
    assert "command" == again.stopped.by


def test_brake_release_needs_a_cause_and_lasts(brake: Brake, tmp_path: Path) -> None:
    """Released with a cause, and gone from the disk; without one it holds on."""
    with pytest.raises(ControlError, match="nothing is stopped here"):
        brake.release("all well")
    brake.pull("a drill", "command")
    with pytest.raises(ControlError, match="stopped by command: a drill; say why it may go on with --cause TEXT"):
        brake.release("  ")
    assert "a drill" == brake.release("the drill is over").cause
    again = Brake(tmp_path)
    again.load()

    assert brake.stopped is None
    assert "the drill is over" == brake.released
    assert again.stopped is None


def test_brake_file_of_any_hand_pulls_it_and_must_go_first(brake: Brake, tmp_path: Path) -> None:
    """A file named STOP counts from the moment it is there, and is not released beside itself."""
    (tmp_path / ASKED).touch()
    assert brake.stopped is not None
    assert "file" == brake.stopped.by
    with pytest.raises(ControlError, match="is still there, and holds trading back: remove it first"):
        brake.release("all well")
    (tmp_path / ASKED).unlink()
    assert brake.stopped is not None
    brake.release("all well")

    assert brake.stopped is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"cause": "x"}', b"\xff"])
def test_brake_file_that_cannot_be_read_holds(content: bytes, tmp_path: Path) -> None:
    """What may have been a stop is one."""
    (tmp_path / FILE).write_bytes(content)
    brake = Brake(tmp_path)
    brake.load()

    assert brake.stopped is not None
    assert "cannot be read" in brake.stopped.cause


def test_brake_on_a_disk_that_takes_nothing_holds_in_memory(tmp_path: Path) -> None:
    """Stopping cannot fail: where it cannot be written it holds for as long as the process lives."""
    brake = Brake(tmp_path / "nowhere")
    brake.pull("a drill", "signal")

    assert brake.stopped is not None


def test_brake_whose_file_cannot_be_removed_stays_pulled(brake: Brake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that the disk does not take would not last: it is none."""
    brake.pull("a drill", "command")

    def refuses(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuses)
    with pytest.raises(LedgerError, match="cannot be removed: Permission denied; trading stays stopped"):
        brake.release("all well")

    assert brake.stopped is not None
