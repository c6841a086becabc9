"""Pool maths, timed: `uv run python benchmarks/bench_amm.py`.

Prints the median of each, the machine it ran on, and beside it the real Uniswap bytecode doing the same swap in pyrevm
in the same run, as a ratio: a busy machine slows both. Without the npm packages of tests/npm, or without pyrevm, only the
first column is printed, and why.
"""

import platform
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat
from pathlib import Path
from statistics import median
from time import perf_counter_ns

from tidemill_amm import constant_product
from tidemill_amm.concentrated import ConcentratedState, SwapResult, amount_out, swap, with_liquidity

BATCHES = 41
BATCH_NS = 4_000_000
Case = tuple[str, Callable[[], object], Callable[[], object] | None]


def deep_pool() -> ConcentratedState:
    """Price 1, fee 0.30 %: 400 positions side by side and across, 801 initialized ticks from -24,000 to 24,000."""
    pool = ConcentratedState.from_ticks(sqrt_price_x96=(1 << 96) + 10**20, tick=0, liquidity=0, fee_ppm=3_000, tick_spacing=60, ticks={})
    for step in range(1, 401):
        made = with_liquidity(pool, -60 * step, 60 * step, 10**18 + 10**15 * step)
        if not isinstance(made, ConcentratedState):
            raise TypeError(made)
        pool = made
    return pool


def median_ns(call: Callable[[], object]) -> int:
    """The median over batches, each long enough that the clock does not matter."""
    started = perf_counter_ns()
    call()
    number = max(1, BATCH_NS // max(1, perf_counter_ns() - started))
    return int(median(_batch(call, number) for _ in range(BATCHES)))


def _batch(call: Callable[[], object], number: int) -> int:
    started = perf_counter_ns()
    for _ in repeat(None, number):
        call()
    return (perf_counter_ns() - started) // number


def cases(pool: ConcentratedState, root: Path) -> Iterator[Case]:
    """What is timed: a name, the call, and the same swap on bytecode where that can run."""
    pair, contract = contracts(pool, root)
    small, large = 10**15, 4 * 10**20
    v2 = partial(constant_product.amount_out, small, 10**24, 10**21, 3_000)
    yield "V2 amount_out", v2, pair and partial(pair, small, v2())
    for where, amount in (("in range", small), (f"across {_crossed(pool, large)} ticks", large)):
        real = contract and partial(contract, amount)
        yield f"V3 amount_out {where}", partial(amount_out, pool, True, amount), real
        yield f"V3 swap {where}", partial(swap, pool, True, amount), real


def _crossed(pool: ConcentratedState, amount: int) -> int:
    result = swap(pool, True, amount)
    if not isinstance(result, SwapResult) or not result.filled:
        raise TypeError(result)
    return result.crossed


def contracts(pool: ConcentratedState, root: Path) -> tuple[Callable[[int, int], None] | None, Callable[[int], None] | None]:
    """Swaps through the real contracts, undone after each; None, and a line that says why, where they cannot run."""
    try:
        from tidemill_testing.bytecode import V2Pair, V3Pool, open_chain
        from tidemill_testing.bytecode_npm import find_node_modules

        node_modules = find_node_modules(root)
        if node_modules is None:
            raise ImportError("run `npm ci --ignore-scripts` in tests/npm")
        chain = open_chain(node_modules)
    except ImportError as error:
        say(f"no bytecode beside it: {error}")
        return None, None
    pair, deep = V2Pair(chain), V3Pool(chain, pool.fee_ppm, pool.tick_spacing)
    pair.set_reserves(10**24, 10**21)
    ticks = {tick: (pool.liquidity_gross[tick], net) for tick, net in pool.liquidity_net.items()}
    deep.install(pool.sqrt_price_x96, pool.tick, pool.liquidity, ticks)

    def swap_pair(paid: int, taken: int) -> None:
        with chain.rolled_back():
            pair.swap(True, paid, taken)

    def swap_pool(amount: int) -> None:
        with chain.rolled_back():
            deep.swap(True, amount)

    return swap_pair, swap_pool


def machine() -> str:
    """Processor and Python, as the numbers need them."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text("utf-8").splitlines() if cpuinfo.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return f"{model}, {platform.python_implementation()} {platform.python_version()}, {platform.system()}"


def say(line: str) -> None:
    """Write one line of the report."""
    sys.stdout.write(f"{line}\n")


def main() -> None:
    """Time every case and print it."""
    say(machine())
    say(f"{'median of ' + str(BATCHES) + ' batches':36} {'here':>12} {'bytecode':>12} {'ratio':>8}")
    for name, ours, theirs in cases(deep_pool(), Path(__file__).parent):
        here = median_ns(ours)
        line = f"{name:36} {here / 1000:9.2f} µs"
        if theirs is not None:
            there = median_ns(theirs)
            line += f" {there / 1000:9.1f} µs {there / here:7.0f}x"
        say(line)


if __name__ == "__main__":
    main()
