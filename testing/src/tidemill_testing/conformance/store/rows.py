"""Rules for stores: what the ledger is given is what it holds, in order, run by run."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from tidemill.domain.records import EntryRow, Row
from tidemill.errors import LedgerError
from tidemill.hookspecs.store import RunInfo, Store
from tidemill.ledger.digest import digest_of
from tidemill_testing.conformance.ledger_rows import GROUP, MAIN, SIM, TEXTS, WIDEST, balances_of, entry, group, groups, rejected
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.store.case import StoreCase

_BEGUN, _CLOSED = "2026-01-01T00:00:00+00:00", "2026-01-01T00:10:00+00:00"


class StoreRows(StoreCase):
    """What is read is what was written; see ``StoreConformance``."""

    @rule("STO-10", "rows come back equal and in order")
    def test_rows_come_back_equal_and_in_order(self, tmp_path: Path) -> None:
        """What is read is what was written: the ledger's hash, its reports and the books of the next run are made from it.

        If this fails: write every field of every kind of row, ``plan = None`` too, keep tuples tuples, and give the rows of one run in
        order of ``seq`` whatever their kind.
        """
        rows = (*groups(3), rejected(13))
        with self._written(tmp_path, rows[:5], rows[5:]) as store:
            self._expect(rows, store.rows(1), "run 1")

    @rule("STO-11", "every amount and text survives")
    def test_every_amount_and_text_survives(self, tmp_path: Path) -> None:
        """Amounts take 256 bits and have a sign; texts are whatever a contract said. A cut or rounded one is a wrong book.

        If this fails: keep amounts as decimal text or bytes, never as 64-bit integers or floats; pass texts as parameters.
        """
        amounts = (0, 1, -1, WIDEST, -WIDEST, 1 << 63, -(1 << 63) - 1, 10**30)
        rows = [*(row for at, amount in enumerate(amounts) for row in group(1 + GROUP * at, amount))]
        rows += [row for at, text in enumerate(TEXTS, len(amounts)) for row in group(1 + GROUP * at, text=text)]
        with self._written(tmp_path, rows) as store:
            self._expect(rows, store.rows(1), "run 1")

        with self._opened(tmp_path / "any") as store:

            @self.examples(30)
            @given(st.integers(-WIDEST, WIDEST))
            def holds(amount: int) -> None:
                run = store.begin("{}", "")
                store.write(run, group(1, amount), durable=False)
                self._expect(group(1, amount), store.rows(run), f"amount {amount}")

            holds()

    @rule("STO-12", "a group that cannot be written leaves nothing behind")
    def test_group_that_cannot_be_written_leaves_nothing(self, tmp_path: Path) -> None:
        """Half a group is a fill without its entry: a group that the store has no place for is refused as a whole, with LedgerError.

        If this fails: write a group in one transaction, or prepare all of its bytes before the first is written, and turn what the
        store's own library raises into LedgerError.
        """
        with self._opened(tmp_path) as store:
            run = store.begin("{}", "")
            store.write(run, group(1), durable=True)
            odd = (*group(5)[:-1], EntryRow(8, "entry-8", MAIN, SIM, 1 << 70, "fill", "\ud800", entry(8, "fill", 1).postings))
            try:
                store.write(run, odd, durable=True)
                expected: Sequence[Row] = (*group(1), *odd)
            except LedgerError:
                expected = group(1)
            self._expect(expected, store.rows(run), "after a group with a half character and a height of 71 bits")

    @rule("STO-16", "an opened ledger goes on where it ended")
    def test_reopened_ledger_goes_on(self, tmp_path: Path) -> None:
        """The next run carries the books of the last: rows and runs are there, and the next number follows.

        If this fails: look for the last run in what is stored, not in memory; keep rows of different runs apart.
        """
        with self._written(tmp_path, groups(2)) as store:
            store.finish(1, "5f2c", "2026-01-01T00:10:00+00:00")
        with self._opened(tmp_path) as store:
            second = store.begin("{}", "2026-01-02T00:00:00+00:00")
            if second != 2:
                self.broken(f"the run after run 1 is run {second}")
            store.write(second, group(1, amount=7), durable=False)
            self._expect(groups(2), store.rows(1), "run 1, opened again")
            self._expect(group(1, amount=7), store.rows(2), "run 2")

    @rule("STO-17", "runs are told as they were begun and closed")
    def test_runs_are_told_as_they_were(self, tmp_path: Path) -> None:
        """A report names a run by what it was begun with; a run that was broken off must look so.

        If this fails: keep header and times as they came, "" for what is not known yet, and count the rows of every kind.
        """
        header = '{"mode": "paper", "seed": 1, "name": "naïve"}'
        with self._opened(tmp_path) as store:
            first = store.begin(header, "2026-01-01T00:00:00+00:00")
            store.write(first, (*groups(2), rejected(9)), durable=False)
            store.finish(first, "5f2c", "2026-01-01T00:10:00+00:00")
            store.begin("{}", "2026-01-02T00:00:00+00:00")
        expected = (
            RunInfo(1, "2026-01-01T00:00:00+00:00", "2026-01-01T00:10:00+00:00", header, 9, "5f2c"),
            RunInfo(2, "2026-01-02T00:00:00+00:00", "", "{}", 0, ""),
        )
        with self._opened(tmp_path, write=False) as store:
            found = tuple(store.runs())
            if found != expected:
                self.broken(f"expected {expected}, got {found}")

    @rule("STO-26", "a run is closed once")
    def test_run_is_closed_once(self, tmp_path: Path) -> None:
        """The hash of a closed run is what ``ledger verify`` compares with: a second one would replace the proof of the first.

        If this fails: in ``finish`` raise LedgerError where there is no such run or where it is closed, and give each run once in
        ``runs``, as it was closed first.
        """
        with self._written(tmp_path, groups(2)) as store:
            self._refuses("finish() of a run that was never begun", lambda: store.finish(2, "5f2c", _CLOSED))
            store.finish(1, "5f2c", _CLOSED)
            expected = ((1, _CLOSED, "5f2c"),)
            self._refuses("finish() of a closed run, with another hash,", lambda: store.finish(1, "77aa", "2026-01-01T00:20:00+00:00"))
            self._refuses("finish() of a closed run, with the same hash,", lambda: store.finish(1, "5f2c", _CLOSED))
            self._still(expected, store, "after it was to be closed again")
            store.begin("{}", _BEGUN)
            self._refuses("finish() of a closed run while the next one is open", lambda: store.finish(1, "77aa", _CLOSED))
        with self._opened(tmp_path) as store:
            self._refuses("finish() of a closed run of a ledger opened again", lambda: store.finish(1, "77aa", _CLOSED))
            self._still((*expected, (2, "", "")), store, "opened again")
            self._expect(groups(2), store.rows(1), "run 1, opened again")

    def _still(self, expected: Sequence[tuple[int, str, str]], store: Store, when: str) -> None:
        """Compare number, end and hash of each run: with what it was begun another rule looks at."""
        found = tuple((info.run, info.ended, info.ledger_hash) for info in store.runs())
        if found != expected:
            self.broken(f"{when}: expected {expected}, got {found}")

    @rule("STO-18", "balances are the sums of the postings")
    def test_balances_are_the_sums_of_the_postings(self, tmp_path: Path) -> None:
        """The next run opens its books with these: per book and chain the postings since the latest opening, zeros left out.

        If this fails: begin the sum with the run that holds the latest opening of that book on that chain, sum as integers, and leave
        out what sums to 0.
        """
        numbers = count()
        entries = st.tuples(
            st.sampled_from(["opening", "fill", "cost"]), st.sampled_from(["main", "other"]), st.sampled_from(["sim:1", "eip155:1"]),
            st.sampled_from([1, -1, 5, WIDEST, -WIDEST]),
        )  # fmt: skip
        with self._opened(tmp_path) as store:

            @self.examples(20)
            @example([[("opening", "main", "sim:1", 5), ("fill", "main", "sim:1", 1)], [("opening", "main", "sim:1", 6)]])
            @example([[("fill", "main", "sim:1", 5), ("cost", "main", "sim:1", -5)]])
            @given(st.lists(st.lists(entries, max_size=4), max_size=3))
            def holds(runs: list[list[tuple[str, str, str, int]]]) -> None:
                # Books of its own: an example stands by itself, though all are written into one ledger
                own = f"{next(numbers)}-"
                written = [
                    [entry(seq, kind, amount, book=own + book, chain=chain) for seq, (kind, book, chain, amount) in enumerate(run, 1)]
                    for run in runs
                ]
                for rows in written:
                    store.write(store.begin("{}", ""), rows, durable=False)
                found = {place: amount for place, amount in store.balances().items() if place[0].startswith(own)}
                expected = dict(balances_of(written))
                if found != expected:
                    self.broken(f"of {runs}: expected {expected}, got {found}")

            holds()

    @rule("STO-19", "the hash of what is read is the hash of what was written")
    def test_hash_is_that_of_what_was_written(self, tmp_path: Path) -> None:
        """``ledger verify`` hashes what it reads: another hash says that the books were altered.

        If this fails: give numbers as integers and texts as they were, with no other type that merely compares equal (``True``, ``1.0``).
        """
        rows = (*groups(2), entry(9, "cost", -3, ref=TEXTS[1]))
        with self._written(tmp_path, rows) as store:
            expected, found = digest_of(rows), digest_of(store.rows(1))
        if expected != found:
            self.broken(f"rows that hash to {expected} are read back as rows that hash to {found}")
