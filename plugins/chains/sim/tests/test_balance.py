"""The market is worth playing, but not for free: found by brute force, carried out one block later.

The searcher here is deliberately simple and knows only the chain: at each head it closes every pool beyond its fee band with the best
other hops, sizes the cycle exactly, and carries it out on the state that the next block leaves.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tidemill_chain_sim.competitors import Edge, close, find_edges
from tidemill_chain_sim.engine import Engine
from tidemill_chain_sim.informed import gas_worth, worth
from tidemill_chain_sim.market import make_market
from tidemill_chain_sim.pools import PoolState, amount_out
from tidemill_chain_sim.settings import SimSettings
from tidemill_evm.gas import estimate_gas
from tidemill_simworld.tokens import DOLLAR

BLOCKS = 60
SEEDS = range(1, 5)
MORE = range(1, 11)
CAREFUL = 5
"""How many times its cost a careful plan must promise: where competitors take most of what pays, most plans revert."""


class Found(NamedTuple):
    """A cycle, its input in base units of its first token, its gain in that token and its cost, both in 1e-12 US dollars."""

    gain: int
    cost: int
    amount: int
    cycle: tuple[Edge, ...]


class Tally(NamedTuple):
    """What came of a run; money in 1e-12 US dollars."""

    found: int
    fills: int
    reverts: int
    gain: int
    cost: int


def _out(engine: Engine, states: tuple[PoolState, ...], cycle: tuple[Edge, ...], amount: int) -> int:
    for edge in cycle:
        amount = amount_out(engine.market.specs[edge.pool], states[edge.pool], edge.zero_for_one, amount)
    return amount


def _opportunities(engine: Engine) -> Iterator[Found]:
    draft = engine.draft()
    hot, best = find_edges(draft)
    for edge in hot:
        for cycle in close(edge, best)[:1]:
            token = engine.market.tokens[cycle[0].sell]
            kinds = [engine.market.specs[hop.pool].kind for hop in cycle]
            cost = gas_worth(estimate_gas(kinds, 0), draft.fee, draft.prices)
            dollars = [DOLLAR * 2**power for power in range(3, 14)]
            amounts = [dollar * token.unit // draft.prices[token.index] for dollar in dollars]
            gain, amount = max((_out(engine, engine.head.world.pools, cycle, amount) - amount, amount) for amount in amounts)
            if gain > 0:
                yield Found(worth(token, gain, draft.prices), cost, amount, cycle)


def _play(seed: int, *, careful: bool) -> Tally:
    """Take what promises enough, each pool once a block; pools that we traded count as ours until others move them."""
    engine = Engine(make_market(seed, SimSettings()))
    found = fills = reverts = gain = cost = 0
    ours: dict[int, PoolState] = {}
    for _ in range(BLOCKS):
        before, used, plans = engine.head.world.pools, set[int](), []
        for one in sorted(_opportunities(engine), key=lambda one: one.cost - one.gain):
            pools = {edge.pool for edge in one.cycle}
            if (careful and one.gain < CAREFUL * one.cost) or pools & used or any(ours.get(pool) is before[pool] for pool in pools):
                continue
            used |= pools
            plans.append(one)
        after, prices = engine.mine().world.pools, engine.prices.at(engine.head.height)
        found += len(plans)
        for one in plans:
            cost += one.cost
            left = _out(engine, after, one.cycle, one.amount) - one.amount
            if left > 0:
                fills += 1
                gain += worth(engine.market.tokens[one.cycle[0].sell], left, prices)
                ours |= {edge.pool: after[edge.pool] for edge in one.cycle}
            else:
                reverts += 1
    return Tally(found, fills, reverts, gain, cost)


@pytest.fixture(scope="module", params=[SEEDS, pytest.param(MORE, marks=pytest.mark.heavy)], ids=len)
def careful(request: pytest.FixtureRequest) -> list[Tally]:
    """Some seeds in a row, played carefully."""
    return [_play(seed, careful=True) for seed in request.param]


def test_market_has_opportunities_of_which_most_are_taken_by_others(careful: list[Tally]) -> None:
    """Every seed offers something within two minutes of its time; altogether some of it fills and more of it reverts."""
    assert all(tally.found >= 5 for tally in careful)
    assert len(careful) <= sum(tally.fills for tally in careful) < sum(tally.reverts for tally in careful)


def test_market_pays_the_careful_modestly(careful: list[Tally]) -> None:
    """A careful searcher earns more than its gas, and no riches: a few dollars a seed."""
    net = sum(tally.gain - tally.cost for tally in careful)
    assert 0 < net < 50 * len(careful) * DOLLAR


def test_market_punishes_the_careless() -> None:
    """Whoever takes everything that gains before costs loses money on every seed."""
    for tally in (_play(seed, careful=False) for seed in SEEDS[:2]):
        assert tally.fills > 20
        assert tally.gain < tally.cost
