"""The strategy ``triangular``."""

from typing import Any

import pytest
from attrs import evolve

from tidemill import Arbitrage, AssetAmount, AssetId, Bps, Candidate, CycleQuery, Signal
from tidemill.domain.answers import Rejected
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance, Sized
from tidemill.domain.ids import BookId, OpportunityId
from tidemill.domain.snapshot import Snapshot
from tidemill.planning.rank import rank_key
from tidemill.units import PPM_SCALE
from tidemill_strategy_triangular import Triangular, TriangularSettings, tidemill_register_strategies
from tidemill_strategy_triangular.strategy import depth_ppm
from tidemill_testing.desk import FlatLender, FlatRules, desk_of
from tidemill_testing.market import SIM, pair_pool, snapshot_of, token
from tidemill_testing.scripted import Scripted, candidate_through

WETH, DAI, LINK = token("WETH"), token("DAI"), token("LINK")
E18 = 10**18
ROUTE = [
    pair_pool("one", {WETH: 1_000 * E18, DAI: 2_000_000 * E18}),
    pair_pool("two", {DAI: 2_000_000 * E18, LINK: 200_000 * E18}),
    pair_pool("three", {LINK: 190_000 * E18, WETH: 1_000 * E18}),
]
UNLIMITED = Allowance(WETH, 1 << 200, 1 << 200, 1 << 200)


def snapshot_with(searcher: Any, **options: Any) -> Snapshot:
    return snapshot_of(ROUTE, wrapped=WETH, searcher=searcher, **options)


def found(strategy: Triangular, candidate: Candidate) -> Arbitrage:
    (opportunity,) = strategy.find_opportunities(snapshot_with(Scripted([candidate])))
    assert isinstance(opportunity, Arbitrage)
    return opportunity


def test_plugin_registers_the_strategy() -> None:
    """The entry point's hook gives the class under its name."""
    assert ["triangular"] == [strategy.name for strategy in tidemill_register_strategies()]


def test_find_asks_for_cycles_through_what_changed() -> None:
    """One query a chain: two hops to ``max_hops``, from the books' base assets and the wrapped coin, through changed pools."""
    searcher = Scripted()
    books = [BookState(BookId("b"), DAI), BookState(BookId("a"), WETH), BookState(BookId("c"), AssetId("other:1/erc20:0x1"))]
    strategy = Triangular(TriangularSettings(max_hops=3, top=7))

    assert [] == list(strategy.find_opportunities(snapshot_with(searcher, books=books)))
    assert [CycleQuery(SIM, (WETH, DAI), 2, 3, cost_per_hop=((WETH, 0), (DAI, 0)), top=7, changed_only=True)] == searcher.asked


def test_find_states_what_a_swap_costs() -> None:
    """The chain's cost of one more swap, valued in each start asset, weighs the searcher's order."""
    searcher = Scripted()
    snapshot = snapshot_with(searcher)
    dear = evolve(snapshot, chains={SIM: evolve(snapshot.chains[SIM], swap_cost=10**15)})
    list(Triangular().find_opportunities(dear))

    assert [((WETH, 10**15),)] == [query.cost_per_hop for query in searcher.asked]


def test_find_named_start_assets_replace_the_default() -> None:
    """With ``start_assets`` cycles begin there, each once, on their own chain; nowhere else."""
    searcher = Scripted()
    elsewhere = AssetId("other:1/erc20:0x1")
    list(Triangular(TriangularSettings(start_assets=(LINK, elsewhere, LINK))).find_opportunities(snapshot_with(searcher)))
    list(Triangular(TriangularSettings(start_assets=(elsewhere,))).find_opportunities(snapshot_with(searcher)))

    assert [(LINK,)] == [query.starts for query in searcher.asked]


def test_find_without_searcher_gives_nothing() -> None:
    """Where no searcher is enabled there is nothing to propose."""
    assert [] == list(Triangular().find_opportunities(snapshot_of(ROUTE, wrapped=WETH)))


def test_find_proposes_what_the_searcher_found() -> None:
    """A proposal carries the candidate's route, amount and profit; equal snapshots give equal ids."""
    candidate = candidate_through(ROUTE, WETH, E18)
    opportunity = found(Triangular(), candidate)

    assert (candidate.legs, E18, candidate.profit) == (opportunity.legs, opportunity.amount, opportunity.profit)
    assert ("triangular", SIM, WETH, 101, PPM_SCALE) == (
        opportunity.strategy,
        opportunity.chain,
        opportunity.asset,
        opportunity.height,
        opportunity.confidence_ppm,
    )
    assert opportunity == found(Triangular(), candidate)


def test_depth_of_a_route_is_what_its_tightest_pool_keeps() -> None:
    """Confidence is one less the largest share that the cycle takes of what a pool holds of the asset bought."""
    candidate = candidate_through(ROUTE, WETH, 100 * E18)
    snapshot = snapshot_of(ROUTE, wrapped=WETH)
    shares = [
        -(-bought * PPM_SCALE // snapshot.pools[leg.pool].holdings[leg.buy])
        for leg, bought in zip(candidate.legs, candidate.amounts[1:], strict=True)
    ]

    assert PPM_SCALE - max(shares) == depth_ppm(candidate, snapshot)
    assert 1 == depth_ppm(candidate, snapshot_of(ROUTE[:2], wrapped=WETH))


def test_prefer_high_liquidity_ranks_the_deeper_of_equal_profits_first() -> None:
    """Of two cycles with equal profit the deeper one is served first when the setting is on; else ids decide."""
    deep = [pair_pool(f"deep {pool.id}", {asset: held * 1_000 for asset, held in pool.holdings.items()}) for pool in ROUTE]
    shallow_cycle, deep_cycle = candidate_through(ROUTE, WETH, E18), candidate_through(deep, WETH, E18)
    twin = Candidate(SIM, WETH, deep_cycle.legs, deep_cycle.amounts, shallow_cycle.profit)
    snapshot = snapshot_of([*ROUTE, *deep], wrapped=WETH, searcher=Scripted([shallow_cycle, twin]))
    prefers = list(Triangular(TriangularSettings(prefer_high_liquidity=True)).find_opportunities(snapshot))
    ignores = list(Triangular().find_opportunities(snapshot))

    best = min(prefers, key=lambda one: rank_key(one, one.profit, 0))
    assert deep_cycle.legs == best.legs if isinstance(best, Arbitrage) else None
    assert {PPM_SCALE} == {one.confidence_ppm for one in ignores}


def test_size_profit_below_min_profit_bps_is_rejected_with_figures() -> None:
    """What is left after gas, compared with the amount in, must reach the setting: the message says both."""
    strategy = Triangular(TriangularSettings(min_profit_bps=Bps(5_000)))
    opportunity = found(strategy, candidate_through(ROUTE, WETH, E18))
    desk = desk_of(snapshot_of(ROUTE, wrapped=WETH), {WETH: E18}, rules=FlatRules(cost_per_swap=10**15))
    size = strategy.calculate_position_size(opportunity, UNLIMITED, desk)

    assert isinstance(size, Rejected)
    assert "min_profit_bps" == size.rule
    assert size.reason.endswith("bps after gas is below min_profit_bps 5000")


def test_size_above_both_minima_passes() -> None:
    """A size whose profit after gas reaches both minima is given as the default sizing made it: all the money, but for floors."""
    strategy = Triangular(TriangularSettings(min_profit_bps=Bps(50), min_net_profit=AssetAmount(WETH, 10**16)))
    opportunity = found(strategy, candidate_through(ROUTE, WETH, E18))
    desk = desk_of(snapshot_of(ROUTE, wrapped=WETH), {WETH: E18}, rules=FlatRules(cost_per_swap=10**15))
    size = strategy.calculate_position_size(opportunity, UNLIMITED, desk)

    assert isinstance(size, Sized)
    assert size.lender is None
    assert E18 - 10 < size.units <= E18


def test_size_a_loan_that_leaves_more_is_taken() -> None:
    """With little own money the flash loan carries the whole optimum."""
    strategy = Triangular(TriangularSettings(min_profit_bps=Bps(0)))
    opportunity = found(strategy, candidate_through(ROUTE, WETH, 5 * E18))
    lender = FlatLender("bank", AssetAmount(WETH, 10_000 * E18))
    desk = desk_of(snapshot_of(ROUTE, wrapped=WETH), {WETH: E18 // 100}, lenders=[lender])
    size = strategy.calculate_position_size(opportunity, UNLIMITED, desk)

    assert isinstance(size, Sized)
    assert "bank" == size.lender
    assert size.units > E18


def test_size_min_net_profit_counts_gas() -> None:
    """The same size is rejected once gas eats what the minimum asks for."""
    strategy = Triangular(TriangularSettings(min_profit_bps=Bps(0), min_net_profit=AssetAmount(WETH, 10**16)))
    opportunity = found(strategy, candidate_through(ROUTE, WETH, E18))
    snapshot = snapshot_of(ROUTE, wrapped=WETH)
    cheap = strategy.calculate_position_size(opportunity, UNLIMITED, desk_of(snapshot, {WETH: E18}))
    dear = strategy.calculate_position_size(opportunity, UNLIMITED, desk_of(snapshot, {WETH: E18}, rules=FlatRules(cost_per_swap=E18)))

    assert isinstance(cheap, Sized)
    assert isinstance(dear, Rejected)
    assert "min_net_profit" == dear.rule


def test_size_without_money_or_loan_is_rejected() -> None:
    """What the default sizing rejects stays rejected, for its reason."""
    strategy = Triangular()
    opportunity = found(strategy, candidate_through(ROUTE, WETH, E18))
    size = strategy.calculate_position_size(opportunity, UNLIMITED, desk_of(snapshot_of(ROUTE, wrapped=WETH)))

    assert isinstance(size, Rejected)
    assert "funds" == size.rule


def test_size_of_a_signal_is_rejected() -> None:
    """It trades cycles, and says so of anything else."""
    signal = Signal(OpportunityId("s"), "triangular", SIM, ROUTE[0].id, DAI, WETH, "buy", 1, 1, 101)
    size = Triangular().calculate_position_size(signal, UNLIMITED, desk_of(snapshot_of(ROUTE, wrapped=WETH)))

    assert isinstance(size, Rejected)
    assert "size" == size.rule


@pytest.mark.parametrize("wrong", [{"max_hops": 1}, {"max_hops": 13}, {"min_profit_bps": Bps(-1)}, {"top": -1}])
def test_settings_out_of_range_raise(wrong: dict[str, int]) -> None:
    """Hops from 2 to 12, a minimum of at least 0, no negative number of proposals."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        TriangularSettings(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_defaults_are_those_of_the_field() -> None:
    """50 bps, four hops, no preference, every start asset."""
    settings = TriangularSettings()

    assert (50, 4, False, ()) == (settings.min_profit_bps, settings.max_hops, settings.prefer_high_liquidity, settings.start_assets)
