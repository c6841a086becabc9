"""What every rule for stores uses: a ledger in a folder of its own, opened, written and read."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import ClassVar

from tidemill.domain.records import Row
from tidemill.errors import LedgerError
from tidemill.hookspecs.store import Store
from tidemill_testing.conformance.child import Say
from tidemill_testing.conformance.ledger_rows import GROUP, groups
from tidemill_testing.conformance.suite import Conformance

ALTERED = (b"31415926535897932384", b"31415926535897932385")
"""An amount as it is written, and what is put in its place."""


class StoreCase(Conformance):
    """Opens, writes and compares; see ``StoreConformance``."""

    kind = "store"
    prefix = "STO"
    may_give = Conformance.may_give | {"tamper", "patience_s"}

    plugin: ClassVar[type[Store]]
    patience_s: ClassVar[int] = 20

    def tamper(self, folder: Path) -> None:
        """Change the digits of an amount in the ledger's files."""
        for file in files_of(folder):
            file.write_bytes(file.read_bytes().replace(*ALTERED))

    @contextmanager
    def _opened(self, folder: Path, *, write: bool = True) -> Iterator[Store]:
        store: Store = self.make()
        store.open(folder, write=write)
        try:
            yield store
        finally:
            store.close()

    @contextmanager
    def _written(self, folder: Path, *parts: Sequence[Row]) -> Iterator[Store]:
        """Open a ledger with one run, each part of it a group, every second one durable."""
        with self._opened(folder) as store:
            run = store.begin("{}", "2026-01-01T00:00:00+00:00")
            for place, rows in enumerate(parts):
                store.write(run, rows, durable=place % 2 == 1)
            yield store

    def _expect(self, expected: Sequence[Row], found: Iterable[Row], what: str) -> None:
        rows = list(found)
        for wanted, row in zip(expected, rows, strict=False):
            if type(wanted) is not type(row) or wanted != row:
                self.broken(f"{what}: expected {_short(wanted)}, got {_short(row)}")
        if len(expected) != len(rows):
            self.broken(f"{what}: expected {len(expected)} rows, got {len(rows)}")

    def _refuses(self, what: str, call: Callable[[], object]) -> None:
        try:
            call()
        except LedgerError:
            return
        except Exception as error:  # noqa: BLE001  what is raised instead is what the rule tells
            self.broken(f"{what} raised {error!r}: expected LedgerError")
        self.broken(f"{what} was accepted: expected LedgerError")

    def _write_for_ever(self, folder: Path, say: Say) -> None:
        store: Store = self.make()
        store.open(folder)
        run = store.begin("{}", "")
        for written in count():
            store.write(run, groups(1, first=1 + GROUP * written), durable=True)
            say(str(written + 1))


def files_of(folder: Path) -> list[Path]:
    """Return the files below a folder, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _short(row: Row) -> str:
    text = repr(row)
    return text if len(text) <= 300 else f"{text[:297]}..."
