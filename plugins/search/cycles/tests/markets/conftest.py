"""Small markets of every pool type, their routes by two exhaustive searches, and the best amount of a route by trying integers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from math import isqrt
from random import Random

import networkx as nx
import pytest
from attrs import frozen

from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.ids import AssetId, PoolId, pool_id
from tidemill.domain.pool import Curve, Pool, Quote, Segment, Swapped
from tidemill.domain.search import Candidate
from tidemill.domain.time import ChainTime
from tidemill.units import PPM_SCALE
from tidemill_amm import concentrated
from tidemill_testing.market import NEXT, SIM, OpaquePool, PairPool, token

Hop = tuple[PoolId, AssetId, AssetId]
Route = tuple[Hop, ...]
KINDS = ("pairs", "ranges", "bins", "books", "hidden", "weighted", "mixed")
REFUSED = -(1 << 300)


@frozen
class Quoting:
    """What pools have in common that a search may ask; quotes come from ``amount_out``."""

    id: PoolId
    assets: tuple[AssetId, ...]
    held: tuple[int, ...]
    fee_ppm: int | None

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        return dict(zip(self.assets, self.held, strict=True))

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        raise NotImplementedError

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        out = self.amount_out(sell, buy, amount, at)
        return Quote(self.id, sell, buy, amount, out) if out else NoQuote(NoQuoteReason.LIQUIDITY)

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        return NoQuote(NoQuoteReason.AMOUNT, "not asked for")

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        return NoQuote(NoQuoteReason.LIQUIDITY, "it stands still")

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        return NoCurve("it must be probed")


@frozen
class Ranged(Quoting):
    """Concentrated liquidity."""

    state: concentrated.ConcentratedState

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        return concentrated.amount_out(self.state, sell == self.assets[0], amount) if amount > 0 else 0

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        found = concentrated.curve_of(self.state, sell == self.assets[0], max_in)
        return Curve(tuple(Segment(*piece) for piece in found.pieces), found.slack) if found.pieces else NoCurve("no range")


@frozen
class Levelled(Quoting):
    """Levels of a constant rate in each direction, best first: the bins of a liquidity book, or an order book. Each level rounds down."""

    levels: Mapping[AssetId, tuple[tuple[int, int, int], ...]]
    """By what is sold: (how much of it a level takes, numerator and denominator of its rate)."""

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        out = 0
        for size, top, base in self.levels[sell]:
            part = min(size, amount)
            out += part * top // base
            amount -= part
        return 0 if amount else out

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        found, begun = [], 0
        for size, top, base in self.levels[sell]:
            found.append(Segment(begun, begun + size, top, base, 0))
            begun += size
        return Curve(tuple(found), len(found)) if found else NoCurve("an empty book")


@frozen
class Weighted(Quoting):
    """Four parts of the first asset's value to one of the second's: ``out = held - held * (in / (in + x)) ** (weight in / weight out)``."""

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        here, there = (self.held[self.assets.index(one)] for one in (sell, buy))
        if amount <= 0 or not here or not there:
            return 0
        net = amount * (PPM_SCALE - (self.fee_ppm or 0)) // PPM_SCALE
        if sell == self.assets[0]:
            kept = -(-there * here**4 // (here + net) ** 4)
        else:
            kept = isqrt(isqrt(there**4 * here // (here + net))) + 1
        return max(0, there - kept)


def pair(random: Random, name: PoolId, sides: Sequence[AssetId], held: Sequence[int]) -> Pool:
    return PairPool(name, tuple(sides), (held[0], held[1]), random.choice([0, 500, 3_000, 10_000]))


def hidden(random: Random, name: PoolId, sides: Sequence[AssetId], held: Sequence[int]) -> Pool:
    return OpaquePool(name, tuple(sides), (held[0], held[1]), random.choice([0, 500, 3_000]))


def weighted(random: Random, name: PoolId, sides: Sequence[AssetId], held: Sequence[int]) -> Pool:
    return Weighted(name, tuple(sides), (held[0] * 4, held[1]), random.choice([500, 3_000]))


def ranged(random: Random, name: PoolId, sides: Sequence[AssetId], held: Sequence[int]) -> Pool:
    price, fee = isqrt((held[1] << 192) // held[0]), random.choice([500, 3_000])
    tick, depth = concentrated.tick_at_sqrt_ratio(price), isqrt(held[0] * held[1])
    ticks: dict[int, tuple[int, int]] = {}
    liquidity = 0
    for _ in range(random.randint(1, 5)):
        lower = (tick // 60 - random.randint(0, 9)) * 60
        upper, amount = lower + 60 * random.randint(2, 25), depth * random.randint(1, 9)
        for at, net in ((lower, amount), (upper, -amount)):
            gross, before = ticks.get(at, (0, 0))
            ticks[at] = gross + amount, before + net
        liquidity += amount if lower <= tick < upper else 0
    state = concentrated.ConcentratedState.from_ticks(
        sqrt_price_x96=price, tick=tick, liquidity=liquidity, fee_ppm=fee, tick_spacing=60, ticks=ticks
    )
    return Ranged(name, tuple(sides), tuple(held), fee, state)


def binned(random: Random, name: PoolId, sides: Sequence[AssetId], held: Sequence[int]) -> Pool:
    """Bins 25 bps apart, equally deep, the fee within the rates."""
    kept, count = 10_000 - random.choice([5, 20, 40]), random.randint(3, 12)

    def side(here: int, there: int) -> tuple[tuple[int, int, int], ...]:
        return tuple((here // (4 * count), there * kept * 9_975**place, here * 10_000 ** (place + 1)) for place in range(count))

    return Levelled(name, tuple(sides), tuple(held), None, {sides[0]: side(held[0], held[1]), sides[1]: side(held[1], held[0])})


def booked(random: Random, name: PoolId, sides: Sequence[AssetId], held: Sequence[int]) -> Pool:
    """Levels of any size, at most one a few units wide, and a spread."""

    def side(here: int, there: int) -> tuple[tuple[int, int, int], ...]:
        rate, found = 10_000 - random.randint(0, 20), []
        for _ in range(random.randint(1, 9)):
            found.append((random.choice([7, here // random.randint(5, 300)]), there * rate, here * 10_000))
            rate -= random.randint(1, 60)
        return tuple(found)

    return Levelled(name, tuple(sides), tuple(held), None, {sides[0]: side(held[0], held[1]), sides[1]: side(held[1], held[0])})


MAKERS = {"pairs": pair, "ranges": ranged, "bins": binned, "books": booked, "hidden": hidden, "weighted": weighted}


def market_of(kind: str, seed: int, tokens: int = 5, count: int = 9) -> list[Pool]:
    """Draw pools of a kind, up to 2 % off true prices, of 10^12 units and more on each side: floors weigh nothing beside a gain."""
    random = Random(f"{kind} {seed}")
    names = sorted(token(f"T{place}") for place in range(tokens))
    worth = {name: random.randint(1, 50) for name in names}
    pools: list[Pool] = []
    for place in range(count):
        sides = sorted(random.sample(names, 2))
        depth = 10 ** random.randint(12, 16)
        held = depth * worth[sides[1]] * random.randint(9_800, 10_200) // 10_000, depth * worth[sides[0]]
        make = MAKERS[kind] if kind != "mixed" else MAKERS[random.choice(sorted(MAKERS))]
        pools.append(make(random, pool_id(SIM, kind, f"0x{place:040x}"), sides, held))
    return pools


def turned(route: Route) -> Route:
    """Return a route from its smallest hop on: the same for each of its rotations."""
    place = route.index(min(route))
    return route[place:] + route[:place]


def walked(pools: Iterable[Pool], most: int = 4) -> set[Route]:
    """Return every cycle through distinct pools and assets, by walking all paths from every asset."""
    around: dict[AssetId, list[Hop]] = {}
    for pool in pools:
        for sell in pool.assets:
            around.setdefault(sell, []).extend((pool.id, sell, buy) for buy in pool.assets if buy != sell)
    found: set[Route] = set()

    def walk(start: AssetId, route: Route) -> None:
        for hop in around.get(route[-1][2] if route else start, ()):
            if any(hop[0] == used[0] for used in route):
                continue
            if hop[2] == start and route:
                found.add(turned((*route, hop)))
            elif hop[2] != start and len(route) + 1 < most and all(hop[2] != used[1] for used in route):
                walk(start, (*route, hop))

    for start in around:
        walk(start, ())
    return found


def by_networkx(pools: Iterable[Pool], most: int = 4) -> set[Route]:
    """Return the same by networkx: a graph in which assets and hops take turns, so that each simple cycle is one route."""
    graph: nx.DiGraph[object] = nx.DiGraph()
    for pool in pools:
        for sell in pool.assets:
            for buy in pool.assets:
                if sell != buy:
                    graph.add_edge(sell, (pool.id, sell, buy))
                    graph.add_edge((pool.id, sell, buy), buy)
    found: set[Route] = set()
    for nodes in nx.simple_cycles(graph, length_bound=2 * most):
        route = tuple(node for node in nodes if isinstance(node, tuple))
        if len({hop[0] for hop in route}) == len(route) > 1:
            found.add(turned(route))
    return found


def paid(pools: Mapping[PoolId, Pool], route: Route, amount: int) -> int:
    """Return what is left of an amount that went around, far below zero where a pool refuses."""
    out = amount
    for pool, sell, buy in route:
        out = pools[pool].amount_out(sell, buy, out, NEXT) if out > 0 else 0
    return out - amount if out > 0 else REFUSED


def golden(pools: Mapping[PoolId, Pool], route: Route, most_bits: int = 64) -> int:
    """Return the most that any amount leaves: the best power of two, then golden sections of integers around it; at least 0."""
    tried: dict[int, int] = {0: 0}

    def left(amount: int) -> int:
        if amount not in tried:
            tried[amount] = paid(pools, route, amount)
        return tried[amount]

    grid = [1 << bits for bits in range(2, most_bits)]
    best = max(range(len(grid)), key=lambda place: left(grid[place]))
    low, high = grid[max(0, best - 1)], grid[min(len(grid) - 1, best + 1)]
    while high - low > 8:
        part = (high - low) * 382 // 1_000
        low, high = (low, high - part) if left(low + part) >= left(high - part) else (low + part, high)
    return max(left(amount) for amount in (*range(low, high + 1), grid[best], 0))


def route_of(candidate: Candidate) -> Route:
    return tuple((leg.pool, leg.sell, leg.buy) for leg in candidate.legs)


def verified(candidates: Iterable[Candidate], pools: Mapping[PoolId, Pool]) -> dict[Route, Candidate]:
    """Return candidates by route, after each was quoted again hop by hop; a route that stands twice is an error."""
    found: dict[Route, Candidate] = {}
    for one in candidates:
        assert one.asset == one.legs[0].sell == one.legs[-1].buy
        assert len(one.amounts) == len(one.legs) + 1
        for leg, (given, got) in zip(one.legs, pairwise(one.amounts), strict=True):
            assert got == pools[leg.pool].amount_out(leg.sell, leg.buy, given, NEXT) > 0
        assert one.profit == one.amounts[-1] - one.amounts[0] > 0
        assert turned(route_of(one)) not in found, f"{route_of(one)} stands twice"
        found[turned(route_of(one))] = one
    return found


@pytest.fixture(scope="session")
def every_market() -> Callable[..., list[Pool]]:
    """Draw a market: kind of its pools, seed, how many tokens and pools."""
    return market_of


@pytest.fixture(scope="session")
def routes() -> Callable[..., set[Route]]:
    """Give every cycle of two to so many hops, walked."""
    return walked


@pytest.fixture(scope="session")
def networkx_routes() -> Callable[..., set[Route]]:
    """Give every cycle of two to so many hops, by networkx."""
    return by_networkx


@pytest.fixture(scope="session")
def best_left() -> Callable[..., int]:
    """Give what the best amount of a route leaves."""
    return golden


@pytest.fixture(scope="session")
def checked() -> Callable[..., dict[Route, Candidate]]:
    """Quote candidates again and give them by route, from its smallest hop on."""
    return verified


@pytest.fixture(scope="session")
def makers() -> dict[str, Callable[..., Pool]]:
    """Give what makes a pool of a kind: a source of chance, its id, its assets in order, and what it holds of them at its price."""
    return MAKERS


@pytest.fixture
def fast(compiled_kernels: None) -> None:
    """Run compiled kernels in a test; without numba the plain ones, which find the same later."""
