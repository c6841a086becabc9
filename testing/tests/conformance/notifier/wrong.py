"""Notifiers that each break just the rule which their test class names, and one that breaks none."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import anyio
import anyio.lowlevel

from tidemill import Notifier, Secret, settings
from tidemill.domain.note import Note, RunHeader, Summary
from tidemill.errors import PluginError
from tidemill_testing.conformance import NotifierConformance


@settings
class FileSettings:
    path: str = "sound-notes.txt"


class Sound(Notifier):
    """Appends texts and fields to a file, and breaks nothing."""

    name = "sound"
    settings: FileSettings

    async def start(self, header: RunHeader) -> None:
        self.append(header.mode)

    async def tell(self, notes: Sequence[Note]) -> None:
        await anyio.lowlevel.checkpoint()
        for note in notes:
            self.append(f"{note.text} {[self.shown(value) for _, value in note.fields]}")

    async def finish(self, summary: Summary) -> None:
        self.append(summary.ledger_hash)

    def shown(self, value: object) -> str:
        return str(value)

    def append(self, text: str) -> None:
        try:
            with Path(self.settings.path).open("ab") as file:
                file.write(text.encode("utf-8", "backslashreplace") + b"\n")
        except OSError as error:
            raise PluginError(self.name, f"{self.settings.path} cannot be written") from error


class SoundSuite(NotifierConformance):
    plugin = Sound
    capabilities = frozenset({"every_note", "failing_target"})
    unreachable: ClassVar[Mapping[str, object]] = {"path": "missing/sound-notes.txt"}
    __test__ = False


class TestSound(SoundSuite):
    __test__ = True


class Tires(Sound):
    """Has enough after twenty calls."""

    calls = 0

    async def tell(self, notes: Sequence[Note]) -> None:
        self.calls += 1
        if self.calls > 20:
            raise RuntimeError("too many calls")
        await super().tell(notes)


class TestNOT10(SoundSuite):
    plugin = Tires
    __test__ = True


class Chatters(Sound):
    """Says that there is nothing to say."""

    async def tell(self, notes: Sequence[Note]) -> None:
        await super().tell(notes)
        if not notes:
            self.append("nothing new")


class TestNOT11(SoundSuite):
    plugin = Chatters
    __test__ = True


class NeedsANote(Sound):
    """Closes with what it was told last."""

    last: Sequence[Note]

    async def tell(self, notes: Sequence[Note]) -> None:
        self.last = notes
        await super().tell(notes)

    async def finish(self, summary: Summary) -> None:
        self.append(f"{len(self.last)} notes at last")


class TestNOT12(SoundSuite):
    plugin = NeedsANote
    __test__ = True


class Strict(Sound):
    """Stumbles over half a character."""

    def append(self, text: str) -> None:
        text.encode("utf-8")
        super().append(text)


class TestNOT13(SoundSuite):
    plugin = Strict
    __test__ = True


class Sleeps(Sound):
    """Waits between many notes, and everybody with it."""

    async def tell(self, notes: Sequence[Note]) -> None:
        if len(notes) > 1_000:
            time.sleep(0.5)  # noqa: ASYNC251  what is tested
        await super().tell(notes[:100])


class TestNOT14(SoundSuite):
    plugin = Sleeps
    pause_ms = 450
    __test__ = True


class Clings(Sound):
    """Goes on for a while when it is cancelled."""

    async def tell(self, notes: Sequence[Note]) -> None:
        try:
            await super().tell(notes)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await anyio.sleep(2.6)
            raise


class TestNOT15(SoundSuite):
    plugin = Clings
    patience_s = 2
    __test__ = True


class Reveals(Sound):
    """Helps with what was hidden."""

    def shown(self, value: object) -> str:
        return value.reveal() if isinstance(value, Secret) else str(value)


class TestNOT16(SoundSuite):
    plugin = Reveals
    __test__ = True


class Clears(Sound):
    """Empties the summary while it reads it."""

    async def finish(self, summary: Summary) -> None:
        while summary.pnl:
            self.append(str(summary.pnl.popitem()))


class TestNOT17(SoundSuite):
    plugin = Clears
    __test__ = True


class NewestFirst(Sound):
    """Turns each group of notes round."""

    async def tell(self, notes: Sequence[Note]) -> None:
        await super().tell(list(reversed(notes)))


class TestNOT18(SoundSuite):
    plugin = NewestFirst
    __test__ = True


class Swallows(Sound):
    """Keeps its failures to itself."""

    def append(self, text: str) -> None:
        if Path(self.settings.path).parent.is_dir():
            super().append(text)


class TestNOT19(SoundSuite):
    plugin = Swallows
    __test__ = True


@settings
class TokenSettings(FileSettings):
    token: Secret = Secret("env:SOUND_TOKEN")


class Boasts(Sound):
    """Says how it logs in."""

    settings: TokenSettings

    async def start(self, header: RunHeader) -> None:
        self.append(f"logged in with {self.settings.token.reveal({'SOUND_TOKEN': 'x', **os.environ})}")


class TestNOT16Settings(SoundSuite):
    plugin = Boasts
    __test__ = True


class Samples(Sound):
    """Tells one note of two where there are many."""

    async def tell(self, notes: Sequence[Note]) -> None:
        await super().tell(notes[::2])


class TestNOT18Missing(SoundSuite):
    plugin = Samples
    __test__ = True


class Untranslated(Sound):
    """Raises what the system raises."""

    def append(self, text: str) -> None:
        with Path(self.settings.path).open("ab") as file:
            file.write(text.encode("utf-8", "backslashreplace") + b"\n")


class TestNOT19Untranslated(SoundSuite):
    plugin = Untranslated
    __test__ = True
