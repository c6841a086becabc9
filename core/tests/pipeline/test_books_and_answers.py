"""Several books, and the answers of the world as the core takes them in."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from attrs import evolve

from tidemill.domain import events as ev
from tidemill.domain.answers import Rejected
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance
from tidemill.domain.ids import BookId, ChainId, OpportunityId, PlanId
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Plan
from tidemill.domain.records import EntryRow, IntentRow, OpportunityRow, ResultRow
from tidemill.domain.snapshot import Snapshot
from tidemill.errors import InvariantError
from tidemill.hookspecs.risk import RiskCheck
from tidemill.hookspecs.strategy import Strategy
from tidemill.ledger.dropped import dropped_plan
from tidemill.pipeline.parts import BookPlan
from tidemill_testing.market import ETHER
from tidemill_testing.toy import GAS, USD, WETH

Benches = Callable[..., Any]
DEEP = 10**21
GAP = DEEP * 105 // 100
MINE, YOURS = BookId("mine"), BookId("yours")


class Halving(RiskCheck):
    """Allows the book called ``yours`` a thousandth of the others'."""

    name = "halving"

    def allow(self, opportunity: Opportunity, book: BookState, snapshot: Snapshot) -> Allowance | Rejected:
        return Allowance(USD, 10**15 if book.id == YOURS else 10**18, 0, 10**18)

    def check(self, plan: Plan, book: BookState, snapshot: Snapshot) -> Rejected | None:
        return None


class Silent(Strategy):
    """Finds nothing by itself: its ideas come as proposals."""

    name = "silent"

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        return iter(())


def gap(run: Any, **more: Any) -> tuple[dict[int, Any], Any]:
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    return pools, run.block({pools[2]: (GAP, DEEP)}, **more)


def refused(effects: Any) -> Any:
    """Return the refusal of the first intent in some effects."""
    return ev.RefusedSeen(effects.intents[0].plan.id, "node", "no room")


def test_books_are_served_in_order_each_with_its_own_allowance_size_and_plan(bench: Benches) -> None:
    """One opportunity serves several books, first come first, each planned with what it alone may use."""
    run = bench(books=(BookPlan(YOURS, USD), BookPlan(MINE, WETH)), risks=[Halving()], stacking=True)
    _, effects = gap(run)
    plans = [intent.plan for intent in effects.intents]

    assert [YOURS, MINE] == [plan.book for plan in plans]
    assert plans[0].opportunity == plans[1].opportunity
    assert plans[0].id != plans[1].id
    sizes = [plan.swaps[0].amount_in for plan in plans]
    assert 0 <= 10**15 - sizes[0] < 16
    assert 0 <= 10**18 - sizes[1] < 16
    assert (plans[0].id,) == plans[1].basis[0].behind
    reserved = [run.core.books.states[book].reserved[USD] for book in (YOURS, MINE)]
    assert sizes == reserved
    run.block()
    assert (2, 0) == (run.summary().fills, run.summary().reverts)


def test_books_of_one_idea_do_not_exclude_each_other_without_stacking(bench: Benches) -> None:
    """A later book of the same opportunity is planned on what the earlier one leaves; another idea on those pools is a conflict."""
    run = bench(books=(BookPlan(YOURS, USD), BookPlan(MINE, USD)), risks=[Halving()])
    _, effects = gap(run)
    plans = [intent.plan for intent in effects.intents]

    assert [YOURS, MINE] == [plan.book for plan in plans]
    assert (plans[0].id,) == plans[1].basis[0].behind
    run.block()
    assert (2, 0) == (run.summary().fills, run.summary().reverts)


def test_book_finds_nothing_left_where_an_earlier_one_took_all(bench: Benches) -> None:
    """Without limits the first book takes the gap: the second is told so under its own name."""
    run = bench(books=(BookPlan(YOURS, USD), BookPlan(MINE, USD)))
    _, effects = gap(run)

    assert [YOURS] == [intent.plan.book for intent in effects.intents]
    assert [MINE] == [book for book, _ in run.rejections()]


def test_book_takes_only_the_strategies_that_it_names(bench: Benches) -> None:
    """A book that serves other strategies is not asked; an idea that no book serves is nowhere."""
    run = bench(books=(BookPlan(YOURS, USD, ("other",)), BookPlan(MINE, USD, ("lagging",))))
    _, effects = gap(run)
    assert [MINE] == [intent.plan.book for intent in effects.intents]
    nobody = bench(books=(BookPlan(YOURS, USD, ("other",)),))
    _, nothing = gap(nobody)

    assert ((), []) == (nothing.intents, nobody.rejections())


def test_opening_credits_books_and_is_the_first_entry(bench: Benches) -> None:
    """A run begins with one balanced entry per book and chain."""
    run = bench(books=(BookPlan(YOURS, USD), BookPlan(MINE, USD)), capital={USD: 5, WETH: 7})

    entries = [row for row in run.seen[0].rows if isinstance(row, EntryRow)]
    assert [("opening", MINE), ("opening", YOURS)] == [(row.kind, row.book) for row in entries]
    assert {USD: 5, WETH: 7} == dict(run.core.books.states[MINE].balances)


def test_refused_plan_gives_its_money_back_and_its_idea_is_found_again(bench: Benches) -> None:
    """Proof that nothing happened: the reservation ends, the ledger says refused, and the gap is offered again."""
    run = bench()
    _, effects = gap(run)
    answer = run.answer(refused(effects), decide=True)

    assert ["refused", "planned"] == [row.state for row in answer.rows if isinstance(row, IntentRow)]
    assert ["refused"] == [row.status for row in answer.rows if isinstance(row, ResultRow)]
    assert ["node: no room"] == [row.reason for row in answer.rows if isinstance(row, ResultRow)]
    told = next(note for note in answer.notes if note.event == "refused")
    assert ("warning", True) == (told.level, told.text.endswith("refused by node: no room"))
    assert [False] == [intent.reopened for intent in answer.intents]
    assert 1 == len(run.core.books.states["main"].plans)
    again = run.answer(ev.RefusedSeen(PlanId("unknown"), "node", ""))
    assert () == again.rows


def test_what_an_earlier_run_counted_is_taken_back_without_counting_it_here(bench: Benches) -> None:
    """A block that an earlier run booked is dropped: the balance goes back by an adjustment, and this run's figures stay what it did."""
    first = bench()
    _, effects = gap(first)
    plan = effects.intents[0].plan
    reverted = Outcome(OutcomeStatus.REVERTED, 2, "0x2", (), (), 21_000, "guard")
    run = bench([Silent()])
    run.answer(ev.Opening((), (ev.OpenIntent(plan, height=1, outcome=reverted),)))
    run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    before = run.core.books.states["main"].balances[ETHER]
    effects = run.feed(run.blocks.batch(ev.Rollback(plan.chain, 1, run.blocks.hash_of(1))), decide=False)

    assert ["adjustment"] == [row.kind for row in effects.rows if isinstance(row, EntryRow)]
    assert [plan.id] == [dropped_plan(row.ref) for row in effects.rows if isinstance(row, EntryRow)]
    assert 21_000 == run.core.books.states["main"].balances[ETHER] - before
    assert (0, {}, {}) == (run.summary().reverts, run.summary().pnl, run.summary().cost)


def test_released_money_lets_an_idea_that_met_a_conflict_be_found_again(bench: Benches) -> None:
    """An idea turned away for a plan in flight comes back once that plan is refused, though its own pool did not move."""
    run = bench(latency=9)
    pools, effects = gap(run)
    run.load({3: (DEEP, DEEP)})
    assert ("main", "conflict") in run.rejections()
    answer = run.answer(refused(effects), decide=True)

    assert 1 == len(answer.intents)
    assert pools[2] in answer.intents[0].plan.pools


def test_r5_outcome_heard_twice_counts_once(bench: Benches) -> None:
    """The same outcome again moves nothing: no row, no balance, no count."""
    run = bench()
    gap(run)
    run.block()
    landed = next(batch for batch, _ in run.tape if batch.source == "paper")
    before = (run.summary(), dict(run.core.books.states["main"].balances), run.core.flight.overlay)
    again = run.feed(landed, decide=False)

    assert () == again.rows
    after = (evolve(run.summary(), events=before[0].events), dict(run.core.books.states["main"].balances), run.core.flight.overlay)
    assert before == after


def test_outcome_of_a_plan_that_was_never_ours_is_an_invariant_error(bench: Benches) -> None:
    """Money moved by a plan that nobody made: trading stops."""
    run = bench()
    run.load({1: (DEEP, DEEP)})

    with pytest.raises(InvariantError, match="plan ghost, which is not in flight"):
        run.answer(ev.OutcomeSeen(PlanId("ghost"), Outcome(OutcomeStatus.FILLED, 1, "")))


def test_outcome_unknown_keeps_the_reservation_until_it_is_reconciled(bench: Benches) -> None:
    """Unknown is no failure: the plan stays in flight with its money, and what it becomes later is booked."""
    run = bench(paper=False)
    _, effects = gap(run)
    plan = effects.intents[0].plan
    unknown = run.answer(ev.OutcomeSeen(plan.id, Outcome(OutcomeStatus.UNKNOWN, 2, "")))

    assert ["unknown"] == [row.state for row in unknown.rows if isinstance(row, IntentRow)]
    assert [plan.id] == [one.id for one in run.core.books.states["main"].plans]
    assert (0, 0) == (run.summary().fills, run.summary().reverts)
    run.answer(ev.OutcomeSeen(plan.id, Outcome(OutcomeStatus.DEAD, 3, "", reason="nonce used")))
    assert () == run.core.books.states["main"].plans
    assert {} == dict(run.core.books.states["main"].reserved)
    assert (0, 0) == (run.summary().fills, run.summary().reverts)


def test_outcome_filled_without_swaps_told_is_booked_and_lays_nothing_over(bench: Benches) -> None:
    """Live, the chain shows our swaps itself: there is no overlay, and an outcome need not list them."""
    run = bench(paper=False)
    _, effects = gap(run)
    plan = effects.intents[0].plan
    run.answer(ev.OutcomeSeen(plan.id, Outcome(OutcomeStatus.FILLED, 2, "0x2", (), ((USD, 10**6),), GAS)))

    assert (1, 10**6) == (run.summary().fills, run.summary().pnl[USD])
    assert not run.core.flight.overlay.swaps


def test_balances_of_the_chain_win_and_the_difference_is_an_entry(bench: Benches) -> None:
    """What the chain says we hold replaces what the book says, in one adjustment per asset that differs."""
    run = bench(capital={USD: 10, WETH: 7})
    run.load({1: (DEEP, DEEP)})
    effects = run.answer(ev.Balances(BookId("main"), ((WETH, 7), (USD, 4), (ETHER, 3))))

    entries = [row for row in effects.rows if isinstance(row, EntryRow)]
    assert [("adjustment", {"wallet": -6, "adjustment": 6}), ("adjustment", {"wallet": 3, "adjustment": -3})] == [
        (row.kind, {line.account: line.amount for line in row.postings}) for row in sorted(entries, key=lambda row: row.postings[0].asset)
    ]
    assert {USD: 4, WETH: 7, ETHER: 3} == dict(run.core.books.states["main"].balances)
    assert () == run.answer(ev.Balances(BookId("main"), ((USD, 4),))).rows


def test_proposals_are_ranked_and_planned_with_the_ideas_of_the_others(bench: Benches) -> None:
    """Recorded answers of a strategy count as if it had just given them; those of an unknown one do not."""
    source = bench(latency=99)
    _, effects = gap(source)
    idea = next(row for row in effects.rows if isinstance(row, OpportunityRow))
    run = bench((Silent(),))
    _, none = gap(run)
    assert () == none.intents
    offers = run.core.snapshot().offers((min(USD, WETH), max(USD, WETH)))
    proposed = Silent().opportunity(buy=offers[0], sell=offers[-1])
    run.answer(ev.Proposals("unheard", (evolve(proposed, id=OpportunityId("x")),)), decide=True)
    assert 0 == run.summary().opportunities
    answer = run.answer(ev.Proposals("silent", (proposed,)), decide=True)

    assert idea.route == proposed.pools
    assert [proposed.id] == [intent.plan.opportunity for intent in answer.intents]
    assert 1 == run.summary().opportunities


def test_idea_on_a_chain_that_is_not_enabled_is_rejected_by_name(bench: Benches) -> None:
    """It is in the ledger like every other no."""
    run = bench((Silent(),))
    run.load({1: (DEEP, DEEP), 2: (GAP, DEEP)})
    offers = run.core.snapshot().offers((min(USD, WETH), max(USD, WETH)))
    foreign = evolve(Silent().opportunity(buy=offers[0], sell=offers[-1]), chain=ChainId("toy:9"))
    run.answer(ev.Proposals("silent", (foreign,)), decide=True)

    assert [("main", "chain")] == run.rejections()


def test_control_halt_stops_ideas_and_says_why(bench: Benches) -> None:
    """An operator's halt: the market goes on, nothing is planned."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    effects = run.feed(run.blocks.batch(ev.Control("halt", (), "lunch"), ev.Control("other")))
    assert "lunch" == effects.halt
    assert ["trading stops: lunch"] == [note.text for note in effects.notes]
    after = run.block({pools[2]: (GAP, DEEP)})

    assert ((), "lunch") == (after.intents, after.halt)
    assert "lunch" == run.feed(run.blocks.batch()).halt
    named = bench().feed(run.blocks.batch(ev.Control("halt")))
    assert "an operator stopped trading" == named.halt


def test_pending_head_is_no_block(bench: Benches) -> None:
    """What is pending is neither counted nor does it age anything."""
    run = bench()
    run.load({1: (DEEP, DEEP)})
    before = run.summary().blocks
    effects = run.feed(evolve(run.blocks.head(), status="pending"))

    assert (before, ()) == (run.summary().blocks, effects.notes)


def test_head_note_names_the_new_block(bench: Benches) -> None:
    """Height and hash of a head's note are those of one block."""
    run = bench()
    run.block()
    effects = run.block()

    assert [(2, "block 2", (("hash", "0x2"),))] == [(note.height, note.text, note.fields) for note in effects.notes]


def test_idea_that_costs_more_than_it_gains_is_not_planned(bench: Benches) -> None:
    """An estimated net of nothing or less is rejected before anyone plans it."""
    from tidemill_testing.toy import ToyRules

    run = bench(rules=ToyRules(gas=10**21), capital={USD: 10**24, ETHER: 10**24})
    gap(run)

    assert [("main", "net_profit")] == run.rejections()
