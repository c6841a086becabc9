"""Members that give what they should not: the fault of the plugin that gave it, never a crash of the core."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from tidemill.domain import events as ev
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance, Sized
from tidemill.domain.opportunity import Arbitrage, Leg, Opportunity, Signal
from tidemill.domain.plan import Plan
from tidemill.domain.snapshot import Snapshot
from tidemill.hookspecs.risk import RiskCheck
from tidemill.hookspecs.strategy import Strategy
from tidemill.stages.contract import check_opportunity
from tidemill_testing.toy import USD, ToyDex, ToyRules

Benches = Callable[..., Any]
DEEP = 10**21
GAP = DEEP * 105 // 100
ODD: tuple[Any, ...] = (None, "odd", 1.5, object(), (), b"x")


def type_of(value: object) -> str:
    """Name a case the same in every process."""
    return type(value).__name__


class Giving(Strategy):
    """Finds the gap, and passes each of its answers through ``spoil``, where there is one for that member."""

    name = "giving"

    def __init__(self, **spoil: Callable[[Any], Any]) -> None:
        super().__init__()
        self.spoil = spoil

    def _given(self, member: str, answer: Any) -> Any:
        return self.spoil[member](answer) if member in self.spoil else answer

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        return self._given("find", iter(list(self._found(snapshot))))  # type: ignore[no-any-return]

    def _found(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        for pair in snapshot.changed.pairs:
            offers = snapshot.offers(pair)
            if len(offers) > 1 and offers[0].edge_bps(offers[-1]) > 0:
                yield self.opportunity(buy=offers[0], sell=offers[-1])

    def validate_opportunity(self, opportunity: Opportunity, snapshot: Snapshot) -> Any:
        return self._given("validate", super().validate_opportunity(opportunity, snapshot))

    def calculate_position_size(self, opportunity: Opportunity, allowance: Allowance, desk: Any) -> Any:
        return self._given("size", super().calculate_position_size(opportunity, allowance, desk))

    def build_execution_plan(self, opportunity: Opportunity, size: Sized, desk: Any) -> Any:
        return self._given("plan", super().build_execution_plan(opportunity, size, desk))


def failed(run: Any) -> set[str]:
    """Return the plugins that were said to have failed."""
    events = [event for batch, _ in run.tape for event in batch.events if isinstance(event, ev.PluginState)]
    return {event.plugin for event in events}


def gap(run: Any) -> None:
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block({pools[2]: (GAP, DEEP)})
    run.block()


def changed(name: str, value: Any) -> Callable[[Any], Any]:
    """Return what puts another value in one attribute of each opportunity."""
    return lambda found: [evolve(one, **{name: value}) for one in found]


FOUND: list[Callable[[Any], Any]] = [
    *(lambda _, odd=odd: odd for odd in ODD if odd != ()),
    *(lambda found, odd=odd: [*found, odd] for odd in ODD),
    *(changed(name, 1.5) for name in ("amount", "profit", "height", "confidence_ppm", "id", "chain", "asset", "legs")),
    changed("amount", True),
    changed("chain", ["a"]),
    changed("legs", ("one", "two")),
    changed("legs", [Leg("a", "b", "c")]),  # type: ignore[arg-type]
    changed("legs", (Leg("a", "b", "c", 1.5),)),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("spoil", FOUND, ids=range(len(FOUND)))
def test_strategy_whose_finds_are_no_opportunities_is_at_fault(spoil: Callable[[Any], Any], bench: Benches) -> None:
    """No iterator, elements of another type, amounts that are no int, legs that are none: named, and nothing is traded on it."""
    run = bench((Giving(find=spoil),))
    gap(run)

    assert ({"strategies.giving"}, 0) == (failed(run), run.summary().plans)


def test_signal_is_checked_like_an_arbitrage() -> None:
    """Its texts, amounts and prices; one that is sound passes as it is."""
    signal = Signal("i", "s", "sim:1", "m", "a", "f", "buy", 1, 1, 1)  # type: ignore[arg-type]
    assert signal is check_opportunity("strategies.s", signal)
    odd: dict[str, Any] = {"target": 1.0, "market": None, "expires_ns": 0.5}
    for name, value in odd.items():
        with pytest.raises(Exception, match=name):
            check_opportunity("strategies.s", changed(name, value)([signal])[0])


def test_value_derived_from_an_opportunity_is_refused() -> None:
    """It could change its mind between two looks."""

    class Sly(Arbitrage):
        pass

    with pytest.raises(Exception, match="derived"):
        check_opportunity("strategies.s", Sly("i", "s", "sim:1", "a", (), 1, 1, 1))  # type: ignore[arg-type]


@pytest.mark.parametrize("member", ["validate", "size", "plan"])
@pytest.mark.parametrize("odd", ODD, ids=type_of)
def test_strategy_whose_planning_gives_nonsense_is_at_fault(member: str, odd: Any, bench: Benches) -> None:
    """Each of the three members: that idea is turned away, the plugin is named."""
    run = bench((Giving(**{member: lambda _: odd}),))
    gap(run)

    assert ({"strategies.giving"}, 0) == (failed(run), run.summary().plans)
    assert {("main", "fault")} == set(run.rejections())


@pytest.mark.parametrize(
    "spoil",
    [
        {"size": lambda size: evolve(size, units=1.5)},
        {"plan": lambda plan: evolve(plan, cost_cap=0.5)},
        {"plan": lambda plan: evolve(plan, expires=None)},
        {"plan": lambda plan: evolve(plan, funds=((USD, 1e18),))},
        {"plan": lambda plan: evolve(plan, guards=((USD, 1.0),))},
        {"plan": lambda plan: evolve(plan, swaps=("swap",))},
        {"plan": lambda plan: evolve(plan, swaps=tuple(evolve(swap, min_out=1.5) for swap in plan.swaps))},
        {"plan": lambda plan: evolve(plan, loans=("loan",))},
    ],
)
def test_strategy_whose_amounts_are_floats_is_at_fault(spoil: dict[str, Callable[[Any], Any]], bench: Benches) -> None:
    """Amounts are whole numbers of base units: a float never reaches a plan."""
    run = bench((Giving(**spoil),))
    gap(run)

    assert ({"strategies.giving"}, 0) == (failed(run), run.summary().plans)


class Odd(RiskCheck):
    """Gives what it was made with."""

    name = "odd"

    def __init__(self, allow: Any, check: Any = None) -> None:
        super().__init__()
        self.given = (allow, check)

    def allow(self, opportunity: Opportunity, book: BookState, snapshot: Snapshot) -> Any:
        return self.given[0]

    def check(self, plan: Plan, book: BookState, snapshot: Snapshot) -> Any:
        return self.given[1]


@pytest.mark.parametrize(
    ("allow", "check"),
    [*((odd, None) for odd in ODD), (Allowance(USD, 1.5, 0, 0), None), (Allowance(USD, 10**24, 0, 10**24), "fine")],  # type: ignore[arg-type]
    ids=type_of,
)
def test_risk_check_that_gives_nonsense_is_at_fault_and_lets_nothing_pass(allow: Any, check: Any, bench: Benches) -> None:
    """It is the check's failure, not the strategy's that was planned for."""
    run = bench((Giving(),), risks=[Odd(allow, check)], owners={"acme": ("risk.odd",)})
    gap(run)

    assert ({"risk.odd"}, 0) == (failed(run), run.summary().plans)


@pytest.mark.parametrize("member", ["decode", "apply", "build_steps"])
@pytest.mark.parametrize("odd", [None, "odd", 1.5, SimpleNamespace(id="other")], ids=type_of)
def test_dex_that_gives_nonsense_is_at_fault(member: str, odd: Any, bench: Benches) -> None:
    """Only its pools, or the plan that needed its steps, are lost."""
    dex = ToyDex()
    run = bench((Giving(),), dexes=[dex], owners={"acme": ("dex.toy",)})
    setattr(dex, member, lambda *arguments: odd)
    gap(run)

    assert ({"dex.toy"}, 0) == (failed(run), run.summary().plans)


def test_chain_whose_rules_give_nonsense_costs_the_plan(bench: Benches) -> None:
    """A cost that is no whole number, bytes that are none: no plan leaves on it."""
    for member, odd in (("cost", 1.5), ("compose", None)):
        rules = ToyRules()
        run = bench((Giving(),), rules=rules)
        setattr(rules, member, lambda *arguments, odd=odd: odd)
        gap(run)
        assert (0, {("main", "fault")}) == (run.summary().plans, set(run.rejections()))


def test_sound_answers_pass(bench: Benches) -> None:
    """The same strategy, nothing spoilt, trades."""
    run = bench((Giving(),))
    gap(run)

    assert (set(), 1) == (failed(run), run.summary().plans)


def raising(*arguments: object) -> Any:
    """Stand for any member that raises."""
    raise SystemExit("no way")


@pytest.mark.parametrize("member", ["find", "validate", "size", "plan"])
def test_strategy_member_that_raises_costs_its_idea(member: str, bench: Benches) -> None:
    """Whichever member it is: named, nothing traded, the run goes on."""
    run = bench((Giving(**{member: raising}),))
    gap(run)

    assert ({"strategies.giving"}, 0) == (failed(run), run.summary().plans)


@pytest.mark.parametrize("member", ["decode", "apply", "build_steps"])
def test_dex_member_that_raises_costs_its_pools_or_the_plan(member: str, bench: Benches) -> None:
    """Whichever member it is: named, nothing traded on it, the run goes on."""
    dex = ToyDex()
    setattr(dex, member, raising)
    run = bench((Giving(),), dexes=[dex], owners={"tidemill_testing": ("dex.toy",)})
    gap(run)

    assert 0 == run.summary().plans
    assert failed(run) <= {"dex.toy", "strategies.giving"}
    assert failed(run)


@pytest.mark.parametrize("member", ["allow", "check"])
def test_risk_member_that_raises_lets_nothing_pass(member: str, bench: Benches) -> None:
    """Whichever member it is: what cannot be asked is no permission."""
    check = Odd(Allowance(USD, 10**24, 0, 10**24))
    setattr(check, member, raising)
    run = bench((Giving(),), risks=[check], owners={__name__.partition(".")[0]: ("risk.odd",)})
    gap(run)

    assert ({"risk.odd"}, 0) == (failed(run), run.summary().plans)
