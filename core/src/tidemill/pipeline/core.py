"""The core: one synchronous fold from batches to effects. No await, no clock, no file, no socket, no global random inside."""

from collections.abc import Callable, Iterable
from typing import Any

from attrs import evolve
from immutables import Map

from tidemill.domain import events as ev
from tidemill.domain.ids import AssetId, BookId, ChainId, PoolId, chain_of
from tidemill.domain.outcome import Outcome
from tidemill.domain.plan import Flow
from tidemill.domain.pool import Pool
from tidemill.domain.records import Row
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Unsigned
from tidemill.ledger.dropped import dropped_reason
from tidemill.pipeline.deciding import Deciding
from tidemill.pipeline.flattening import Flattening
from tidemill.pipeline.grouping import Grouping
from tidemill.pipeline.parts import Parts
from tidemill.pipeline.workbench import Workbench
from tidemill.stages import tell
from tidemill.stages.effects import Effects, Intent
from tidemill.stages.flight import Landed
from tidemill.stages.planner import Planned
from tidemill.stages.unasked import Unasked


class Core:
    """The fold. ``on_batch`` is the only way in; what it returns is the only way out.

    ``waiting`` are the pools of ideas that were turned away and may pass once plans have landed; ``halted`` says why trading has stopped
    for good, ``held`` why nobody is asked for ideas for now.
    """

    def __init__(self, parts: Parts) -> None:
        bench = self._bench = Workbench(parts)
        self.market, self.books, self.tally, self.flight = bench.market, bench.books, bench.tally, bench.flight
        self.journal, self.roster, self.waiting, self._out = bench.journal, bench.roster, bench.waiting, bench.out
        self.groups = bench.groups
        self._parts = parts
        self.unasked = Unasked([one.strategy.name for one in parts.asked])
        self._grouping = Grouping(bench)
        self._deciding = Deciding(bench, self._grouping, self.unasked)
        self.plugin_states: dict[str, ev.PluginState] = {}
        self.halted = ""
        self.held = ""
        self.flattening = Flattening(parts, self.books, self.flight, self._leave)
        self._stopping = ""
        self._answers: dict[type, Callable[[Any], None]] = {
            ev.Opening: self._opening,
            ev.OutcomeSeen: self._outcome,
            ev.RefusedSeen: self._refused,
            ev.Proposals: self._proposals,
            ev.PluginState: self._plugin_state,
            ev.Balances: self._balances,
        }

    def on_batch(self, batch: ev.Batch, decide: bool) -> Effects:
        """Take in a batch; with ``decide`` ask for ideas on what has changed since they were last asked."""
        if batch.is_aside:
            self._out.notes.extend(
                tell.warmed_note(event, self._bench.when()) for event in batch.events if isinstance(event, ev.PluginState)
            )
            return self._take()
        self.tally.events += len(batch.events)
        if batch.is_answer:
            for event in batch.events:
                handler = self._answers.get(type(event))
                if handler is not None:
                    handler(event)
        else:
            self._observe(batch)
        self._grouping.turn()
        # A command decides nothing by itself: whom it concerns is asked with the next batch, or no more
        if not decide or self.halted or self._stopping or batch.is_command:
            return self._take()
        if self.flattening.active:
            self._flatten()
        elif not self.held:
            self._grouping.unwind()
            self._deciding.decide(answered=any(isinstance(event, ev.Proposals) for event in batch.events))
        return self._take()

    def view(self) -> Map[PoolId, Pool]:
        """Return the pools as ideas see them: observed, with our filled paper swaps on them."""
        return self._bench.view()

    def snapshot(self) -> Snapshot:
        """Return the market as ideas would see it now, with nothing marked as changed."""
        return self.market.snapshot(pools=self.view(), books=self.books.states, finder=self.roster.searcher)

    def follow(self, intents: Iterable[Intent], waiting: Iterable[PoolId]) -> None:
        """Take over what another core decided on the same batches: here no plan is made.

        Args:
            intents: what it sent since it was last followed, in order.
            waiting: its ``waiting`` afterwards.
        """
        for intent in intents:
            if isinstance(intent.plan, Flow):
                self._bench.reserve(intent.plan, intent.height)
                self.flight.send(intent, "")
        self.waiting.clear()
        self.waiting.update(waiting)

    # --- market -----------------------------------------------------------------------------------------------------------------------

    def _observe(self, batch: ev.Batch) -> None:
        pending = batch.status == "pending"
        for event in batch.events:
            if isinstance(event, ev.Head):
                if not pending:
                    self._head(event)
            elif isinstance(event, ev.Rollback):
                self._roll_back(event)
            elif isinstance(event, ev.Control):
                self._control(event)
        moved = frozenset() if batch.is_command else self.market.apply(batch)
        if moved and self.flight.overlay.swaps:
            self.flight.observed(moved, self.market.state)

    def _head(self, event: ev.Head) -> None:
        self.tally.blocks += 1
        self.groups.head(event.chain, event.height)
        for pool in self.flight.head(event.chain, event.height, self.market.state):
            if pool in self.market.state.versions:
                self.market.bump(pool)
        head = ChainTime(event.chain, event.height, event.unix_time, event.epoch)
        self._out.notes.append(tell.head_note(head, event.block_hash))

    def _roll_back(self, event: ev.Rollback) -> None:
        lost = self.market.roll_back(event) is None
        anew = lost and self.market.rebase(event)
        if lost and not anew:
            # What was booked of dropped blocks is taken back all the same
            self._halt(f"{event.chain} was rolled back to {event.height}, further than the market can follow")
        before = self.flight.overlay.swaps
        undone = self.flight.roll_back(event.chain, event.height, anew=anew)
        after = self.flight.overlay.swaps
        self.market.touch(pool for pool in sorted({*before, *after}) if before.get(pool) != after.get(pool))
        for landed in undone:
            self._undo(landed, event.height)
        # Undone last to first, they are in flight again in the order in which they were sent
        self._out.intents.extend(self.flight.reopen(landed) for landed in reversed(undone))

    def _undo(self, landed: Landed, height: int) -> None:
        """Take back what was booked of a plan: the block that held it is not part of the chain that has this head."""
        plan = landed.intent.plan
        assert isinstance(plan, Flow)  # noqa: S101 only flows land in blocks
        native = self._bench.native(plan.chain)
        self.books.settle(plan.book, landed.outcome, native, sign=-1)
        self._bench.reserve(plan, landed.intent.height)
        self._grouping.reopened(plan.id)
        if landed.rows:
            self.tally.outcome(landed.outcome, native, gain=landed.gain, sign=-1)
            self._out.rows.extend(self.journal.reverse(plan, landed.rows, height=height))
        else:  # an earlier run counted it
            self._out.rows.extend(self._taken_back(plan, landed.outcome, height))
        self.market.drop_plan(plan)

    def _taken_back(self, plan: Flow, outcome: Outcome, height: int) -> list[Row]:
        """Return the entries that undo what an earlier run booked of a plan: its own rows are closed with it."""
        amounts: dict[AssetId, int] = dict(outcome.changes)
        native = self._bench.native(plan.chain)
        amounts[native] = amounts.get(native, 0) - outcome.cost
        reason = dropped_reason(plan.id)
        undone = [(asset, -amount) for asset, amount in sorted(amounts.items()) if amount]
        entries: list[Row] = [self.journal.adjustment(plan.book, plan.chain, height, asset, amount, reason) for asset, amount in undone]
        return [*entries, self.journal.reopened(plan, height)]

    def _control(self, event: ev.Control) -> None:
        names = event.arguments
        match event.command:
            case "halt":
                self._halt(event.cause or "an operator stopped trading")
            case "stop":
                self._stopping = event.cause or "an operator ended the run"
                self._out.notes.append(tell.control_note(event, (), self._bench.when()))
            case "hold":
                self.flattening.end()
                self.held = event.cause or "an operator stopped trading for now"
                self._out.notes.append(tell.control_note(event, (), self._bench.when()))
            case "flatten":
                self.held = event.cause or "an operator sells everything back"
                # A core that follows another one makes no plan
                if not self.roster.alone:
                    self.flattening.begin()
                self._out.notes.append(tell.control_note(event, (), self._bench.when()))
            case "release":
                self.flattening.forget()
                self.held = ""
                self._out.notes.append(tell.control_note(event, (), self._bench.when()))
            case "pause":
                self._out.notes.append(tell.control_note(event, self.unasked.pause(names, event.cause), self._bench.when()))
            case "resume":
                self._out.notes.append(tell.control_note(event, self.unasked.resume(names), self._bench.when()))

    # --- answers ----------------------------------------------------------------------------------------------------------------------

    def _opening(self, event: ev.Opening) -> None:
        held: dict[tuple[BookId, ChainId], list[tuple[AssetId, int]]] = {}
        for book, asset, amount in event.balances:
            held.setdefault((book, chain_of(asset)), []).append((asset, amount))
        for (book, chain), balances in sorted(held.items()):
            self.books.credit(book, balances)
            self._out.rows.extend(self.journal.opening(book, chain, 0, balances))
        for group in event.groups:
            self._grouping.open_again(group)
        for known in event.intents:
            self._open_again(known)

    def _open_again(self, known: ev.OpenIntent) -> None:
        """Take up a plan that an earlier run left open: in flight, or landed in a block that may still be dropped."""
        plan = known.plan
        assert isinstance(plan, Flow)  # noqa: S101 only flows are composed
        intent = Intent(plan, Unsigned(plan.id, plan.chain, b"", 0, plan.expires, known.digest), known.height)
        if known.outcome is not None and not known.dropped:
            self.flight.landed_before(intent, known.outcome)
            return
        if known.outcome is not None:
            self.books.settle(plan.book, known.outcome, self._bench.native(plan.chain), sign=-1)
            self._out.rows.extend(self._taken_back(plan, known.outcome, known.outcome.height))
        self._bench.reserve(plan, known.height)
        self.flight.send(intent, "")

    def _outcome(self, event: ev.OutcomeSeen) -> None:
        before = self.flight.landed(event.plan)
        if before is not None and not _same_block(before.outcome, event.outcome):
            # A chain may tell of a transaction before it tells that it went back
            self.flight.take_back(before)
            self._undo(before, event.outcome.height)
        landed = self.flight.land(event, self.market.state, self.view(), self._bench.net)
        if landed is None:
            return
        plan, outcome, native = landed.intent.plan, event.outcome, self._bench.native(landed.intent.plan.chain)
        assert isinstance(plan, Flow)  # noqa: S101 only flows are composed
        rows = self.journal.outcome(plan, outcome, native=native)
        self._out.rows.extend(rows)
        if not landed.final:
            return
        if self._grouping.landed(plan, outcome, landed.gain):
            # A part of a group is no profit: what all of it leaves is counted when it has ended
            landed = evolve(landed, gain=0)
        self.flight.remember(landed, rows)
        self.flattening.landed(plan.id, outcome)
        self.books.release(plan.book, plan.id)
        self.books.settle(plan.book, outcome, native)
        self.tally.outcome(outcome, native, gain=landed.gain)
        self.market.keep_plan(landed.intent, outcome)
        for pool in plan.pools:
            if pool in self.market.state.versions:
                self.market.bump(pool)
        self._bench.released()
        head, base = self.market.state.chains[plan.chain].head, self.books.states[plan.book].base
        self._out.notes.append(tell.outcome_note(landed, native, base, head, self.market.state.assets))

    def _refused(self, event: ev.RefusedSeen) -> None:
        dropped = self.flight.drop(event.plan)
        if dropped is None:
            return
        intent, route = dropped
        plan = intent.plan
        assert isinstance(plan, Flow)  # noqa: S101 only flows are composed
        self.books.release(plan.book, plan.id)
        self._grouping.refused(plan.id, f"{event.by}: {event.reason}")
        self.flattening.refused(event)
        self._out.rows.extend(self.journal.refused(plan, event.by, event.reason, digest=intent.unsigned.digest, height=intent.height))
        self.market.keep_plan(intent, None)
        self.market.touch(plan.pools)
        self._bench.released()
        self._out.notes.append(tell.refused_note(plan, route, event, self.market.state.chains[plan.chain].head, self.market.state.assets))

    def _proposals(self, event: ev.Proposals) -> None:
        asked = self.roster.named(event.strategy)
        if asked is not None and not self.roster.alone:
            self._deciding.proposed(asked, event.opportunities)

    def _plugin_state(self, event: ev.PluginState) -> None:
        self.plugin_states[event.plugin] = event
        fault = self.roster.hear(event)
        if fault is not None:
            self._out.faults.append(fault)
        if event.state == "disabled" and event.plugin.startswith("dex."):
            self.market.disable(event.plugin.removeprefix("dex."))
        elif event.state == "restarted" and event.plugin.startswith("search."):
            # It knows nothing of what the one before it was told
            self.market.touch(self.market.state.refs)
        self._out.notes.append(tell.plugin_note(event, self._bench.when()))

    def _balances(self, event: ev.Balances) -> None:
        """Take over what the chain says we hold: it wins, and the difference is an entry of its own."""
        state = self.books.states[event.book]
        for asset, amount in sorted(event.amounts):
            difference = amount - state.balances.get(asset, 0)
            if difference:
                chain = chain_of(asset)
                view = self.market.state.chains.get(chain)
                height = view.head.height if view is not None else 0
                reason = "the chain's balance differs from the book's"
                self._out.rows.append(self.journal.adjustment(event.book, chain, height, asset, difference, reason))
                self.books.credit(event.book, [(asset, difference)])

    # --- its own state ----------------------------------------------------------------------------------------------------------------
    def _flatten(self) -> None:
        """Sell what can be sold back, and say what stays once nothing can be sold any more."""
        left = self.flattening.turn(self.market.snapshot(pools=self.view(), books=self.books.states))
        faults, self.flattening.faults = self.flattening.faults, []
        self._out.faults.extend(faults)
        if left is not None:
            self._out.notes.append(tell.flattened_note(left, self._bench.when(), self.market.state.assets))

    def _leave(self, planned: Planned, route: str) -> Flow:
        return self._bench.send(planned, route)

    def _halt(self, reason: str) -> None:
        self.halted = reason
        self._out.notes.append(tell.halt_note(self._bench.when(), reason))

    def _take(self) -> Effects:
        reads, watches = self.market.take_reads(), self.market.take_watches()
        for found in (self.market.faults, self.flight.faults):
            if found:
                self._out.faults.extend(found)
                found.clear()
        return self._out.take(reads, watches, halt=self.halted, stop=self._stopping)


def _same_block(one: Outcome, other: Outcome) -> bool:
    """Whether two answers tell of the same block and the same end."""
    return (one.status, one.height, one.block_hash) == (other.status, other.height, other.block_hash)
