"""What every rule for notifiers uses: a run to tell of, a place to look at, and a patience that ends."""

import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import anyio
import pytest

from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId
from tidemill.domain.note import Level, Note, RunHeader, Summary
from tidemill.hookspecs.notifier import Notifier
from tidemill_testing.conformance.ledger_rows import TEXTS, USDC, WIDEST
from tidemill_testing.conformance.suite import Conformance

Sent = Callable[[], str]
Script = Callable[[Notifier], Awaitable[None]]

HEADER = RunHeader(
    "0.1.0", "paper", "simulated market", 1, (("dex.uniswap", "0.1.0"), ("strategies.spatial", "0.1.0")), pools=240, assets=48, venues=5
)
LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")
EVENTS = ("head", "opportunity", "plan", "fill", "revert", "rejected", "alert", "plugin")


class NotifierCase(Conformance):
    """Tells a notifier of a run; see ``NotifierConformance``."""

    kind = "notifier"
    prefix = "NOT"
    may_give = Conformance.may_give | {"sent", "unreachable", "patience_s", "pause_ms"}
    capability_names = frozenset({"every_note", "failing_target"})

    plugin: ClassVar[type[Notifier]]
    unreachable: ClassVar[Mapping[str, object]] = {}
    patience_s: ClassVar[float] = 20.0
    pause_ms: ClassVar[int] = 1_000

    @pytest.fixture(autouse=True)
    def empty_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Every rule has an empty folder for the current one, so that a notifier with a relative path writes nowhere else."""
        monkeypatch.chdir(tmp_path)
        return tmp_path

    @pytest.fixture
    def sent(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Sent:
        """Return what reached the target so far: standard output, standard error, and the files of the current folder.

        Files are read in the order in which they were last written to, so that a file that was rotated away comes before the one in use.
        """
        seen: list[str] = []

        def look() -> str:
            seen.extend(capfd.readouterr())
            files = sorted((path for path in tmp_path.rglob("*") if path.is_file()), key=lambda path: (path.stat().st_mtime_ns, path))
            return "".join([*seen, *(path.read_text("utf-8", errors="replace") for path in files)])

        return look

    def tell(self, script: Script, notifier: Notifier | None = None) -> Exception | None:
        """Carry a script out in an event loop of its own, and return what it raised.

        A thread keeps the patience: what blocks the loop could not be cancelled within it.
        """
        told = notifier if notifier is not None else self.make()
        raised: list[Exception] = []

        def work() -> None:
            try:
                anyio.run(script, told)
            except Exception as error:  # noqa: BLE001  each rule says whether it may raise
                raised.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(self.patience_s)
        if thread.is_alive():
            self.broken(f"it did not return within {self.patience_s:g} s")
        return raised[0] if raised else None

    def expect_told(self, script: Script, what: str) -> None:
        """Carry a script out that must not raise."""
        error = self.tell(script)
        if error is not None:
            self.broken(f"{what}: it raised {error!r}")


def note(event: str, level: Level = "info", text: str = "", *fields: tuple[str, object]) -> Note:
    """Return a note at height 7."""
    return Note(event, level, 7, 1_600_000_000, text or f"{event} at level {level}", fields)


def ordinary() -> Sequence[Note]:
    """Return a note of every event at every level, with the fields that the kernel gives."""
    fields = (
        ("strategy", "spatial"),
        ("profit", "18310000"),
        ("symbol", "USDC"),
        ("net", "18.31"),
        ("hops", 3),
        ("ok", True),
        ("plan", None),
    )
    return [note(event, level, "", *fields) for event in EVENTS for level in LEVELS]


def hostile() -> Sequence[Note]:
    """Return notes whose texts and fields are whatever a contract, a node or another plugin said."""
    odd: tuple[object, ...] = (
        WIDEST, -WIDEST, Decimal(10) ** -18, b"\xff\x00", {"a": {1, 2}}, [None, (1, "two")], frozenset({"b", "a"}), "\x1b[2J", object(),
    )  # fmt: skip
    texts = [note("alert", level, text, ("reason", text)) for level in LEVELS for text in (*TEXTS, "\x1b[31mred\x1b[0m", "\ud83d alone")]
    return [*texts, note("fill", "info", "odd fields", *((f"field{place}", value) for place, value in enumerate(odd)))]


def summary() -> Summary:
    """Return what a run came to."""
    assets = {USDC: Asset(USDC, "USDC", 6)}
    pnl = {USDC: 84_110_000, AssetId("sim:1/erc20:0xcc"): -(10**30)}
    cost = {USDC: 3_200_000}
    return Summary(212, 900, 31, 10, 9, 1, 20, pnl, cost, "5f2c" * 16, ledger="data/ledger.db", profitable=8, assets=assets)
