"""The graph of a made market: its size, building it, one pool's change: `uv run python -m benchmarks.bench_graph`."""

import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import networkx as nx
import rustworkx

from benchmarks.measure import MEGABYTES, MICROSECONDS, Case, Unit, report, say
from benchmarks.samples import Sampled, p99
from benchmarks.search_market import SIZES, OneEvent, Searched, compiled_kernels, milliseconds, running, searched
from benchmarks.search_peers import Sides, sides_of
from tidemill_search_cycles.graph import Graph

ROUNDS = 5
EVENTS = 2_000
MILLISECONDS = Unit("ms", digits=0)
NX, RX = "networkx, the best rate of each pair", "rustworkx, the best rate of each pair"


def networkx_graph(sides: Sides) -> "nx.DiGraph[Any]":
    """Return the best rate of each pair as networkx keeps it."""
    graph: nx.DiGraph[Any] = nx.DiGraph()
    graph.add_weighted_edges_from((sell, buy, held[0][1]) for (sell, buy), held in sides.items())
    return graph


def rustworkx_graph(sides: Sides) -> Any:
    """Return the same as rustworkx keeps it, tokens by number."""
    number = {token: place for place, token in enumerate(sorted({sell for sell, _ in sides}))}
    graph = rustworkx.PyDiGraph()
    graph.add_nodes_from(list(number))
    graph.add_edges_from([(number[sell], number[buy], held[0][1]) for (sell, buy), held in sides.items()])
    return graph


def megabytes(make: Callable[[], object]) -> float:
    """Return what Python's allocator hands out for something that is made and kept."""
    tracemalloc.start()
    try:
        made = make()
        held = tracemalloc.get_traced_memory()[0]
        del made
    finally:
        tracemalloc.stop()
    return held / 1e6


def cases(kernels: Any) -> Iterator[Case]:
    """Memory and building by size, then one pool's change."""
    for (tokens, pools), name in ((SIZES[0], "1k/4k"), (SIZES[-1], "20k/60k")):
        market = searched(tokens, pools)
        with running(kernels):
            graph = market.graph()
        sides = sides_of(market.made.pools)
        large = name == "20k/60k"
        beside = (f"{NX}, {name}",) if large else ()
        yield Case(f"arrays of the graph, {name}", MEGABYTES, partial(_size, graph), 40 if large else None, beside)
        if large:
            yield Case(f"{NX}, {name}", MEGABYTES, _kept(partial(megabytes, partial(networkx_graph, sides))))
        peers = {f"{way} built, {name}": make for way, make in ((NX, networkx_graph), (RX, rustworkx_graph))}
        yield Case(f"built from a snapshot, {name}", MILLISECONDS, milliseconds(partial(_build, market, kernels)), None, tuple(peers))
        for way, make in peers.items():
            yield Case(way, MILLISECONDS, milliseconds(partial(make, sides)))
        taken = Sampled(OneEvent(graph, market.wanted, market.events(EVENTS), kernels, search=False).measure)
        yield Case(f"brought up to date with one pool, {name}, median", MICROSECONDS, taken.first("update"))
        yield Case(f"brought up to date with one pool, {name}, 99 in 100", MICROSECONDS, taken.then("update", p99))


def _size(graph: Graph) -> float:
    return graph.arrays.nbytes / 1e6


def _build(market: Searched, kernels: Any) -> Graph:
    with running(kernels):
        return market.graph()


def _kept(once: Callable[[], float]) -> Callable[[], float]:
    """Ask once and repeat the answer: it does not vary."""
    found: list[float] = []
    return lambda: found[0] if found else (found.append(once()) or found[0])  # type: ignore[func-returns-value]


def main() -> None:
    """Measure and print."""
    kernels = compiled_kernels()
    if kernels is None:
        say("not measured: numba is not installed, install tidemill-search-cycles[numba]")
        return
    remarks = (
        "The graph reads every pool's exact curve and keeps every pool of a pair; the peers are given rates ready made, and keep the best.",
        f"{EVENTS:,} changes a round, each a snapshot with one pool moved by up to 0.2 %.",
    )
    report("The graph", [*cases(kernels)], ROUNDS, remarks)


if __name__ == "__main__":
    main()
