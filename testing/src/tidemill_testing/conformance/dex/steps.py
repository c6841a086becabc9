"""Steps of EVM chains beside the swap that they were made for: the one family whose fields the suite can read."""

from collections.abc import Iterator, Sequence

from tidemill.domain.ids import address_of
from tidemill.domain.plan import PlannedSwap
from tidemill.domain.pool import Pool
from tidemill.hookspecs.chain import Step

_FAMILY = "tidemill_evm.steps"
_PAIRS, _CALLS = frozenset({"V2Swap", "V3Swap"}), frozenset({"CallSwap"})


def unlike_plan(steps: Sequence[Step], plan: PlannedSwap, pool: Pool) -> str | None:
    """Return the first field of EVM steps that is not the plan's, or None; steps of other families are not looked into.

    Of several swaps in a row the first says what goes in, the last what must come out.
    """
    swaps = [step for step in steps if _names(step) & (_PAIRS | _CALLS)]
    if not swaps:
        return None
    wanted = [
        *((swaps[0], name, value) for name, value in (("token_in", address_of(plan.sell)), ("amount_in", plan.amount_in))),
        *((swaps[-1], name, value) for name, value in (("token_out", address_of(plan.buy)), ("min_out", plan.min_out))),
        *(of_pair for step in swaps if len(swaps) == 1 and _names(step) & _PAIRS for of_pair in _of_pair(step, plan, pool)),
    ]
    for step, name, value in wanted:
        found = getattr(step, name)
        if found != value and not (isinstance(found, str) and isinstance(value, str) and found.lower() == value.lower()):
            return f"{type(step).__name__} has {name} {found!r}, expected {value!r}"
    return None


def _of_pair(step: Step, plan: PlannedSwap, pool: Pool) -> Iterator[tuple[Step, str, object]]:
    yield step, "pool", address_of(pool.id)
    yield step, "zero_for_one", plan.sell == pool.assets[0]
    if pool.fee_ppm is not None and "V2Swap" in _names(step):
        yield step, "fee_ppm", pool.fee_ppm


def _names(step: Step) -> set[str]:
    """Return the names of the family's classes that a step is of; whoever makes one has imported it, so that this need not."""
    return {base.__name__ for base in type(step).__mro__ if base.__module__ == _FAMILY}
