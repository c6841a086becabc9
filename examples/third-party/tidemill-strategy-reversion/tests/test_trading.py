"""What the strategy comes to on a market."""

from tidemill import AssetId
from tidemill_testing.sim import Run, run_strategy, sim_market

from tidemill_strategy_reversion import Reversion

BLOCKS, SEED = 30, 2


def net(run: Run) -> int:
    """Return what a run left after its gas, every token at the reference prices of its end, in the book's base asset."""
    end = sim_market(BLOCKS, SEED)[-1]
    base = end.book().base
    changes = [*run.summary.pnl.items(), *((asset, -amount) for asset, amount in run.summary.cost.items())]
    values = [end.value(asset, amount, base) for asset, amount in changes]
    return sum(value for value in values if isinstance(value, int))


def test_strategy_on_the_simulated_market_earns_more_than_its_gas() -> None:
    """In a whole run with paper fills, what it holds in the end is worth more than what it paid."""
    run = run_strategy(Reversion, blocks=BLOCKS, seed=SEED)

    assert run.summary.fills > 10
    assert net(run) > 0


def test_least_edge_that_nothing_reaches_finds_nothing() -> None:
    """With higher edges the same market offers nothing."""
    asked = {"min_edge_bps": 9_000, "exit_edge_bps": 9_000}

    assert 0 == run_strategy(Reversion, asked, blocks=12, seed=SEED).summary.opportunities


def test_tokens_named_are_the_only_ones_held() -> None:
    """What is not on the list is not bought, base asset and wrapped coin apart."""
    end = sim_market(12, SEED)[-1]
    (chain,) = end.chains.values()
    home = {end.book().base, chain.wrapped}
    free = run_strategy(Reversion, blocks=12, seed=SEED).summary.pnl
    one: AssetId = next(asset for asset in sorted(free) if asset not in home)
    bound = run_strategy(Reversion, {"tokens": [one]}, blocks=12, seed=SEED).summary.pnl

    assert set(free) - home > {one}
    assert {one} == set(bound) - home
