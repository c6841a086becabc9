"""How much goes into a cycle: in batches in doubles, and verified in integers: `uv run python -m benchmarks.bench_sizing`."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from time import process_time_ns

from benchmarks.degenbot_peer import Reserves, along
from benchmarks.drawn_edges import ALL_KINDS, batch_of, gaining
from benchmarks.measure import MICROSECONDS, NANOSECONDS, TIMES, Case, per_call, report, say
from benchmarks.samples import Sampled
from benchmarks.search_market import AMPLE, compiled_kernels
from benchmarks.sizing_peers import Golden, best_of, by_golden, by_scipy
from tidemill_search_cycles.amounts import Sizing, look_at
from tidemill_search_cycles.compiled import Kernels
from tidemill_search_cycles.graph import Graph
from tidemill_search_cycles.graph.curves import Side
from tidemill_search_cycles.sizing import Sizer
from tidemill_testing.market import NEXT, PairPool, pair_pool, snapshot_of, token

ROUNDS = 7
CYCLES = 4_096
PASSES = 20
"""A batch is sized so many times in a round: one pass takes a tenth of a millisecond, and finds the caches as others left them."""
NEAR = 1e-6
"""Golden section ends so near to the optimum, as a part of what is gained."""
GOLDEN = "golden section over the same curves, compiled"
WAYS = {"scipy `minimize_scalar` over whole units": by_scipy, "golden section over whole units": by_golden}


class Sized:
    """A batch sized by the kernel, plain or compiled, and by golden section: nanoseconds a cycle."""

    def __init__(self, hops: Sequence[int], kinds: Sequence[str], kernels: Kernels, count: int = CYCLES, *, beside: bool = True) -> None:
        random = Random(len(kinds))
        self._drawn, self._batch = batch_of(gaining(random, [random.choice(hops) for _ in range(count)], kinds))
        self._sizer = Sizer(kernels)
        self._golden = Golden(self._drawn, self._batch) if beside else None
        self._count = count

    def measure(self) -> dict[str, list[float]]:
        """Size all of them both ways, and compare what is gained."""
        work = array("q", [AMPLE])
        sizes = self._sizer.size(self._drawn, self._batch, 0, work)
        started = process_time_ns()
        for _ in range(PASSES):
            self._sizer.size(self._drawn, self._batch, 0, work)
        ours = (process_time_ns() - started) / self._count / PASSES
        if self._golden is None:
            return {"ours": [ours]}
        self._golden()
        started = process_time_ns()
        self._golden()
        theirs = (process_time_ns() - started) / self._count
        for place, best in enumerate(self._golden.best):
            if not best * (1 - NEAR) <= sizes.net[place]:
                raise RuntimeError(f"cycle {place}: golden section leaves {best}, the kernel {sizes.net[place]}")
        return {"ours": [ours], "golden": [theirs], "ratio": [theirs / ours]}


def batch_cases(kernels: Kernels) -> Iterator[Case]:
    """Constant products and mixed curves, each beside golden section."""
    plain = "the plain kernel, constant products of 2 to 12 hops"
    lengths = range(2, 13)
    for name, hops, kinds, target, least in (
        ("constant products, 2 to 12 hops", lengths, ALL_KINDS[:1], 50.0, 100.0),
        ("constant products, 3 hops", (3,), ALL_KINDS[:1], 50.0, None),
        ("constant products, 12 hops", (12,), ALL_KINDS[:1], 50.0, None),
        ("mixed: constant products, price ranges and levels of 40 segments, 2 to 12 hops", lengths, ALL_KINDS, 5_000.0, None),
    ):
        both = Sampled(Sized(hops, kinds, kernels).measure)
        peer = f"{GOLDEN}: {name}"
        yield Case(name, NANOSECONDS, both.first("ours"), target, (peer, plain) if kinds != ALL_KINDS and len(hops) > 1 else (peer,))
        yield Case(peer, NANOSECONDS, both.then("golden"))
        if least is not None:
            yield Case(f"{name}, beside golden section", TIMES, both.then("ratio"), least)
    slow = Sampled(Sized(lengths, ALL_KINDS[:1], Kernels({}), 256, beside=False).measure)
    yield Case(plain, NANOSECONDS, slow.first("ours"))


class Verified:
    """A cycle of pairs of 30 bp, sized and quoted again in integers."""

    def __init__(self, hops: int, depth: int, seed: int) -> None:
        random = Random(seed)
        tokens = [token(f"S{place}") for place in range(hops)]
        self.reserves: list[Reserves] = []
        pools: list[PairPool] = []
        for place in range(hops):
            held = int(depth * random.uniform(0.5, 2))
            self.reserves.append((held, int(held * random.uniform(1.0, 1.02))))
            pools.append(
                pair_pool(f"{hops} {place}", dict(zip((tokens[place], tokens[(place + 1) % hops]), self.reserves[-1], strict=True)))
            )
        graph = Graph()
        graph.take(snapshot_of(pools))
        self._sides = tuple(self._side(graph, pool, tokens, place) for place, pool in enumerate(pools))

    @staticmethod
    def _side(graph: Graph, pool: PairPool, tokens: Sequence[object], place: int) -> Side:
        sell, buy = str(tokens[place]), str(tokens[(place + 1) % len(tokens)])
        named = {str(asset): asset for asset in pool.assets}
        return graph.side(pool.id, named[sell], named[buy], NEXT)

    def ours(self) -> Sizing:
        """Return amounts that the pools confirmed."""
        found = look_at(self._sides, None, 0, 1, NEXT)
        if not isinstance(found, Sizing):
            raise TypeError(found)
        return found

    def left(self, amount: int) -> int:
        """Return what is left of an amount, by the plain formula."""
        return along(self.reserves, amount) - amount

    def theirs(self, search: Callable[[Callable[[int], int], int], tuple[int, int]]) -> tuple[int, int]:
        """Return another way's amount and what it leaves: up to what the first pool holds, as bots bound it."""
        return search(self.left, self.reserves[0][0])


def verified_cases() -> tuple[list[Case], list[str]]:
    """Cycles of pairs of deep reserves, beside others who size in whole units; and what each leaves."""
    cases, said = [], []
    for hops in (3, 10, 12):
        cycle = Verified(hops, 10**24, hops)
        net = cycle.ours().net
        others = {f"{way}, {hops} hops": partial(cycle.theirs, search) for way, search in WAYS.items()}
        cases.append(Case(f"sized and verified in integers, {hops} hops", MICROSECONDS, per_call(cycle.ours), 50, tuple(others)))
        cases += [Case(name, MICROSECONDS, per_call(call)) for name, call in others.items()]
        lost = {way: (net - cycle.theirs(search)[1]) / net for way, search in WAYS.items()}
        if min(lost.values()) * net < -hops:
            raise RuntimeError(f"{lost}: another way leaves more")
        parts = (f"{way} {abs(part):.0e} {'less' if part > 0 else 'more'}" if part else f"{way} as much" for way, part in lost.items())
        said.append(f"{hops} hops, parts of what ours leaves: {', '.join(parts)}.")
    gaps = [_short_of_brute_force(hops, depth, seed) for hops in (2, 3, 5, 8, 12) for depth in (2_000, 20_000) for seed in range(20)]
    said.append(
        f"Against every amount tried, in {len(gaps)} cycles of 2 to 12 pools that hold 1,000 to 40,000 units: equal in {gaps.count(0)}, "
        f"at most {max(gaps)} units short. Floors make a staircase, so amounts are said to be verified, not optimal to the unit."
    )
    return cases, said


def _short_of_brute_force(hops: int, depth: int, seed: int) -> int:
    """Return how many units the best of all amounts leaves more than ours, for small reserves."""
    cycle = Verified(hops, depth, seed)
    found = look_at(cycle._sides, None, 0, 1, NEXT)
    best = best_of(cycle.left, range(1, cycle.reserves[0][0]))[1]
    return max(0, best) - (found.net if isinstance(found, Sizing) else 0)


def main() -> None:
    """Measure and print."""
    kernels = compiled_kernels()
    if kernels is None:
        say("not measured: numba is not installed, install tidemill-search-cycles[numba]")
        return
    remark = f"{CYCLES:,} cycles a batch, sized {PASSES} times in a row; the first unit of each gains 0.1 to 5 %."
    golden = "Golden section ends at a 10^-9 part; both leave the same."
    report("Sizing in batches", [*batch_cases(kernels)], ROUNDS, (remark, golden))
    cases, said = verified_cases()
    report("Sizing in integers", cases, ROUNDS, said)


if __name__ == "__main__":
    main()
