"""What a plan costs in gas, from figures; a chain that can simulate knows better.

A transaction pays 21,000, and 16 gas a calldata byte, 4 where it is zero (EIP-2028). What a step costs is the sum of its cold
accesses (EIP-2929: account 2,600, slot 2,100), its writes (2,900 a slot that was not zero, 20,000 one that was: EIP-2200) and logs:

* a V2 swap touches the pair and both tokens, rewrites the reserves, both price sums and the lock, and three balances, a fourth one from
  zero: some 62,000, and some 13,000 for the code of pair, tokens and executor;
* a V3 swap rewrites slot0, a fee sum, the price oracle and the same balances, reads a bitmap word, and runs the loop: some 110,000, and
  each tick it crosses rewrites four words of that tick and reads the next word: some 24,000;
* a swap by a call of another contract sets an allowance from zero and uses it up (some 22,000 before the refund), asks for four
  balances, and does that contract's own work, which touches at least what a V2 swap does and often a vault and a fee besides: some
  150,000, and far more where it goes on to other protocols;
* a flash loan moves its asset out and in, and updates and checks the lender's reserve (Aave V3 ``flashLoanSimple`` with an empty
  receiver took 160,000 on a local node, of which 21,000 intrinsic and some 49,000 warm-ups that its swaps share): some 90,000.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from tidemill.errors import UsageError
from tidemill.hookspecs.chain import Step
from tidemill_evm.executor import decode_flow
from tidemill_evm.steps import CallSwap, FlashLoan, V2Swap, V3Swap

INTRINSIC_GAS: Final = 21_000
BYTE_GAS: Final = 16
ZERO_BYTE_GAS: Final = 4
LOAN_GAS: Final = 90_000
CROSSING_GAS: Final = 24_000
SWAP_GAS: Final[Mapping[str, int]] = {"v2": 75_000, "v3": 110_000 + CROSSING_GAS, "call": 150_000}
"""Gas of one swap by the pool's kind; a V3 swap counts one crossed tick, ``call`` is a ``CallSwap`` at a pool of whatever kind."""

STEP_BYTES: Final = 60
"""Calldata of one step as the executor's program has it: two addresses of 20 bytes, op, places, an amount."""

_SPARE_GAS: Final[Mapping[str, int]] = {"v2": 0, "v3": 4 * CROSSING_GAS, "call": SWAP_GAS["call"]}
_SPARE_PERCENT: Final = 25


def estimate_gas(kinds: Sequence[str], loans: int) -> int:
    """Return the gas that swaps at pools of these kinds (``v2``, ``v3``, ``call``) inside so many flash loans are expected to use.

    Raises:
        UsageError: there is no figure for a kind.
    """
    total = INTRINSIC_GAS + (len(kinds) + loans) * STEP_BYTES * BYTE_GAS + loans * LOAN_GAS
    for kind in kinds:
        if kind not in SWAP_GAS:
            raise UsageError(f"no gas figure for pools of kind {kind!r}: expected one of {', '.join(sorted(SWAP_GAS))}")
        total += SWAP_GAS[kind]
    return total


def calldata_gas(calldata: bytes) -> int:
    """Return what calldata costs before anything is executed."""
    zeros = calldata.count(0)
    return zeros * ZERO_BYTE_GAS + (len(calldata) - zeros) * BYTE_GAS


def call_gas(call: bytes) -> int:
    """Return the gas that a program of the executor is expected to use.

    Raises:
        MalformedBytes: it is no such program.
    """
    kinds, loans = _counted(decode_flow(call).steps)
    return INTRINSIC_GAS + calldata_gas(call) + loans * LOAN_GAS + sum(SWAP_GAS[kind] for kind in kinds)


def gas_limit(call: bytes) -> int:
    """Return the gas limit to sign for a program.

    It is what is expected, four more crossed ticks a V3 swap, as much again a call of another contract, and a quarter on top.
    What is not used is not paid; running out of it is.

    Raises:
        MalformedBytes: it is no such program.
    """
    kinds, _ = _counted(decode_flow(call).steps)
    spare = sum(_SPARE_GAS[kind] for kind in kinds)
    return (call_gas(call) + spare) * (100 + _SPARE_PERCENT) // 100


def swap_kind(step: Step) -> str:
    """Return what a swap counts as in ``SWAP_GAS``.

    Raises:
        UsageError: it is no swap of this family.
    """
    match step:
        case V2Swap():
            return "v2"
        case V3Swap():
            return "v3"
        case CallSwap():
            return "call"
    raise UsageError(f"no gas figure for a step {type(step).__name__}: expected V2Swap, V3Swap or CallSwap")


def _counted(steps: Sequence[Step]) -> tuple[list[str], int]:
    """Return the kinds of all swaps, those inside loans too, and the number of loans."""
    kinds: list[str] = []
    loans = 0
    for step in steps:
        if isinstance(step, FlashLoan):
            inner, more = _counted(step.inner)
            kinds += inner
            loans += 1 + more
        else:
            kinds.append(swap_kind(step))
    return kinds, loans
