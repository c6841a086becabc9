"""The lock-step driver: a batch is finished, with everything that follows from it, before the next begins."""

from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

import structlog

from tidemill.domain.events import Batch, Head, States
from tidemill.domain.ids import ChainId, Key
from tidemill.errors import Unavailable
from tidemill.hookspecs.chain import ChainLink
from tidemill.ledger.digest import RowDigest
from tidemill.pipeline.core import Core
from tidemill.pipeline.notices import Notices
from tidemill.pipeline.pace import Pace
from tidemill.pipeline.paper import PaperDesk
from tidemill.pipeline.supervise import Supervisor
from tidemill.pipeline.writer import LedgerWriter
from tidemill.stages.effects import Effects
from tidemill.tape.writer import TapeWriter

DIGEST_LENGTH = 16
"""Hexadecimal digits of the running digest that stand beside each batch on a tape."""
MAX_READ_ROUNDS = 64


class Lockstep:
    """Feeds the core and carries out what it asks; every decision of the run passes through ``feed``."""

    def __init__(
        self,
        *,
        core: Core,
        links: Mapping[ChainId, ChainLink],
        paper: PaperDesk,
        supervisor: Supervisor,
        notices: Notices,
        pace: Pace,
        writer: LedgerWriter | None = None,
        recorder: TapeWriter | None = None,
    ) -> None:
        self.core = core
        self.digest = RowDigest()
        self.halted = ""
        self._links = links
        self._paper = paper
        self._supervisor = supervisor
        self._notices = notices
        self._pace = pace
        self._writer = writer
        self._recorder = recorder
        self._seq = 0
        self._reads: deque[tuple[ChainId, tuple[Key, ...]]] = deque()
        self._answers: deque[tuple[Batch, bool]] = deque()
        self._log = structlog.get_logger("tidemill.lockstep")

    async def run(self, batches: AsyncGenerator[Batch, None], stopped: Callable[[], bool], on_first: Callable[[], None]) -> None:
        """Fold all batches until they end, or until ``stopped``; then settle what is in flight.

        A core that halts trading ends the run as a stop does. At the natural end ideas are asked again after each settlement, until
        nothing new comes; after a stop they are not. ``on_first`` is called once the first batch and what follows from it are done, or
        there is none.
        """
        first = True
        async with aclosing(batches):
            async for batch in batches:
                await self._pace.wait(batch)
                await self.step(batch)
                if first:
                    on_first()
                    first = False
                if stopped() or self.halted:
                    break
        if first:
            on_first()
        await self.settle_all(decide=not (stopped() or self.halted))

    async def step(self, batch: Batch) -> None:
        """Fold one market batch with all that follows: reads, outcomes that fall due at its height, plugin failures."""
        chain = batch.chain
        due = any(isinstance(event, Head) and self._paper.due(event.chain, event.height) for event in batch.events)
        await self.feed(batch, decide=not due)
        await self._follow_up(decide=not due, local_ns=batch.local_ns)
        if due and chain is not None:
            outcomes = self._paper.settle(chain, self.core.snapshot(), batch.block_hash, batch.local_ns)
            await self.feed(outcomes, decide=True)
            await self._follow_up(decide=True, local_ns=batch.local_ns)

    async def settle_all(self, *, decide: bool) -> None:
        """Settle every plan in flight on the last market; with ``decide`` go on while that leads to new plans that fill."""
        while self._paper.waiting:
            fills = self.core.tally.fills
            for chain in self._paper.waiting:
                head = self.core.market.state.chains[chain].head
                now_ns = head.unix_time * 1_000_000_000
                outcomes = self._paper.settle(chain, self.core.snapshot(), "", now_ns, last=True)
                await self.feed(outcomes, decide=decide)
                await self._follow_up(decide=decide, local_ns=now_ns)
            if self.core.tally.fills == fills:
                decide = False

    async def feed(self, batch: Batch, *, decide: bool) -> Effects:
        """Record a batch, fold it, and carry out what the core asks, in the order that ``Effects`` states."""
        if self._recorder is not None:
            self._recorder.write(batch, decide, self.digest.hexdigest()[:DIGEST_LENGTH])
        effects = self.core.on_batch(batch, decide)
        for row in effects.rows:
            self.digest.add(row)
        if self._writer is not None and effects.rows:
            self._writer.put(effects.rows)
        for intent in effects.intents:
            self._paper.take(intent, self.core.market.state.chains[intent.plan.chain].head.height)
        self._reads.extend(effects.reads)
        for chain, watch in effects.watches:
            await self._links[chain].watch((watch,), ())
        self._notices.put(effects.notes)
        faults, self._paper.faults = (*self._paper.faults, *effects.faults), []
        events = self._supervisor.answer(faults)
        if events:
            self._answers.append((self._batch("supervisor", batch.chain, batch.height, batch.local_ns, events), False))
        if effects.proposals:
            proposed = self._batch("proposals", batch.chain, batch.height, batch.local_ns, effects.proposals)
            self._answers.append((proposed, True))
        self.halted = self.halted or effects.halt
        return effects

    async def _follow_up(self, *, decide: bool, local_ns: int) -> None:
        """Read what the core asked for and tell it of failures, until it asks for nothing more."""
        unread: list[tuple[ChainId, tuple[Key, ...]]] = []
        for _ in range(MAX_READ_ROUNDS):
            if self._answers:
                answer, asks = self._answers.popleft()
                await self.feed(answer, decide=asks)
            elif self._reads:
                chain, keys = self._reads.popleft()
                states = await self._read(chain, keys)
                if states is None:
                    unread.append((chain, keys))
                elif states.values:
                    view = self.core.market.state.chains.get(chain)
                    height = view.head.height if view is not None else 0
                    await self.feed(self._batch("reader", chain, height, local_ns, (states,)), decide=decide)
            else:
                self._reads.extend(unread)
                return
        self._reads.extend(unread)
        self._log.warning("the core keeps asking for state; the rest is read with the next block", rounds=MAX_READ_ROUNDS)

    async def _read(self, chain: ChainId, keys: tuple[Key, ...]) -> States | None:
        view = self.core.market.state.chains.get(chain)
        try:
            return await self._links[chain].reader.read(keys, view.head.height if view is not None else None)
        except Unavailable as error:
            self._log.debug("state cannot be read now", chain=chain, keys=len(keys), reason=str(error))
            return None

    def _batch(self, source: str, chain: ChainId | None, height: int, local_ns: int, events: tuple) -> Batch:  # type: ignore[type-arg]
        self._seq += 1
        return Batch(source, self._seq, chain, height, "", "", "confirmed", local_ns, local_ns, events)
