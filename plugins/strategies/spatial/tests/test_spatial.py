"""The strategy ``spatial``."""

from typing import Any

import pytest

from tidemill import Arbitrage, AssetAmount, AssetId, Bps, Candidate, CycleQuery, Signal
from tidemill.domain.answers import Rejected
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance, Sized
from tidemill.domain.ids import BookId, OpportunityId
from tidemill.domain.snapshot import Snapshot
from tidemill_strategy_spatial import Spatial, SpatialSettings, tidemill_register_strategies
from tidemill_testing.desk import FlatRules, desk_of
from tidemill_testing.market import SIM, pair_pool, snapshot_of, token
from tidemill_testing.scripted import Scripted, candidate_through

WETH, DAI = token("WETH"), token("DAI")
E18 = 10**18
CHEAP = pair_pool("cheap", {WETH: 1_000 * E18, DAI: 2_000_000 * E18})
DEAR = pair_pool("dear", {WETH: 1_050 * E18, DAI: 2_000_000 * E18}, dex="sushiswap")
SAME = pair_pool("same", {WETH: 1_060 * E18, DAI: 2_000_000 * E18}, 10_000)
POOLS = [CHEAP, DEAR, SAME]
UNLIMITED = Allowance(WETH, 1 << 200, 1 << 200, 1 << 200)


def snapshot_with(searcher: Any, **options: Any) -> Snapshot:
    return snapshot_of(POOLS, wrapped=WETH, searcher=searcher, **options)


def found(strategy: Spatial, candidate: Candidate) -> Arbitrage:
    (opportunity,) = strategy.find_opportunities(snapshot_with(Scripted([candidate])))
    assert isinstance(opportunity, Arbitrage)
    return opportunity


def test_plugin_registers_the_strategy() -> None:
    """The entry point's hook gives the class under its name."""
    assert ["spatial"] == [strategy.name for strategy in tidemill_register_strategies()]


def test_find_asks_for_two_hops_through_what_changed() -> None:
    """One query a chain for cycles of exactly two hops, from the books' base assets and the wrapped coin."""
    searcher = Scripted()
    books = [BookState(BookId("b"), DAI), BookState(BookId("a"), AssetId("other:1/erc20:0x1"))]

    assert [] == list(Spatial().find_opportunities(snapshot_with(searcher, books=books)))
    assert [CycleQuery(SIM, (DAI, WETH), 2, 2, cost_per_hop=((DAI, 0), (WETH, 0)), changed_only=True)] == searcher.asked


def test_find_named_start_assets_replace_the_default() -> None:
    """With ``start_assets`` trades are paid with those of the chain, each once; with none of the chain nothing is asked."""
    searcher = Scripted()
    elsewhere = AssetId("other:1/erc20:0x1")
    list(Spatial(SpatialSettings(start_assets=(DAI, elsewhere, DAI))).find_opportunities(snapshot_with(searcher)))
    list(Spatial(SpatialSettings(start_assets=(elsewhere,))).find_opportunities(snapshot_with(searcher)))

    assert [(DAI,)] == [query.starts for query in searcher.asked]


def test_find_proposes_buying_cheap_and_selling_dear() -> None:
    """A proposal carries the candidate's two legs, amount and profit."""
    candidate = candidate_through([CHEAP, DEAR], WETH, E18)
    opportunity = found(Spatial(), candidate)

    assert candidate.profit > 0
    assert (candidate.legs, E18, candidate.profit) == (opportunity.legs, opportunity.amount, opportunity.profit)
    assert ("spatial", SIM, WETH, 101) == (opportunity.strategy, opportunity.chain, opportunity.asset, opportunity.height)


def test_find_across_dexes_only_leaves_out_fee_tiers_of_one() -> None:
    """With ``same_dex`` off, two pools of one DEX are one venue."""
    one_dex, two_dexes = candidate_through([CHEAP, SAME], WETH, E18), candidate_through([CHEAP, DEAR], WETH, E18)
    snapshot = snapshot_with(Scripted([one_dex, two_dexes]))

    def routes(settings: SpatialSettings) -> list[object]:
        return [one.legs for one in Spatial(settings).find_opportunities(snapshot) if isinstance(one, Arbitrage)]

    assert [one_dex.legs, two_dexes.legs] == routes(SpatialSettings())
    assert [two_dexes.legs] == routes(SpatialSettings(same_dex=False))


def test_find_top_counts_proposals_not_candidates() -> None:
    """What is left out does not use up ``top``."""
    one_dex, two_dexes = candidate_through([CHEAP, SAME], WETH, E18), candidate_through([CHEAP, DEAR], WETH, E18)
    snapshot = snapshot_with(Scripted([one_dex, two_dexes, two_dexes]))

    assert 1 == len(list(Spatial(SpatialSettings(same_dex=False, top=1)).find_opportunities(snapshot)))


def test_size_below_a_minimum_is_rejected() -> None:
    """Profit after gas must reach the settings at the size chosen."""
    opportunity = found(Spatial(), candidate_through([CHEAP, DEAR], WETH, E18))
    desk = desk_of(snapshot_of(POOLS, wrapped=WETH), {WETH: E18}, rules=FlatRules(cost_per_swap=10**15))
    by_bps = Spatial(SpatialSettings(min_profit_bps=Bps(9_000))).calculate_position_size(opportunity, UNLIMITED, desk)
    by_amount = Spatial(SpatialSettings(min_net_profit=AssetAmount(WETH, E18))).calculate_position_size(opportunity, UNLIMITED, desk)
    passed = Spatial(SpatialSettings(min_net_profit=AssetAmount(WETH, 10**15))).calculate_position_size(opportunity, UNLIMITED, desk)

    assert isinstance(by_bps, Rejected)
    assert isinstance(by_amount, Rejected)
    assert ("min_profit_bps", "min_net_profit") == (by_bps.rule, by_amount.rule)
    assert isinstance(passed, Sized)


def test_size_of_a_signal_is_rejected() -> None:
    """It trades two pools, and says so of anything else."""
    signal = Signal(OpportunityId("s"), "spatial", SIM, CHEAP.id, DAI, WETH, "buy", 1, 1, 101)
    size = Spatial().calculate_position_size(signal, UNLIMITED, desk_of(snapshot_of(POOLS, wrapped=WETH)))

    assert isinstance(size, Rejected)
    assert "size" == size.rule


@pytest.mark.parametrize("wrong", [{"min_profit_bps": Bps(-1)}, {"top": -1}])
def test_settings_out_of_range_raise(wrong: dict[str, int]) -> None:
    """A minimum of at least 0, no negative number of proposals."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SpatialSettings(**wrong)  # type: ignore[arg-type]  # wrong on purpose
