"""How ``compound`` sizes: whole, within less money, and what planning then builds."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from attrs import evolve

from tidemill import Arbitrage, AssetAmount, AssetId, Bps, Candidate, Flow, PoolId, Signal, Snapshot
from tidemill.domain.answers import Rejected
from tidemill.domain.book import BookState, OpenPlan
from tidemill.domain.decision import Allowance, Sized
from tidemill.domain.ids import BookId, OpportunityId, PlanId
from tidemill.planning.desk import Desk
from tidemill.planning.replay import Replayed, replay_flow
from tidemill_strategy_compound import Compound, CompoundSettings
from tidemill_testing.desk import FlatLender, FlatRules, desk_of
from tidemill_testing.market import NEXT, SIM, PairPool, pair_pool, snapshot_of, token

WETH, DAI, LINK = token("WETH"), token("DAI"), token("LINK")
E18 = 10**18
ROUND = [
    pair_pool("one", {WETH: 1_000 * E18, DAI: 2_000_000 * E18}),
    pair_pool("two", {DAI: 2_000_000 * E18, LINK: 200_000 * E18}),
    pair_pool("three", {LINK: 190_000 * E18, WETH: 1_000 * E18}),
]
PAIR = [pair_pool("cheap", {WETH: 1_000 * E18, DAI: 2_000_000 * E18}), pair_pool("dear", {WETH: 1_050 * E18, DAI: 2_000_000 * E18})]
AWAY = [pair_pool("here", {WETH: 10 * E18, LINK: 2_000 * E18}), pair_pool("there", {WETH: 11 * E18, LINK: 2_000 * E18})]
POOLS = [*ROUND, *PAIR, *AWAY]
PLENTY = 1 << 200
UNLIMITED = Allowance(WETH, PLENTY, PLENTY, PLENTY)
Through = Callable[[Sequence[PairPool], AssetId, int], Candidate]


@pytest.fixture
def searcher(netting: Any, through: Through) -> Any:
    return netting([through(pools, WETH, E18).legs for pools in (PAIR, ROUND)])


@pytest.fixture
def snapshot(searcher: Any) -> Snapshot:
    return snapshot_of(POOLS, wrapped=WETH, searcher=searcher)


@pytest.fixture
def netted(snapshot: Snapshot) -> Arbitrage:
    found = next(iter(Compound().find_opportunities(snapshot)))
    assert isinstance(found, Arbitrage)
    return found


def rich(snapshot: Snapshot, amount: int, **options: Any) -> Desk:
    return desk_of(snapshot, {WETH: amount}, **options)


def lender(amount: int, fee_ppm: int = 500) -> FlatLender:
    return FlatLender("lender", AssetAmount(WETH, amount), fee_ppm)


def smaller(searcher: Any) -> Any:
    """Give the answer to the last query within seven units less."""
    searcher.told = lambda answer: answer
    query = searcher.netted[-1]
    return searcher.net(evolve(query, capital=((WETH, query.capital[0][1] - 7),)))


def changes(plan: object, snapshot: Snapshot) -> int:
    assert isinstance(plan, Flow)
    replayed = replay_flow(plan, snapshot.pools, NEXT)
    assert isinstance(replayed, Replayed)
    return dict(replayed.changes)[WETH]


def test_netted_trade_that_own_money_reaches_is_planned_whole(netted: Arbitrage, snapshot: Snapshot, searcher: Any) -> None:
    """The amounts stay as found, and the flow leaves the profit that was found."""
    desk = rich(snapshot, netted.amount)
    size = Compound().calculate_position_size(netted, UNLIMITED, desk)
    assert Sized(netted.amount, netted.profit) == size

    plan = Compound().build_execution_plan(netted, size, desk)
    assert netted.profit == changes(plan, snapshot)
    assert 1 == len(searcher.netted)


@pytest.mark.parametrize("share", [2, 3, 50])
def test_netted_trade_beyond_own_money_is_netted_within_it(share: int, netted: Arbitrage, snapshot: Snapshot, searcher: Any) -> None:
    """With a part of the money a part of the trade is found anew, and the plan is what was sized, to the unit."""
    free = netted.amount // share
    desk = rich(snapshot, free)
    size = Compound().calculate_position_size(netted, UNLIMITED, desk)
    assert isinstance(size, Sized)
    plan = Compound().build_execution_plan(netted, size, desk)

    assert isinstance(plan, Flow)
    assert ((WETH, free),) == searcher.netted[-1].capital
    assert size.units <= free
    assert ((WETH, size.units),) == plan.funds
    assert 0 < size.profit == changes(plan, snapshot) < netted.profit
    assert netted.id == plan.opportunity


def test_netted_trade_under_a_halved_allowance_is_netted_again(netted: Arbitrage, snapshot: Snapshot) -> None:
    """What does not fit its chain is asked for with half the money: each time a smaller trade, with a plan of its own."""
    strategy, desk, allowance, plans = Compound(CompoundSettings(min_profit_bps=Bps(0))), rich(snapshot, PLENTY), UNLIMITED, []
    for _ in range(4):
        size = strategy.calculate_position_size(netted, allowance, desk)
        assert isinstance(size, Sized)
        plan = strategy.build_execution_plan(netted, size, desk)
        assert isinstance(plan, Flow)
        plans.append(plan)
        allowance = allowance.halved(size.units)

    amounts = [plan.funds[0][1] for plan in plans]
    assert netted.amount <= amounts[0] <= netted.amount * 9 // 8
    assert [amount // 2 for amount in amounts[:3]] == amounts[1:]
    assert 4 == len({plan.id for plan in plans})


def test_netted_trade_takes_the_purse_that_leaves_more(netted: Arbitrage, snapshot: Snapshot) -> None:
    """A loan that reaches further than own money is taken if more is left after its fee and its own steps; a dear one is not."""
    own, lent = netted.amount // 100, netted.amount // 2
    cheap = Compound().calculate_position_size(netted, UNLIMITED, rich(snapshot, own, lenders=[lender(lent)]))
    dear = Compound().calculate_position_size(netted, UNLIMITED, rich(snapshot, own, lenders=[lender(lent, 200_000)]))
    costly = rich(snapshot, own, lenders=[lender(lent)], rules=FlatRules(cost_per_loan=10 * E18))
    steps = Compound().calculate_position_size(netted, UNLIMITED, costly)

    assert isinstance(cheap, Sized)
    assert isinstance(dear, Sized)
    assert isinstance(steps, Sized)
    assert ("lender", None, None) == (cheap.lender, dear.lender, steps.lender)
    assert own < cheap.units <= lent


def test_netted_trade_on_a_loan_within_the_allowance_is_built_as_sized(netted: Arbitrage, snapshot: Snapshot) -> None:
    """The loan is of what goes in, its fee is paid, and what is left is the profit that was promised."""
    desk = rich(snapshot, 0, lenders=[lender(PLENTY)])
    allowance = Allowance(WETH, 0, netted.amount // 3, PLENTY)
    size = Compound().calculate_position_size(netted, allowance, desk)
    assert isinstance(size, Sized)
    plan = Compound().build_execution_plan(netted, size, desk)
    assert isinstance(plan, Flow)

    assert (size.units, "lender") == (plan.loans[0].amount, plan.loans[0].lender)
    assert size.units <= allowance.borrowed
    assert size.profit == changes(plan, snapshot)


def test_netted_trade_that_uses_less_than_it_may_is_asked_for_within_that(netted: Arbitrage, snapshot: Snapshot, searcher: Any) -> None:
    """The plan is made from the answer within what goes in, which is the answer that was sized."""
    free = netted.amount // 2

    def less(trade: Any) -> Any:
        made = smaller(searcher)
        searcher.told = less
        return made

    desk = rich(snapshot, free)
    searcher.told = less
    size = Compound().calculate_position_size(netted, UNLIMITED, desk)
    assert isinstance(size, Sized)
    plan = Compound().build_execution_plan(netted, size, desk)

    assert isinstance(plan, Flow)
    assert (free - 7, ((WETH, free - 14),)) == (size.units, plan.funds)
    assert size.profit == changes(plan, snapshot)


def refusals(trade: Any) -> list[tuple[str, Callable[[Any], Any]]]:
    elsewhere = evolve(trade.legs[0], pool=PoolId("sim:1:uniswap:0x00"))
    return [
        ("funds", lambda answer: None),
        ("funds", lambda answer: evolve(answer, amount_in=PLENTY)),
        ("funds", lambda answer: evolve(answer, asset=DAI)),
        ("stale", lambda answer: evolve(answer, legs=(elsewhere,))),
        ("quote", lambda answer: evolve(answer, legs=(evolve(answer.legs[1], amount=5), *answer.legs))),
        ("profit", lambda answer: evolve(answer, legs=answer.legs[:1], amount_in=answer.legs[0].amount)),
    ]


@pytest.mark.parametrize("place", range(6))
def test_netted_trade_without_a_sound_part_is_rejected(place: int, netted: Arbitrage, snapshot: Snapshot, searcher: Any) -> None:
    """No answer, one beyond the money, one that cannot be carried out: each is a reason, from the size and from the plan."""
    rule, searcher.told = refusals(netted)[place]
    desk = rich(snapshot, netted.amount // 2)
    size = Compound().calculate_position_size(netted, UNLIMITED, desk)
    plan = Compound().build_execution_plan(netted, Sized(netted.amount // 2, 1), desk)

    assert isinstance(size, Rejected)
    assert isinstance(plan, Rejected)
    assert (rule, rule) == (size.rule, plan.rule)


def test_netted_trade_that_fails_when_asked_again_is_rejected(netted: Arbitrage, snapshot: Snapshot, searcher: Any) -> None:
    """Where the answer within what goes in is none, there would be nothing to plan."""

    def once(trade: Any) -> Any:
        made = smaller(searcher)
        searcher.told = lambda answer: None
        return made

    searcher.told = once
    size = Compound().calculate_position_size(netted, UNLIMITED, rich(snapshot, netted.amount // 2))

    assert isinstance(size, Rejected)
    assert "funds" == size.rule


def test_netted_trade_without_any_money_keeps_its_reason(netted: Arbitrage, snapshot: Snapshot, searcher: Any) -> None:
    """Where there is nothing to net within, what the default says stands; a searcher that is gone or too short has no answer."""
    searcher.max_hops = 4
    poor = Compound().calculate_position_size(netted, UNLIMITED, desk_of(snapshot))
    alone = Compound().calculate_position_size(netted, UNLIMITED, rich(evolve(snapshot, finder=None), E18))
    long = Compound(CompoundSettings(min_hops=5)).calculate_position_size(netted, UNLIMITED, rich(snapshot, E18))

    assert ["funds"] * 3 == [size.rule for size in (poor, alone, long) if isinstance(size, Rejected)]
    assert 1 == len(searcher.netted)


def test_netted_trade_on_a_loan_that_eats_it_is_rejected(netted: Arbitrage, snapshot: Snapshot) -> None:
    """Loans alone, each dearer than what the trade leaves."""
    desk = rich(snapshot, 0, lenders=[lender(netted.amount // 2)], rules=FlatRules(cost_per_loan=10_000 * E18))
    size = Compound().calculate_position_size(netted, UNLIMITED, desk)

    assert isinstance(size, Rejected)
    assert "profit" == size.rule


@pytest.mark.parametrize("elsewhere", [False, True])
def test_netted_trade_within_less_keeps_off_pools_in_flight(elsewhere: bool, netted: Arbitrage, snapshot: Snapshot, searcher: Any,
                                                            through: Through) -> None:  # fmt: skip
    """The core looked for conflicts in the pools of the opportunity: a smaller trade through others must not meet a plan there."""
    searcher.routes = (through(AWAY, WETH, E18).legs, searcher.routes[0])
    plan = OpenPlan(PlanId("p"), "compound", 100, (), 0, WETH, (AWAY[0].id,))
    book = BookState(BookId("other"), WETH, plans=(plan,)) if elsewhere else None
    view = evolve(snapshot, books={**snapshot.books, BookId("other"): book}) if book is not None else snapshot
    desk = rich(view, E18)
    desk = desk if elsewhere else evolve(desk, book=evolve(desk.book, plans=(plan,)))
    size = Compound().calculate_position_size(netted, UNLIMITED, desk)
    free = Compound().calculate_position_size(netted, UNLIMITED, rich(snapshot, E18))

    assert isinstance(size, Rejected)
    assert "conflict" == size.rule
    assert isinstance(free, Sized)


def test_size_below_a_minimum_is_rejected(netted: Arbitrage, snapshot: Snapshot) -> None:
    """Profit after gas must reach the settings at the size chosen: of a cycle, of a whole netted trade, of a part of it."""
    cycle = list(Compound().find_opportunities(snapshot))[1]
    strict = Compound(CompoundSettings(min_profit_bps=Bps(9_000)))
    whole, part = rich(snapshot, PLENTY), rich(snapshot, netted.amount // 2)
    by_amount = Compound(CompoundSettings(min_net_profit=AssetAmount(WETH, 1_000 * E18)))
    sizes = [
        strict.calculate_position_size(cycle, UNLIMITED, whole),
        strict.calculate_position_size(netted, UNLIMITED, whole),
        strict.calculate_position_size(netted, UNLIMITED, part),
        by_amount.calculate_position_size(netted, UNLIMITED, part),
    ]

    assert ["min_profit_bps"] * 3 + ["min_net_profit"] == [size.rule for size in sizes if isinstance(size, Rejected)]
    assert isinstance(Compound().calculate_position_size(cycle, UNLIMITED, whole), Sized)


def test_cycle_is_sized_and_planned_as_every_strategy_does(netted: Arbitrage, snapshot: Snapshot) -> None:
    """A cycle has no amounts of its own: it is sized within the money, and without any it is rejected for that."""
    cycle = list(Compound().find_opportunities(snapshot))[1]
    desk = rich(snapshot, E18)
    size = Compound().calculate_position_size(cycle, UNLIMITED, desk)
    assert isinstance(size, Sized)
    plan = Compound().build_execution_plan(cycle, size, desk)
    none = Compound().calculate_position_size(cycle, UNLIMITED, desk_of(snapshot))

    assert size.units <= E18
    assert size.profit == changes(plan, snapshot)
    assert isinstance(none, Rejected)
    assert "funds" == none.rule


def test_size_of_a_signal_is_rejected(snapshot: Snapshot) -> None:
    """It trades cycles, and says so of anything else."""
    signal = Signal(OpportunityId("s"), "compound", SIM, PAIR[0].id, DAI, WETH, "buy", 1, 1, 101)
    size = Compound().calculate_position_size(signal, UNLIMITED, desk_of(snapshot))

    assert isinstance(size, Rejected)
    assert "size" == size.rule
