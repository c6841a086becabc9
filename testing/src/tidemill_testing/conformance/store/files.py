"""Rules for stores: one writer, many readers, nothing lost, nothing of others touched."""

import threading
from pathlib import Path

from tidemill.domain.intent import IntentState
from tidemill.errors import LedgerError, LedgerInUse
from tidemill.ledger.digest import digest_of
from tidemill_testing.conformance.child import Child, Say
from tidemill_testing.conformance.intents import planned, way
from tidemill_testing.conformance.ledger_rows import GROUP, group, groups
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.store.case import ALTERED, StoreCase, files_of

FOREIGN = b"notes of another program, none of a ledger's business\n" * 40


class StoreFiles(StoreCase):
    """Who else looks, writes, kills or alters; see ``StoreConformance``."""

    @rule("STO-13", "what was durable is there after the process was killed, and groups are whole")
    def test_durable_groups_survive_a_kill(self, tmp_path: Path) -> None:
        """Money moves once a durable ``write`` has returned: a killed process must not take that back, nor leave half a group.

        If this fails: with ``durable`` flush and fsync before ``write`` returns; when a ledger is opened, leave out or undo what a
        killed process wrote half.
        """
        with Child(lambda say: self._write_for_ever(tmp_path, say)) as child:
            said = ""
            for _ in range(5):
                said = child.line(self.patience_s) or self.broken(
                    f"the process that writes said nothing more after {said or 'its start'!r}"
                )
            if not said.isdigit():
                self.broken(f"a process that writes for ever ended: {said}")
            child.kill()
        with self._opened(tmp_path) as store:
            rows = tuple(store.rows(1))
            count = len(rows) // GROUP
            if count < int(said) or rows != groups(count):
                self.broken(f"{said} durable groups of {GROUP} rows were reported, {len(rows)} rows are there, or not as they were written")

    @rule("STO-14", "a second writer is refused")
    def test_second_writer_is_refused(self, tmp_path: Path) -> None:
        """Two instances that trade on one book spend the same money twice: LedgerInUse stops the second before it begins.

        If this fails: take a lock that the system drops with the process, before anything is written; do not let the refused one
        release or change anything.
        """

        def try_to_open(say: Say) -> None:
            try:
                self.make().open(tmp_path, write=True)
            except LedgerInUse as error:
                say(f"refused: {error}")
            say("opened")

        with self._opened(tmp_path) as store:
            run = store.begin("{}", "")
            with Child(try_to_open) as child:
                said = child.line(self.patience_s)
            if not (said or "").startswith("refused: "):
                self.broken(f"expected LedgerInUse in a second process, it said {said!r}")
            store.write(run, group(1), durable=True)
            self._expect(group(1), store.rows(run), "after a second writer was refused")
        with self._opened(tmp_path) as store:
            self._expect(group(1), store.rows(1), "opened again by the next writer")

    @rule("STO-15", "it can be read while it is written")
    def test_reader_beside_a_writer_reads_whole_groups(self, tmp_path: Path) -> None:
        """``tidemill ledger show`` looks at a running ledger: it sees whole groups, stops no writer, and cannot write.

        If this fails: take the writer's lock only with ``write=True``, let ``rows`` read one state of the file, and refuse ``begin`` and
        ``write`` on a ledger that was opened to be read, with LedgerError.
        """
        with self._written(tmp_path, groups(3)) as store, self._opened(tmp_path, write=False) as reader:
            reading = iter(reader.rows(1))
            seen = [next(reading)]
            store.write(1, groups(2, first=13), durable=True)
            seen += reading
            if len(seen) % GROUP:
                self.broken(f"a reader saw {len(seen)} rows while groups of {GROUP} were written")
            self._expect(groups(len(seen) // GROUP), seen, "read while more was written")
            self._expect(groups(5), reader.rows(1), "read after more was written")
            self._refuses("begin() on a ledger opened to be read", lambda: reader.begin("{}", ""))
            self._refuses("write() on a ledger opened to be read", lambda: reader.write(1, group(21), durable=False))

    @rule("STO-20", "files of another program are refused and left as they are")
    def test_foreign_files_are_refused_unharmed(self, tmp_path: Path) -> None:
        """A folder given by mistake must not be overwritten: what is no ledger is refused, to read and to write.

        If this fails: put a mark with a version at the head of your files, look at it before anything is written, and raise LedgerError.
        """
        with self._written(tmp_path / "own", groups(1)):
            pass
        names = [file.relative_to(tmp_path / "own") for file in files_of(tmp_path / "own") if file.stat().st_size]
        for place in names:
            folder = tmp_path / "foreign" / place.name
            (folder / place).parent.mkdir(parents=True)
            (folder / place).write_bytes(FOREIGN)
            for write in (False, True):
                self._refuses(f"open(write={write}) where {place} is another program's", lambda: self.make().open(folder, write=write))  # noqa: B023
                if (folder / place).read_bytes() != FOREIGN:
                    self.broken(f"open(write={write}) changed {place}, which is another program's")

    @rule("STO-21", "looking creates nothing")
    def test_looking_creates_nothing(self, tmp_path: Path) -> None:
        """``ledger show`` in a wrong folder must say so, not make an empty ledger there.

        If this fails: with ``write=False`` raise LedgerError where there is no ledger, and make neither folder nor file.
        """
        for folder in (tmp_path / "none", tmp_path / "empty"):
            if folder.name == "empty":
                folder.mkdir()
            self._refuses(f"open(write=False) of {folder.name}", lambda: self.make().open(folder, write=False))  # noqa: B023
        left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
        if left != ["empty"]:
            self.broken(f"open(write=False) made {left}")

    @rule("STO-22", "closing twice does no harm")
    def test_closing_twice_does_no_harm(self, tmp_path: Path) -> None:
        """A run that ends in an error closes its ledger on several ways out; the lock goes with the first.

        If this fails: let ``close`` forget what it released, and release the lock in every case.
        """
        store = self.make()
        store.open(tmp_path)
        store.write(store.begin("{}", ""), group(1), durable=False)
        try:
            store.close()
            store.close()
            with self._opened(tmp_path) as again:
                self._expect(group(1), again.rows(1), "after close")
        except (LedgerError, OSError, AttributeError, ValueError) as error:
            self.broken(f"the second close(), or opening after it, raised {error!r}")

    @rule("STO-23", "a sound ledger is found sound")
    def test_check_of_a_sound_ledger_finds_nothing(self, tmp_path: Path) -> None:
        """``ledger verify`` repeats what ``check`` says: a false alarm makes people ignore the true one.

        If this fails: say only what is wrong, and nothing of runs and intents that are still open.
        """
        with self._written(tmp_path, groups(4)) as store:
            store.keep_intents([*way(planned(1), IntentState.SIGNED, IntentState.FINAL), planned(2), planned(2)], "", durable=False)
            found = tuple(store.check())
        if found:
            self.broken(f"check() of an untouched ledger says {found}")

    @rule("STO-24", "a changed amount is noticed", needs="tamper_evident")
    def test_changed_amount_is_noticed(self, tmp_path: Path) -> None:
        """A store that says it is tamper-evident must see an amount that was changed by other means.

        If this fails: keep a hash of each group with its bytes and compare it in ``check``; where amounts do not stand as decimal digits
        in your files, give the suite a method ``tamper``.
        """
        with self._written(tmp_path, group(1, amount=int(ALTERED[0]))):
            pass
        before = {file: file.read_bytes() for file in files_of(tmp_path)}
        self.tamper(tmp_path)
        if before == {file: file.read_bytes() for file in files_of(tmp_path)}:
            self.broken(
                f"{ALTERED[0].decode()} stands in no file of {sorted(file.name for file in before)}: give the suite a method tamper"
            )
        try:
            with self._opened(tmp_path, write=False) as store:
                found = tuple(store.check())
        except LedgerError:
            return
        if not found:
            self.broken("an amount was changed in the ledger's file, and check() says nothing")

    @rule("STO-25", "it works in the writer's thread")
    def test_it_works_in_the_writers_thread(self, tmp_path: Path) -> None:
        """A store is made where the pipeline is assembled, and opened and used by one other thread.

        If this fails: open connections in ``open``, none in the constructor, and keep nothing that belongs to one thread.
        """
        store, failures = self.make(), list[Exception]()

        def work() -> None:
            try:
                store.open(tmp_path)
                run = store.begin("{}", "")
                store.write(run, groups(2), durable=True)
                store.finish(run, digest_of(store.rows(run)), "2026-01-01T00:10:00+00:00")
                store.close()
            except Exception as error:  # noqa: BLE001  a thread's error is told by the rule
                failures.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(self.patience_s)
        if thread.is_alive() or failures:
            self.broken(f"in a thread of its own it {'raised ' + repr(failures[0]) if failures else f'did not end in {self.patience_s} s'}")
        with self._opened(tmp_path, write=False) as reader:
            self._expect(groups(2), reader.rows(1), "written in a thread of its own")
