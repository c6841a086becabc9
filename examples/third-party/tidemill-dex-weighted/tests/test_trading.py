"""The pool in a trade: a strategy finds it too cheap, plans, and the plan does what it says."""

from tidemill import Arbitrage, CycleQuery
from tidemill.domain.decision import Allowance, Sized
from tidemill.domain.ids import address_of
from tidemill.domain.plan import Flow
from tidemill.planning.replay import Replayed, replay_flow
from tidemill.planning.sizing import route_out
from tidemill_search_cycles import Cycles
from tidemill_strategy_spatial import Spatial
from tidemill_testing.desk import desk_of
from tidemill_testing.market import NEXT, SIM, pair_pool, snapshot_of, token

from recorded import POOLS, decoded

E18 = 10**18
USD, WETH = token("USD"), token("WETH")


HERE = decoded({**POOLS["usdc_weth_50_50"], "tokens": [address_of(USD), address_of(WETH)]}, SIM)
"""Ether costs 2,092 in the recorded pool, of 42 ether."""
ELSEWHERE = pair_pool("elsewhere", {WETH: 1_000 * E18, USD: 2_200_000 * 10**6})


def test_searcher_finds_the_cycle_by_asking_for_amounts() -> None:
    """The pool gives no curve: what it pays is probed, the best amount is searched for, and nobody calls the answer exact."""
    snapshot = snapshot_of([HERE, ELSEWHERE], wrapped=WETH, searcher=Cycles())
    (found,) = snapshot.cycles(CycleQuery(SIM, (WETH,), 2, 2))

    assert [ELSEWHERE.id, HERE.id] == [leg.pool for leg in found.legs]
    assert not found.exact
    assert found.profit > E18 // 100
    for less_or_more in (found.amounts[0] * 9 // 10, found.amounts[0] * 11 // 10):
        assert route_out(found.legs, snapshot.pools, less_or_more, NEXT) - less_or_more < found.profit


def test_cheap_pool_is_bought_and_sold_dear() -> None:
    """Ether costs 2,200 elsewhere: the plan sells there, buys here, and gains."""
    snapshot = snapshot_of([HERE, ELSEWHERE], wrapped=WETH, searcher=Cycles())
    desk, strategy = desk_of(snapshot, {WETH: 100 * E18}), Spatial()

    (best, *_) = strategy.find_opportunities(snapshot)
    assert isinstance(best, Arbitrage)
    size = strategy.calculate_position_size(best, Allowance(WETH, 100 * E18, 0, 1 << 60), desk)
    assert isinstance(size, Sized)
    plan = strategy.build_execution_plan(best, size, desk)
    assert isinstance(plan, Flow)
    done = replay_flow(plan, snapshot.pools, NEXT)

    assert isinstance(done, Replayed)
    assert (ELSEWHERE.id, HERE.id) == plan.pools
    assert dict(done.changes)[WETH] > E18 // 100
