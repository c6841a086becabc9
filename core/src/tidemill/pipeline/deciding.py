"""Asking for ideas, and carrying them to the door: the part of the core that decides."""

from collections.abc import Sequence

from tidemill.domain import events as ev
from tidemill.domain.answers import Rejected
from tidemill.domain.book import BookState
from tidemill.domain.ids import BookId
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.snapshot import Changed, Snapshot
from tidemill.pipeline.grouping import Grouping
from tidemill.pipeline.parts import BookPlan, bases_of
from tidemill.pipeline.workbench import Workbench
from tidemill.stages import tell
from tidemill.stages.guard import Fault
from tidemill.stages.ideas import Asked, Idea, gather, ranked
from tidemill.stages.planner import Planned, PlannedGroup, plan_idea
from tidemill.stages.unasked import Unasked


class Deciding:
    """Asks strategies what to do about what changed, and lets leave what passes."""

    def __init__(self, bench: Workbench, grouping: Grouping, unasked: Unasked) -> None:
        self._bench = bench
        self._grouping = grouping
        self._unasked = unasked
        self._base_of = bases_of(bench.parts)
        self._proposed: list[tuple[Asked, Opportunity]] = []

    def proposed(self, asked: Asked, opportunities: Sequence[Opportunity]) -> None:
        """Take up what a strategy found elsewhere; it is served when ideas are asked for next."""
        self._proposed.extend((asked, opportunity) for opportunity in opportunities)

    def decide(self, *, answered: bool) -> None:
        """Ask for ideas; ``answered``: the batch brought proposals, which are served alone, and what changed waits for the next asking."""
        paused = self._unasked.paused
        asked = [] if answered else [one for one in self._bench.roster.asked if one.strategy.name not in paused]
        self._bench.market.touch(pool for one, opportunity in self._proposed if one.strategy.name in paused for pool in opportunity.pools)
        proposed, self._proposed = [(one, found) for one, found in self._proposed if one.strategy.name not in paused], []
        if not asked and not proposed:
            return
        changed = Changed() if answered else self._bench.market.take_changed()
        self._unasked.miss(self._bench.roster.left_out(paused), changed)
        self._bench.market.refresh_trees()
        view = self._updated(changed)
        found = [*self._gathered(asked, view), *proposed]
        ideas = ranked(found, view, self._bench.roster.tools.rules, self._base_of, self._bench.parts.guard, self._bench.out.faults)
        self._bench.tally.opportunities += len(ideas)
        for idea in ideas:
            for book in self._bench.parts.books:
                if book.serves(idea.strategy.name):
                    self._serve(idea, book, view)

    def _gathered(self, asked: Sequence[Asked], view: Snapshot) -> list[tuple[Asked, Opportunity]]:
        """Ask strategies; what those find that are not deterministic leaves as proposals, and counts when it comes back."""
        found = self._asked(asked, view)
        for one in asked:
            if self._bench.roster.proposes(one):
                own = tuple(opportunity for other, opportunity in found if other is one)
                if own:
                    self._bench.out.proposals.append(ev.Proposals(one.strategy.name, own))
        return [(one, opportunity) for one, opportunity in found if not self._bench.roster.proposes(one)]

    def _asked(self, asked: Sequence[Asked], view: Snapshot) -> list[tuple[Asked, Opportunity]]:
        """Ask one after another, a strategy that was left out for a while with what it missed, which the searcher then looks at as well."""
        found: list[tuple[Asked, Opportunity]] = []
        for one in asked:
            missed = self._unasked.take_missed(one.strategy.name, view)
            found.extend(gather([one], view if missed is None else self._updated(missed), self._bench.parts.guard, self._bench.out.faults))
            if missed is not None:
                self._updated(view.changed)
        return found

    def _updated(self, changed: Changed) -> Snapshot:
        """Return what ideas see, its searcher up to date; without one where it failed or was disabled."""
        searcher, pools = self._bench.roster.searcher, self._bench.view()
        if searcher is not None:
            view = self._bench.market.snapshot(pools=pools, changed=changed, books=self._bench.books.states, finder=searcher)
            answer = self._bench.parts.guard.call(f"search.{searcher.name}", searcher.update, view)
            if not isinstance(answer, Fault):
                return view
            self._bench.out.faults.append(answer)
            # It has not taken them in: they must count as changed once more
            self._bench.market.touch(changed.pools)
        return self._bench.market.snapshot(pools=pools, changed=changed, books=self._bench.books.states)

    def _serve(self, idea: Idea, book: BookPlan, view: Snapshot) -> None:
        opportunity = idea.opportunity
        state = self._bench.books.states[book.id]
        answer = self._consider(idea, state, view)
        if isinstance(answer, Planned | PlannedGroup):
            self._send(opportunity, answer, book.id, view)
            return
        self._bench.tally.rejected += 1
        # Whatever the rule: with fewer plans in flight, and more money free, the same idea may pass
        if answer.rule == "conflict" or (state.plans and idea.net > 0):
            self._bench.waiting.update(opportunity.pools)
        row = self._bench.journal.opportunity(opportunity, book.id, decision="rejected", rule=answer.rule, reason=answer.reason, plan=None)
        self._bench.out.rows.append(row)
        self._bench.out.notes.append(tell.rejected_note(opportunity, answer, view))

    def _consider(self, idea: Idea, book: BookState, view: Snapshot) -> Planned | PlannedGroup | Rejected:
        opportunity = idea.opportunity
        if opportunity.chain not in self._bench.roster.tools.rules:
            return Rejected("chain", f"no chain {opportunity.chain} is enabled")
        if idea.net <= 0:
            text = f"an expected profit of {idea.net} of {self._base_of.get(idea.strategy.name, book.base)} after costs"
            return Rejected("net_profit", text, (("net", idea.net),))
        behind = self._bench.flight.touching(opportunity.pools)
        # Books of one opportunity do not exclude each other: a later one is planned on what the earlier ones leave
        others = behind if not behind else self._bench.flight.touching(opportunity.pools, but=opportunity.id)
        if others and not self._bench.parts.stacking:
            return Rejected("conflict", f"touches a pool of our plan {others[0]} in flight", (("plans", len(others)),))
        if behind:
            view = self._bench.stacked(view)
        silent = self._bench.roster.silent_check
        if silent:
            return Rejected("fault", f"{silent} failed and is not asked for now: nothing passes without it")
        path, tools = f"strategies.{idea.strategy.name}", self._bench.roster.tools
        attempt = self._bench.parts.guard.call(path, plan_idea, opportunity, idea.strategy, book, view, tools, self._bench.groups.stakes)
        if isinstance(attempt, Fault):
            self._bench.out.faults.append(attempt)
            return Rejected("fault", f"{attempt.plugin} failed: {attempt.reason}")
        for pool, keys in attempt.missing:
            self._bench.market.request(pool, keys)
        answer = attempt.answer
        if not isinstance(answer, Rejected) and self._bench.knows(answer.plan):
            return Rejected("conflict", f"plan {answer.plan.id} is in flight already")
        return answer

    def _send(self, opportunity: Opportunity, planned: Planned | PlannedGroup, book: BookId, view: Snapshot) -> None:
        bench, plan = self._bench, planned.plan
        taken = bench.journal.opportunity(opportunity, book, decision="taken", rule="", reason=opportunity.reason, plan=plan.id)
        bench.out.rows.append(taken)
        route = tell.route_text(opportunity, view.assets)
        if isinstance(planned, PlannedGroup):
            self._grouping.send(planned, route)
        else:
            bench.send(planned, route)
        bench.out.notes.append(tell.planned_note(opportunity, plan, view))
