"""What runs inside degenbot's own environment: reads one task as JSON, prints one answer as JSON. It imports nothing of ours.

``{"solve": [[[reserve_in, reserve_out], ...], ...]}``: cycles of constant-product pools of 30 bp, each with pools of its own. Answered by
``found``, for each the input and what it gains, or null; and by ``seconds`` of the processor that solving all of them took.
``{"paths": [[token, token], ...], "start": token, "hops": n}``: how many paths there are from a token to itself, and the ``seconds``.
"""

import json
import sys
from itertools import count
from time import process_time
from typing import Any

FEE = (997, 1_000)


def address(number: int) -> str:
    """Return a made-up address."""
    return f"0x{number:040x}"


def solve(cycles: list[list[list[int]]]) -> dict[str, Any]:
    """Register the cycles and let the engine solve all of them."""
    from degenbot._ffi import ArbitrageEngine, Bot  # type: ignore[import-not-found, unused-ignore]

    bot, numbers, places = Bot(), count(1), {}
    engine = ArbitrageEngine(bot)
    for place, hops in enumerate(cycles):
        tokens = [next(numbers) for _ in hops]
        path = []
        for sell, buy, reserves in zip(tokens, [*tokens[1:], tokens[0]], hops, strict=True):
            upwards = sell < buy
            (one, held), (other, held_other) = sorted([(sell, reserves[0]), (buy, reserves[1])])
            fixed = (*FEE, *FEE, address(1), 1, "uniswap-v2", False, None)
            pool = bot.register_v2_pool_test_only(address(next(numbers) << 64), address(one), address(other), held, held_other, *fixed)
            path.append((pool, upwards))
        places[engine.register_path(path)[0]] = place
    started = process_time()
    engine.solve_all_paths(1)
    seconds = process_time() - started
    found: list[list[int] | None] = [None] * len(cycles)
    for path_id, amount, profit, *_ in engine.latest_results()[0]:
        found[places[path_id]] = [int(amount), int(profit)]
    return {"found": found, "seconds": seconds}


def paths(pairs: list[list[int]], start: int, hops: int) -> dict[str, Any]:
    """List the paths, unpriced."""
    from degenbot._ffi import PoolKind, find_paths_rust

    kind = PoolKind.V2
    edges = [(one, other, place, kind) for place, (one, other) in enumerate(pairs)]
    started = process_time()
    listed = sum(1 for _ in find_paths_rust(edges, start, start, 2, hops, False))
    return {"count": listed, "seconds": process_time() - started}


def main() -> None:
    """Answer one task."""
    task = json.load(sys.stdin)
    answer = solve(task["solve"]) if "solve" in task else paths(task["paths"], task["start"], task["hops"])
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
