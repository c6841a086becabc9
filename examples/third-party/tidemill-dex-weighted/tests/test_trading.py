"""The pool in a trade: a strategy finds it too cheap, plans, and the plan does what it says."""

from tidemill import Arbitrage
from tidemill.domain.decision import Allowance, Sized
from tidemill.domain.ids import address_of
from tidemill.domain.plan import Flow
from tidemill.planning.replay import Replayed, replay_flow
from tidemill_search_cycles import Cycles
from tidemill_strategy_spatial import Spatial
from tidemill_testing.desk import desk_of
from tidemill_testing.market import NEXT, SIM, pair_pool, snapshot_of, token

from recorded import POOLS, decoded

E18 = 10**18
USD, WETH = token("USD"), token("WETH")


def test_cheap_pool_is_bought_and_sold_dear() -> None:
    """Ether costs 2,092 in the recorded pool of 42 ether and 2,200 elsewhere: the plan buys here, sells there, and gains."""
    recorded = {**POOLS["usdc_weth_50_50"], "tokens": [address_of(USD), address_of(WETH)]}
    here = decoded(recorded, SIM)
    elsewhere = pair_pool("elsewhere", {WETH: 1_000 * E18, USD: 2_200_000 * 10**6})
    snapshot = snapshot_of([here, elsewhere], wrapped=WETH, searcher=Cycles())
    desk, strategy = desk_of(snapshot, {WETH: 100 * E18}), Spatial()

    (best, *_) = strategy.find_opportunities(snapshot)
    assert isinstance(best, Arbitrage)
    size = strategy.calculate_position_size(best, Allowance(WETH, 100 * E18, 0, 1 << 60), desk)
    assert isinstance(size, Sized)
    plan = strategy.build_execution_plan(best, size, desk)
    assert isinstance(plan, Flow)
    done = replay_flow(plan, snapshot.pools, NEXT)

    assert isinstance(done, Replayed)
    assert (elsewhere.id, here.id) == plan.pools
    assert dict(done.changes)[WETH] > E18 // 100
