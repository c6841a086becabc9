"""Rows of every kind, and a store in a folder of its own."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import pytest

from tidemill.domain.ids import AssetId, BookId, ChainId, OpportunityId, PlanId
from tidemill.domain.records import EntryRow, IntentRow, OpportunityRow, Posting, ResultRow, Row
from tidemill_store_sqlite import SqliteStore

MAIN, SIM, USDC = BookId("main"), ChainId("sim:1"), AssetId("sim:1/erc20:0xaa")
HUGE = 1 << 255
Rows = Callable[..., list[Row]]


@pytest.fixture
def make_rows() -> Rows:
    """Makes groups of four rows, one of each kind, numbered from ``first``; the entry moves ``amount`` of USDC."""

    def make(first: int = 1, groups: int = 1, amount: int = HUGE, kind: str = "fill") -> list[Row]:
        rows: list[Row] = []
        for seq in range(first, first + 4 * groups, 4):
            plan = PlanId(f"plan-{seq}")
            rows += [
                OpportunityRow(
                    seq, OpportunityId(f"o-{seq}"), MAIN, "spatial", "arbitrage", SIM, 7, USDC, ("sim:1/u:0x01", "sim:1/u:0x02"),
                    HUGE, -1, "taken", "", "naïve ’\x00\n", plan,
                ),
                IntentRow(
                    seq + 1, plan, OpportunityId(f"o-{seq}"), MAIN, "spatial", SIM, 7, "planned", ((USDC, HUGE),), HUGE, "0xfeed", "{}"
                ),
                ResultRow(seq + 2, plan, MAIN, "spatial", SIM, 8, "0x08", "filled", ((USDC, amount),), 0, ""),
                EntryRow(
                    seq + 3, f"e-{seq}", MAIN, SIM, 8, kind, plan, (Posting("wallet", USDC, amount), Posting("trading", USDC, -amount))
                ),
            ]  # fmt: skip
        return rows

    return make


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A store that is open for writing in ``<tmp_path>/ledger``."""
    opened = SqliteStore()
    opened.open(tmp_path / "ledger")
    yield opened
    opened.close()


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where the system has one, for hundreds of ledgers that nobody needs on a disk."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir=memory) as name:
        yield Path(name)


@pytest.fixture
def readable_tmp() -> Iterator[Path]:
    """A folder below the system's own temporary one, where another user may enter."""
    folder = Path(mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
