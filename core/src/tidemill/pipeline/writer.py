"""The ledger's writer: one thread that owns the store, and a bounded queue before it.

Group commit: what waits is committed together, up to ``GROUP_ROWS``, and at once when nothing else waits. Rows and changes of intents
keep the order in which they came; where some of them wait for the disk, it is waited for once, with the last. Nothing is dropped: a
full queue blocks the caller, and after an error nothing more is accepted. It needs no event loop of its own and serves any.
"""

import queue
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import anyio.to_thread
from attrs import frozen

from tidemill.domain.ids import AssetId, BookId, PlanId
from tidemill.domain.intent import IntentRecord
from tidemill.domain.records import ResultRow, Row
from tidemill.errors import LedgerError
from tidemill.hookspecs.store import Store

GROUP_ROWS = 256
"""So many rows and changes are committed together at most, unless one call brings more."""
QUEUE_CALLS = 256
"""So many calls may wait before the next one blocks."""
RETRY_S = 1

T = TypeVar("T")


@frozen
class _Kept:
    """The rows and the changes of intents of one call, which are never parted; ``done`` is set once they are committed."""

    rows: tuple[Row, ...]
    changes: tuple[IntentRecord, ...]
    durable: bool
    done: Future[None]

    @property
    def size(self) -> int:
        return len(self.rows) + len(self.changes)


@frozen
class _Ask:
    """Something that only the writer's thread may do with the store."""

    act: Callable[[], None]
    done: Future[None]


class _Stop:
    """Ends the thread."""


_Call = _Kept | _Ask | _Stop


class LedgerWriter:
    """Writes the rows and the intents of one run through a store that only its thread touches.

    Call ``begin``, ``put`` and ``keep`` …, ``finish``, ``close`` from one thread. The first error ends the writer: whoever waits for it
    gets it, else the next call does, and every later call gets it again, with the first row or change that is not in the ledger.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._queue: queue.Queue[_Call] = queue.Queue(QUEUE_CALLS)
        self._ahead: _Call | None = None
        self._thread: threading.Thread | None = None
        self._serving: tuple[Future[None], ...] = ()
        self._run = 0
        self._error: LedgerError | None = None
        self._told = False
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.close()
        except LedgerError as failed:
            if error is None:
                raise
            error.add_note(str(failed))

    def balances(self) -> Mapping[tuple[BookId, str, AssetId], int]:
        """Open the ledger as its one writer, if that has not been done, and return the balances that earlier runs left.

        Raises:
            LedgerInUse: another process writes it. LedgerError: it cannot be opened or read.
        """
        return self._ask(self._store.balances)

    def intents(self, *, ended: bool = False) -> Sequence[IntentRecord]:
        """Open the ledger as its one writer, if that has not been done, and return the transactions of all runs that have not ended.

        Args:
            ended: return all of them, in order of their numbers.

        Raises:
            LedgerInUse: another process writes it. LedgerError: it cannot be opened or read.
        """
        return self._ask(lambda: tuple(self._store.intents(ended=ended)))

    def last_intent(self) -> int:
        """Return the highest number that a transaction of any run ever had; raises as ``intents`` does."""
        return self._ask(self._store.last_intent)

    def results(self, plan: PlanId) -> Sequence[ResultRow]:
        """Return what the ledger says became of a plan, over all runs, oldest first.

        Raises:
            LedgerError: it cannot be read.
        """
        return self._ask(lambda: tuple(self._store.results(plan)))

    def read(self, question: Callable[[Store], T]) -> T:
        """Open the ledger as its one writer, if that has not been done, and return what a question to the store comes to.

        Args:
            question: reads, and changes nothing; it runs on the writer's thread.

        Raises:
            LedgerInUse: another process writes it. LedgerError: it cannot be opened or read.
        """
        return self._ask(lambda: question(self._store))

    def begin(self, header: str) -> int:
        """Open the ledger as its one writer, if that has not been done, begin a run and return its number.

        Args:
            header: JSON about the run, without secrets; kept beside the rows and not part of their hash.

        Raises:
            LedgerInUse: another process writes it. LedgerError: it cannot be opened or written, or a run was begun before.
        """
        if self._run:
            raise LedgerError(f"{self._folder}: this writer began run {self._run} already; close it and open another one")
        self._run = self._ask(lambda: self._store.begin(header, _now()))
        return self._run

    def put(self, rows: Sequence[Row], *, durable: bool = False) -> None:
        """Queue rows, in order of ``seq``; with ``durable`` return only when they are committed and would survive a loss of power.

        Blocks while the queue is full.

        Raises:
            LedgerError: these rows, or earlier ones, could not be written.
        """
        if rows or durable:
            self._settle(self._queue_up(rows, (), durable=durable), durable=durable)

    def keep(self, changes: Sequence[IntentRecord], rows: Sequence[Row] = (), *, durable: bool = False) -> None:
        """Queue changes of intents, behind all that was put or kept before; ``durable`` as with ``put``.

        ``rows`` are written in one transaction with them.

        Raises:
            LedgerError: these changes, or what came before them, could not be written, or a change does not follow from what is kept.
        """
        if changes or durable:
            self._settle(self._queue_up(rows, changes, durable=durable), durable=durable)

    async def keep_durable(self, changes: Sequence[IntentRecord]) -> None:
        """Queue changes of intents at once and return when they, and all before them, would survive a loss of power; other tasks go on.

        Raises:
            LedgerError: these changes, or what came before them, could not be written, or a change does not follow from what is kept.
        """
        await anyio.to_thread.run_sync(self._wait, self._queue_up((), changes, durable=True))

    def flush(self) -> None:
        """Return when everything that was put is committed.

        Raises:
            LedgerError: some of it could not be written.
        """
        if self._thread is None:
            self._check()
        else:
            self._ask(lambda: None)

    def drain(self, seconds: float) -> bool:
        """Wait, from any thread, until what was put before is committed; return whether it was within about so many seconds."""
        if self._thread is None:
            return True
        done: Future[None] = Future()
        try:
            self._queue.put(_Ask(lambda: None, done), timeout=seconds)
            done.result(seconds)
        except (queue.Full, TimeoutError, LedgerError):
            return False
        return True

    def finish(self, ledger_hash: str) -> None:
        """Write what waits and close the run with its hash.

        Raises:
            LedgerError: something could not be written; the run then stays open, which ``ledger verify`` tells.
        """
        run = self._begun()
        self._ask(lambda: self._store.finish(run, ledger_hash, _now()))

    def close(self) -> None:
        """Write what waits, release the ledger and end the thread; may be called twice.

        Raises:
            LedgerError: something could not be written and nobody has been told yet.
        """
        thread, self._thread, self._closed = self._thread, None, True
        if thread is None:
            return
        while thread.is_alive():
            try:
                self._queue.put(_Stop(), timeout=RETRY_S)
                break
            except queue.Full:
                continue
        thread.join()
        if not self._told:
            self._check()

    def _ask(self, ask: Callable[[], T]) -> T:
        if self._thread is None:
            self._check()
            if self._closed:
                raise LedgerError(f"{self._folder}: this writer is closed; open another one")
            self._thread = threading.Thread(target=self._work, name="ledger-writer", daemon=True)
            self._thread.start()
        answers: list[T] = []
        asked: Future[None] = Future()
        self._submit(_Ask(lambda: answers.append(ask()), asked))
        self._wait(asked)
        return answers[0]

    def _queue_up(self, rows: Sequence[Row], changes: Sequence[IntentRecord], *, durable: bool) -> Future[None]:
        self._begun()
        done: Future[None] = Future()
        self._submit(_Kept(tuple(rows), tuple(changes), durable, done))
        return done

    def _settle(self, done: Future[None], *, durable: bool) -> None:
        if durable:
            self._wait(done)

    def _begun(self) -> int:
        self._check()
        if self._thread is None or not self._run:
            raise LedgerError(f"{self._folder}: this writer has no open run: call begin() first, and nothing after close()")
        return self._run

    def _submit(self, call: _Kept | _Ask) -> None:
        self._check()
        while True:
            try:
                self._queue.put(call, timeout=RETRY_S)
                break
            except queue.Full:
                self._check()
        # The thread may have ended between the first look and now: then nobody would ever answer
        self._check()

    def _wait(self, done: Future[None]) -> None:
        try:
            done.result()
        except LedgerError:
            self._told = True
            raise

    def _check(self) -> None:
        if self._error is not None:
            self._told = True
            raise type(self._error)(*self._error.args) from self._error

    # What follows runs on the writer's thread.

    def _work(self) -> None:
        try:
            self._store.open(self._folder, write=True)
            self._serve()
        except LedgerError as error:
            self._fail(error)
        finally:
            crash = sys.exception()
            if crash is not None:
                self._fail(LedgerError(f"{self._folder}: store {self._store.name} broke its contract: {crash!r}"))
            self._release()

    def _serve(self) -> None:
        """Serve calls in order until the end is asked for."""
        while True:
            call = self._next()
            if isinstance(call, _Stop):
                return
            if isinstance(call, _Ask):
                self._serving = (call.done,)
                call.act()
            else:
                self._commit(self._gather(call))
            for done in self._serving:
                done.set_result(None)
            self._serving = ()

    def _next(self) -> _Call:
        ahead, self._ahead = self._ahead, None
        return self._queue.get() if ahead is None else ahead

    def _gather(self, first: _Kept) -> list[_Kept]:
        """Return what can be committed together with ``first``: what waits behind it, up to the size of a group."""
        group, count = [first], first.size
        while count < GROUP_ROWS:
            try:
                call = self._queue.get_nowait()
            except queue.Empty:
                break
            if not isinstance(call, _Kept) or count + call.size > GROUP_ROWS:
                self._ahead = call
                break
            group.append(call)
            count += call.size
        return group

    def _commit(self, group: Sequence[_Kept]) -> None:
        """Write what the calls brought, in order: rows with rows, changes with changes.

        Where anyone waits for the disk the last commit is durable: that makes durable what was written before it, so that one is enough.
        """
        self._serving = tuple(call.done for call in group)
        parts = [list(calls) for _, calls in groupby(group, key=lambda call: bool(call.changes))]
        is_durable = any(call.durable for call in group)
        for place, calls in enumerate(parts, 1):
            durable = is_durable and place == len(parts)
            rows = [row for call in calls for row in call.rows]
            changes = [change for call in calls for change in call.changes]
            if changes:
                self._keep(changes, rows, durable=durable)
            else:
                self._write(rows, durable=durable)

    def _write(self, rows: Sequence[Row], *, durable: bool) -> None:
        try:
            self._store.write(self._run, rows, durable=durable)
        except LedgerError as error:
            lost = f"; rows from {rows[0].seq} on of run {self._run} are not in the ledger" if rows else ""
            raise LedgerError(f"{error}{lost}") from error

    def _keep(self, changes: Sequence[IntentRecord], rows: Sequence[Row], *, durable: bool) -> None:
        try:
            self._store.keep_intents(changes, _now(), durable=durable, run=self._run, rows=rows)
        except LedgerError as error:
            first = changes[0]
            raise LedgerError(
                f"{error}; that intent {first.number} is {first.state}, and what comes after it, is not in the ledger"
            ) from error

    def _fail(self, error: LedgerError) -> None:
        if self._error is None:
            self._error = error

    def _release(self) -> None:
        """Close the store and answer everyone who still waits."""
        try:
            self._store.close()
        except LedgerError as error:
            self._fail(error)
        waiting = list(self._serving)
        calls = [self._ahead] if self._ahead is not None else []
        while True:
            try:
                calls.append(self._queue.get_nowait())
            except queue.Empty:
                break
        waiting += [call.done for call in calls if not isinstance(call, _Stop)]
        for done in waiting:
            if not done.done():
                done.set_exception(self._error or LedgerError(f"{self._folder}: the writer was closed before this was done"))


def _now() -> str:
    """The wall clock, for people; it never reaches a row."""
    return datetime.now(UTC).isoformat(timespec="seconds")
