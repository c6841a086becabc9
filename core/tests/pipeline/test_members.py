"""Members of lenders, searchers and chains that raise or give nonsense: named, and never a crash of the core."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from attrs import evolve

from tidemill.domain import events as ev
from tidemill.domain.answers import CannotFit, NoLoan
from tidemill.domain.ids import AssetId, ChainId, Key, PlanId
from tidemill.domain.lending import LoanTerms
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.plan import Loan
from tidemill.domain.pool import Watch
from tidemill.domain.search import Candidate, CycleQuery
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.transaction import Unsigned, Wallet
from tidemill.errors import PluginContractError, PluginError
from tidemill.hookspecs.chain import ChainRules
from tidemill.hookspecs.lender import Lender
from tidemill.hookspecs.search import Searcher
from tidemill.hookspecs.strategy import Strategy
from tidemill.pipeline.supervise import Supervisor
from tidemill.stages.chain_rules import GuardedRules
from tidemill_testing.market import SIM
from tidemill_testing.toy import ToyRules

Benches = Callable[..., Any]
Rigs = Callable[..., Any]
DEEP = 10**21
GAP = DEEP * 105 // 100
HERE = __name__.partition(".")[0]


def raising(*arguments: object, **named: object) -> Any:
    """Stand for any member that raises."""
    raise SystemExit("no way")


def giving(odd: object) -> Callable[..., Any]:
    """Stand for any member that gives nonsense."""
    return lambda *arguments, **named: odd


WRONG = [raising, *(giving(odd) for odd in (None, "odd", 1.5, b"x", object()))]
NAMES = ["raises", "None", "text", "float", "bytes", "object"]


def failed(run: Any) -> set[str]:
    """Return the plugins that were said to have failed."""
    events = [event for batch, _ in run.tape for event in batch.events if isinstance(event, ev.PluginState)]
    return {event.plugin for event in events}


def gap(run: Any) -> None:
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block({pools[2]: (GAP, DEEP)})
    run.block()


class Bank(Lender):
    """Lends nothing, or what it was told to."""

    name = "bank"

    def watch(self, chain: ChainId, states: Mapping[Key, bytes | None]) -> Watch:
        return Watch()

    def terms(self, asset: AssetId, chain: ChainId, snapshot: Snapshot) -> Any:
        return NoLoan("closed")

    def bracket(self, loan: Loan, inner: Sequence[Any], wallet: Any, snapshot: Snapshot) -> Sequence[Any]:
        return inner


@pytest.mark.parametrize("wrong", WRONG, ids=NAMES)
def test_lender_whose_watch_is_wrong_is_named_and_own_money_trades_on(wrong: Any, bench: Benches) -> None:
    """What it lends cannot be known: that is its failure, and no plan needs it."""
    bank = Bank()
    bank.watch = wrong  # type: ignore[method-assign]
    run = bench(lenders=[bank], owners={HERE: ("lenders.bank",)})
    gap(run)

    assert ({"lenders.bank"}, 1) == (failed(run), run.summary().plans)


@pytest.mark.parametrize("wrong", WRONG, ids=NAMES)
def test_lender_whose_terms_are_wrong_lends_nothing(wrong: Any, bench: Benches) -> None:
    """Without money of one's own no plan is made, whatever it says; nobody else is at fault."""
    bank = Bank()
    bank.terms = wrong  # type: ignore[method-assign]
    run = bench(lenders=[bank], owners={HERE: ("lenders.bank",)}, capital={})
    gap(run)

    assert (0, {"lenders.bank"}) == (run.summary().plans, failed(run))


@pytest.mark.parametrize(
    "spoil",
    [
        {"available": 1.5},
        {"numerator": "5"},
        {"numerator": -1},
        {"denominator": 0},
        {"minimum": None},
        {"minimum": -1},
        {"lender": "other"},
        {"asset": "other"},
    ],
    ids=lambda spoil: "-".join(map(str, *spoil.items())),
)
def test_lender_whose_terms_have_wrong_parts_is_named(spoil: dict[str, Any], bench: Benches) -> None:
    """A fee that cannot be computed, amounts that are no int, terms of somebody else: nothing is lent on them."""
    bank = Bank()
    bank.terms = lambda asset, *_: evolve(LoanTerms("bank", asset, 10**24, 5, 10_000, "up"), **spoil)  # type: ignore[method-assign]
    run = bench(lenders=[bank], owners={HERE: ("lenders.bank",)}, capital={})
    gap(run)

    assert (0, {"lenders.bank"}) == (run.summary().plans, failed(run))


def test_lender_whose_terms_are_wrong_rests_and_own_money_trades_on(bench: Benches) -> None:
    """Its failure costs one idea; the next block's is planned with what is our own."""
    bank = Bank()
    bank.terms = giving("odd")  # type: ignore[method-assign]
    run = bench(lenders=[bank], owners={HERE: ("lenders.bank",)})
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block({pools[2]: (GAP, DEEP)})
    assert ({"lenders.bank"}, 0) == (failed(run), run.summary().plans)
    run.block({pools[2]: (GAP * 2, DEEP)})

    assert ({"lenders.bank"}, 1) == (failed(run), run.summary().plans)


class Graph(Searcher):
    name = "graph"

    def update(self, snapshot: Snapshot) -> None:
        return None

    def find(self, query: CycleQuery) -> Iterator[Candidate]:
        return iter(())


class Asking(Strategy):
    """Asks the searcher."""

    name = "asking"

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        for candidate in snapshot.cycles(CycleQuery(next(iter(snapshot.chains)), ())):
            yield self.from_cycle(candidate, snapshot)


@pytest.mark.parametrize("wrong", WRONG, ids=NAMES)
def test_searcher_whose_finds_are_wrong_is_named_and_not_who_asked(wrong: Any, bench: Benches) -> None:
    """Nothing is found with it; the strategy did nothing wrong."""
    graph = Graph()
    graph.find = wrong  # type: ignore[method-assign]
    run = bench((Asking(),), searcher=graph, owners={HERE: ("search.graph",)})
    gap(run)

    assert ({"search.graph"}, 0) == (failed(run), run.summary().plans)


@pytest.mark.parametrize("wrong", WRONG[1:], ids=NAMES[1:])
def test_searcher_whose_update_gives_something_is_asked_all_the_same(wrong: Any, bench: Benches) -> None:
    """Nobody reads what it returns."""
    graph = Graph()
    graph.update = wrong  # type: ignore[method-assign]
    run = bench((Asking(),), searcher=graph, owners={HERE: ("search.graph",)})
    gap(run)

    assert set() == failed(run)


PART: Any = 1.5
COSTLY = [*WRONG, giving(True), giving(-1), giving(CannotFit("steps", PART, 2))]


@pytest.mark.parametrize("member", ["estimate", "compose", "cost"])
@pytest.mark.parametrize("wrong", COSTLY, ids=[*NAMES, "bool", "debt", "part"])
def test_rules_that_are_wrong_while_a_plan_is_made_are_named_and_cost_the_plan(member: str, wrong: Any, bench: Benches) -> None:
    """A chain's rules price and compose a plan: without them none leaves; neither strategy nor DEX is blamed, and the run goes on."""
    rules = ToyRules()
    setattr(rules, member, wrong)
    run = bench(rules=rules)
    gap(run)

    assert (0, {"chains.toy"}) == (run.summary().plans, failed(run))
    assert run.rejections()


def test_rules_that_compose_another_plan_are_named(bench: Benches) -> None:
    """Bytes of a plan that nobody looked at never leave."""
    rules = ToyRules()
    rules.compose = giving(Unsigned(PlanId("other"), SIM, b"", 1, 9))  # type: ignore[method-assign]
    run = bench(rules=rules, owners={"acme": ("chains.toy",)})
    gap(run)

    assert (0, {"chains.toy"}) == (run.summary().plans, failed(run))


@pytest.mark.parametrize("member", ["executes_at", "swap_cost"])
@pytest.mark.parametrize("wrong", WRONG, ids=NAMES)
def test_rules_that_are_wrong_about_a_block_end_the_run_with_the_chains_name(member: str, wrong: Any, bench: Benches) -> None:
    """No pool can be read and no cycle searched without it: one error of ours, which names the chain."""
    rules = ToyRules()
    run = bench(rules=rules)
    setattr(rules, member, wrong)
    with pytest.raises(PluginError, match=rf"plugin chains\.toy: (SystemExit: no way|PluginContractError: .*{member} gave)"):
        gap(run)


@pytest.mark.parametrize("member", ["verified_assets", "watch"])
@pytest.mark.parametrize("wrong", WRONG, ids=NAMES)
def test_rules_that_are_wrong_when_they_are_first_asked_are_named(member: str, wrong: Any) -> None:
    """What a chain verifies and what a wallet watches are asked for once: an error of ours, which names the chain."""
    rules = ToyRules()
    setattr(rules, member, wrong)
    guarded = GuardedRules(rules, "chains.toy", Supervisor({}, 3))
    arguments = (Wallet(SIM, "0xowner"),) if member == "watch" else ()
    with pytest.raises(PluginError, match=r"plugin chains\.toy: "):
        getattr(guarded, member)(*arguments)


def test_rules_that_are_guarded_say_of_the_chain_what_they_say_unguarded() -> None:
    """Whatever a chain declares of itself is the same to who asks through the guard: finality above all."""
    rules = ToyRules()
    declared = [name for name in ChainRules.__annotations__ if name != "needs"]
    for place, name in enumerate(declared):
        setattr(rules, name, f"{name} {place}")
    guarded = GuardedRules(rules, "chains.toy", Supervisor({}, 3))
    assert "finality" in declared
    assert {name: getattr(rules, name) for name in declared} == {name: getattr(guarded, name) for name in declared}
    assert rules.needs is guarded.needs


def test_chain_that_failed_too_often_is_planned_on_no_more(bench: Benches) -> None:
    """Its rules are not asked again for plans, and every idea says why it was turned away."""
    rules = ToyRules()
    rules.estimate = raising  # type: ignore[method-assign]
    run = bench(rules=rules)
    run.answer(ev.PluginState("chains.toy", "disabled", 3, "failed 3 times in a row"))
    gap(run)

    assert (set(run.rejections()), run.summary().plans) == ({("main", "chain")}, 0)
    assert {"disabled"} == {event.state for batch, _ in run.tape for event in batch.events if isinstance(event, ev.PluginState)}


@pytest.mark.anyio
@pytest.mark.parametrize("member", ["batches", "watch", "read"])
async def test_link_of_a_chain_that_raises_ends_the_run_with_one_error(member: str, bench: Benches, rig: Rigs) -> None:
    """A run cannot do without its chain: what ends it is told, and nothing is decided after it."""
    made = rig(bench())
    made.script_of(3)
    setattr(made.link.reader if member == "read" else made.link, member, raising)
    with pytest.raises(PluginError, match="SystemExit: no way") as failure:
        await made.play()

    assert (0, "chains.toy") == (made.run.summary().plans, failure.value.plugin)
    assert isinstance(failure.value.__cause__, SystemExit)


@pytest.mark.anyio
async def test_reader_of_a_chain_that_gives_nonsense_ends_the_run_with_one_error(bench: Benches, rig: Rigs) -> None:
    """Nothing is decided on it, and the chain is named."""
    made = rig(bench())
    made.script_of(3)

    async def read(*_: object) -> str:
        return "odd"

    made.link.reader.read = read
    with pytest.raises(PluginContractError, match=r"plugin chains\.toy: read gave 'odd': expected States"):
        await made.play()


def test_chain_that_cannot_say_what_a_fill_costs_ends_the_run_with_its_name(bench: Benches) -> None:
    """What is booked must be known: no guess, no crash without a name."""
    run = bench(rules=ToyRules())
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block({pools[2]: (GAP, DEEP)})
    run.rules.cost = giving(1.5)
    with pytest.raises(PluginError, match=r"plugin chains\.toy: PluginContractError: .*cost gave a cost of 1\.5"):
        run.block()
