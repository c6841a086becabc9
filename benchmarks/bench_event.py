"""From one pool's log to ranked, sized and verified opportunities, through the whole core: `uv run python -m benchmarks.bench_event`.

The market is every Uniswap V2 pair of October 2020, 10,704 pools, read from the folder of recorded data (`TIDEMILL_DATA`). Each event is a
batch with one `Sync` log, made up from the pair's recorded reserves; what follows is what a run does: the log is matched and played, a
snapshot made, the searcher brought up to date and asked by the strategy, what it finds ranked, and offered to the book, which is empty.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import process_time_ns

from attrs import evolve

from benchmarks import processes
from benchmarks.bench_scan import KIND, SOURCE
from benchmarks.measure import MICROSECONDS, Case, report, say
from benchmarks.samples import Sampled, p99
from benchmarks.search_market import compiled_kernels
from tidemill.config.defaults import default_text
from tidemill.config.load import load_config
from tidemill.domain.events import Batch, Log, Logs
from tidemill.domain.ids import ChainId, PoolId, address_of
from tidemill.pipeline.assemble import Pipeline, assemble
from tidemill.tape.reader import TapeReader
from tidemill_evm.uniswap_v2_logs import Sync
from tidemill_testing.recorded import VARIABLE, data_folder

ROUNDS = 5
EVENTS = {"triangular": 2_000, "compound": 150}
BUSY = 300
"""The deepest pools of the wrapped coin, by what they hold of it: where most trades are."""
STEP = 0.02
MOST_RESERVE = (1 << 112) - 1
NEEDED = {"chains", "dex", "search", "books", "assets", "risk"}
TABLES = """
mode = "paper"
[chains.recorded]
chain = "eip155:1"
gas_price_gwei = 50
[dex.uniswap]
[search.cycles]
[risk.limits]
[books.main]
base = "WETH"
[strategies.{strategy}]
"""


class Recorded:
    """A core that folded the recorded pairs, with one strategy, and makes events of them."""

    def __init__(self, folder: Path, tape: Path, strategy: str) -> None:
        path = folder / f"{strategy}.toml"
        assets = default_text(KIND).partition("[assets]")[2]
        path.write_text(f"{TABLES.format(strategy=strategy)}[assets]{assets}", "utf-8")
        self._pipeline: Pipeline = assemble(load_config(path))
        for record in TapeReader(tape).records():
            self._pipeline.core.on_batch(record.batch, decide=True)
            self._at = record.batch
        self._chain = ChainId("eip155:1")
        self._count = 0
        self.found = 0

    def pools(self, *, busy: bool) -> list[PoolId]:
        """Return the pools, or the busy ones: those that hold most of the book's asset."""
        pools = self._pipeline.core.market.state.pools
        if not busy:
            return sorted(pools)
        base = self._pipeline.parts.books[0].base
        return sorted(pools, key=lambda pool: (-pools[pool].holdings.get(base, 0), pool))[:BUSY]

    def batches(self, pools: Sequence[PoolId], count: int) -> Iterator[list[Batch]]:
        """Return events of random ones of these pools: each sets a pair's reserves to what was recorded, one of them off by up to 2 %.

        There are two rows of them, of the same pools, that come by turns: every event changes something, in every round.
        """
        random = Random(5)
        chosen = [random.choice(pools) for _ in range(count)]
        return cycle([[self._batch(self._log(pool, random)) for pool in chosen] for _ in range(2)])

    def _log(self, identifier: PoolId, random: Random) -> Log:
        pool = self._pipeline.core.market.state.pools[identifier]
        first, second = (pool.holdings[asset] for asset in pool.assets)
        first = max(1, min(MOST_RESERVE, int(first * (1 + random.uniform(-STEP, STEP)))))
        return Log(address_of(pool.id), (Sync.topic,), first.to_bytes(32, "big") + second.to_bytes(32, "big"))

    def _batch(self, log: Log) -> Batch:
        at = self._at
        self._count += 1
        return evolve(at, seq=at.seq + self._count, events=(Logs(self._chain, (log,)),))

    def measure(self, batches: Sequence[Batch]) -> dict[str, list[float]]:
        """Fold the events: microseconds of each, and of those after which there was an opportunity."""
        core, parts = self._pipeline.core, _no_samples()
        for batch in batches:
            before = core.tally.opportunities
            started = process_time_ns()
            core.on_batch(batch, decide=True)
            spent = (process_time_ns() - started) / 1000
            parts["all"].append(spent)
            if core.tally.opportunities > before:
                parts["found"].append(spent)
        self.found = len(parts["found"])
        return parts


def _no_samples() -> dict[str, list[float]]:
    return {"all": [], "found": []}


def cases(folder: Path, tape: Path, said: list[str]) -> Iterator[Case]:
    """Random pools and busy ones, by strategy."""
    for strategy, count in EVENTS.items():
        recorded = Recorded(folder, tape, strategy)
        for kind, busy in (("a random pool", False), (f"one of the {BUSY} deepest pools of WETH", True)):
            batches = recorded.batches(recorded.pools(busy=busy), count)
            some = Sampled(_measured(recorded, batches, f"`{strategy}`, {kind}", said))
            name = f"`{strategy}`, {kind}"
            yield Case(f"{name}, median", MICROSECONDS, some.first("all"))
            yield Case(f"{name}, 99 in 100", MICROSECONDS, some.then("all", p99), 3_000)
            yield Case(f"{name}, where something was found, median", MICROSECONDS, some.then("found"))


def _measured(recorded: Recorded, batches: Iterator[list[Batch]], name: str, said: list[str]) -> Callable[[], dict[str, list[float]]]:
    def measure() -> dict[str, list[float]]:
        parts = recorded.measure(next(batches))
        said[:] = [one for one in said if not one.startswith(name)]
        said.append(f"{name}: {len(parts['all']):,} events a round, opportunities after {recorded.found:,} of them.")
        return parts

    return measure


def main() -> None:
    """Import the recording into a temporary folder, measure and print; where it is absent, say so."""
    source = data_folder(Path(__file__).parent) / SOURCE
    if not source.is_file():
        say(f"not measured: {source} is absent; set {VARIABLE} to a folder that holds {SOURCE}")
        return
    if compiled_kernels() is None:
        say("not measured: numba is not installed, install tidemill-search-cycles[numba]")
        return
    said: list[str] = []
    with TemporaryDirectory() as name:
        tape = Path(name, "pairs.tape")
        try:
            processes.run(processes.tidemill("tape", "import", KIND, str(source), "--out", str(tape)))
        except RuntimeError as error:
            say(f"not measured: {error}")
            return
        report("From a pool's event to an opportunity", [*cases(Path(name), tape, said)], ROUNDS, lambda: said)


if __name__ == "__main__":
    main()
