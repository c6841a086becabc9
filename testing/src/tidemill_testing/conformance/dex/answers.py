"""Everything pure that a DEX can be asked, as lines of text: equal texts, equal answers."""

from collections.abc import Sequence

from tidemill.domain.answers import Needs
from tidemill.domain.ids import Key
from tidemill.domain.plan import PlannedSwap
from tidemill.domain.pool import Decoded, Pool
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Wallet
from tidemill.hookspecs.dex import Dex
from tidemill_testing.conformance.dex.bench import directions
from tidemill_testing.conformance.dex.pool_case import PoolCase

_BITS = range(0, 256, 16)
_MOST_ROUNDS = 64


def answers_of(dex: Dex, cases: Sequence[PoolCase]) -> list[str]:
    """Return what a DEX answers to each case: the keys it asks for, quotes in both ways, curves, swaps, logs and steps."""
    lines: list[str] = []
    for case in cases:
        read: dict[Key, bytes | None] = {}
        for _ in range(_MOST_ROUNDS):
            answer = dex.decode(case.ref, read, case.at, None)
            if isinstance(answer, Decoded):
                break
            lines.append(f"{case} decode {answer!r}")
            read.update({key: case.states.get(key) for key in answer.keys})
        else:
            continue
        lines.append(f"{case} watch {answer.watch!r} reads {answer.reads!r}")
        lines += _quotes(answer.pool, case.at, str(case))
        lines += _steps(dex, answer.pool, case)
        lines += _logs(dex, answer.pool, case)
    return lines


def _quotes(pool: Pool, at: ChainTime, name: str) -> list[str]:
    lines = [f"{name} holds {sorted(pool.holdings.items())}"]
    for sell, buy in directions(pool):
        for amount in (1 << bits for bits in _BITS):
            asked = f"{name} {amount} {sell} {buy}"
            lines.append(f"{asked} in {pool.quote_exact_in(sell, buy, amount, at)!r} {pool.amount_out(sell, buy, amount, at)}")
            lines.append(f"{asked} out {pool.quote_exact_out(sell, buy, amount, at)!r}")
            swapped = pool.swap_exact_in(sell, buy, amount, at)
            if isinstance(after := getattr(swapped, "pool", None), Pool):
                lines.append(f"{asked} then {after.quote_exact_in(sell, buy, amount, at)!r}")
        lines.append(f"{name} curve {pool.segments(sell, buy, at, 1 << 128)!r}")
    return lines


def _steps(dex: Dex, pool: Pool, case: PoolCase) -> list[str]:
    wallet = Wallet(case.ref.chain, "0x000000000000000000000000000000000000a11c")
    plans = [PlannedSwap(pool.id, sell, buy, 1 << 32, 1) for sell, buy in directions(pool) if pool.amount_out(sell, buy, 1 << 32, case.at)]
    return [f"{case} steps {dex.build_steps(plan, pool, case.at, wallet)!r}" for plan in plans]


def _logs(dex: Dex, pool: Pool, case: PoolCase) -> list[str]:
    lines: list[str] = []
    for log in case.logs:
        answer = dex.apply(pool, log, case.at)
        if isinstance(answer, Needs):
            return [*lines, f"{case} log {log.index} {answer!r}"]
        pool = answer
        lines.append(f"{case} log {log.index}")
    return lines + _quotes(pool, case.at, f"{case} after logs") if case.logs else lines
