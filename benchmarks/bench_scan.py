"""The scan of a recorded market for cycles of three hops: `uv run python -m benchmarks.bench_scan`.

The market is every Uniswap V2 pair of October 2020, 10,704 pools; it is read from the folder of recorded data (`TIDEMILL_DATA`).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import processes
from benchmarks.cycle_peers import graph_of, list_simple_cycles, rates_of, search_rates
from benchmarks.measure import SECONDS, Case, cpu_ns, report, say
from tidemill.api.market import Market
from tidemill.api.tape import open_tape
from tidemill_testing.recorded import VARIABLE, data_folder

ROUNDS = 3
KIND = "uniswap-v2-pairs"
SOURCE = "dex/uniswap_v2_pairs_reserves_2020-10.json.gz"
LISTED, SEARCHED = "networkx `simple_cycles`, at most 3 hops, amounts not asked", "search over rates in floats, amounts not asked"


def seconds(call: Callable[[], object]) -> Callable[[], float]:
    """Return a round that calls once: seconds of the processor."""

    def once() -> float:
        started = cpu_ns()
        call()
        return (cpu_ns() - started) / 1e9

    return once


def cases(source: Path, tape: Path, market: Market) -> list[Case]:
    """The command as a whole, its parts, and what others do of one part."""
    command = processes.tidemill("scan", str(tape), "--start", "WETH", "--hops", "3", "--json")
    imported = processes.tidemill("tape", "import", KIND, str(source), "--out", f"{tape}.again", "--force")
    start = market.names.asset("WETH")
    rates = rates_of(market.snapshot.pools.values())
    graph = graph_of(rates)
    return [
        Case("`tidemill scan --hops 3`, loading included, on the wall", SECONDS, lambda: processes.run(command).wall_s, 2),
        Case("the same, processor time", SECONDS, lambda: processes.run(command).cpu_s),
        Case("`tidemill tape import`, processor time", SECONDS, lambda: processes.run(imported).cpu_s),
        Case("loading: `Tape.market_at`", SECONDS, seconds(lambda: open_tape(tape).market_at())),
        Case("searching: `Market.scan`", SECONDS, seconds(lambda: market.scan("WETH", 3)), None, (LISTED, SEARCHED)),
        Case(LISTED, SECONDS, seconds(partial(list_simple_cycles, graph))),
        Case(SEARCHED, SECONDS, seconds(partial(search_rates, rates, start))),
    ]


def main() -> None:
    """Import the recording into a temporary folder, measure and print; where it is absent, say so."""
    source = data_folder(Path(__file__).parent) / SOURCE
    if not source.is_file():
        say(f"not measured: {source} is absent; set {VARIABLE} to a folder that holds {SOURCE}")
        return
    with TemporaryDirectory() as folder:
        tape = Path(folder, "pairs.tape")
        try:
            processes.run(processes.tidemill("tape", "import", KIND, str(source), "--out", str(tape)))
            market = open_tape(tape).market_at()
            rates = rates_of(market.snapshot.pools.values())
            cycles = market.scan("WETH", 3)
            remarks = (
                f"{len(market.snapshot.pools):,} pools. `scan` finds {len(cycles):,} cycles from WETH that gain, each with its best amount "
                f"and exact quotes; proven complete: {'yes' if all(cycle.exact for cycle in cycles) else 'no'}.",
                f"The search over rates finds {search_rates(rates, market.names.asset('WETH')):,} that gain on an infinitely small amount; "
                f"networkx lists {list_simple_cycles(graph_of(rates)):,} cycles, from anywhere.",
            )
            report("Scan of a market", cases(source, tape, market), ROUNDS, remarks)
        except RuntimeError as error:
            say(f"not measured: {error}")


if __name__ == "__main__":
    main()
