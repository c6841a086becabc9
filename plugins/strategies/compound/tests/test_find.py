"""What ``compound`` asks the searcher for, and what it proposes."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from attrs import evolve

from tidemill import Arbitrage, AssetId, Bps, Candidate, CycleQuery, Leg, Snapshot
from tidemill.domain.book import BookState
from tidemill.domain.ids import BookId
from tidemill.units import PPM_SCALE, Ppm
from tidemill_strategy_compound import Compound, CompoundSettings, tidemill_register_strategies
from tidemill_testing.market import SIM, PairPool, pair_pool, snapshot_of, token

WETH, DAI, LINK = token("WETH"), token("DAI"), token("LINK")
E18 = 10**18
ROUND = [
    pair_pool("one", {WETH: 1_000 * E18, DAI: 2_000_000 * E18}),
    pair_pool("two", {DAI: 2_000_000 * E18, LINK: 200_000 * E18}),
    pair_pool("three", {LINK: 190_000 * E18, WETH: 1_000 * E18}),
]
CHEAP = pair_pool("cheap", {WETH: 1_000 * E18, DAI: 2_000_000 * E18})
DEAR = pair_pool("dear", {WETH: 1_050 * E18, DAI: 2_000_000 * E18})
POOLS = [*ROUND, CHEAP, DEAR]
Through = Callable[[Sequence[PairPool], AssetId, int], Candidate]


def legs(pools: Sequence[PairPool], through: Through) -> tuple[Leg, ...]:
    return through(pools, WETH, E18).legs


def snapshot_with(searcher: Any, **options: Any) -> Snapshot:
    return snapshot_of(POOLS, wrapped=WETH, searcher=searcher, **options)


def found(strategy: Compound, snapshot: Snapshot) -> list[Arbitrage]:
    return [one for one in strategy.find_opportunities(snapshot) if isinstance(one, Arbitrage)]


def test_plugin_registers_the_strategy() -> None:
    """The entry point's hook gives the class under its name."""
    assert ["compound"] == [strategy.name for strategy in tidemill_register_strategies()]


def test_find_asks_for_what_the_settings_say(netting: Any) -> None:
    """One query a chain, for the netted trade and for the cycles alike: hops, width, effort in work units, the best so many."""
    searcher = netting()
    snapshot = snapshot_with(searcher, books=[BookState(BookId("b"), DAI), BookState(BookId("a"), WETH)])
    dear = evolve(snapshot, chains={SIM: evolve(snapshot.chains[SIM], swap_cost=10**15)})
    settings = CompoundSettings(min_hops=3, max_hops=9, beam_width=128, deadline_ms=7, top=4)

    assert [] == found(Compound(settings), dear)
    costs = ((WETH, 10**15), (DAI, dear.swap_cost(SIM, DAI)))
    query = CycleQuery(SIM, (WETH, DAI), 3, 9, cost_per_hop=costs, work=7_000, width=128, top=4, changed_only=True)
    assert ([query], [query]) == (searcher.asked, searcher.netted)

    found(Compound(settings), evolve(dear, rates={"search.netting": 70, "search.other": 5}))
    assert 490 == searcher.asked[-1].work


def test_find_asks_a_searcher_for_no_more_than_it_can(netting: Any) -> None:
    """Beyond the searcher's own limit nothing is asked; where that lies below ``min_hops``, nothing at all."""
    short, unlimited = netting(max_hops=4), netting()
    found(Compound(), snapshot_with(short))
    found(Compound(), snapshot_with(unlimited))
    assert [4, 12] == [query.max_hops for query in (*short.asked, *unlimited.asked)]

    found(Compound(CompoundSettings(min_hops=5)), snapshot_with(short))
    assert 1 == len(short.asked) == len(short.netted)


def test_find_without_searcher_or_start_gives_nothing(netting: Any) -> None:
    """Where no searcher is enabled, or no start asset is on the chain, there is nothing to propose."""
    searcher = netting()

    assert [] == found(Compound(), snapshot_of(POOLS, wrapped=WETH))
    assert [] == found(Compound(CompoundSettings(start_assets=(AssetId("other:1/erc20:0x1"),))), snapshot_with(searcher))
    assert [] == searcher.asked


def test_find_proposes_the_netted_trade_first_then_its_cycles(netting: Any, through: Through) -> None:
    """The trade over all cycles comes before each of them, and each says what it is."""
    routes = [legs([CHEAP, DEAR], through), legs(ROUND, through)]
    searcher = netting(routes)
    snapshot = snapshot_with(searcher)
    trade, *cycles = found(Compound(), snapshot)
    netted = searcher.net(searcher.netted[0])

    assert (netted.legs, netted.amount_in, netted.profit) == (trade.legs, trade.amount, trade.profit)
    assert ["5 swaps netted from 2 cycles", "2 hops", "3 hops"] == [trade.reason, *(one.reason for one in cycles)]
    assert {one.legs for one in cycles} == set(routes)
    assert {("compound", SIM, WETH, 101)} == {(one.strategy, one.chain, one.asset, one.height) for one in (trade, *cycles)}
    assert trade.profit == sum(one.profit for one in cycles)


@pytest.mark.parametrize(("survival_ppm", "confidence_ppm"), [(PPM_SCALE, PPM_SCALE), (900_000, 729_000), (333_333, 37_036), (1, 1)])
def test_find_is_less_sure_of_a_netted_trade_for_each_pool_more(
    netting: Any, through: Through, survival_ppm: int, confidence_ppm: int
) -> None:
    """Five pools beside the best cycle's two: the chance that three more stay, rounded down, at least one; cycles keep theirs."""
    searcher = netting([legs([CHEAP, DEAR], through), legs(ROUND, through)])
    trade, *cycles = found(Compound(CompoundSettings(pool_survival_ppm=Ppm(survival_ppm))), snapshot_with(searcher))

    assert [confidence_ppm, PPM_SCALE, PPM_SCALE] == [one.confidence_ppm for one in (trade, *cycles)]


def test_find_compares_a_netted_trade_with_a_cycle_that_can_be_traded(netting: Any, through: Through) -> None:
    """The best cycle is the best that is not suspect; where none was found each pool counts."""
    routes = [legs([CHEAP, DEAR], through), legs(ROUND, through)]
    searcher = netting(routes)
    sized = searcher.sized
    searcher.find = lambda query: iter([evolve(one, suspect=("poison",)) if len(one.legs) == 2 else one for one in sized(query)])
    trade, *_ = found(Compound(), snapshot_with(searcher))
    searcher.find = lambda query: iter(())
    alone, *_ = found(Compound(), snapshot_with(searcher))

    assert [810_000, 590_490] == [trade.confidence_ppm, alone.confidence_ppm]


def test_find_of_one_cycle_proposes_it_once(netting: Any, through: Through) -> None:
    """A netted trade of one cycle is that cycle, which can be sized; one that many cycles came to is not proposed under the same id."""
    searcher = netting([legs(ROUND, through)])
    (only,) = found(Compound(), snapshot_with(searcher))
    searcher.told = lambda trade: evolve(trade, cycles=2)
    (merged,) = found(Compound(), snapshot_with(searcher))

    assert [None, None, None] == [leg.amount for leg in only.legs]
    assert None not in [leg.amount for leg in merged.legs]
    assert only.id == merged.id


def test_find_without_netting_asks_for_none(netting: Any, through: Through) -> None:
    """``netted = false`` proposes cycles alone."""
    searcher = netting([legs([CHEAP, DEAR], through), legs(ROUND, through)])

    assert ["2 hops", "3 hops"] == [one.reason for one in found(Compound(CompoundSettings(netted=False)), snapshot_with(searcher))]
    assert [] == searcher.netted


def test_find_passes_suspicion_on(scripted: Any, through: Through) -> None:
    """A cycle that the searcher suspects is proposed with its reasons, and the kernel's validation turns it away with them."""
    suspect = evolve(through([CHEAP, DEAR], WETH, E18), suspect=("DAI takes a fee on transfer",))
    snapshot = snapshot_with(scripted([suspect]))
    (one,) = found(Compound(), snapshot)
    answer = Compound().validate_opportunity(one, snapshot)

    assert ("DAI takes a fee on transfer",) == one.suspect
    assert ("suspect", "DAI takes a fee on transfer") == (answer.rule, answer.reason)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_hops": 1},
        {"max_hops": 13},
        {"min_profit_bps": Bps(-1)},
        {"top": -1},
        {"beam_width": -1},
        {"deadline_ms": -1},
        {"pool_survival_ppm": 0},
        {"pool_survival_ppm": 1_000_001},
    ],
)
def test_settings_out_of_range_raise(wrong: dict[str, int]) -> None:
    """Hops from 2 to 12, nothing negative."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CompoundSettings(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_settings_with_min_hops_above_max_hops_raise() -> None:
    """The message names both."""
    with pytest.raises(ValueError, match="'max_hops' must be at least min_hops, which is 6: 5"):
        CompoundSettings(min_hops=6, max_hops=5)
    assert (5, 5) == (CompoundSettings(min_hops=5, max_hops=5).min_hops, CompoundSettings(min_hops=5, max_hops=5).max_hops)
