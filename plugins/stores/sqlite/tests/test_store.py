"""What is written is what is read, in order, run by run."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill import Store
from tidemill.domain.ids import AssetId, BookId, ChainId, OpportunityId, PlanId
from tidemill.domain.records import EntryRow, IntentRow, Posting, Row
from tidemill.errors import LedgerError
from tidemill.ledger.digest import digest_of
from tidemill_store_sqlite import SqliteStore, tidemill_register_stores

Rows = Callable[..., list[Row]]
USDC = AssetId("sim:1/erc20:0xaa")
WETH = AssetId("sim:1/erc20:0xbb")


def entry(seq: int, kind: str, amount: int, *, book: str = "main", chain: str = "sim:1", asset: AssetId = USDC) -> EntryRow:
    """One entry that moves an amount into a wallet."""
    lines = (Posting("wallet", asset, amount), Posting("opening", asset, -amount))
    return EntryRow(seq, f"e-{seq}", BookId(book), ChainId(chain), 1, kind, "", lines)


def test_hook_registers_the_store() -> None:
    """The entry point's hook gives the one store class."""
    assert [SqliteStore] == list(tidemill_register_stores())


def test_plugin_import_loads_no_sqlalchemy() -> None:
    """R7: registering the store costs nothing; SQLAlchemy is imported when a ledger is opened."""
    code = "import sys, tidemill_store_sqlite; sys.exit('sqlalchemy' in sys.modules)"
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


def test_rows_of_every_kind_come_back_equal_and_in_order(store: SqliteStore, make_rows: Rows) -> None:
    """Rows read back equal what was written, amounts beyond 64 bits and odd characters included, so their hash is the same."""
    rows = make_rows(groups=3)
    run = store.begin("{}", "2026-01-01T00:00:00+00:00")
    store.write(run, rows[:5], durable=False)
    store.write(run, rows[5:], durable=True)
    assert rows == list(store.rows(run))
    assert digest_of(rows) == digest_of(store.rows(run))


def test_sums_and_searches_of_its_own_are_those_of_the_rows(store: SqliteStore, make_rows: Rows) -> None:
    """What the tables find quickly is what every row says, over all runs and in order; nothing of a text is a pattern."""
    reversal = EntryRow(
        91, "r-1", BookId("main"), ChainId("sim:1"), 9, "reversal", "e-5", (Posting("wallet", USDC, -3), Posting("x", USDC, 3))
    )
    named = attrs.evolve(entry(92, "adjustment", 7), ref="the block of plan plan-5 was dropped")
    for more in ([reversal], [entry(91, "opening", 500), named]):
        store.write(store.begin("{}", ""), [*make_rows(groups=3), *more], durable=False)

    assert Store.moved(store) == store.moved()
    assert store.moved()[BookId("main"), "wallet", USDC] != store.balances()[BookId("main"), "wallet", USDC]
    for text in ("plan-5", "plan", "o-1", "sim:1/u:0x01", "0x01", "e-", "e-5", "r-1", "5", "%", "_", "nothing", ""):
        found = list(store.naming(text))
        assert list(Store.naming(store, text)) == found, text
    assert {1, 2} == {run for run, _ in store.naming("plan-5")}
    assert [named] == [row for _, row in store.naming("plan-5") if isinstance(row, EntryRow) and row.kind == "adjustment"]


def test_groups_that_have_not_ended_come_back_in_their_last_state(store: SqliteStore) -> None:
    """Over all runs, oldest first, as any store gives them by looking at all rows; what has ended is left out."""

    def row(seq: int, plan: str, state: str, flow: str = "") -> IntentRow:
        names = (PlanId(plan), OpportunityId("o"), BookId("main"), "split", ChainId("sim:1"))
        return IntentRow(seq, *names, 1, state, (), 0, "", flow)

    text = '{"plans":[],"type":"Group","unwind":"100% _sell_"}'
    first, second = store.begin("{}", ""), 0
    written = [
        row(1, "a", "planned", text),
        row(2, "leg", "planned", "{}"),
        row(3, "b", "planned", text),
        row(4, "b", "failed"),
    ]
    store.write(first, [*written, row(5, "c", "planned", text)], durable=True)
    store.finish(first, "", "")
    second = store.begin("{}", "")
    store.write(second, [row(1, "a", "exposed"), row(2, "d", "planned", text), row(3, "d", "kept"), row(4, "c", "reopened")], durable=True)

    assert [("a", "exposed", text), ("c", "reopened", text)] == [(one.plan, one.state, one.flow) for one in store.open_groups()]
    assert list(Store.open_groups(store)) == list(store.open_groups())


def test_rows_of_any_amounts_come_back_equal(store: SqliteStore) -> None:
    """Any integer survives the store."""

    @given(st.lists(st.tuples(st.integers(), st.text(alphabet=st.characters(exclude_categories=["Cs"]))), max_size=5))
    def holds(lines: list[tuple[int, str]]) -> None:
        run = store.begin("{}", "")
        row = attrs.evolve(entry(1, "fill", 1), postings=tuple(Posting(account, USDC, amount) for amount, account in lines))
        store.write(run, [row], durable=False)
        assert [row] == list(store.rows(run))

    holds()


def test_runs_are_numbered_and_closed_with_their_hash(store: SqliteStore, make_rows: Rows) -> None:
    """Each run has the next number, its header, how many rows it has, and its hash once it is closed."""
    first = store.begin('{"seed": 1}', "a")
    store.write(first, make_rows(), durable=False)
    store.finish(first, "5f2c", "b")
    second = store.begin("{}", "c")
    assert [(1, "a", "b", '{"seed": 1}', 4, "5f2c"), (2, "c", "", "{}", 0, "")] == [attrs.astuple(run) for run in store.runs()]
    assert second == 2
    with pytest.raises(LedgerError, match="run 1 cannot be closed"):
        store.finish(first, "other", "d")


def test_rows_of_an_unknown_run_raises(store: SqliteStore) -> None:
    """Asking for a run that is not there is an error, not an empty run."""
    with pytest.raises(LedgerError, match="there is no run 7"):
        list(store.rows(7))


def test_rows_while_more_are_written_are_one_state(store: SqliteStore, make_rows: Rows) -> None:
    """A reader sees the run as it stood at its first row, whatever is written meanwhile."""
    run = store.begin("{}", "")
    rows = make_rows(groups=2)
    store.write(run, rows, durable=False)
    reading = store.rows(run)
    seen = [next(reading)]
    store.write(run, make_rows(first=9), durable=False)
    assert rows == [*seen, *reading]


def test_write_of_a_row_twice_leaves_nothing_of_the_group(store: SqliteStore, make_rows: Rows) -> None:
    """A group is written as a whole or not at all."""
    run = store.begin("{}", "")
    rows = make_rows(groups=2)
    store.write(run, rows[:4], durable=False)
    with pytest.raises(LedgerError, match=r"writing 5 rows of run 1 failed.*UNIQUE"):
        store.write(run, [*rows[4:], rows[0]], durable=False)
    assert rows[:4] == list(store.rows(run))
    store.write(run, rows[4:], durable=False)
    assert rows == list(store.rows(run))


@pytest.mark.parametrize(("field", "value"), [("height", 1 << 63), ("ref", "\ud800")])
def test_write_of_what_sqlite_cannot_hold_raises(store: SqliteStore, field: str, value: object) -> None:
    """A number or text that SQLite has no place for is refused with the group."""
    run = store.begin("{}", "")
    bad = attrs.evolve(entry(2, "fill", 1), **{field: value})  # type: ignore[arg-type]
    with pytest.raises(LedgerError, match="nothing was written"):
        store.write(run, [entry(1, "fill", 1), bad], durable=False)
    assert [] == list(store.rows(run))


def test_balances_after_an_opening_begin_with_it(store: SqliteStore) -> None:
    """An opening restates what earlier runs left: sums begin with the latest one of each book and chain."""
    run = store.begin("{}", "")
    store.write(run, [entry(1, "opening", 100), entry(2, "opening", 7, chain="eip155:1", asset=WETH), entry(3, "fill", 8)], durable=False)
    run = store.begin("{}", "")
    store.write(run, [entry(1, "opening", 108), entry(2, "fill", 2), entry(3, "fill", 5, book="other")], durable=False)
    wallets = {(book, asset): amount for (book, account, asset), amount in store.balances().items() if account == "wallet"}
    assert {("main", USDC): 110, ("main", WETH): 7, ("other", USDC): 5} == wallets


def test_balances_leave_zeros_out_and_are_sorted(store: SqliteStore) -> None:
    """What sums to nothing is not named, and the order is that of the keys."""
    run = store.begin("{}", "")
    store.write(run, [entry(1, "fill", 8), entry(2, "fill", -8), entry(3, "fill", 1, asset=WETH)], durable=False)
    assert [(("main", "opening", WETH), -1), (("main", "wallet", WETH), 1)] == list(store.balances().items())


def test_synchronous_is_full_for_durable_groups_and_runs_only(store: SqliteStore, make_rows: Rows) -> None:
    """R13: what money waits for is synced when the call returns; other groups are not."""
    seen: list[int] = []

    def note() -> None:
        assert store._writer is not None
        seen.append(store._writer.connection.cursor().execute("PRAGMA synchronous").fetchone()[0])

    run = store.begin("{}", "")
    note()
    store.write(run, make_rows(), durable=False)
    note()
    store.write(run, make_rows(first=5), durable=True)
    note()
    store.write(run, make_rows(first=9), durable=False)
    store.finish(run, "", "")
    note()
    assert [2, 1, 2, 2] == seen


def test_store_continues_after_it_was_closed(store: SqliteStore, make_rows: Rows, tmp_path: Path) -> None:
    """Opened again, the ledger has its runs and gives the next number; closing twice does no harm."""
    store.write(store.begin("{}", ""), make_rows(), durable=False)
    store.close()
    store.close()
    store.open(tmp_path / "ledger")
    assert make_rows() == list(store.rows(1))
    assert 2 == store.begin("{}", "")


def test_store_opened_twice_raises(store: SqliteStore, tmp_path: Path) -> None:
    """One store holds one ledger at a time."""
    with pytest.raises(LedgerError, match="open already"):
        store.open(tmp_path)


def test_store_that_is_not_open_raises(tmp_path: Path) -> None:
    """Nothing can be read or written before a ledger is opened, and nothing written where it was opened to be read."""
    store = SqliteStore()
    with pytest.raises(LedgerError, match="not open"):
        store.runs()
    with pytest.raises(LedgerError, match="not open for writing"):
        store.begin("{}", "")
    writer = SqliteStore()
    writer.open(tmp_path)
    writer.close()
    store.open(tmp_path, write=False)
    with pytest.raises(LedgerError, match="not open for writing"):
        store.begin("{}", "")
    store.close()


def test_check_of_a_sound_file_finds_nothing(store: SqliteStore, make_rows: Rows) -> None:
    """A ledger as the store leaves it is sound."""
    store.write(store.begin("{}", ""), make_rows(groups=5), durable=False)
    assert () == store.check()


def test_check_names_orphans_and_numbers_used_twice(store: SqliteStore, make_rows: Rows, tmp_path: Path) -> None:
    """What other programs did to the tables is told."""
    store.write(store.begin("{}", ""), make_rows(groups=2), durable=False)
    with sqlite3.connect(tmp_path / "ledger" / "ledger.db") as other:
        other.execute("DELETE FROM entries WHERE seq = 4")
        other.execute("UPDATE intents SET seq = 1 WHERE seq = 2")
    other.close()
    orphan, twice = sorted(set(store.check()))
    assert "a row of table postings belongs to none of table entries" in orphan
    assert "run 1 has several rows 1" in twice


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("postings", "amount", "many"),
        ("arbitrage_opportunities", "amount", "1.5"),
        ("intents", "reserved", "[[1]]"),
        ("execution_results", "changes", "{"),
    ],
)
def test_rows_altered_by_hand_raise(store: SqliteStore, make_rows: Rows, tmp_path: Path, table: str, column: str, value: str) -> None:
    """A value that is none is named with run, row and table, never guessed."""
    run = store.begin("{}", "")
    store.write(run, make_rows(), durable=False)
    with sqlite3.connect(tmp_path / "ledger" / "ledger.db") as other:
        other.execute(f"UPDATE {table} SET {column} = ?", (value,))
    other.close()
    with pytest.raises(LedgerError, match=f"run 1, row .*{table}"):
        list(store.rows(run))
    if table == "postings":
        with pytest.raises(LedgerError, match="'many' in table postings is no amount"):
            store.balances()
