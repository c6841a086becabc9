"""What is told of foreign exceptions, whatever they are like."""

from collections.abc import Callable, Sequence
from typing import NoReturn

import anyio
import pytest

from tidemill import Notifier, Secret
from tidemill.domain.note import Note, RunHeader, Summary
from tidemill.errors import LONGEST_SAID, MarketDataError, said
from tidemill.pipeline.notices import Notices
from tidemill.pipeline.supervise import Supervisor
from tidemill.stages.guard import Fault


class Mute(Exception):
    """Cannot say what it is about."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class MuteData(Mute, MarketDataError):
    """The same for input that cannot be trusted."""


class Leaving(Exception):
    """Tries to end the process as it is told of."""

    def __str__(self) -> str:
        raise SystemExit(3)


def raising(error: BaseException) -> Callable[[], NoReturn]:
    def call() -> NoReturn:
        raise error

    return call


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("no pool"), "ValueError: no pool"),
        (KeyError("pool"), "KeyError: 'pool'"),
        (Mute(), "Mute, whose message cannot be read: it raised RuntimeError"),
        (Leaving(), "Leaving, whose message cannot be read: it raised SystemExit"),
        (ValueError("x" * 5_000_000), f"ValueError: {'x' * LONGEST_SAID}…"),
    ],
    ids=["message", "repr", "mute", "leaving", "long"],
)
def test_exception_of_a_plugin_is_told_in_bounds_and_never_raises(error: BaseException, expected: str) -> None:
    """A message of megabytes is cut, one that raises is left out: neither ends the run nor fills the log."""
    assert expected == said(error)
    assert Fault("strategies.acme", expected) == Supervisor({}, 5).call("strategies.acme", raising(error))


@pytest.mark.parametrize(("error", "blamed"), [(RecursionError(), True), (AssertionError(), True), (MarketDataError(), False)])
def test_exception_without_a_message_is_told_by_its_type_alone(error: Exception, blamed: bool) -> None:
    """No colon with nothing behind it, and never an empty reason."""
    assert Fault("dex.acme", type(error).__name__, blamed=blamed, deliberate=False) == Supervisor({}, 5).call("dex.acme", raising(error))


def test_untrusted_input_whose_message_raises_is_a_fault() -> None:
    """Also where the message alone would be told."""
    fault = Supervisor({}, 5).call("dex.acme", raising(MuteData()))

    assert isinstance(fault, Fault)
    assert ("dex.acme", False, True) == (fault.plugin, fault.blamed, "cannot be read" in fault.reason)


def test_secret_in_what_a_plugin_says_is_told_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what it raised nor what stands in a note tells a secret that was revealed; it is taken out before a text is cut."""
    monkeypatch.setenv("ACME_KEY", "sup3rs3cret")
    Secret("env:ACME_KEY").reveal()
    heard: list[Note] = []

    class Hearing(Notifier):
        name = "hearing"

        async def start(self, header: RunHeader) -> None:
            assert "toy" == header.source

        async def finish(self, summary: Summary) -> None:
            assert 0 == summary.blocks

        async def tell(self, notes: Sequence[Note]) -> None:
            heard.extend(notes)

    async def tell() -> None:
        notices = Notices([Hearing()])
        notices.start(RunHeader("0", "paper", "toy", 1, ()))
        notices.put([Note("x", "info", 0, 0, "key sup3rs3cret", (("reason", "sup3rs3cret is refused"), ("hops", 3)))])
        notices.finish(Summary(0, 0, 0, 0, 0, 0, 0, {}, {}, ""))
        await notices.run()

    anyio.run(tell)

    assert "ConnectionError: key [redacted] is refused" == said(ConnectionError("key sup3rs3cret is refused"))
    assert "sup" not in said(ConnectionError("x" * (LONGEST_SAID - 3) + "sup3rs3cret"))
    assert [("key [redacted]", (("reason", "[redacted] is refused"), ("hops", 3)))] == [(note.text, note.fields) for note in heard]
