"""The core: one synchronous fold from batches to effects. No await, no clock, no file, no socket, no global random inside."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from immutables import Map

from tidemill.domain import events as ev
from tidemill.domain.answers import Rejected
from tidemill.domain.book import BookState, OpenPlan
from tidemill.domain.ids import AssetId, BookId, ChainId, PoolId, chain_of
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.outcome import Outcome
from tidemill.domain.plan import Flow
from tidemill.domain.pool import Pool
from tidemill.domain.records import Row
from tidemill.domain.snapshot import Changed, Snapshot
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Unsigned
from tidemill.ledger.journal import Journal
from tidemill.pipeline.flattening import Flattening
from tidemill.pipeline.outbox import Outbox
from tidemill.pipeline.parts import BookPlan, Parts, bases_of
from tidemill.stages import tell
from tidemill.stages.books import Books
from tidemill.stages.effects import Effects, Intent
from tidemill.stages.flight import Flight, Landed
from tidemill.stages.guard import Fault
from tidemill.stages.ideas import Asked, Idea, gather, ranked
from tidemill.stages.planner import Planned, plan_idea
from tidemill.stages.roster import Roster
from tidemill.stages.tally import Tally
from tidemill.stages.unasked import Unasked


class Core:
    """The fold. ``on_batch`` is the only way in; what it returns is the only way out.

    ``waiting`` are the pools of ideas that were turned away and may pass once plans have landed; ``halted`` says why trading has stopped
    for good, ``held`` why nobody is asked for ideas for now.
    """

    def __init__(self, parts: Parts) -> None:
        self.market = parts.market
        self.books = Books((book.id, book.base) for book in parts.books)
        self.tally = Tally()
        self.flight = Flight(parts.overlay_blocks, parts.guard, paper=parts.paper)
        self.journal = Journal()
        self._parts = parts
        self._base_of = bases_of(parts)
        self.unasked = Unasked([one.strategy.name for one in parts.asked])
        self.plugin_states: dict[str, ev.PluginState] = {}
        self.roster = Roster(parts.asked, parts.searcher, parts.tools, parts.guard, parts.fresh)
        self._proposed: list[tuple[Asked, Opportunity]] = []
        self.waiting: set[PoolId] = set()
        self.halted = ""
        self.held = ""
        self.flattening = Flattening(parts, self.books, self.flight, self._leave)
        self._stopping = ""
        self._out = Outbox()
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
            self._out.notes.extend(tell.warmed_note(event, self._when()) for event in batch.events if isinstance(event, ev.PluginState))
            return self._take()
        self.tally.events += len(batch.events)
        if batch.is_answer:
            for event in batch.events:
                handler = self._answers.get(type(event))
                if handler is not None:
                    handler(event)
        else:
            self._observe(batch)
        # A command decides nothing by itself: whom it concerns is asked with the next batch, or no more
        if not decide or self.halted or self._stopping or batch.is_command:
            return self._take()
        if self.flattening.active:
            self._flatten()
        elif not self.held:
            self._decide(answered=any(isinstance(event, ev.Proposals) for event in batch.events))
        return self._take()

    def view(self) -> Map[PoolId, Pool]:
        """Return the pools as ideas see them: observed, with our filled paper swaps on them."""
        return self.flight.view(self.market.state)

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
                self.books.reserve(intent.plan.book, self._open_plan(intent.plan, intent.height))
                self.flight.send(intent, "")
        self.waiting = set(waiting)

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
        for pool in self.flight.head(event.chain, event.height, self.market.state):
            if pool in self.market.state.versions:
                self.market.bump(pool)
        head = ChainTime(event.chain, event.height, event.unix_time, event.epoch)
        self._out.notes.append(tell.head_note(head, event.block_hash))

    def _roll_back(self, event: ev.Rollback) -> None:
        if self.market.roll_back(event) is None:
            # What was booked of dropped blocks is taken back all the same
            self._halt(f"{event.chain} was rolled back to {event.height}, further than the market can follow")
        before = self.flight.overlay.swaps
        undone = self.flight.roll_back(event.chain, event.height)
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
        native = self._native(plan.chain)
        self.books.settle(plan.book, landed.outcome, native, sign=-1)
        self.books.reserve(plan.book, self._open_plan(plan, landed.intent.height))
        self.tally.outcome(landed.outcome, native, gain=landed.gain, sign=-1)
        if landed.rows:
            self._out.rows.extend(self.journal.reverse(plan, landed.rows, height=height))
        else:
            self._out.rows.extend(self._taken_back(plan, landed.outcome, height))
        self.market.drop_plan(plan)

    def _taken_back(self, plan: Flow, outcome: Outcome, height: int) -> list[Row]:
        """Return the entries that undo what an earlier run booked of a plan: its own rows are closed with it."""
        amounts: dict[AssetId, int] = dict(outcome.changes)
        native = self._native(plan.chain)
        amounts[native] = amounts.get(native, 0) - outcome.cost
        reason = f"the block of plan {plan.id}, which an earlier run booked, was dropped"
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
                self._out.notes.append(tell.control_note(event, (), self._when()))
            case "hold":
                self.flattening.end()
                self.held = event.cause or "an operator stopped trading for now"
                self._out.notes.append(tell.control_note(event, (), self._when()))
            case "flatten":
                self.held = event.cause or "an operator sells everything back"
                # A core that follows another one makes no plan
                if not self.roster.alone:
                    self.flattening.begin()
                self._out.notes.append(tell.control_note(event, (), self._when()))
            case "release":
                self.flattening.end()
                self.held = ""
                self._out.notes.append(tell.control_note(event, (), self._when()))
            case "pause":
                self._out.notes.append(tell.control_note(event, self.unasked.pause(names, event.cause), self._when()))
            case "resume":
                self._out.notes.append(tell.control_note(event, self.unasked.resume(names), self._when()))

    # --- answers ----------------------------------------------------------------------------------------------------------------------

    def _opening(self, event: ev.Opening) -> None:
        held: dict[tuple[BookId, ChainId], list[tuple[AssetId, int]]] = {}
        for book, asset, amount in event.balances:
            held.setdefault((book, chain_of(asset)), []).append((asset, amount))
        for (book, chain), balances in sorted(held.items()):
            self.books.credit(book, balances)
            self._out.rows.extend(self.journal.opening(book, chain, 0, balances))
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
            self.books.settle(plan.book, known.outcome, self._native(plan.chain), sign=-1)
            self._out.rows.extend(self._taken_back(plan, known.outcome, known.outcome.height))
        self.books.reserve(plan.book, self._open_plan(plan, known.height))
        self.flight.send(intent, "")

    def _outcome(self, event: ev.OutcomeSeen) -> None:
        before = self.flight.landed(event.plan)
        if before is not None and not _same_block(before.outcome, event.outcome):
            # A chain may tell of a transaction before it tells that it went back
            self.flight.take_back(before)
            self._undo(before, event.outcome.height)
        landed = self.flight.land(event, self.market.state, self.view(), self._net)
        if landed is None:
            return
        plan, outcome, native = landed.intent.plan, event.outcome, self._native(landed.intent.plan.chain)
        assert isinstance(plan, Flow)  # noqa: S101 only flows are composed
        rows = self.journal.outcome(plan, outcome, native=native)
        self._out.rows.extend(rows)
        if not landed.final:
            return
        self.flight.remember(landed, rows)
        self.books.release(plan.book, plan.id)
        self.books.settle(plan.book, outcome, native)
        self.tally.outcome(outcome, native, gain=landed.gain)
        self.market.keep_plan(landed.intent, outcome)
        for pool in plan.pools:
            if pool in self.market.state.versions:
                self.market.bump(pool)
        self._released()
        head, base = self.market.state.chains[plan.chain].head, self.books.states[plan.book].base
        self._out.notes.append(tell.outcome_note(landed, native, base, head, self.market.state.assets))

    def _refused(self, event: ev.RefusedSeen) -> None:
        dropped = self.flight.drop(event.plan)
        if dropped is None:
            return
        intent, route = dropped
        plan = intent.plan
        self.books.release(plan.book, plan.id)
        assert isinstance(plan, Flow)  # noqa: S101 only flows are composed
        rows = self.journal.refused(plan, event.by, event.reason, digest=intent.unsigned.digest, height=intent.height)
        self._out.rows.extend(rows)
        self.market.keep_plan(intent, None)
        self.market.touch(plan.pools)
        self._released()
        self._out.notes.append(tell.refused_note(plan, route, event, self.market.state.chains[plan.chain].head, self.market.state.assets))

    def _proposals(self, event: ev.Proposals) -> None:
        asked = self.roster.named(event.strategy)
        if asked is not None and not self.roster.alone:
            self._proposed.extend((asked, opportunity) for opportunity in event.opportunities)

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
        self._out.notes.append(tell.plugin_note(event, self._when()))

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

    # --- ideas ------------------------------------------------------------------------------------------------------------------------

    def _decide(self, *, answered: bool) -> None:
        """Ask for ideas; ``answered``: the batch brought proposals, which are served alone, and what changed waits for the next asking."""
        paused = self.unasked.paused
        asked = [] if answered else [one for one in self.roster.asked if one.strategy.name not in paused]
        self.market.touch(pool for one, opportunity in self._proposed if one.strategy.name in paused for pool in opportunity.pools)
        proposed, self._proposed = [(one, found) for one, found in self._proposed if one.strategy.name not in paused], []
        if not asked and not proposed:
            return
        changed = Changed() if answered else self.market.take_changed()
        self.unasked.miss(self.roster.left_out(paused), changed)
        self.market.refresh_trees()
        view = self._updated(changed)
        found = [*self._gathered(asked, view), *proposed]
        ideas = ranked(found, view, self.roster.tools.rules, self._base_of, self._parts.guard, self._out.faults)
        self.tally.opportunities += len(ideas)
        for idea in ideas:
            for book in self._parts.books:
                if book.serves(idea.strategy.name):
                    self._serve(idea, book, view)

    def _gathered(self, asked: Sequence[Asked], view: Snapshot) -> list[tuple[Asked, Opportunity]]:
        """Ask strategies; what those find that are not deterministic leaves as proposals, and counts when it comes back."""
        found = self._asked(asked, view)
        for one in asked:
            if self.roster.proposes(one):
                own = tuple(opportunity for other, opportunity in found if other is one)
                if own:
                    self._out.proposals.append(ev.Proposals(one.strategy.name, own))
        return [(one, opportunity) for one, opportunity in found if not self.roster.proposes(one)]

    def _asked(self, asked: Sequence[Asked], view: Snapshot) -> list[tuple[Asked, Opportunity]]:
        """Ask one after another, a strategy that was left out for a while with what it missed, which the searcher then looks at as well."""
        found: list[tuple[Asked, Opportunity]] = []
        for one in asked:
            missed = self.unasked.take_missed(one.strategy.name, view)
            found.extend(gather([one], view if missed is None else self._updated(missed), self._parts.guard, self._out.faults))
            if missed is not None:
                self._updated(view.changed)
        return found

    def _updated(self, changed: Changed) -> Snapshot:
        """Return what ideas see, its searcher up to date; without one where it failed or was disabled."""
        searcher, pools = self.roster.searcher, self.view()
        if searcher is not None:
            view = self.market.snapshot(pools=pools, changed=changed, books=self.books.states, finder=searcher)
            answer = self._parts.guard.call(f"search.{searcher.name}", searcher.update, view)
            if not isinstance(answer, Fault):
                return view
            self._out.faults.append(answer)
            # It has not taken them in: they must count as changed once more
            self.market.touch(changed.pools)
        return self.market.snapshot(pools=pools, changed=changed, books=self.books.states)

    def _serve(self, idea: Idea, book: BookPlan, view: Snapshot) -> None:
        opportunity = idea.opportunity
        state = self.books.states[book.id]
        answer = self._consider(idea, state, view)
        if isinstance(answer, Planned):
            self._send(opportunity, answer, book.id, view)
            return
        self.tally.rejected += 1
        # Whatever the rule: with fewer plans in flight, and more money free, the same idea may pass
        if answer.rule == "conflict" or (state.plans and idea.net > 0):
            self.waiting.update(opportunity.pools)
        row = self.journal.opportunity(opportunity, book.id, decision="rejected", rule=answer.rule, reason=answer.reason, plan=None)
        self._out.rows.append(row)
        self._out.notes.append(tell.rejected_note(opportunity, answer, view))

    def _consider(self, idea: Idea, book: BookState, view: Snapshot) -> Planned | Rejected:
        opportunity = idea.opportunity
        if opportunity.chain not in self.roster.tools.rules:
            return Rejected("chain", f"no chain {opportunity.chain} is enabled")
        if idea.net <= 0:
            text = f"an expected profit of {idea.net} of {self._base_of.get(idea.strategy.name, book.base)} after costs"
            return Rejected("net_profit", text, (("net", idea.net),))
        behind = self.flight.touching(opportunity.pools)
        # Books of one opportunity do not exclude each other: a later one is planned on what the earlier ones leave
        others = behind if not behind else self.flight.touching(opportunity.pools, but=opportunity.id)
        if others and not self._parts.stacking:
            return Rejected("conflict", f"touches a pool of our plan {others[0]} in flight", (("plans", len(others)),))
        if behind:
            view = self._stacked(view)
        silent = self.roster.silent_check
        if silent:
            return Rejected("fault", f"{silent} failed and is not asked for now: nothing passes without it")
        path = f"strategies.{idea.strategy.name}"
        attempt = self._parts.guard.call(path, plan_idea, opportunity, idea.strategy, book, view, self.roster.tools)
        if isinstance(attempt, Fault):
            self._out.faults.append(attempt)
            return Rejected("fault", f"{attempt.plugin} failed: {attempt.reason}")
        for pool, keys in attempt.missing:
            self.market.request(pool, keys)
        answer = attempt.answer
        if isinstance(answer, Planned) and self.flight.knows(answer.plan.id):
            return Rejected("conflict", f"plan {answer.plan.id} is in flight already")
        return answer

    def _stacked(self, view: Snapshot) -> Snapshot:
        """Return the view with our plans in flight counted as done."""
        pools = self.flight.stacked(self.view(), self.market.state)
        return self.market.snapshot(pools=pools, changed=view.changed, books=self.books.states, finder=view.finder)

    def _send(self, opportunity: Opportunity, planned: Planned, book: BookId, view: Snapshot) -> None:
        plan = self.flight.behind(planned.plan)
        head = view.head(plan.chain)
        intent = Intent(plan, planned.unsigned, head.height)
        self.books.reserve(book, self._open_plan(plan, head.height))
        self.flight.send(intent, tell.route_text(opportunity, view.assets))
        self.tally.plans += 1
        taken = self.journal.opportunity(opportunity, book, decision="taken", rule="", reason=opportunity.reason, plan=plan.id)
        self._out.rows.append(taken)
        self._out.rows.append(self.journal.intent(plan, "planned", digest=planned.unsigned.digest, height=head.height))
        self._out.intents.append(intent)
        self._out.notes.append(tell.planned_note(opportunity, plan, view))

    def _leave(self, planned: Planned, route: str) -> None:
        """Let a plan leave that comes of no opportunity."""
        plan = self.flight.behind(planned.plan)
        height = self.market.state.chains[plan.chain].head.height
        intent = Intent(plan, planned.unsigned, height)
        self.books.reserve(plan.book, self._open_plan(plan, height))
        self.flight.send(intent, route)
        self.tally.plans += 1
        self._out.rows.append(self.journal.intent(plan, "planned", digest=planned.unsigned.digest, height=height))
        self._out.intents.append(intent)

    def _flatten(self) -> None:
        """Sell what can be sold back, and say what stays once nothing can be sold any more."""
        left = self.flattening.turn(self.market.snapshot(pools=self.view(), books=self.books.states))
        faults, self.flattening.faults = self.flattening.faults, []
        self._out.faults.extend(faults)
        if left is not None:
            self._out.notes.append(tell.flattened_note(left, self._when(), self.market.state.assets))

    # --- book-keeping -----------------------------------------------------------------------------------------------------------------

    def _open_plan(self, plan: Flow, height: int) -> OpenPlan:
        return OpenPlan(plan.id, plan.strategy, height, plan.funds, plan.cost_cap, self._native(plan.chain), plan.pools)

    def _net(self, plan: Flow, changes: Sequence[tuple[AssetId, int]], cost: int) -> int:
        """Value an outcome in its book's base asset; what cannot be valued counts nothing."""
        snapshot = self.market.snapshot(pools=self.view())
        base = self.books.states[plan.book].base
        values = [snapshot.value(asset, amount, base) for asset, amount in (*changes, (self._native(plan.chain), -cost))]
        return sum(value for value in values if isinstance(value, int))

    def _released(self) -> None:
        """Let ideas that were turned away for a conflict or for funds be found again."""
        self.market.touch(self.waiting)
        self.waiting.clear()

    def _native(self, chain: ChainId) -> AssetId:
        return self._parts.tools.rules[chain].native

    def _halt(self, reason: str) -> None:
        self.halted = reason
        self._out.notes.append(tell.halt_note(self._when(), reason))

    def _when(self) -> ChainTime:
        """Return the head of the first chain, for what belongs to none; height 0 while none has a head."""
        for _, view in sorted(self.market.state.chains.items()):
            return view.head
        return ChainTime(ChainId(""), 0, 0)

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
