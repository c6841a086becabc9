"""Recorded pools of Ethereum against exhaustive searches: parts of 10,704 pairs, 4,155 curves of six exchanges, real tick lists."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from attrs import evolve, frozen
from immutables import Map

import tidemill as tm
from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.ids import AssetId, ChainId, PoolId, erc20, pool_id
from tidemill.domain.pool import Curve, Pool, Quote, Segment, Swapped
from tidemill.domain.search import Candidate, CycleQuery
from tidemill.domain.time import ChainTime
from tidemill.units import PPM_SCALE
from tidemill_search_cycles import Cycles
from tidemill_testing.conformance.search.brute_force import Found, brute_force, by_route
from tidemill_testing.market import SIM, PairPool, snapshot_of, token

pytestmark = pytest.mark.uncounted

Recorded = Callable[[str], Path]
Route = tuple[tuple[PoolId, AssetId, AssetId], ...]
Best = Callable[..., int]
Check = Callable[..., dict[Route, Candidate]]
Routes = Callable[..., set[Route]]

PAIRS = "dex/uniswap_v2_pairs_reserves_2020-10.json.gz"
CURVES = "dex/fastlane_curves_block17228820.csv.gz"
WETH = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
ETHEREUM = ChainId("eip155:1")
UNITS = 10**18
DUST = 10**6
"""Units that floors may decide over."""


@pytest.fixture(scope="module")
def pairs(recorded: Recorded) -> list[PairPool]:
    """The recorded pairs that hold something of both tokens."""
    return [
        PairPool(
            pool_id(SIM, "uniswap", row["address"]),
            (erc20(SIM, row["token0"]["address"]), erc20(SIM, row["token1"]["address"])),
            (int(row["reserve0"]), int(row["reserve1"])),
        )
        for row in json.loads(gzip.decompress(recorded(PAIRS).read_bytes()))
        if int(row["reserve0"]) and int(row["reserve1"])
    ]


def part_of(pairs: list[PairPool], random: Random, size: int) -> list[PairPool]:
    """Return the pools among some of the assets that trade for many others, and some of the rest that trade for at least two of these."""
    beside: dict[AssetId, set[AssetId]] = {}
    for pool in pairs:
        for one, other in (pool.assets, pool.assets[::-1]):
            beside.setdefault(one, set()).add(other)
    hubs = sorted(beside, key=lambda asset: (-len(beside[asset]), asset))[:6]
    spokes = sorted(asset for asset in beside if asset not in hubs and len(beside[asset].intersection(hubs)) > 1)
    chosen = {*random.sample(hubs, 4), *random.sample(spokes, size)}
    return [pool for pool in pairs if chosen.issuperset(pool.assets)]


def compare_part(pools: list[PairPool], networkx_routes: Routes) -> int:
    """Compare the cycles from every asset of a part of the graph; return how many gain."""
    searcher = Cycles()
    snapshot_of(pools, searcher=searcher)
    sells = {
        tuple((hop[0], hop[1]) for hop in route[place:] + route[:place]) for route in networkx_routes(pools) for place in range(len(route))
    }
    found = 0
    for start in sorted({asset for pool in pools for asset in pool.assets}):
        want: Found = brute_force(pools, start, range(2, 5), steps=True)
        assert want == by_route(searcher.find(CycleQuery(SIM, (start,), 2, 4)))
        assert {tuple(zip(*route, strict=True)) for route in want} <= sells
        found += len(want)
    return found


def test_find_over_parts_of_the_recorded_pairs_equals_brute_force_and_networkx(pairs: list[PairPool], networkx_routes: Routes) -> None:
    """On twelve parts of the graph: each cycle that gains from any asset, with the profit of its integer optimum, and no other."""
    assert sum(compare_part(part_of(pairs, Random(seed), 9), networkx_routes) for seed in range(12)) > 300


@pytest.mark.heavy
def test_find_over_two_hundred_parts_of_the_recorded_pairs_equals_brute_force_and_networkx(
    pairs: list[PairPool], networkx_routes: Routes
) -> None:
    """The same on two hundred parts, up to twice as large."""
    assert sum(compare_part(part_of(pairs, Random(seed), 8 + seed % 11), networkx_routes) for seed in range(100, 300)) > 10_000


@pytest.mark.heavy
@pytest.mark.usefixtures("compiled_kernels")
def test_find_over_all_recorded_pairs_equals_brute_force_of_four_hops(pairs: list[PairPool], checked: Check) -> None:
    """Over the 10,704 pairs each cycle of two to four hops from WETH is quoted again; those of four gain at least what nested loops find.

    The loops try the amounts next to the real optimum: where few units of a token pass, others gain more, and a few routes at such alone.
    """
    searcher, start = Cycles(), erc20(SIM, WETH)
    snapshot_of(pairs, wrapped=start, searcher=searcher)
    found = checked(searcher.find(CycleQuery(SIM, (start,), 2, 4, work=1 << 60)), {pool.id: pool for pool in pairs})
    four = {tuple(leg.pool for leg in one.legs): one.profit for one in found.values() if len(one.legs) == 4}

    assert 10_704 == len(pairs)
    loops = loops_of_four(pairs, start)
    assert all(four.get(route, 0) >= profit for route, profit in loops.items())
    assert len(four) - len(loops) < len(loops) // 20
    assert {2: 0, 3: 978, 4: 43_902} == {hops: sum(len(route) == hops for route in found) for hops in (2, 3, 4)}
    large = [one for one in found.values() if one.profit >= UNITS // 100]
    assert sum(profit >= UNITS // 100 for profit in loops.values()) <= len(large)
    assert (3_347, 1_483) == (len(large), sum(bool(one.suspect) for one in large))


@pytest.mark.heavy
@pytest.mark.usefixtures("compiled_kernels")
def test_find_over_all_recorded_pairs_from_any_asset_gives_what_the_readme_counts(pairs: list[PairPool], checked: Check) -> None:
    """From any asset each cycle is quoted again, and those from WETH are among them wherever floors do not decide."""
    searcher, start = Cycles(), erc20(SIM, WETH)
    snapshot_of(pairs, wrapped=start, searcher=searcher)
    held = {pool.id: pool for pool in pairs}
    found = checked(searcher.find(CycleQuery(SIM, (), 2, 4, work=1 << 60)), held)
    from_one = checked(searcher.find(CycleQuery(SIM, (start,), 2, 4, min_profit=DUST, work=1 << 60)), held)

    assert {3: 1_626, 4: 51_223} == Counter(len(route) for route in found)
    assert set() == set(from_one) - set(found)


@pytest.mark.heavy
@pytest.mark.usefixtures("compiled_kernels")
def test_find_long_cycles_over_all_recorded_pairs_gives_what_the_readme_counts(pairs: list[PairPool], checked: Check) -> None:
    """Each cycle of five to twelve hops from WETH that leaves a hundredth of a coin is quoted again; all lengths are there."""
    searcher, start = Cycles(), erc20(SIM, WETH)
    snapshot_of(pairs, wrapped=start, searcher=searcher)
    found = checked(
        searcher.find(CycleQuery(SIM, (start,), 5, 12, min_profit=UNITS // 100, work=1 << 60)), {pool.id: pool for pool in pairs}
    )

    assert set(range(5, 13)) == {len(route) for route in found}


def loops_of_four(pairs: list[PairPool], start: AssetId) -> dict[tuple[PoolId, ...], int]:
    """Return the routes of four pools from an asset that gain, with the profit of their integer optimum, by nested loops over its pools."""
    around: dict[AssetId, list[tuple[AssetId, float, PairPool]]] = {}
    for pool in pairs:
        for side in (0, 1):
            rate = pool.reserves[1 - side] / pool.reserves[side] * 0.997
            around.setdefault(pool.assets[side], []).append((pool.assets[1 - side], rate, pool))
    home: dict[AssetId, list[tuple[float, PairPool]]] = {}
    for pool in pairs:
        if start in pool.assets:
            side = pool.assets.index(start)
            home.setdefault(pool.assets[1 - side], []).append((pool.reserves[side] / pool.reserves[1 - side] * 0.997, pool))
    found: dict[tuple[PoolId, ...], int] = {}
    for first, rate, one in around[start]:
        for second, there, two in around[first]:
            if second == start:
                continue
            for third, onward, three in around[second]:
                if third in home and third != first:
                    for back, four in home[third]:
                        if rate * there * onward * back > 1 and four is not one:
                            # Two pools of a pair that is traded to and fro are no cycle of four assets
                            route = (one, two, three, four)
                            exact = brute_force(route, start, range(4, 5))
                            key = tuple(pool.id for pool in route), (start, first, second, third)
                            if key in exact:
                                found[key[0]] = exact[key]
    return found


@frozen
class Virtual:
    """A recorded curve: a constant product of virtual reserves, of which it holds a part; more than that it does not pay."""

    id: PoolId
    assets: tuple[AssetId, AssetId]
    virtual: tuple[int, int]
    actual: tuple[int, int]
    fee_ppm: int | None

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        return dict(zip(self.assets, self.actual, strict=True))

    def _facing(self, sell: AssetId) -> tuple[int, int, int]:
        side = self.assets.index(sell)
        return self.virtual[side], self.virtual[1 - side], self.actual[1 - side]

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        here, there, most = self._facing(sell)
        net = amount * (PPM_SCALE - (self.fee_ppm or 0))
        out = net * there // (here * PPM_SCALE + net) if amount > 0 else 0
        return out if out <= most else 0

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        out = self.amount_out(sell, buy, amount, at)
        return Quote(self.id, sell, buy, amount, out) if out else NoQuote(NoQuoteReason.LIQUIDITY)

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        return NoQuote(NoQuoteReason.AMOUNT)

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        return NoQuote(NoQuoteReason.AMOUNT)

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        here, there, most = self._facing(sell)
        rest = PPM_SCALE - (self.fee_ppm or 0)
        # Until all that it holds is paid; the last unit is left, so that no rounding asks for more
        end = (most - 1) * here * PPM_SCALE // ((there - most + 1) * rest) if most > 1 else 0
        return Curve((Segment(0, end, there * rest, here * PPM_SCALE, rest),), 1) if end > 0 else NoCurve("it holds nothing")


@pytest.fixture(scope="module")
def curves(recorded: Recorded) -> list[Pool]:
    """The recorded curves, every token counted in units of 10^-18."""
    pools: list[Pool] = []
    with gzip.open(recorded(CURVES), "rt", encoding="utf-8") as file:
        for place, row in enumerate(csv.DictReader(file)):
            one, other = (token(name) for name in row["pair"].split("/"))
            x, k = Decimal(row["x"]), Decimal(row["k"])
            virtual = int(x * UNITS), int(k / x * UNITS)
            actual = tuple(min(int(Decimal(row[name]) * UNITS), held) for name, held in zip(("x_act", "y_act"), virtual, strict=True))
            if all(virtual) and one != other:
                fee = int(Decimal(row["fee"]) * PPM_SCALE)
                pools.append(Virtual(pool_id(SIM, "curves", f"0x{place:040x}"), (one, other), virtual, (actual[0], actual[1]), fee))
    return pools


def gaining(pools: list[Pool], start: AssetId) -> set[Route]:
    """Return the routes of two and three hops whose rates multiply to more than one."""
    around: dict[AssetId, list[tuple[AssetId, PoolId, float]]] = {}
    for pool in pools:
        assert isinstance(pool, Virtual)
        for side in (0, 1):
            if pool.actual[1 - side] > 0:
                rate = pool.virtual[1 - side] / pool.virtual[side] * (1 - (pool.fee_ppm or 0) / PPM_SCALE)
                around.setdefault(pool.assets[side], []).append((pool.assets[1 - side], pool.id, rate))
    home: dict[AssetId, list[tuple[PoolId, float]]] = {}
    for asset, ways in around.items():
        home[asset] = [(name, rate) for to, name, rate in ways if to == start]
    found: set[Route] = set()
    for first, name, rate in around[start]:
        for last, back in home.get(first, ()):
            if last != name and rate * back > 1:
                found.add(((name, start, first), (last, first, start)))
        for second, middle, between in around.get(first, ()):
            for last, back in home.get(second, ()) if second != start else ():
                if len({name, middle, last}) == 3 and rate * between * back > 1:
                    found.add(((name, start, first), (middle, first, second), (last, second, start)))
    return found


def compare_curves(curves: list[Pool], most: int, each: int, best_left: Best, checked: Check) -> Counter[int]:
    """Compare the cycles of two or three hops from WETH; of those that were found one in so many is sized again. Returns counts by hops."""
    start = token("WETH-6Cc2")
    searcher, held = Cycles(), {pool.id: pool for pool in curves}
    snapshot_of(curves, wrapped=start, searcher=searcher)
    found = {
        tuple((leg.pool, leg.sell, leg.buy) for leg in one.legs): one
        for one in checked(searcher.find(CycleQuery(SIM, (start,), 2, most, work=1 << 60)), held).values()
    }
    want = {route for route in gaining(curves, start) if len(route) <= most}

    assert set(found) <= want
    assert [] == [route for route in sorted(want - set(found)) if best_left(held, route, 100) > DUST]
    for route in sorted(found)[::each]:
        best = best_left(held, route, 100)
        assert found[route].profit >= best - best // 10**6 - DUST, (route, best)
    return Counter(len(route) for route in found)


def test_find_over_recorded_curves_of_six_exchanges_equals_brute_force(curves: list[Pool], best_left: Best, checked: Check) -> None:
    """Over the 4,154 curves that hold something each cycle of two hops from WETH that gains is found, sized as well as any amount."""
    assert {2: 499} == compare_curves(curves, 2, 10, best_left, checked)


@pytest.mark.heavy
def test_find_over_recorded_curves_of_six_exchanges_to_three_hops_equals_brute_force(
    curves: list[Pool], best_left: Best, checked: Check
) -> None:
    """The same with those of three hops, each cycle sized again."""
    assert {2: 499, 3: 17_999} == compare_curves(curves, 3, 1, best_left, checked)


def tape_of(source: Path, folder: Path) -> tm.Snapshot:
    """Import pools, and return the market that the tape shows at its end."""
    tm.import_tape("evm-pools", source, folder / "pools.tape")
    return tm.open_tape(folder / "pools.tape").market_at().snapshot


def test_find_over_recorded_pairs_of_two_exchanges_equals_an_exhaustive_walk(
    recorded: Recorded, tmp_path: Path, routes: Routes, best_left: Best, checked: Check
) -> None:
    """Of the 151 pairs that one block range has states of, one cycle of three hops gains; its optimum is the best of all amounts."""
    pytest.importorskip("tidemill_dex_uniswap", reason="the import evm-pools is its")
    snapshot = tape_of(recorded("evm/multi_pool/mainnet_18806136_18806161_v2_v3.json"), tmp_path)
    searcher, pools = Cycles(), dict(snapshot.pools)
    searcher.update(snapshot)
    found = checked(searcher.find(CycleQuery(ETHEREUM, (), 2, 4)), pools)
    every = routes(pools.values())
    gain = {route for route in every if max(best_left(pools, route[place:] + route[:place], 90) for place in range(len(route))) > DUST}

    assert (151, 1) == (len(pools), len(found))
    assert gain == set(found)
    assert {(137_326_603_438_258, 3, True)} == {(one.profit, len(one.legs), one.exact) for one in found.values()}


@pytest.fixture
def compare_ticks(recorded: Recorded, tmp_path: Path, routes: Routes, best_left: Best, checked: Check) -> Callable[[slice], Counter[int]]:
    """Move some of the pools that cycles pass, one by one; compare each cycle with the best of all amounts; return counts by hops."""
    pytest.importorskip("tidemill_dex_uniswap", reason="the import evm-pools is its")
    snapshot = tape_of(recorded("evm/tycho/use_serialized_state.json"), tmp_path)

    def compared(part: slice) -> Counter[int]:
        pools = dict(snapshot.pools)
        every = routes(pools.values())
        assert (19, 12) == (len(pools), len(every))
        seen: Counter[int] = Counter()
        for now in (pools, *moved(snapshot, sorted({hop[0] for route in every for hop in route})[part])):
            searcher = Cycles()
            searcher.update(snapshot_with(snapshot, now))
            found = checked(searcher.find(CycleQuery(ETHEREUM, (), 2, 4)), now)
            for route in every:
                turns = {route[place][1]: route[place:] + route[:place] for place in range(len(route))}
                if route in found:
                    best = best_left(now, turns[found[route].asset], 90)
                    assert found[route].profit >= best - best // 10**6 - 64
                else:
                    assert min(best_left(now, turn, 90) for turn in turns.values()) <= 64, route
            assert bool(found) == (now is not pools)
            seen.update(len(route) for route in found)
        return seen

    return compared


def moved(snapshot: tm.Snapshot, names: Sequence[PoolId]) -> Iterator[dict[PoolId, Pool]]:
    """Yield the pools after a fortieth of what one of them holds was sold to it, for each and either side."""
    for name in names:
        pool = snapshot.pools[name]
        for sell, buy in (pool.assets, pool.assets[::-1]):
            swapped = pool.swap_exact_in(sell, buy, max(1, pool.holdings[sell] // 40), snapshot.at(ETHEREUM))
            assert isinstance(swapped, Swapped)
            yield {**snapshot.pools, name: swapped.pool}


def test_find_over_recorded_ticks_equals_an_exhaustive_walk(compare_ticks: Callable[[slice], Counter[int]]) -> None:
    """Of the twelve cycles over 17 concentrated pools and two pairs none gains; after a large swap those that do are found."""
    assert compare_ticks(slice(0, 1)).total() > 1


@pytest.mark.heavy
def test_find_over_recorded_ticks_after_a_swap_in_any_pool_equals_an_exhaustive_walk(
    compare_ticks: Callable[[slice], Counter[int]],
) -> None:
    """The same with either side sold to each of the pools that cycles pass: 38 cycles gain, of two to four hops."""
    assert {2: 4, 3: 18, 4: 16} == compare_ticks(slice(None))


def snapshot_with(snapshot: tm.Snapshot, pools: Mapping[PoolId, Pool]) -> tm.Snapshot:
    """Return the snapshot with other pools, each of which counts as changed."""
    return evolve(snapshot, pools=Map(pools), changed=evolve(snapshot.changed, pools=tuple(sorted(pools))))
