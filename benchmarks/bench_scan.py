"""The scan of a recorded market for cycles of three hops: `uv run python -m benchmarks.bench_scan`.

The market is every Uniswap V2 pair of October 2020, 10,704 pools; it is read from the folder of recorded data (`TIDEMILL_DATA`).
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time_ns

from benchmarks import processes
from benchmarks.cycle_peers import LISTED, graph_near, list_simple_cycles, rates_of, search_rates
from benchmarks.measure import SECONDS, Case, report, say
from tidemill.api.market import Market
from tidemill.api.tape import open_tape
from tidemill_testing.recorded import VARIABLE, data_folder

ROUNDS = 3
KIND = "uniswap-v2-pairs"
SOURCE = "dex/uniswap_v2_pairs_reserves_2020-10.json.gz"
BY_NETWORKX, BY_RATES = f"networkx `simple_cycles`, {LISTED:,} of them, no amounts", "search over rates in floats, no amounts"


def seconds(call: Callable[[], object]) -> Callable[[], float]:
    """Return a round that calls once: seconds of the processor."""

    def once() -> float:
        started = process_time_ns()
        call()
        return (process_time_ns() - started) / 1e9

    return once


def cases(tape: Path, market: Market) -> list[Case]:
    """The command as a whole, its parts, and what others do of one part."""
    command = processes.Command(processes.tidemill("scan", str(tape), "--start", "WETH", "--hops", "3", "--json"))
    start = market.names.asset("WETH")
    rates = rates_of(market.snapshot.pools.values())
    return [
        Case("`tidemill scan --hops 3`, loading included, on the wall", SECONDS, command.wall_s, 2),
        Case("the same runs, processor time", SECONDS, command.cpu_s, 2),
        Case("loading: `Tape.market_at`", SECONDS, seconds(lambda: open_tape(tape).market_at())),
        Case("searching: `Market.scan`", SECONDS, seconds(lambda: market.scan("WETH", 3)), None, (BY_NETWORKX, BY_RATES)),
        Case(BY_NETWORKX, SECONDS, seconds(partial(list_simple_cycles, graph_near(rates, start)))),
        Case(BY_RATES, SECONDS, seconds(partial(search_rates, rates, start))),
    ]


def found(market: Market) -> Sequence[str]:
    """Say what each way of looking finds."""
    cycles, start, pools = market.scan("WETH", 3), market.names.asset("WETH"), market.snapshot.pools
    rates = rates_of(market.snapshot.pools.values())
    near = graph_near(rates, start)
    proven = "all of them, and the best" if all(cycle.exact for cycle in cycles) else "not proven to be all"
    return (
        f"{len(pools):,} pools; `scan` finds {len(cycles):,} cycles from WETH that gain ({proven}), sized and quoted exactly.",
        f"The search over rates finds {search_rates(rates, start):,} that gain on an infinitely small amount, before any unit is rounded.",
        f"networkx is given only the {near.number_of_nodes():,} tokens that stand in such a cycle, and no rates.",
    )


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
            report("Scan of a market", cases(tape, market), ROUNDS, found(market))
        except RuntimeError as error:
            say(f"not measured: {error}")


if __name__ == "__main__":
    main()
