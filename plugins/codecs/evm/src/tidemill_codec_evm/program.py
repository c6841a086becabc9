"""What a program of the executor takes in from outside: the most that its account hands over to it."""

from collections.abc import Sequence

from tidemill.hookspecs.chain import Step
from tidemill_evm.executor import FlowCall
from tidemill_evm.steps import CallSwap, FlashLoan, V2Swap, V3Swap


def inputs_of(program: FlowCall) -> tuple[tuple[str, int], ...]:
    """Return the tokens that must come from outside with the most of each in base units, sorted by address.

    The executor is empty before a plan and after it, so that a step which sells "all that is held" sells what earlier steps brought in.
    A step with a fixed input sells what is surely there (what a loan lent, what an earlier swap pays at the least) and else what was handed
    over. Loans are repaid from what their own steps bring in, or the whole is undone.
    """
    inputs: dict[str, int] = {}
    _walk(program.steps, {}, inputs)
    return tuple(sorted(inputs.items()))


def _walk(steps: Sequence[Step], held: dict[str, int], inputs: dict[str, int]) -> None:
    """Add up what ``steps`` need beyond what is surely ``held``, which they change."""
    for step in steps:
        match step:
            case FlashLoan():
                held[step.asset] = held.get(step.asset, 0) + step.amount
                _walk(step.inner, held, inputs)
                held[step.asset] = max(0, held.get(step.asset, 0) - step.amount - step.fee)
            case V2Swap() | V3Swap() | CallSwap():
                there = held.get(step.token_in, 0)
                if step.amount_in is not None and step.amount_in > there:
                    inputs[step.token_in] = inputs.get(step.token_in, 0) + step.amount_in - there
                held[step.token_in] = 0 if step.amount_in is None else max(0, there - step.amount_in)
                held[step.token_out] = held.get(step.token_out, 0) + step.min_out
