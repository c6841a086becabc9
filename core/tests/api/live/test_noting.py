"""What was done about a stop reaches the signer's audit trail: at once where a signer answers, else later, and once."""

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from tidemill.api.live import noting
from tidemill.api.live.noting import hand_over, keep_noting, note_stops, owner_line
from tidemill.pipeline.stops import StopNotes
from tidemill.signing.protocol import Ask, NoteAsk, encode_refusal, encode_value
from tidemill_testing.fake_signer import Fake, faked

pytestmark = pytest.mark.anyio
CONFIG = """
[chains.sim]
[stores.sqlite]
[signer]
keystore = "."
socket = "{socket}"
live = true
[signer.chains."sim:1"]
keys = ["main"]
decimals = 18
max_fee = "0.05"
max_fee_per_day = "2"
"""


def taken(_: Ask) -> bytes:
    return encode_value({})


def noted(fake: Fake) -> list[tuple[str, str]]:
    assert all(isinstance(ask, NoteAsk) for ask in fake.asks)
    return [(ask.event, ask.text.partition(" ")[2]) for ask in fake.asks if isinstance(ask, NoteAsk)]


async def until(done: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if done():
            return
        await anyio.sleep(0.01)
    pytest.fail("it was not noted")


@pytest.fixture
def notes(tmp_path: Path) -> StopNotes:
    """Two lines that no signer has."""
    found = StopNotes(tmp_path)
    found.add("stopped", "by command: a drill")
    found.add("resumed", "it is over")
    return found


async def test_note_stops_gives_each_once_in_order(notes: StopNotes, tmp_path: Path) -> None:
    """With the time at which it was done, and who tells."""
    async with faked(tmp_path, taken) as fake:
        await note_stops(notes, tmp_path / "signer.sock", owner_line(tmp_path))
        await note_stops(notes, tmp_path / "signer.sock", owner_line(tmp_path))

    assert [("stopped", "by command: a drill"), ("resumed", "it is over")] == noted(fake)
    assert [str(tmp_path)] * 2 == [ask.owner.split(", ")[-1] for ask in fake.asks if isinstance(ask, NoteAsk)]


async def test_note_stops_without_a_signer_keeps_them(notes: StopNotes, tmp_path: Path) -> None:
    """Nobody listens, or one that goes away after the first: what it did not take is told the next time."""
    await note_stops(notes, tmp_path / "signer.sock", "a test")
    assert 2 == len(notes.unsent())
    async with faked(tmp_path, lambda ask: taken(ask) if isinstance(ask, NoteAsk) and ask.event == "stopped" else None):
        await note_stops(notes, tmp_path / "signer.sock", "a test")

    assert ["resumed"] == [note.event for note in notes.unsent()]


async def test_note_stops_that_a_signer_refuses_are_kept(notes: StopNotes, tmp_path: Path) -> None:
    """Its disk may be full."""
    async with faked(tmp_path, lambda _: encode_refusal("audit", "the trail cannot be written")):
        await note_stops(notes, tmp_path / "signer.sock", "a test")

    assert 2 == len(notes.unsent())


async def test_keep_noting_tells_what_comes_later(notes: StopNotes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as it is there."""
    monkeypatch.setattr(noting, "LOOK_S", 0.01)
    async with faked(tmp_path, taken) as fake, anyio.create_task_group() as tasks:
        tasks.start_soon(keep_noting, notes, tmp_path / "signer.sock", "a test")
        await until(lambda: len(fake.asks) == 2)
        notes.add("stopped", "by signal: SIGUSR1")
        await until(lambda: not notes.unsent())
        tasks.cancel_scope.cancel()

    assert "by signal: SIGUSR1" == noted(fake)[-1][1]


async def test_hand_over_without_a_configuration_of_the_folder_does_nothing(
    notes: StopNotes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file, a wrong one, or one of another folder: the next run tells it."""
    monkeypatch.chdir(tmp_path)
    for text in (None, "[[", CONFIG.format(socket=tmp_path / "signer.sock")):
        if text is not None:
            (tmp_path / "tidemill.toml").write_text(text)
        await anyio.to_thread.run_sync(hand_over, tmp_path, "stop")

    assert 2 == len(notes.unsent())


async def test_hand_over_reaches_the_signer_of_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no run is on."""
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    StopNotes(data).add("stopped", "by command: a drill")
    (tmp_path / "tidemill.toml").write_text(f'data = "data"\n{CONFIG.format(socket=tmp_path / "signer.sock")}')
    async with faked(tmp_path, taken) as fake:
        with monkeypatch.context() as patched:
            patched.setattr(noting, "is_held", lambda _: True)
            await anyio.to_thread.run_sync(hand_over, data, "stop")
        assert [] == fake.asks
        await anyio.to_thread.run_sync(hand_over, data, "stop")

    assert [("stopped", "by command: a drill")] == noted(fake)
