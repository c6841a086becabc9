"""Made-up busy markets, and the cycles that a plain search finds in them."""

from collections.abc import Callable, Mapping
from functools import partial
from random import Random

import pytest

from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.opportunity import Leg
from tidemill.domain.pool import Pool
from tidemill.domain.search import Candidate
from tidemill.planning.replay import Replayed
from tidemill.planning.sizing import best_amount
from tidemill_search_cycles.compiled import Kernels
from tidemill_search_cycles.netting import Netting, net, replayed
from tidemill_search_cycles.netting.net import Settle
from tidemill_testing.market import NEXT, SIM, PairPool, pair_pool, token

Market = tuple[AssetId, dict[PoolId, PairPool]]


@pytest.fixture(scope="session")
def busy() -> Callable[..., Market]:
    """Give a market of hubs and smaller tokens whose prices disagree by about ``noise``; its first token is the deepest hub."""
    return busy_market


@pytest.fixture(scope="session")
def cycles_in() -> Callable[..., list[Candidate]]:
    """Give the cycles of two to four hops from a token that gain, sized in integers, the best first."""
    return found_cycles


@pytest.fixture(scope="session")
def run_compiled(kept_kernels: Kernels | None) -> Settle:
    """Give the compiled descent, called as the plain one is."""
    if kept_kernels is None:
        pytest.skip("numba is not installed: there is no compiled twin to compare")
    return partial(net.settle, running=kept_kernels)


@pytest.fixture(scope="session")
def check() -> Callable[[Netting, Mapping[PoolId, Pool], AssetId], None]:
    """Assert that a trade replays to what it says, and takes nothing of any token but the start's."""
    return checked


@pytest.fixture(scope="session")
def candidate() -> Callable[..., Candidate]:
    """Give the cycle along (pool, sell, buy) with an input, quoted by the pools."""
    return made_candidate


def busy_market(seed: int, tokens: int, pools: int, noise: float, opaque: float = 0.0) -> Market:
    random, hubs = Random(seed), 5
    names = [token(f"token {number}") for number in range(tokens)]
    units = [10**18, *(10 ** random.choice((12, 18, 18)) for _ in range(tokens - 1))]
    worth = [1.0, *(10 ** random.uniform(-4, 3) for _ in range(tokens - 1))]
    made: list[PairPool] = []

    def add(one: int, other: int) -> None:
        depth, off = 10 ** random.uniform(1.5, 5), 1.0 + max(-0.5, random.gauss(0, noise))
        reserves = {
            names[one]: int(depth / worth[one] * units[one]) + 1,
            names[other]: int(depth / worth[other] * units[other] * off) + 1,
        }
        fee = random.choice((3_000, 3_000, 500, 10_000))
        made.append(pair_pool(f"{seed} {len(made)}", reserves, fee, opaque=random.random() < opaque))

    for number in range(1, tokens):
        add(number, random.randrange(min(number, hubs)))
    while len(made) < pools:
        one, other = random.randrange(tokens), random.randrange(min(tokens, 3 * hubs))
        if one != other:
            add(one, other)
    return names[0], {pool.id: pool for pool in made}


def found_cycles(pools: Mapping[PoolId, Pool], start: AssetId, most_hops: int = 4, most: int = 200) -> list[Candidate]:
    around: dict[AssetId, list[tuple[AssetId, Pool]]] = {}
    for pool in pools.values():
        for sell in pool.assets:
            for buy in pool.assets:
                if sell != buy and all(pool.holdings.values()):
                    around.setdefault(sell, []).append((buy, pool))
    found: list[tuple[float, tuple[Leg, ...]]] = []

    def walk(legs: tuple[Leg, ...], gain: float) -> None:
        here = legs[-1].buy if legs else start
        for buy, pool in around.get(here, ()):
            if any(leg.pool == pool.id or leg.sell == buy != start for leg in legs):
                continue
            now = gain * pool.holdings[buy] / pool.holdings[here] * (1 - (pool.fee_ppm or 0) / 1e6)
            longer = (*legs, Leg(pool.id, here, buy))
            if buy == start and legs and now > 1:
                found.append((now, longer))
            elif buy != start and len(longer) < most_hops:
                walk(longer, now)

    walk((), 1.0)
    found.sort(key=lambda one: -one[0])
    sized = [sized_cycle(legs, pools, start, gain) for gain, legs in found[:most]]
    return sorted((one for one in sized if one is not None), key=lambda one: -one.profit)


def sized_cycle(legs: tuple[Leg, ...], pools: Mapping[PoolId, Pool], start: AssetId, gain: float) -> Candidate | None:
    def along(amount: int) -> list[int]:
        amounts = [amount]
        for leg in legs:
            amounts.append(pools[leg.pool].amount_out(leg.sell, leg.buy, amounts[-1], NEXT) if amounts[-1] else 0)
        return amounts

    hint = max(1, int(pools[legs[0].pool].holdings[start] * (gain - 1) / 2 / len(legs)))
    amount, profit = best_amount(lambda amount: (along(amount)[-1] or -(1 << 300)) - amount, 1 << 128, hint)
    return Candidate(SIM, start, legs, tuple(along(amount)), profit) if profit > 0 else None


def checked(found: Netting, pools: Mapping[PoolId, Pool], start: AssetId) -> None:
    """The trade replays to what it says, and takes nothing of any token but the start's."""
    trade = found.trade
    result = replayed(trade, pools, NEXT)
    assert isinstance(result, Replayed), result
    changes = dict(result.changes)
    assert trade.profit == changes.pop(start, 0)
    assert all(change >= 0 for change in changes.values())
    assert trade.amounts_out == tuple(fill.amount_out for fill in result.fills)
    assert trade.amount_in == max(0, -min(found.running))
    assert found.running[-1] == trade.profit
    assert len({(leg.pool, leg.sell, leg.buy) for leg in trade.legs}) == len(trade.legs)


def made_candidate(pools: Mapping[PoolId, Pool], amount: int, *path: tuple[Pool, AssetId, AssetId]) -> Candidate:
    """The cycle along these pools with this input."""
    amounts = [amount]
    for pool, sell, buy in path:
        amounts.append(pools[pool.id].amount_out(sell, buy, amounts[-1], NEXT))
    legs = tuple(Leg(pool.id, sell, buy) for pool, sell, buy in path)
    return Candidate(SIM, path[0][1], legs, tuple(amounts), amounts[-1] - amount)
