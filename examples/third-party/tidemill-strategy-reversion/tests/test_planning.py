"""From a signal to one swap that cannot lose by the reference."""

from collections.abc import Callable

import pytest
from attrs import evolve
from tidemill import Signal, Snapshot
from tidemill.domain.answers import Rejected
from tidemill.domain.decision import Allowance, Sized, Valid
from tidemill.domain.plan import Flow
from tidemill.domain.snapshot import DexPolicy
from tidemill.planning.desk import Desk
from tidemill.planning.replay import Broken, Replayed, replay_flow
from tidemill_testing.desk import FlatRules
from tidemill_testing.market import ETHER, NEXT, SIM, token

from tidemill_strategy_reversion import Reversion

Market = Callable[..., Snapshot]
GOLD, USD = token("GOLD"), token("USD")
E18 = 10**18
PLENTY = Allowance(USD, 10**5 * E18, 0, 1 << 60)


def signal(market: Snapshot) -> Signal:
    """Return the one signal of a market."""
    (one,) = Reversion().find_opportunities(market)
    assert isinstance(one, Signal)
    return one


def desk(market: Snapshot, cost: int = 0) -> Desk:
    """Return a desk with the market's own book, and a chain that costs so much a swap."""
    return Desk(market, market.book(), {SIM: FlatRules(cost)}, ())


def planned(market: Snapshot) -> Flow:
    """Return the plan of the one signal."""
    one, strategy = signal(market), Reversion()
    size = strategy.calculate_position_size(one, PLENTY, desk(market))
    assert isinstance(size, Sized)
    plan = strategy.build_execution_plan(one, size, desk(market))
    assert isinstance(plan, Flow)
    return plan


def test_plan_is_one_swap_that_asks_for_more_than_it_gives(market_at: Market) -> None:
    """5,000 dollars go in, more than 5,000 gold must come out."""
    plan = planned(market_at(940))
    (swap,) = plan.swaps
    done = replay_flow(plan, market_at(940).pools, NEXT)

    assert swap.amount_in is not None
    assert ((USD, swap.amount_in),) == plan.funds
    assert (USD, GOLD, swap.amount_in + 1) == (swap.sell, swap.buy, swap.min_out)
    assert isinstance(done, Replayed)
    assert dict(done.changes)[GOLD] > 5_200 * E18


def test_plan_reverts_where_the_pool_has_come_back(market_at: Market) -> None:
    """Somebody was faster: the swap would pay what the gold is worth, and does not happen."""
    done = replay_flow(planned(market_at(940)), market_at(1_000).pools, NEXT)

    assert isinstance(done, Broken)
    assert "min_out" == done.rule


def test_slippage_of_the_dex_narrows_the_minimum(market_at: Market) -> None:
    """max_slippage_bps of the DEX's table asks for nearly the quote."""
    market = evolve(market_at(940), policies={"uniswap": DexPolicy(max_slippage_bps=10)})

    assert 5_200 * E18 < planned(market).swaps[0].min_out < 5_300 * E18


def test_validation_quotes_again(market_at: Market) -> None:
    """The same signal holds on the market that it was found on, and no longer once the pool has come back."""
    one, strategy = signal(market_at(940)), Reversion()
    held, gone = (strategy.validate_opportunity(one, market_at(gold)) for gold in (940, 1_000))

    assert isinstance(held, Valid)
    assert (one.amount, one.profit) == (held.amount, held.profit)
    assert isinstance(gone, Rejected)
    assert "the pool has come back" == gone.reason


@pytest.mark.parametrize("amount", [0, -1])
def test_validation_of_no_amount_is_refused(amount: int, market_at: Market) -> None:
    """Nothing to sell is nothing to do."""
    answer = Reversion().validate_opportunity(evolve(signal(market_at(940)), amount=amount), market_at(940))

    assert isinstance(answer, Rejected)


def test_gas_above_the_gain_is_refused(market_at: Market) -> None:
    """The size must pay for its transaction; where the coin has no price nothing says that it does."""
    market = market_at(940)
    unpriced = evolve(market, prices={asset: point for asset, point in market.prices.items() if asset != ETHER})
    answers = [Reversion().calculate_position_size(signal(market), PLENTY, desk(view, 1_000 * E18)) for view in (unpriced, market)]

    assert ["cost", "profit"] == [answer.rule for answer in answers if isinstance(answer, Rejected)]


@pytest.mark.parametrize("allowance", [Allowance(USD, 0, 10**24, 1), Allowance(USD, -1, 0, 1)])
def test_borrowed_money_alone_is_refused(allowance: Allowance, market_at: Market) -> None:
    """What is held beyond one transaction cannot be paid for with a flash loan."""
    answer = Reversion().calculate_position_size(signal(market_at(940)), allowance, desk(market_at(940)))

    assert isinstance(answer, Rejected)


def test_signal_at_a_pool_that_is_gone_is_refused(market_at: Market) -> None:
    """Between two blocks a pool may stop being trusted."""
    one, market = signal(market_at(940)), market_at(940)
    empty = evolve(market, pools={})
    strategy, size = Reversion(), Sized(1, 1)
    answers = (
        strategy.validate_opportunity(one, empty),
        strategy.calculate_position_size(one, PLENTY, desk(empty)),
        strategy.build_execution_plan(one, size, desk(empty)),
    )

    assert [Rejected] * 3 == [type(answer) for answer in answers]


def test_size_that_no_longer_gains_is_not_planned(market_at: Market) -> None:
    """On a market that came back between sizing and planning there is no plan."""
    answer = Reversion().build_execution_plan(signal(market_at(940)), Sized(5_000 * E18, 1), desk(market_at(1_000)))

    assert isinstance(answer, Rejected)
    assert "no more than what goes in is worth" in answer.reason
