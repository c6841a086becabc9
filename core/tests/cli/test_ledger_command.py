"""``tidemill ledger`` over a real file."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tidemill.domain.ids import AssetId, BookId, ChainId
from tidemill.domain.records import Row
from tidemill.ledger.digest import digest_of
from tidemill.ledger.journal import Journal
from tidemill.pipeline.writer import LedgerWriter

sqlite_store = pytest.importorskip("tidemill_store_sqlite", reason="the store plugin is not installed beside the kernel")

Tidemill = Callable[..., Result]
USDC = AssetId("sim:1/erc20:0xaa")


def write_run(folder: Path, amount: int, gain: int, *, close: bool = True) -> str:
    """Write a run that opens with an amount and finds a gain; return its hash."""
    journal = Journal()
    book, chain = BookId("main"), ChainId("sim:1")
    rows: list[Row] = [*journal.opening(book, chain, 1, ((USDC, amount),)), journal.adjustment(book, chain, 2, USDC, gain, "found")]
    with LedgerWriter(sqlite_store.SqliteStore(), folder) as writer:
        writer.begin("{}")
        writer.put(rows)
        if close:
            writer.finish(digest_of(rows))
        else:
            writer.flush()
    return digest_of(rows)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A ledger of two runs in the default folder; the second one was broken off."""
    folder = tmp_path / "tidemill-data"
    write_run(folder, 100, 8)
    write_run(folder, 108, 1 << 80, close=False)
    return folder


def test_show_of_the_latest_run_is_readable(tidemill: Tidemill, data: Path) -> None:
    """Without options the latest run in the default folder is shown."""
    shown = tidemill("ledger", "show")
    assert 0 == shown.exit_code
    assert shown.output.startswith("run 2 of 2 · started 20")
    assert f"main  0xaa  {USDC}  1,208,925,819,614,629,174,706,284" in shown.output
    assert "\x1b" not in shown.output


def test_show_json_is_one_object(tidemill: Tidemill, data: Path) -> None:
    """A run may be named, and the folder too."""
    found = json.loads(tidemill("ledger", "show", "--run", "1", "--data", str(data), "--json").output)
    assert (1, True, 2) == (found["run"], found["closed"], found["rows"])


def test_verify_after_a_run_was_broken_off_is_sound(tidemill: Tidemill, data: Path) -> None:
    """A run that was killed is told, what it wrote is balanced, and the exit code is 0."""
    found = tidemill("ledger", "verify")
    assert 0 == found.exit_code
    first, second, last = found.output.splitlines()
    assert first.startswith("run 1: 2 rows, balanced, hash ")
    assert "run 2: 2 rows so far, balanced, not closed: it was broken off, or is still running" == second
    assert "tidemill-data: sound" == last


def test_verify_of_altered_rows_fails_with_each_problem(tidemill: Tidemill, data: Path) -> None:
    """What other programs did to the file is named, and the exit code is 1."""
    with sqlite3.connect(data / "ledger.db") as other:
        other.execute("UPDATE postings SET amount = '9' WHERE run = 1 AND amount = '8'")
    other.close()
    found = tidemill("ledger", "verify")
    assert 1 == found.exit_code
    assert "run 1: row 2, adjustment entry" in found.output
    assert "run 1: its rows hash to" in found.output
    assert found.output.endswith("problems\n")
    as_json = tidemill("ledger", "verify", "--json", "--run", "1")
    assert (1, False) == (as_json.exit_code, json.loads(as_json.output)["sound"])


def test_hash_is_that_of_the_run(tidemill: Tidemill, data: Path, tmp_path: Path) -> None:
    """The hash of the rows is printed alone, or with the run's number."""
    expected = write_run(tmp_path / "other", 100, 8)
    assert f"{expected}\n" == tidemill("ledger", "hash", "--run", "1").output
    assert {"run": 1, "ledger_hash": expected} == json.loads(tidemill("ledger", "hash", "--run", "1", "--json").output)


@pytest.mark.parametrize(("options", "lines"), [((), 2), (("--json",), 2), (("--format", "csv"), 5), (("--format", "csv", "--json"), 2)])
def test_export_prints_the_rows(tidemill: Tidemill, data: Path, options: tuple[str, ...], lines: int) -> None:
    """JSON lines by default, CSV when asked for."""
    found = tidemill("ledger", "export", *options)
    assert (0, lines) == (found.exit_code, len(found.output.splitlines()))


@pytest.mark.parametrize("subcommand", ["show", "verify", "hash", "export"])
def test_ledger_that_is_not_there_fails(tidemill: Tidemill, subcommand: str) -> None:
    """A folder without a ledger is an error with what to do; nothing is created."""
    found = tidemill("ledger", subcommand, "--data", "nowhere")
    assert (1, False) == (found.exit_code, Path("nowhere").exists())
    assert "there is no ledger here; `tidemill run` writes one" in found.output


def test_run_that_is_not_there_is_a_usage_error(tidemill: Tidemill, data: Path) -> None:
    """A number that no run has is answered with those there are."""
    found = tidemill("ledger", "hash", "--run", "9")
    assert 2 == found.exit_code
    assert "there is no run 9; there are runs 1 to 2" in found.output
