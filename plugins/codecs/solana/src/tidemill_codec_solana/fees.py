"""The most that inclusion of a message can cost, in lamports.

5,000 lamports a signature, and the priority fee: price (millionths of a lamport a unit) × limit of compute units, rounded up (agave
``compute-budget-instruction``). A price that stands in no instruction is 0.
"""

from collections.abc import Sequence
from typing import Final

from tidemill_codec_solana.errors import MalformedMessage
from tidemill_codec_solana.message import Instruction
from tidemill_codec_solana.programs import COMPUTE_BUDGET

PER_SIGNATURE: Final = 5_000
_PRICE_SCALE: Final = 10**6
_UNITS: Final = 200_000
"""What an instruction may use where no limit is given; programs of the system get less."""
_MOST_UNITS: Final = 1_400_000
_LIMIT, _PRICE = 2, 3
_SIZES: Final = {1: 5, _LIMIT: 5, _PRICE: 9, 4: 5}
"""Bytes of RequestHeapFrame, SetComputeUnitLimit, SetComputeUnitPrice and SetLoadedAccountsDataSizeLimit."""
_PRECOMPILED: Final = frozenset({
    "Ed25519SigVerify111111111111111111111111111",
    "KeccakSecp256k11111111111111111111111111111",
    "Secp256r1SigVerify1111111111111111111111111",
})  # fmt: skip
"""Programs whose first byte says how many signatures they check; each is charged like one of the transaction."""


def max_fee(instructions: Sequence[Instruction]) -> int:
    """Return the most that inclusion can cost, lamports.

    Raises:
        MalformedMessage: an instruction of the compute budget is unknown, stands there twice, or has other bytes than it should.
    """
    budget: dict[int, int] = {}
    others = signatures = 0
    for instruction in instructions:
        content = instruction.content
        if instruction.program != COMPUTE_BUDGET:
            others += 1
            signatures += content[0] if instruction.program in _PRECOMPILED and content else 0
            continue
        number = content[0] if content else -1
        if number in budget or len(content) != _SIZES.get(number):
            raise MalformedMessage(
                f"expected each instruction 1 to 4 of the compute budget at most once, found {content[:9].hex() or 'nothing'}"
            )
        budget[number] = int.from_bytes(content[1:], "little")
    limit = min(budget.get(_LIMIT, _UNITS * others), _MOST_UNITS)
    return PER_SIGNATURE * (1 + signatures) + -(-budget.get(_PRICE, 0) * limit // _PRICE_SCALE)
