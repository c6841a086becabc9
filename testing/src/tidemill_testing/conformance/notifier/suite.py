"""The suite for notifiers: what is told arrives, and whatever happens to it never holds up the run."""

import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

import anyio
import attrs
import pytest

from tidemill.config.secret import Secret
from tidemill.domain.note import Note
from tidemill.errors import TidemillError
from tidemill.hookspecs.notifier import Notifier
from tidemill_testing.conformance.notifier.case import HEADER, NotifierCase, Script, Sent, hostile, note, ordinary, summary
from tidemill_testing.conformance.rule import rule

_HIDDEN = "hidden-4b1f-never-told"
_MANY = 2_000
_TRIES = 3
"""A busy machine pauses a process now and then; what blocks, blocks every time."""


class NotifierConformance(NotifierCase):
    """Rules for a notifier: ``class TestAcme(NotifierConformance): plugin = Acme``.

    An author must give:
        plugin: the notifier's class.

    An author may give:
        settings, assets, exempt: as for every suite.
        capabilities: ``every_note`` says that with these settings each note's text reaches the target, unless it is of event ``head``;
            ``failing_target`` that the target can fail, which ``unreachable`` shows.
        unreachable: settings with which the target cannot be reached: a folder that is not there, a closed port.
        sent: a fixture that gives a function which returns what reached the target so far, as text; by default standard output and
            error, and the files of the current folder, which is an empty one.
        patience_s: how many seconds a script of a few calls may take. pause_ms: how long it may hold up the event loop.

    Never override anything else.
    """

    @rule("NOT-10", "a run is told from start to finish")
    def test_run_is_told_from_start_to_finish(self, sent: Sent) -> None:
        """Notes of every event and level come, several at once and one by one; a notifier that raises is dropped for the whole run.

        If this fails: take any event's name and any fields: new ones come with new versions; format numbers from text, not by name.
        """
        self.expect_told(_run(ordinary(), *([one] for one in ordinary())), "an ordinary run")

    @rule("NOT-11", "nothing to tell does nothing")
    def test_nothing_to_tell_does_nothing(self, sent: Sent) -> None:
        """An empty ``tell`` comes where all notes of a batch were filtered out: nobody wants an empty message.

        If this fails: return at once where there are no notes.
        """
        seen: list[str] = []

        async def script(notifier: Notifier) -> None:
            await notifier.start(HEADER)
            seen.append(sent())
            await notifier.tell([])
            seen.append(sent())
            await notifier.finish(summary())

        self.expect_told(script, "an empty tell")
        if seen[0] != seen[1]:
            self.broken(f"an empty tell sent {seen[1].removeprefix(seen[0])!r}")

    @rule("NOT-12", "a run that ends at once is told")
    def test_run_that_ends_at_once_is_told(self, sent: Sent) -> None:
        """A run can end before its first note: an empty market, a Ctrl-C, a plugin that failed.

        If this fails: do not take anything for granted in ``finish`` that only ``tell`` makes.
        """
        self.expect_told(_run(), "a run without notes")

    @rule("NOT-13", "no note's content stops it")
    def test_no_content_stops_it(self, sent: Sent) -> None:
        """Symbols and reasons are what contracts and nodes say: control codes, halves of characters, huge texts, odd values.

        If this fails: encode with ``errors="backslashreplace"``, and turn values that your format does not know into text
        (``tidemill.domain.note_json`` does).
        """
        self.expect_told(_run(hostile()), "hostile notes")

    @rule("NOT-14", "the run goes on while it tells")
    def test_run_goes_on_while_it_tells(self, sent: Sent) -> None:
        """Sources and the ledger share the event loop with notifiers: one that blocks it makes the run blind.

        If this fails: use asynchronous I/O, or ``anyio.to_thread.run_sync`` for what blocks; give up after a timeout.
        """
        longest_ms = 0
        for _ in range(_TRIES):
            longest_ms = self._longest_pause_ms()
            if longest_ms <= self.pause_ms:
                return
        self.broken(f"telling {_MANY} notes held up the event loop for {longest_ms} ms: at most {self.pause_ms} ms")

    def _longest_pause_ms(self) -> int:
        """Return how long nothing else ran while many notes were told."""
        longest_ms = 0

        async def script(notifier: Notifier) -> None:
            await notifier.start(HEADER)
            async with anyio.create_task_group() as group:
                group.start_soon(watch)
                await anyio.sleep(0.02)
                await notifier.tell([note("fill", "info", f"fill {place}") for place in range(_MANY)])
                await anyio.sleep(0.02)
                group.cancel_scope.cancel()
            await notifier.finish(summary())

        async def watch() -> None:
            nonlocal longest_ms
            while True:
                before = time.monotonic_ns()
                await anyio.sleep(0.005)
                longest_ms = max(longest_ms, (time.monotonic_ns() - before) // 1_000_000)

        self.expect_told(script, f"{_MANY} notes at once")
        return longest_ms

    @rule("NOT-15", "it can be cancelled, and finished after that")
    def test_it_can_be_cancelled(self, sent: Sent) -> None:
        """At the end of a run a notifier that is slow is cancelled, and what comes after must still work.

        If this fails: let cancellation through (``except Exception`` does, ``except BaseException`` does not), clean up in ``finally``,
        and shield nothing that can wait.
        """

        async def script(notifier: Notifier) -> None:
            await notifier.start(HEADER)
            with anyio.CancelScope() as scope:
                scope.cancel()
                await notifier.tell(ordinary())
            await notifier.finish(summary())

        self.expect_told(script, "cancelled while it tells")

    @rule("NOT-16", "no secret is told")
    def test_no_secret_is_told(self, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is told may be read by anybody: neither a secret of its own settings nor one in a note's field may be in it.

        If this fails: reveal a ``Secret`` only where it is handed to the library that authenticates with it; write values with ``str()``.
        """
        for secret in _secrets(self.made_settings()):
            if secret.reference.startswith("env:"):
                monkeypatch.setenv(secret.reference.removeprefix("env:"), _HIDDEN)
        monkeypatch.setenv("TIDEMILL_CONFORMANCE_SECRET", _HIDDEN)
        told = note("alert", "error", "wrong key", ("api_key", Secret("env:TIDEMILL_CONFORMANCE_SECRET")))
        self.expect_told(_run([told]), "a note with a secret")
        if _HIDDEN in sent():
            self.broken("a secret was told: " + next(line for line in sent().splitlines() if _HIDDEN in line).replace(_HIDDEN, "…"))

    @rule("NOT-17", "what it is told stays as it is")
    def test_what_it_is_told_stays_as_it_is(self, sent: Sent) -> None:
        """Every notifier is given the same values, one after the other.

        If this fails: copy a mapping before you change it.
        """
        given = (HEADER, ordinary(), summary())
        before = deepcopy(given)

        async def script(notifier: Notifier) -> None:
            await notifier.start(given[0])
            await notifier.tell(given[1])
            await notifier.finish(given[2])

        self.expect_told(script, "an ordinary run")
        changed = [type(now).__name__ for now, then in zip(given, before, strict=True) if now != then]
        if changed:
            self.broken(f"it changed {', '.join(changed)}")

    @rule("NOT-18", "every note arrives, in order", needs="every_note")
    def test_every_note_arrives_in_order(self, sent: Sent) -> None:
        """A follower of the target sees what happened in the order in which it happened, all of it when the run has ended.

        If this fails: keep the order of ``notes`` over several calls, and send or flush what is kept back in ``finish``.
        """
        notes = [note("fill", "info", f"note number {place:03} of the run") for place in range(30)]
        self.expect_told(_run(notes[:10], notes[10:11], notes[11:]), "30 notes")
        text = sent()
        places = [text.find(one.text) for one in notes]
        missing = [one.text for one, place in zip(notes, places, strict=True) if place < 0]
        if missing:
            self.broken(f"{len(missing)} of 30 notes did not arrive, the first is {missing[0]!r}")
        if places != sorted(places):
            self.broken("notes arrived in another order than they were told")

    @rule("NOT-19", "a target that fails is an error, not a silence", needs="failing_target")
    def test_target_that_fails_is_an_error(self, sent: Sent) -> None:
        """An operator who is told nothing believes that nothing happened: the failure must reach the log, with what to do.

        If this fails: let ``start``, ``tell`` or ``finish`` raise an error of ``tidemill.errors`` (``PluginError``, ``Unavailable``) that
        names the target, within your own timeout, and do not catch it yourself.
        """
        error = self.tell(_run(ordinary()), self.make(**self.unreachable))
        if error is None:
            self.broken(f"with {self.unreachable} nothing was raised")
        if not isinstance(error, TidemillError):
            self.broken(f"with {self.unreachable} it raised {error!r}: expected an error of tidemill.errors")


def _run(*parts: Sequence[Note]) -> Script:
    async def script(notifier: Notifier) -> None:
        await notifier.start(HEADER)
        for notes in parts:
            await notifier.tell(notes)
        await notifier.finish(summary())

    return script


def _secrets(settings: Any) -> Iterator[Secret]:
    for attribute in attrs.fields(type(settings)):
        value = getattr(settings, attribute.name)
        if isinstance(value, Secret):
            yield value
