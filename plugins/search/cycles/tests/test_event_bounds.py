"""The bounds that spare a search through a changed pool most walks: none cuts what leaves enough."""

from array import array
from itertools import combinations
from math import sqrt
from random import Random

import pytest
from attrs import evolve, frozen

from tidemill.domain.ids import AssetId, PoolId
from tidemill_search_cycles.graph import Graph
from tidemill_search_cycles.graph.build import Graph as Market
from tidemill_search_cycles.kernels.between import anchor_of, bar_of, can_leave, is_covered, promises
from tidemill_search_cycles.kernels.hubs import HUB, fill_hubs, live_rate
from tidemill_search_cycles.short import ShortCycles, Wanted
from tidemill_testing.market import SIM, PairPool, pair_pool, snapshot_of, token


@frozen
class Four:
    """Arrays of one cycle's arcs, ``edges`` on each, as kernels take them: arc c leads from token c to token c + 1."""

    arc_from: "array[int]"
    arc_to: "array[int]"
    arc_rate: "array[float]"
    arc_edge: "array[int]"
    arc_edges: "array[int]"
    edge_rate: "array[float]"
    edge_bend: "array[float]"
    edge_pool: "array[int]"


def made(random: Random, hops: int) -> Four:
    """Return a cycle of arcs with one to three edges each: shallow ones are far off, as dust is."""
    rates: list[float] = []
    bends: list[float] = []
    begin: list[int] = []
    count: list[int] = []
    for _ in range(hops):
        edges = []
        for _ in range(random.randint(1, 3)):
            dust = random.randrange(2)
            off = random.uniform(0.8, 1.25) if dust else random.uniform(0.99, 1.03)
            edges.append((off, 10 ** (random.uniform(-3, 0) if dust else random.uniform(-9, -3))))
        edges.sort(reverse=True)
        begin.append(len(rates))
        count.append(len(edges))
        rates += [rate for rate, _ in edges]
        bends += [bend * random.choice([0, 1, 1, 1, 1]) for _, bend in edges]
    return Four(
        array("i", range(hops)),
        array("i", [(at + 1) % hops for at in range(hops)]),
        array("d", [rates[first] for first in begin]),
        array("q", begin),
        array("i", count),
        array("d", rates),
        array("d", bends),
        array("i", range(len(rates))),
    )


def leaves(four: Four, chosen: list[int], begin: int, due: float) -> float:
    """Return the most that a cycle over chosen edges leaves of the token it begins with, by its formula; infinite where nothing bends."""
    rate, bend = 1.0, 0.0
    for step in range(len(chosen)):
        edge = chosen[(begin + step) % len(chosen)]
        bend += rate * four.edge_bend[edge]
        rate *= four.edge_rate[edge]
    root = sqrt(rate) - sqrt(due)
    if root <= 0:
        return 0.0
    return root * root / bend if bend else float("inf")


@pytest.mark.parametrize("seed", range(60))
def test_bounds_of_a_walk_keep_every_cycle_that_leaves_enough(seed: int) -> None:
    """Whichever edge changed and whoever the cycle is given from: what leaves ``least`` passes the bar, the edges' test and the lists'."""
    random = Random(seed)
    kept = cut = 0
    for _ in range(60):
        hops = random.choice([3, 4])
        slot = 1 if hops == 3 else random.choice([1, 2])
        four = made(random, hops)
        due = random.choice([1.0, 1.0009])
        least = array("d", [10 ** random.uniform(-3, 1)] * hops)
        for at in range(hops):
            least[at] *= random.uniform(0.5, 2)
        ranks = list(range(hops))
        random.shuffle(ranks)
        rank = array("i", ranks)
        start = random.choice([-1, -1, random.randrange(hops)])
        way = array("q", range(hops))
        there, onward = slot, slot + 1
        middle = four.arc_to[there]
        for edge in range(four.arc_edge[0], four.arc_edge[0] + four.arc_edges[0]):
            begin = start if start >= 0 else min(range(hops), key=ranks.__getitem__)
            best = {0: -1.0}
            for chosen in combinations_of(four, hops, edge):
                best[0] = max(best[0], leaves(four, chosen, begin, due) - least[begin])
            enough = best[0] >= 0
            anchor = anchor_of(hops, slot, start, rank, way, four.arc_from, four.arc_to)
            bar = bar_of(
                hops, slot, edge, anchor, least, due, way, four.arc_from, four.arc_to, four.arc_edge, four.arc_edges, four.edge_rate,
                four.edge_bend,
            )  # fmt: skip
            lower = middle == anchor or (start < 0 and rank[middle] < rank[anchor])
            both = four.arc_rate[there] * four.arc_rate[onward]
            promised = promises(
                there, onward, 0.0 if lower else bar, hops, slot, edge, anchor, start, least, due, rank, way, four.arc_from, four.arc_to,
                four.arc_rate, four.arc_edge, four.arc_edges, four.edge_rate, four.edge_bend,
            )  # fmt: skip
            if enough:
                assert lower or both > bar
                assert promised == 1
            kept += enough
            cut += not promised
    assert kept > 10
    assert cut > 10


def combinations_of(four: Four, hops: int, edge: int) -> list[list[int]]:
    """Return all choices of one edge an arc, the first being ``edge``."""
    found = [[edge]]
    for arc in range(1, hops):
        found = [[*one, other] for one in found for other in range(four.arc_edge[arc], four.arc_edge[arc] + four.arc_edges[arc])]
    return found


@pytest.mark.parametrize("seed", range(60))
def test_a_covering_list_misses_no_walk_that_leaves_enough(seed: int) -> None:
    """Where a list is said to do for a better rest, a walk that is not on it leaves less than enough with that rest."""
    random = Random(1_000 + seed)
    covered = unlisted = 0
    for _ in range(80):
        hops = random.choice([3, 4])
        slot = 1 if hops == 3 else random.choice([1, 2])
        four = made(random, hops)
        due = random.choice([1.0, 1.0009])
        least = array("d", [10 ** random.uniform(-3, 1)] * hops)
        source, target = four.arc_from[slot], four.arc_to[slot + 1]
        middle = four.arc_to[slot]
        begin = random.choice([one for one in range(hops) if one != middle])
        start = begin if begin in (source, target) and random.randrange(2) else -1
        ranks = [place + 1 for place in range(hops)]
        random.shuffle(ranks)
        ranks[begin], ranks[middle] = 0, hops + 1
        rank = array("i", ranks)
        way = array("q", range(hops))
        both = four.arc_rate[slot] * four.arc_rate[slot + 1]
        for edge in range(four.arc_edge[0], four.arc_edge[0] + four.arc_edges[0]):
            cap = random.uniform(0.9, 1.2) / both * random.uniform(0.9, 1)
            top = both * random.uniform(1, 1.2)
            done = is_covered(
                cap, top, source, target, hops, slot, edge, begin, least, due, rank, way, four.arc_edge, four.arc_edges, four.edge_rate,
                four.edge_bend,
            )  # fmt: skip
            listed = live_rate(
                slot, slot + 1, cap, start, least, due, rank, four.arc_from, four.arc_to, four.arc_rate, four.arc_edge, four.arc_edges,
                four.edge_pool, four.edge_rate, four.edge_bend,
            )  # fmt: skip
            covered += done
            unlisted += done and listed == 0.0
            if done and listed == 0.0:
                for chosen in combinations_of(four, hops, edge):
                    assert leaves(four, chosen, begin, due) < least[begin]
    assert covered > 20
    assert unlisted > 5


def test_can_leave_asks_the_formula_itself() -> None:
    """With one edge an arc the test of a walk is the cycle's own formula, from each of its tokens."""
    random = Random(5)
    answers = set()
    for _ in range(2_000):
        four = made(random, 4)
        if any(count > 1 for count in four.arc_edges):
            continue
        start, due = random.randrange(4), 1.0
        way, rank = array("q", range(4)), array("i", range(4))
        best = leaves(four, [0, 1, 2, 3], start, due)
        for slot in (1, 2):
            least = array("d", [best * random.choice([0.5, 0.999, 1.0, 1.1, 2.0])] * 4)
            if best in (0.0, float("inf")):
                continue
            one, two = slot, slot + 1
            answer = can_leave(
                four.edge_rate[one], four.edge_bend[one], four.edge_rate[two], four.edge_bend[two], four.arc_from[one], four.arc_to[one],
                four.arc_to[two], 4, slot, 0, start, start, least, due, rank, way, four.arc_edge, four.arc_edges, four.edge_rate,
                four.edge_bend,
            )  # fmt: skip
            answers.add(answer)
            if best >= least[start]:
                assert answer == 1
    assert answers == {0, 1}


def wheel(random: Random, hubs: int, spokes: int) -> dict[PoolId, PairPool]:
    """Return hubs, tokens beside nearly all of them, and parallel pools of which some are shallow and far off."""
    wide, narrow = [token(f"H{place}") for place in range(hubs)], [token(f"s{place}") for place in range(spokes)]
    pairs = list(combinations(wide, 2))
    pairs += [(hub, spoke) for spoke in narrow for hub in wide if random.randrange(6)]
    pairs += [(one, other) for one, other in zip(narrow, narrow[7:], strict=False) if random.randrange(3) == 0]
    pairs += random.sample(pairs, len(pairs) // 3)
    pools = {}
    for place, (one, other) in enumerate(pairs):
        depth = 10 ** random.randint(19, 22)
        off = random.randint(-40, 40)
        if random.randrange(5) == 0:
            depth, off = 10 ** random.randint(14, 17), random.randint(-1_500, 1_500)
        pool = pair_pool(f"w{place}", {one: depth, other: depth * (10_000 + off) // 10_000}, random.choice([100, 500, 3_000]))
        pools[pool.id] = pool
    return pools


def taken(market: dict[PoolId, PairPool]) -> Market:
    graph = Graph()
    graph.take(snapshot_of(market.values()))
    return graph


@pytest.mark.usefixtures("compiled_kernels")
@pytest.mark.parametrize("start", [None, token("H1"), token("s3")])
def test_through_equals_everything_while_hubs_and_rows_change(start: AssetId | None) -> None:
    """Pools move, empty, refill, leave and come back: what passes each is what a search of everything finds, kept hubs or not."""
    assert through_changes(start, 36) > 10


@pytest.mark.parametrize("turns", [8, pytest.param(36, marks=pytest.mark.heavy)])
def test_through_by_plain_kernels_equals_everything_while_hubs_and_rows_change(turns: int) -> None:
    """The same with kernels that nobody compiled."""
    assert through_changes(None, turns) > turns // 4


def through_changes(start: AssetId | None, turns: int) -> int:
    """Compare what passes a pool with a search of everything, after each of some changes; return how many cycles there were."""
    random = Random(21)
    market = wheel(random, 4, HUB + 8)
    sound, gone = dict(market), {}
    graph = taken(market)
    kept, wants, many = ShortCycles(graph), [Wanted(2, 4, {}, least) for least in (10**13, 10**15)], 0
    for turn in range(turns):
        identifier = random.choice(sorted(market))
        pool = market[identifier]
        if turn % 6 == 4:
            gone[identifier] = market.pop(identifier)
        elif turn % 6 == 5 and gone:
            identifier, back = gone.popitem()
            market[identifier] = back
        elif turn % 6 == 3:
            market[identifier] = evolve(pool, reserves=(0, pool.reserves[1]) if random.randrange(2) else sound[identifier].reserves)
        else:
            held = pool.reserves[0] or sound[identifier].reserves[0]
            market[identifier] = evolve(pool, reserves=(held * random.randint(970, 1_030) // 1_000, pool.reserves[1]))
        graph.take(snapshot_of(market.values(), changed=[identifier]))
        wanted = wants[turn // 3 % 2]
        kept.left = 10**8
        found = list(kept.through(start, SIM, [identifier], wanted))
        anew = ShortCycles(graph)
        anew.left = 10**8
        assert found == list(anew.through(start, SIM, [identifier], wanted))
        assert kept.left == anew.left
        anew.left = 10**8
        everything = list(anew.from_any(SIM, wanted) if start is None else anew.from_start(start, wanted))
        assert sorted(found) == sorted(cycle for cycle in everything if identifier in {hop[0] for hop in cycle})
        many += len(found)
    return many


Seen = dict[tuple[AssetId, AssetId], tuple[object, ...]]


def arcs_of(graph: Market) -> Seen:
    """Return what stands on each arc, by the names of its tokens."""
    arrays, names = graph.arrays, graph.rows.assets
    seen: Seen = {}
    for token_number in range(len(names)):
        first = arrays.row_start[token_number]
        for arc in range(first, first + arrays.row_len[token_number]):
            block = range(arrays.arc_edge[arc], arrays.arc_edge[arc] + arrays.arc_edges[arc])
            edges = [(graph.rows.pool_ids[arrays.edge_pool[at]], arrays.edge_rate[at], arrays.edge_bend[at]) for at in block]
            told = (arrays.arc_rate[arc], arrays.arc_home[arc], arrays.arc_bend[arc])
            seen[names[token_number], names[arrays.arc_to[arc]]] = (edges, told)
    return seen


def test_pairs_renewed_in_place_stand_as_if_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates, bends, the order of parallel pools and what arcs say of them are those of the way that takes each edge by itself."""
    random = Random(4)
    market = wheel(random, 3, 12)
    graph, slow = taken(market), taken(market)
    monkeypatch.setattr(slow, "_renew", lambda *_: False)
    for _ in range(300):
        identifier = random.choice(sorted(market))
        first, second = market[identifier].reserves
        market[identifier] = evolve(market[identifier], reserves=(first * random.randint(900, 1_100) // 1_000, second))
        for one in (graph, slow):
            one.take(snapshot_of(market.values(), changed=[identifier]))

    assert arcs_of(slow) == arcs_of(graph)
    assert slow.rows.changes == graph.rows.changes


def test_rates_of_hubs_are_looked_up_into_clean_rows() -> None:
    """What another number of hubs left in the same cells is gone, also beyond the tokens that there are: the next new token reads it."""
    hubs, stride, tokens = 2, 5, 3
    rates, places, caps = array("d", [1.0] * hubs * stride), array("i", [1] * hubs * stride), array("d", [1.0] * hubs**2)
    work = array("q", [0, 0, 0, 0, 0, hubs, stride, 0])
    nothing, short = array("q", [0] * tokens), array("i", [0] * tokens)
    back = array("d", rates)
    fill_hubs(
        nothing, short, short, short, short, array("d", [0.0]), array("d", [0.0]), array("i", [1, 2, 0]), array("i", [0, 1]), caps, rates,
        back, places, array("i", places), work,
    )  # fmt: skip

    assert [0.0] * (hubs * stride) == list(rates) == list(back)
