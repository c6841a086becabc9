"""Quotes, timed: `uv run python -m benchmarks.bench_quotes`.

The bare functions of libs/amm, the pools of the uniswap plugin around them, and the same swap by Uniswap's own bytecode in pyrevm where
that is installed.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.bench_amm import contracts, deep_pool
from benchmarks.measure import MICROSECONDS, Case, per_call, report
from tidemill.domain.ids import pool_id
from tidemill.domain.pool import Pool
from tidemill_amm import constant_product
from tidemill_amm.concentrated import amount_out, swap
from tidemill_dex_uniswap.quoting import V2Pool, V3Pool
from tidemill_evm.uniswap_v3 import UNISWAP_V3
from tidemill_testing.market import NEXT, SIM, token

ROUNDS = 15
SMALL = 10**15
RESERVES = (10**24, 10**21)
FEE_PPM = 3_000
PAIR_BYTECODE, POOL_BYTECODE, FORMULA = "V2 bytecode in pyrevm", "V3 bytecode in pyrevm", "the formula, written out"


def cases() -> Iterator[Case]:
    """Name, call and target of everything that is timed."""
    one, other = sorted((token("ONE"), token("OTHER")))
    state = deep_pool()
    pair = V2Pool(pool_id(SIM, "uniswap", "0x" + "11" * 20), (one, other), FEE_PPM, *RESERVES)
    deep = V3Pool(pool_id(SIM, "uniswap", "0x" + "22" * 20), (one, other), state, UNISWAP_V3)
    swap_pair, swap_pool = contracts(state, Path(__file__).parent)
    v2, v3 = ((PAIR_BYTECODE,) if swap_pair else ()), ((POOL_BYTECODE,) if swap_pool else ())

    bare = partial(constant_product.amount_out, SMALL, *RESERVES, FEE_PPM)
    yield _case("V2 bare, `constant_product.amount_out`", bare, 1, (FORMULA, *v2))
    yield _case("V2 pool, `amount_out`", _ask(pair, "amount_out"), None, v2)
    yield _case("V2 pool, a `Quote`", _ask(pair, "quote_exact_in"), 2.5, v2)
    yield _case("V2 pool, a `Swapped`", _ask(pair, "swap_exact_in"), None, v2)
    yield _case("V3 bare in range, `concentrated.amount_out`", partial(amount_out, state, True, SMALL), 5, v3)
    yield _case("V3 bare in range, `concentrated.swap`", partial(swap, state, True, SMALL), None, v3)
    yield _case("V3 pool in range, `amount_out`", _ask(deep, "amount_out"), None, v3)
    yield _case("V3 pool in range, a `Quote`", _ask(deep, "quote_exact_in"), None, v3)
    yield _case("V3 pool in range, a `Swapped`", _ask(deep, "swap_exact_in"), None, v3)

    held, paid = RESERVES
    yield _case(FORMULA, lambda: SMALL * 997 * paid // (held * 1000 + SMALL * 997), None, ())
    if swap_pair is not None:
        yield _case(PAIR_BYTECODE, partial(swap_pair, SMALL, bare()), None, ())
    if swap_pool is not None:
        yield _case(POOL_BYTECODE, partial(swap_pool, SMALL), None, ())


def _case(name: str, call: Callable[[], object], target: float | None, beside: tuple[str, ...]) -> Case:
    return Case(name, MICROSECONDS, per_call(call), target, beside)


def _ask(pool: Pool, method: str) -> Callable[[], object]:
    one, other = pool.assets
    return partial(getattr(pool, method), one, other, SMALL, NEXT)


def main() -> None:
    """Measure and print."""
    remark = "The concentrated pool has 801 initialized ticks. Bytecode swaps tokens as well, and is undone after each swap."
    report("Quotes", list(cases()), ROUNDS, (remark,))


if __name__ == "__main__":
    main()
