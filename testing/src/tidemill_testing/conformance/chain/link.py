"""Rules of the half of a chain that does I/O: what it tells, and what its reader answers."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import anyio

from tidemill.domain.events import Batch, Head, Log, Logs, Rollback, States
from tidemill.domain.ids import Key
from tidemill.domain.pool import LogFilter, Watch
from tidemill.domain.time import ChainTime
from tidemill.errors import Unavailable
from tidemill.hookspecs.chain import ChainLink
from tidemill.tape.header import TapeHeader
from tidemill.tape.reader import TapeReader
from tidemill.tape.writer import TapeWriter
from tidemill_testing.conformance.chain.base import ChainBase
from tidemill_testing.conformance.chain.case import FAR, heads_of, with_link
from tidemill_testing.conformance.chain.faults import block_faults, head_faults
from tidemill_testing.conformance.events import counting_faults, recording_faults, seed_faults, time_faults
from tidemill_testing.conformance.listening import after_cancel, left_behind, listen
from tidemill_testing.conformance.rule import rule

T = TypeVar("T")
NOWHERE = "0x00000000000000000000000000000000000000ff"
_AFTER_CANCEL = 100
_TRIES = 10


class LinkRules(ChainBase):
    """The rules of a link and its reader."""

    @rule("CHN-30", "batches are counted, timed, and of this chain")
    def test_batches_are_well_formed(self) -> None:
        """Replays, gaps and rollbacks name a batch by source, number and block; answers to our own doing come from elsewhere.

        If this fails: one constant ``source``, ``seq`` by one, ``local_ns`` that never falls, the chain's own id in batch and events, the
        block's height and hash in its batch, its logs in order and each once, and no ``OutcomeSeen``, ``Balances`` or other answers.
        """
        batches, chain = self._batches(), self._rules().id
        for fault in (*counting_faults(tuple(batches)), *time_faults(tuple(batches)), *block_faults(batches, chain)):
            self.broken(fault)
        if not batches:
            self.broken("it yielded no batch")

    @rule("CHN-31", "heads grow by one, each upon the one before")
    def test_heads_grow(self) -> None:
        """A head that is left out, told twice or told without its parent makes every state behind it doubtful.

        If this fails: tell every block once and in order, ``Gap`` where blocks are missed, and ``Rollback`` to the common block before a
        block that competes with one already told.
        """
        for fault in head_faults(self._batches()):
            self.broken(fault)

    @rule("CHN-32", "blocks are dropped in the open", needs="reorganises")
    def test_blocks_are_dropped_in_the_open(self) -> None:
        """Pools, books and outcomes of dropped blocks are taken back; that needs the block that stays.

        If this fails: yield ``Rollback`` with height and hash of a block that was told and stays, before its competing successors.
        """
        if not any(isinstance(event, Rollback) for batch in self._batches() for event in batch.events):
            self.broken(f"no block was dropped within {self.blocks} batches: give settings that make it so, or more blocks")

    @rule("CHN-33", "what it yields comes back equal from a tape")
    def test_batches_come_back_from_a_tape(self) -> None:
        """A run records its tape, and every replay starts from it.

        If this fails: give each field of an event the type that its annotation says: ``bytes`` for values, ``int`` for numbers, tuples.
        """
        batches = self._batches()
        for batch in batches:
            for event in batch.events:
                for fault in recording_faults(event):
                    self.broken(fault)
        # The columns of a tape need pyarrow, which an author need not install; its codec was asked above
        if find_spec("pyarrow") is None:
            return
        with TemporaryDirectory() as folder:
            path = Path(folder) / "conformance.tape"
            header = TapeHeader(kind="run", chains=(self._rules().id,), source="conformance")
            with TapeWriter(path, header) as writer:
                for batch in batches:
                    writer.write(batch)
                writer.close()
            again = [record.batch for record in TapeReader(path).records()]
        for was, now in zip(batches, again, strict=False):
            if was != now:
                self.broken(f"recorded as {now}, yielded as {was}")
        if len(again) != len(batches):
            self.broken(f"{len(batches)} batches were recorded, {len(again)} came back")

    @rule("CHN-34", "equal seeds give equal batches", needs="seeded")
    def test_equal_seeds_give_equal_batches(self) -> None:
        """A simulated run is repeated by its seed alone, on any machine.

        If this fails: draw everything from ``setup.seed`` with a generator of your own, and never iterate over a set.
        """
        for fault in seed_faults(*(self._batches(seed) for seed in (1, 1, 2))):
            self.broken(fault)

    @rule("CHN-35", "a bounded run ends", needs="ends")
    def test_bounded_run_ends(self) -> None:
        """A backtest over so many blocks ends with them.

        If this fails: end ``batches`` after ``setup.blocks`` heads; 0 means that there is no end.
        """
        with self._link(blocks=self.blocks) as link:
            heard = listen(link.batches, 8 * self.blocks)
        heads = len({head.height for head in heads_of(heard.batches)})
        if not heard.ended or heads > self.blocks:
            self.broken(f"with {self.blocks} blocks it told {heads} heights and {'ended' if heard.ended else 'went on'}")

    @rule("CHN-36", "a reader answers what was asked, from one block")
    def test_reader_answers_what_was_asked(self) -> None:
        """A value that is missing, of another key or of another block makes a pool that never was.

        If this fails: return one value for each key, in the order asked, all from the block asked for; None where it is known to be absent.
        """
        keys = [Key(f"{NOWHERE}:0x{number:x}") for number in (7, 1, 3)]

        async def ask(link: ChainLink, batches: list[Batch]) -> States:
            return await link.reader.read(keys)

        if "reads" in self.capabilities:
            states = self._with_link(ask)
            if states.chain != self._rules().id or [key for key, _ in states.values] != keys:
                self.broken(f"asked for {keys} it answered {states}")
            return
        try:
            states = self._with_link(ask)
        except Unavailable:
            return
        self.broken(f"it does not declare reads, and answered {states} for keys that nobody knows")

    @rule("CHN-37", "a block that is not there is Unavailable", needs="reads")
    def test_unknown_block_is_unavailable(self) -> None:
        """The newest state in place of the one asked for is a guess, and looks like an answer.

        If this fails: raise ``Unavailable`` for a height that the node does not have, above its head or pruned.
        """

        async def ask(link: ChainLink, batches: list[Batch]) -> States:
            return await link.reader.read([Key(f"{NOWHERE}:0x0")], FAR)

        try:
            states = self._with_link(ask)
        except Unavailable:
            return
        self.broken(f"asked at height {FAR} it answered {states}")

    @rule("CHN-38", "a reader's logs are those that were told", needs="reads")
    def test_logs_are_those_that_were_told(self) -> None:
        """After a gap pools are played forward by these logs: one that is left out or repeated is never noticed.

        If this fails: return the logs of the contract and the span asked for, both ends included, in chain order; topics () means all.
        """
        told = [batch for batch in self._batches() if any(isinstance(event, Logs) and event.logs for event in batch.events)]
        if not told:
            return
        height, logs = told[-1].height, [log for event in told[-1].events if isinstance(event, Logs) for log in event.logs]
        wanted = LogFilter(logs[0].address)

        async def ask(link: ChainLink, batches: list[Batch]) -> tuple[Sequence[Log], Sequence[Log]]:
            return await link.reader.logs(wanted, height, height), await link.reader.logs(LogFilter(NOWHERE), 0, height)

        found, nothing = self._with_link(ask)
        expected = [log.index for log in logs if log.address == wanted.address]
        if [log.index for log in found] != expected or not set(found) <= set(logs):
            self.broken(f"of {wanted.address} at {height} it told logs {expected}, its reader gives {[log.index for log in found]}")
        if nothing:
            self.broken(f"of a contract that is not there its reader gives {len(nothing)} logs")
        topics = tuple(sorted({topic for log in logs if log.address == wanted.address for topic in log.topics[:1]}))[:1]
        if topics:

            async def ask_topic(link: ChainLink, batches: list[Batch]) -> Sequence[Log]:
                return await link.reader.logs(LogFilter(wanted.address, topics), height, height)

            chosen = [log.index for log in logs if log.address == wanted.address and log.topics[:1] == topics]
            given = [log.index for log in self._with_link(ask_topic)]
            if given != chosen:
                self.broken(f"of the event {topics[0].hex()} it told logs {chosen}, its reader gives {given}")

    @rule("CHN-39", "keys are reported while they are watched", needs="watches")
    def test_keys_are_reported_while_watched(self) -> None:
        """What is not reported grows old; what nobody watches any more fills tapes.

        If this fails: keep the watched keys, report those that changed with each block, and count how often a key is watched: two pools
        may watch it, and one of them may stop.
        """
        if not self.moving_keys:
            self.broken("it watches: give moving_keys that change within the blocks looked at")
        both, none = Watch(tuple(self.moving_keys)), self._reported(())
        if none:
            self.broken(f"{none[0]} is reported and nobody watches it")
        if not self._reported((both,)):
            self.broken(f"none of {len(self.moving_keys)} watched keys was reported within {self.blocks} batches")
        if not self._reported((both, both), (both,)):
            self.broken("watched twice and once no more, its keys are not reported any longer")
        if self._reported((both,), (both,)):
            self.broken("its keys are reported although nobody watches them any more")

    @rule("CHN-40", "closing it leaves nothing behind")
    def test_closing_leaves_nothing_behind(self) -> None:
        """A run that reconnects opens many links: each task, thread or socket that stays is one more.

        If this fails: open connections with ``async with`` inside ``batches``, and let ``GeneratorExit`` and cancellation pass through.
        """
        with self._link() as link:
            rest = left_behind(link.batches, 2)
        if rest:
            self.broken(f"still there after it was closed: {', '.join(rest)}")

    @rule("CHN-41", "it stops when it is cancelled")
    def test_it_stops_when_cancelled(self) -> None:
        """Ctrl-C must end a run also at full speed.

        If this fails: let cancellation pass through, and await something for each batch: ``anyio.lowlevel.checkpoint()`` where there is
        nothing else to wait for. A tape is finite, and needs none.
        """
        if self.tape is not None:
            return
        with self._link() as link:
            after, rest = after_cancel(link.batches, before=2, most=_AFTER_CANCEL)
        if after >= _AFTER_CANCEL or rest:
            self.broken(f"after it was cancelled it yielded {after} more batches and left {', '.join(rest) or 'nothing'}")

    @rule("CHN-42", "no rollback goes deeper than the chain's finality")
    def test_rollback_is_no_deeper_than_finality(self) -> None:
        """What lies deeper is booked for good, and its transaction is not asked about any more.

        If this fails: set ``finality`` of the rules to the most blocks that the chain ever drops, a whole number.
        """
        finality = self._rules().finality
        if type(finality) is not int or finality < 0:
            self.broken(f"finality is {finality!r}: expected a whole number of blocks")
        with self._link() as link:
            if link.rules.finality != finality:
                self.broken(f"the rules say {finality}, those of the link {link.rules.finality}")
        highest = 0
        for batch in self._batches():
            highest = max([highest, *(head.height for head in heads_of([batch]))])
            for event in batch.events:
                if isinstance(event, Rollback) and highest - event.height > finality:
                    self.broken(f"from {highest} it went back to {event.height}, below what {finality} blocks make final")

    @rule("CHN-43", "it says where it stands, and on which chain", needs="sends")
    def test_it_says_where_it_stands(self) -> None:
        """It is asked right before real money moves: a node of another chain, or one that stands still, would lose it.

        If this fails: ask the node itself for its chain's id and its newest block in ``newest``, no older than what was told already.
        """

        async def stands(link: ChainLink, batches: list[Batch]) -> ChainTime | None:
            for _ in range(_TRIES):
                with suppress(Unavailable):
                    return await link.newest()
            return None

        with self._link() as link:
            now = with_link(link, self.blocks, stands)
        told = max((event.height for batch in self._batches() for event in batch.events if isinstance(event, Head)), default=0)
        if not isinstance(now, ChainTime):
            self.broken(f"asked {_TRIES} times where it stands, it gave {now!r}: expected a ChainTime")
        if now.chain != self._rules().id or type(now.height) is not int or type(now.unix_time) is not int:
            self.broken(f"it stands at {now!r}: expected a block of {self._rules().id}")
        if "reorganises" not in self.capabilities and now.height < told:
            self.broken(f"it stands at block {now.height}, and told of block {told} already")

    def _batches(self, seed: int = 1) -> list[Batch]:
        async def heard(link: ChainLink, batches: list[Batch]) -> list[Batch]:
            return batches

        return self._with_link(heard, seed)

    def _with_link(self, work: Callable[[ChainLink, list[Batch]], Awaitable[T]], seed: int = 1) -> T:
        """Return what ``work`` does with a link that has yielded ``blocks`` batches."""
        with self._link(seed=seed) as link:
            return with_link(link, self.blocks, work)

    def _reported(self, add: tuple[Watch, ...], remove: tuple[Watch, ...] = ()) -> list[Key]:
        """Return the moving keys that are reported after watches were added and removed before the first batch."""

        async def read(link: ChainLink) -> None:
            for watch in add:
                await link.watch((watch,), ())
            for watch in remove:
                await link.watch((), (watch,))

        with self._link() as link:
            return _keys_after(link, read, self.blocks, set(self.moving_keys))


def _keys_after(link: ChainLink, prepare: Callable[[ChainLink], Awaitable[None]], blocks: int, wanted: set[Key]) -> list[Key]:
    anyio.run(prepare, link)

    async def found(link: ChainLink, batches: list[Batch]) -> list[Key]:
        values = [key for batch in batches for event in batch.events if isinstance(event, States) for key, _ in event.values]
        return [key for key in values if key in wanted]

    return with_link(link, blocks, found)
