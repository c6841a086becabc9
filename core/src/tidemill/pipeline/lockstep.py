"""The lock-step driver: a batch is finished, with everything that follows from it, before the next begins."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import ParamSpec, TypeVar

import anyio
import structlog

from tidemill.domain.events import Batch, Control, Gap, Head, Rollback, States
from tidemill.domain.ids import ChainId, Key
from tidemill.domain.intent import IntentRecord
from tidemill.domain.note import Note
from tidemill.domain.records import Row
from tidemill.errors import ControlError, Unavailable
from tidemill.hookspecs.chain import ChainLink
from tidemill.ledger.digest import RowDigest
from tidemill.pipeline.brake import Brake
from tidemill.pipeline.collector import Collector
from tidemill.pipeline.core import Core
from tidemill.pipeline.execution import Execution
from tidemill.pipeline.isolation import Isolation
from tidemill.pipeline.memory import MemoryWatch
from tidemill.pipeline.notices import Notices
from tidemill.pipeline.pace import Pace
from tidemill.pipeline.supervise import Supervisor, demanded
from tidemill.pipeline.warming import Warming
from tidemill.pipeline.writer import LedgerWriter
from tidemill.stages.chain_rules import path_of
from tidemill.stages.contract import given
from tidemill.stages.effects import Effects, Intent, sent_together
from tidemill.tape.writer import TapeWriter
from tidemill.units import NS_PER_S

P = ParamSpec("P")
T = TypeVar("T")

DIGEST_LENGTH = 16
"""Hexadecimal digits of the running digest that stand beside each batch on a tape."""
MAX_READ_ROUNDS = 64
DRAIN_HEADS = 32
"""A run that ends waits for so many batches at most until blocks hold what is out; the rest is asked about at the next start."""
CONTROL = "control"
"""The source of batches that hold an operator's commands."""
WARMING = "warming"
"""The source of the batch that tells what became of the searcher's warming."""


class _Turn:
    """Who may feed the core: a batch with what follows from it, or a command, never both at once; free to take while nobody has it."""

    def __init__(self) -> None:
        self._lock = anyio.Lock()

    async def __aenter__(self) -> None:
        try:
            self._lock.acquire_nowait()
        except anyio.WouldBlock:
            await self._lock.acquire()

    async def __aexit__(self, *error: object) -> None:
        self._lock.release()


class Lockstep:
    """Feeds the core and carries out what it asks; every decision of the run passes through ``feed``."""

    def __init__(
        self,
        *,
        core: Core,
        links: Mapping[ChainId, ChainLink],
        execution: Execution,
        supervisor: Supervisor,
        notices: Notices,
        pace: Pace,
        writer: LedgerWriter | None = None,
        recorder: TapeWriter | None = None,
        isolation: Isolation | None = None,
        memory: MemoryWatch | None = None,
        warming: Warming | None = None,
        brake: Brake | None = None,
    ) -> None:
        self.core = core
        self.digest = RowDigest()
        self.halted = ""
        self.stopped = ""
        self.block_at = 0.0
        self._links = links
        self._execution = execution
        self._supervisor = supervisor
        self.notices = notices
        self._pace = pace
        self._writer = writer
        self._recorder = recorder
        self.isolation = isolation
        self._memory = memory
        self._warming = warming or Warming(None)
        self.collector = Collector()
        self._seq = 0
        self._commands = 0
        self._last: Batch | None = None
        self._hashes: dict[ChainId, str] = {}
        self.brake = brake
        self._over = False
        self._drained = 0
        self._owing = False
        self._turn = _Turn()
        self._waiting: anyio.CancelScope | None = None
        self._reads: deque[tuple[ChainId, tuple[Key, ...]]] = deque()
        self._answers: deque[tuple[Batch, bool]] = deque()
        self._log = structlog.get_logger("tidemill.lockstep")

    @property
    def execution(self) -> Execution:
        """Where plans go."""
        return self._execution

    async def run(self, batches: AsyncGenerator[Batch, None], stopped: Callable[[], bool], on_first: Callable[[], None]) -> None:
        """Fold all batches until they end, or until ``stopped``; then settle what is in flight.

        A core that halts trading ends the run as a stop does. At the natural end ideas are asked again after each settlement, until
        nothing new comes; after a stop they are not. ``on_first`` is called once the first batch and what follows from it are done, or
        there is none.
        """
        first = True
        async with aclosing(batches):
            while (batch := await self._next(batches)) is not None:
                async with self._turn:
                    # A stop may have come while this batch was waited for, or waited for its own turn
                    ending = self._is_ending(stopped)
                    if not ending or self._is_awaited():
                        self._drained += ending
                        await self.step(batch, decide=not ending)
                    await self._tell_warmed()
                if first:
                    on_first()
                    first = False
                if self._is_ending(stopped) and not self._is_awaited():
                    break
        if first:
            on_first()
        async with self._turn:
            self._over = True
            await self._tell_warmed()
            if self._execution.settles_at_the_end:
                await self.settle_all(decide=not self._is_ending(stopped))

    def _is_ending(self, stopped: Callable[[], bool]) -> bool:
        """Whether the run ends before its input does."""
        return bool(stopped() or self.halted or self.stopped)

    def _is_awaited(self) -> bool:
        """Whether the end waits for another batch: what is out with real money settles in blocks alone."""
        return not self._execution.settles_at_the_end and bool(self._execution.waiting) and self._drained < DRAIN_HEADS

    async def command(self, make: Callable[[], Control | None]) -> None:
        """Fold an operator's command between two batches; it is on the tape like what sources give.

        Args:
            make: called when its turn has come, so that it sees what earlier commands did; None: there is nothing to do.

        Raises:
            ControlError: the run is ending, and takes no command any more.
        """
        async with self._turn:
            if self._over:
                raise ControlError("the run is ending: it settles what is in flight and takes no more commands")
            command = make()
            if command is None:
                return
            await self._control(command)
            if self.stopped:
                self.wait_no_longer()

    async def settle_now(self) -> tuple[Row, ...]:
        """Ask between two batches what became of everything that is open; return what the ledger is told of it.

        Raises:
            ControlError: the run is ending, and does this by itself.
        """
        rows: list[Row] = []
        async with self._turn:
            if self._over:
                raise ControlError("the run is ending: it settles what is in flight and takes no more commands")
            now_ns = 0 if self._last is None else self._last.local_ns
            # Whoever asked may go away: what is begun is kept whole
            with anyio.CancelScope(shield=True):
                for chain in sorted(self.core.market.state.chains):
                    settled = await self._execution.settle(chain, self.core.snapshot(), self._hashes.get(chain, ""), now_ns)
                    rows += (await self.feed(settled.batch, decide=False, intents=settled.intents)).rows
                    await self._follow_up(decide=False, local_ns=now_ns)
        return tuple(rows)

    async def _control(self, command: Control) -> None:
        self._commands += 1
        # It stands beside the last batch, so that a tape of several chains gives it at the same place again
        chain, height, now_ns = (None, 0, 0) if self._last is None else (self._last.chain, self._last.height, self._last.local_ns)
        await self.feed(Batch(CONTROL, self._commands, chain, height, "", "", "confirmed", now_ns, now_ns, (command,)), decide=False)

    async def _tell_warmed(self) -> None:
        """Record once that the searcher has been warmed, between the batches where that was seen; it decides nothing."""
        event = self._warming.take()
        if event is None:
            return
        if self._memory is not None:
            self._memory.rebase()
        chain, height, now_ns = (None, 0, 0) if self._last is None else (self._last.chain, self._last.height, self._last.local_ns)
        await self.feed(Batch(WARMING, 1, chain, height, "", "", "confirmed", now_ns, now_ns, (event,)), decide=False)

    def wait_no_longer(self) -> None:
        """Leave the input now, if it is being waited for and nothing is out; a batch that is being folded is finished."""
        if self._waiting is not None and (self._execution.settles_at_the_end or not self._execution.waiting):
            self._waiting.cancel()

    async def _next(self, batches: AsyncIterator[Batch]) -> Batch | None:
        """Return the next batch when it is due; None at the end, or where the run was stopped meanwhile."""
        with anyio.CancelScope() as self._waiting:
            batch = await anext(batches, None)
            # A command from before the first block has no time of its own
            if batch is not None and batch.local_ns:
                await self._pace.wait(batch)
            return batch
        return None

    async def step(self, batch: Batch, *, decide: bool = True) -> None:
        """Fold one market batch with all that follows: reads, outcomes that fall due at its height, plugin failures."""
        await self._hold_or_release()
        self._last = batch
        chain = batch.chain
        for event in batch.events:
            if isinstance(event, Rollback):
                self._execution.forget(event.chain, event.height)
            elif isinstance(event, Gap):
                # Blocks below those that were missed may have been dropped meanwhile
                self._execution.forget(event.chain, -1)
        if chain is not None and batch.block_hash:
            self._hashes[chain] = batch.block_hash
        due = any(isinstance(event, Head) and self._execution.due(event.chain, event.height) for event in batch.events)
        await self.feed(batch, decide=decide and not due)
        await self._follow_up(decide=decide and not due, local_ns=batch.local_ns)
        if due and chain is not None:
            settled = await self._execution.settle(chain, self.core.snapshot(), batch.block_hash, batch.local_ns)
            await self.feed(settled.batch, decide=decide, intents=settled.intents)
            await self._follow_up(decide=decide, local_ns=batch.local_ns)

    async def _hold_or_release(self) -> None:
        """Tell the core of an emergency stop, or of its end, whoever caused it: the execution itself has heard of it at once."""
        if self.brake is None:
            return
        stopped = self.brake.stopped
        if self.brake.flattening and not self.core.flattening.active:
            # All that could be sold has been: from here on nothing leaves at all
            self.brake.flattening = False
        told_to_stop = self.core.flattening.active and not self.brake.flattening
        if stopped is not None and (not self.core.held or told_to_stop):
            await self._control(Control("hold", (), f"{stopped.by}: {stopped.cause}"))
        elif stopped is None and self.core.held:
            await self._control(Control("release", (), self.brake.released))

    async def settle_all(self, *, decide: bool) -> None:
        """Settle every plan in flight on the last market; with ``decide`` go on while that leads to new plans that fill."""
        while self._execution.waiting:
            fills = self.core.tally.fills
            for chain in self._execution.waiting:
                head = self.core.market.state.chains[chain].head
                now_ns = head.unix_time * NS_PER_S
                settled = await self._execution.settle(chain, self.core.snapshot(), "", now_ns, last=True)
                await self.feed(settled.batch, decide=decide, intents=settled.intents)
                await self._follow_up(decide=decide, local_ns=now_ns)
            if self.core.tally.fills == fills:
                decide = False

    async def feed(self, batch: Batch, *, decide: bool, intents: Sequence[IntentRecord] = ()) -> Effects:
        """Record a batch, fold it, and carry out what the core asks, in the order that ``Effects`` states.

        ``intents`` are what it tells of, in their new states: they are committed together with what the core writes of them.
        """
        if self._recorder is not None:
            self._recorder.write(batch, decide, self.digest.hexdigest()[:DIGEST_LENGTH])
        if self.isolation is not None:
            await self.isolation.send(batch, decide)
        blocks = self.core.tally.blocks
        with self.collector.around(batch):
            effects = self.core.on_batch(batch, decide)
        heads = self.core.tally.blocks - blocks
        if heads:
            self._headed(heads, batch)
        for row in effects.rows:
            self.digest.add(row)
        intents = (*intents, *self._reopened(effects.intents))
        if self._writer is not None and intents:
            self._writer.keep(intents, effects.rows, durable=True)
        elif self._writer is not None and effects.rows:
            self._writer.put(effects.rows)
        for together in sent_together(effects.intents):
            await self._carry_out(together, batch.local_ns)
        self._reads.extend(effects.reads)
        for chain, watch in effects.watches:
            await self._ask(chain, "watch", self._links[chain].watch, (watch,), ())
        self.notices.put(effects.notes)
        faults, self._execution.faults = (*self._execution.faults, *effects.faults), []
        proposals = effects.proposals
        if self.isolation is not None:
            self.isolation.folded(batch, effects)
            if decide:
                proposals += await self.isolation.answers()
            faults += self.isolation.take_faults()
        events = self._supervisor.answer(faults, heads)
        if events:
            self._answers.append((self._batch("supervisor", batch.chain, batch.height, batch.local_ns, events), False))
        if proposals:
            proposed = self._batch("proposals", batch.chain, batch.height, batch.local_ns, proposals)
            self._answers.append((proposed, True))
        self.halted = self.halted or effects.halt
        self.stopped = self.stopped or effects.stop
        return effects

    def _reopened(self, intents: Sequence[Intent]) -> Sequence[IntentRecord]:
        """Return the new states of plans whose block was dropped."""
        found: list[IntentRecord] = []
        for intent in intents:
            if intent.reopened:
                found += self._execution.reopened(intent, self.core.market.state.chains[intent.plan.chain].head.height)
        return found

    async def _carry_out(self, intents: Sequence[Intent], local_ns: int) -> None:
        """Hand over one plan, or the legs of one group; what is known of them at once returns as a batch."""
        heights = {intent.plan.chain: self.core.market.state.chains[intent.plan.chain].head.height for intent in intents}
        chain = intents[0].plan.chain
        known = await self._execution.take(intents, heights)
        if known:
            self._answers.append((self._batch("execution", chain, heights[chain], local_ns, tuple(known)), False))

    def _headed(self, heads: int, batch: Batch) -> None:
        """Take note that blocks came."""
        self.block_at = anyio.current_time()
        # What a searcher loads for itself meanwhile is no leak
        grown = self._memory.heads(heads) if self._memory is not None and not self._warming.active else ""
        if grown:
            self._log.warning(grown)
            self.notices.put((Note("memory", "warning", batch.height, batch.local_ns // NS_PER_S, grown),))

    async def _follow_up(self, *, decide: bool, local_ns: int) -> None:
        """Read what the core asked for and tell it of failures, until it asks for nothing more."""
        unread: list[tuple[ChainId, tuple[Key, ...]]] = []
        reason = ""
        for _ in range(MAX_READ_ROUNDS):
            if self._answers:
                answer, asks = self._answers.popleft()
                await self.feed(answer, decide=asks)
            elif self._reads:
                chain, keys = self._reads.popleft()
                states = await self._read(chain, keys)
                if isinstance(states, str):
                    unread.append((chain, keys))
                    reason = reason or states
                elif states.values:
                    view = self.core.market.state.chains.get(chain)
                    height = view.head.height if view is not None else 0
                    await self.feed(self._batch("reader", chain, height, local_ns, (states,)), decide=decide)
            else:
                self._owe(unread, reason)
                return
        self._owe(unread, reason)
        self._log.warning("the core keeps asking for state; the rest is read with the next block", rounds=MAX_READ_ROUNDS)

    async def _read(self, chain: ChainId, keys: tuple[Key, ...]) -> States | str:
        """Return what the chain says of these keys, or why it cannot answer now."""
        view = self.core.market.state.chains.get(chain)
        height = view.head.height if view is not None else None
        try:
            answer = await self._ask(chain, "read", self._links[chain].reader.read, keys, height)
            states: States = given(answer, States, path_of(self.core.market.rules[chain]), "read", "States")
            return states
        except Unavailable as error:
            return str(error) or type(error).__name__

    def _owe(self, unread: Sequence[tuple[ChainId, tuple[Key, ...]]], reason: str) -> None:
        """Read later what could not be read; told once until everything was read again, however often it is tried."""
        self._reads.extend(unread)
        if unread and not self._owing:
            chain, keys = unread[0]
            count, first = sum(len(keys) for _, keys in unread), next(iter(keys), "")
            self._log.debug("state cannot be read now", chain=chain, keys=count, first=f"{first:.24}", reason=f"{reason:.60}")
        self._owing = bool(unread)

    async def _ask(self, chain: ChainId, member: str, ask: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask a chain's I/O half what the run cannot do without."""
        return await demanded(path_of(self.core.market.rules[chain]), member, ask, *args, **kwargs)

    def _batch(self, source: str, chain: ChainId | None, height: int, local_ns: int, events: tuple) -> Batch:  # type: ignore[type-arg]
        self._seq += 1
        return Batch(source, self._seq, chain, height, "", "", "confirmed", local_ns, local_ns, events)
