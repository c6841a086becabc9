"""One object a line, the summary last."""

import io
import json
import sys
from pathlib import Path

import anyio
import pytest

from tidemill.domain.note import Note, RunHeader, Summary
from tidemill.domain.note_json import summary_json
from tidemill.errors import PluginError
from tidemill_notifier_jsonl import JsonLinesNotifier, JsonLinesSettings, tidemill_register_notifiers

HEADER = RunHeader("0.1.0", "paper", "sim:1", 1, ())
NOTES = [Note("head", "debug", 7, 0, "block 7"), Note("fill", "info", 7, 0, "gained ½", (("net", "18"),))]
SUMMARY = Summary(1, 2, 3, 4, 5, 6, 7, {}, {}, "5f2c")


async def tell_all(notifier: JsonLinesNotifier) -> None:
    await notifier.start(HEADER)
    await notifier.tell(NOTES)
    await notifier.tell([])
    await notifier.finish(SUMMARY)


def events(text: str) -> list[str]:
    return [json.loads(line)["event"] for line in text.splitlines()]


def test_hook_registers_the_notifier() -> None:
    """The entry point's hook gives the one notifier class."""
    assert [JsonLinesNotifier] == list(tidemill_register_notifiers())


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_lines_on_a_stream_are_objects_with_the_summary_last(backend: str) -> None:
    """Each line is one object with an event; heads are left out by default; the last is the summary in its documented shape."""
    stream = io.StringIO()
    anyio.run(tell_all, JsonLinesNotifier(stream=stream), backend=backend)
    lines = stream.getvalue().splitlines()
    assert ["run", "fill", "summary"] == events(stream.getvalue())
    assert summary_json(SUMMARY) == json.loads(lines[-1])
    assert stream.getvalue().isascii()


def test_lines_without_a_path_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is the default, and is left open."""
    anyio.run(tell_all, JsonLinesNotifier())
    sys.stdout.write("still open")
    out = capsys.readouterr().out
    assert (["run", "fill", "summary"], "still open") == (events(out.rpartition("still")[0]), out.splitlines()[-1])


def test_lines_in_a_file_are_appended_run_by_run(tmp_path: Path) -> None:
    """A file grows with every run; what is skipped is a setting."""
    file = tmp_path / "notes.jsonl"
    for _ in range(2):
        anyio.run(tell_all, JsonLinesNotifier(JsonLinesSettings(path=str(file), skip=())))
    assert ["run", "head", "fill", "summary"] * 2 == events(file.read_text("ascii"))


def test_lines_are_in_the_file_when_tell_returns(tmp_path: Path) -> None:
    """A reader that follows the file sees each note at once."""
    file = tmp_path / "notes.jsonl"
    notifier = JsonLinesNotifier(JsonLinesSettings(path=str(file)))

    async def half() -> None:
        await notifier.start(HEADER)
        await notifier.tell(NOTES)
        assert ["run", "fill"] == events(file.read_text("ascii"))
        await notifier.finish(SUMMARY)

    anyio.run(half)


def test_start_with_a_path_that_cannot_be_written_raises(tmp_path: Path) -> None:
    """A path that is no file is named, with the setting to change."""
    notifier = JsonLinesNotifier(JsonLinesSettings(path=str(tmp_path)))
    with pytest.raises(PluginError, match=r"cannot be written: .*; set path"):
        anyio.run(notifier.start, HEADER)
