"""degenbot, the nearest rival, beside us: `uv run python -m benchmarks.bench_degenbot`.

Its published wheel runs in an environment of its own, which is made for this and thrown away; where that cannot be, what its solver can is
told by the arithmetic that it publishes. Cycles are of constant-product pools of 30 bp, which is what its engine and ours both take.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import prod
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks.degenbot_peer import WHEEL, Degenbot, Reserves, Solved, along, by_its_arithmetic, open_degenbot
from benchmarks.measure import MICROSECONDS, MILLISECONDS, Case, machine, report, say
from benchmarks.search_market import AMPLE, SIZES, Searched, compiled_kernels, milliseconds, searched
from benchmarks.sizing_peers import best_of, by_golden
from tidemill_search_cycles.amounts import Sizing, look_at
from tidemill_search_cycles.graph import Graph
from tidemill_search_cycles.graph.curves import Side
from tidemill_search_cycles.short import ShortCycles
from tidemill_testing.market import NEXT, SIM, PairPool, pair_pool, snapshot_of, token

ROUNDS = 5
CYCLES = 100
LENGTHS, DEPTHS = (3, 5, 6, 8, 10, 12), (10**18, 10**21, 10**24)
SMALL = 1_000
"""Reserves of which every amount can be tried."""
Cycle = list[Reserves]
TASK = (
    "degenbot lists paths once, unpriced, and solves those again that a block touched: another task than a scan, so that its listing "
    "stands beside ours as what precedes solving. Its times are of its own process, in processor time, without starting it."
)


def gaining_cycles(hops: int, depth: int, count: int = CYCLES) -> list[Cycle]:
    """Return cycles whose first unit gains 0.1 % and more, of reserves of half to twice ``depth``."""
    random = Random(hops * depth)
    found: list[Cycle] = []
    while len(found) < count:
        held = [int(depth * random.uniform(0.5, 2)) for _ in range(hops)]
        cycle = [(one, int(one * random.uniform(0.985, 1.025))) for one in held]
        if prod(997 * paid for _, paid in cycle) * 1_000 > prod(1_000 * kept for kept, _ in cycle) * 1_001:
            found.append(cycle)
    return found


class Ours:
    """Cycles as our searcher sizes them: pools in a graph, asked for what leaves most."""

    def __init__(self, cycles: Sequence[Cycle]) -> None:
        self._cycles = [self._sides(place, cycle) for place, cycle in enumerate(cycles)]

    @staticmethod
    def _sides(number: int, cycle: Cycle) -> tuple[Side, ...]:
        tokens = [token(f"{number} {place}") for place in range(len(cycle))]
        ends = list(zip(tokens, [*tokens[1:], tokens[0]], strict=True))
        pools: list[PairPool] = []
        for place, (pair, reserves) in enumerate(zip(ends, cycle, strict=True)):
            pools.append(pair_pool(f"{number} {place}", dict(zip(pair, reserves, strict=True))))
        graph = Graph()
        graph.take(snapshot_of(pools))
        return tuple(graph.side(pool.id, sell, buy, NEXT) for pool, (sell, buy) in zip(pools, ends, strict=True))

    def solve(self) -> list[Solved]:
        """Return what goes into each and what is left, as the pools confirmed it."""
        found = (look_at(cycle, None, 0, 1, NEXT) for cycle in self._cycles)
        return [(one.amounts[0], one.net) if isinstance(one, Sizing) else None for one in found]


def _left(cycle: Cycle) -> Callable[[int], int]:
    return lambda amount: along(cycle, amount) - amount


def table(solve: Callable[[Sequence[Cycle]], list[Solved]]) -> Iterator[str]:
    """Yield the table of lengths and reserves: how many of the cycles that gain each finds, and with what.

    Raises:
        RuntimeError: an amount of ours leaves not what we said, or less than an independent search by more than a few units.
    """
    yield "| hops | " + " | ".join(f"reserves of 10^{len(str(depth)) - 1}: theirs | ours" for depth in DEPTHS) + " |"
    yield "| ---: |" + " ---: |" * (2 * len(DEPTHS))
    for hops in LENGTHS:
        cells = [str(hops)]
        for depth in DEPTHS:
            cycles = gaining_cycles(hops, depth)
            ours, theirs = Ours(cycles).solve(), solve(cycles)
            best = [_checked(cycle, one) for cycle, one in zip(cycles, ours, strict=True)]
            found = [one for one in theirs if one is not None]
            right = sum(one is not None and one[1] >= most - hops for one, most in zip(theirs, best, strict=True))
            wrong = "" if right == len(found) else f", {len(found) - right} for {_worth(theirs, best, hops)}"
            cells.append(f"{right} of {CYCLES}{wrong}")
            cells.append(f"{sum(one is not None for one in ours)} of {CYCLES}")
        yield "| " + " | ".join(cells) + " |"


def _checked(cycle: Cycle, one: Solved) -> int:
    """Return what a cycle of ours leaves, quoted again by the plain formula, and compared with a search that knows no closed form."""
    left = _left(cycle)
    amount, net = one if one is not None else (0, 0)
    most = by_golden(left, cycle[0][0])[1]
    if one is None or left(amount) != net or net < most - len(cycle):
        raise RuntimeError(f"{amount} was said to leave {net} of {cycle[0]}, golden section over whole units finds {most}")
    return net


def _worth(theirs: Sequence[Solved], best: Sequence[int], near: int) -> str:
    wrong = [(one[1], most) for one, most in zip(theirs, best, strict=True) if one is not None and one[1] < most - near]
    return f"{sum(gained for gained, _ in wrong) / sum(most for _, most in wrong):.1g} of what there is"


def brute_force() -> str:
    """Compare ours with every amount tried, where reserves are small; return a sentence."""
    gaps = []
    for hops in LENGTHS:
        cycles = gaining_cycles(hops, SMALL)
        for cycle, one in zip(cycles, Ours(cycles).solve(), strict=True):
            gaps.append(max(0, best_of(_left(cycle), range(1, 2 * SMALL))[1]) - (one[1] if one is not None else 0))
    if min(gaps) < 0:
        raise RuntimeError("an amount of ours leaves more than every amount tried")
    return (
        f"Ours against every amount tried, {len(gaps)} cycles of the same lengths with reserves of {SMALL // 2:,} to {SMALL * 2:,} units: "
        f"equal in {gaps.count(0)}, the worst {max(gaps)} units short: floors make a staircase, so they are said to be verified."
    )


def print_lengths(rival: Degenbot | str) -> None:
    """Print the table of lengths."""
    theirs = rival if isinstance(rival, Degenbot) else None
    say("## Long cycles over deep pools", "", f"{machine()}; counts, not times.", "")
    say(*table((lambda cycles: theirs.solve(cycles)[0]) if theirs else lambda cycles: [by_its_arithmetic(one) for one in cycles]), "")
    who = f"{WHEEL} itself" if theirs else f"the arithmetic that degenbot publishes, stated here ({rival})"
    say(
        f"* Theirs: {who}. Of {CYCLES} cycles that gain, so many are solved, to a unit a hop (each pool rounds); others "
        "are not found, or an amount is found that gains the part stated. No error is raised.",
        f"* {brute_force()}",
        "",
    )


def cases(rival: Degenbot, market: Searched) -> Iterator[Case]:
    """Sizing one by one, and looking for cycles."""
    for hops in (3, 5):
        cycles = gaining_cycles(hops, 10**24)
        ours = Ours(cycles)
        equal = sum(
            one is not None and two is not None and abs(one[1] - two[1]) <= hops
            for one, two in zip(ours.solve(), rival.solve(cycles)[0], strict=True)
        )
        if equal != len(cycles):
            raise RuntimeError(f"of {len(cycles)} cycles of {hops} hops both solve {equal} alike")
        name = f"degenbot, all of a batch solved, {hops} hops"
        per_cycle = milliseconds(ours.solve)
        yield Case(f"sized and verified in integers, {hops} hops, a cycle", MICROSECONDS, partial(_each, per_cycle), None, (name,))
        yield Case(name, MICROSECONDS, lambda cycles=cycles: rival.solve(cycles)[1] / len(cycles) * 1e6)  # type: ignore[misc]
    graph = market.graph()
    short, hub = ShortCycles(graph), market.hubs[0]
    number = {asset: place for place, asset in enumerate(market.made.tokens)}
    pairs = [(number[pool.assets[0]], number[pool.assets[1]]) for pool in market.made.pools]
    listed = "degenbot, every path of up to 3 hops from the widest hub, unpriced, 1k/4k"

    def scan() -> None:
        short.left = AMPLE
        short.from_any(SIM, market.wanted)

    yield Case("every cycle of 2 to 4 hops from every token, 1k/4k", MILLISECONDS, milliseconds(scan), None, (listed,))
    yield Case(listed, MILLISECONDS, lambda: rival.paths(pairs, number[hub], 3)[1] * 1e3)


def _each(batch: Callable[[], float]) -> float:
    return batch() * 1e3 / CYCLES


def main() -> None:
    """Measure and print."""
    if compiled_kernels() is None:
        say("not measured: numba is not installed, install tidemill-search-cycles[numba]")
        return
    with TemporaryDirectory() as name:
        rival = open_degenbot(Path(name))
        try:
            print_lengths(rival)
            if isinstance(rival, str):
                say(f"not measured: {rival}")
                return
            report("degenbot beside us", [*cases(rival, searched(*SIZES[0]))], ROUNDS, (TASK, "Both solve the same cycles alike."))
        except RuntimeError as error:
            say(f"not measured: {error}")


if __name__ == "__main__":
    main()
