"""Members of lenders, searchers and chains that raise or give nonsense: named, and never a crash of the core."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from tidemill.domain import events as ev
from tidemill.domain.answers import NoLoan
from tidemill.domain.ids import AssetId, ChainId, Key
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.plan import Loan
from tidemill.domain.pool import Watch
from tidemill.domain.search import Candidate, CycleQuery
from tidemill.domain.snapshot import Snapshot
from tidemill.errors import PluginError
from tidemill.hookspecs.lender import Lender
from tidemill.hookspecs.search import Searcher
from tidemill.hookspecs.strategy import Strategy
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

    assert (0, True) == (run.summary().plans, failed(run) <= {"lenders.bank"})


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


@pytest.mark.parametrize("member", ["estimate", "compose", "cost"])
@pytest.mark.parametrize("wrong", WRONG, ids=NAMES)
def test_rules_that_are_wrong_while_a_plan_is_made_cost_the_plan(member: str, wrong: Any, bench: Benches) -> None:
    """A chain's rules price and compose a plan: without them none leaves, and the run goes on."""
    rules = ToyRules()
    setattr(rules, member, wrong)
    run = bench(rules=rules)
    gap(run)

    assert (0, True) == (run.summary().plans, bool(failed(run)))
    assert run.rejections()


def test_rules_that_cannot_say_when_a_block_executes_end_the_run_with_the_chains_name(bench: Benches) -> None:
    """No pool can be read without it: one error of ours, which names the chain."""
    rules = ToyRules()
    run = bench(rules=rules)
    rules.executes_at = raising  # type: ignore[method-assign]
    with pytest.raises(PluginError, match=r"the rules of sim:1: SystemExit: no way"):
        gap(run)


@pytest.mark.anyio
@pytest.mark.parametrize("member", ["batches", "watch"])
async def test_link_of_a_chain_that_raises_ends_the_run_with_one_error(member: str, bench: Benches, rig: Rigs) -> None:
    """A run cannot do without its chain: what ends it is told, and nothing is decided after it."""
    made = rig(bench())
    made.script_of(3)
    setattr(made.link, member, raising)
    with pytest.raises(SystemExit, match="no way"):
        await made.play()

    assert 0 == made.run.summary().plans
