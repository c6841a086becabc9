"""What instructions of the system program and of the two token programs do to the account that signs.

Numbers and layouts: agave ``system_interface::instruction`` (bincode, little-endian, four bytes of number) and
``spl_token::instruction`` (one byte of number).
"""

from typing import Final

from tidemill.domain.ids import AssetId, ChainId
from tidemill.domain.signing import Action
from tidemill_codec_solana.errors import MalformedMessage
from tidemill_codec_solana.message import Instruction

SYSTEM: Final = "1" * 32
TOKEN: Final = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
TOKEN_2022: Final = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
COMPUTE_BUDGET: Final = "ComputeBudget111111111111111111111111111111"

_METHOD_SIZES: Final = {SYSTEM: 4, TOKEN: 1, TOKEN_2022: 1, COMPUTE_BUDGET: 1}
_METHOD_SIZE: Final = 8
_CREATE, _TRANSFER, _CREATE_SEEDED, _ADVANCE_NONCE, _WITHDRAW_NONCE, _TRANSFER_SEEDED = 0, 2, 3, 4, 5, 11
_CREATE_PREFUNDED = _LAST_SYSTEM = 13
_SYSTEM_SIZES: Final = {_CREATE: 52, _TRANSFER: 12, _WITHDRAW_NONCE: 12, _CREATE_PREFUNDED: 52}
_SEED_AT: Final = {_CREATE_SEEDED: 36, _TRANSFER_SEEDED: 12}
_LONGEST_SEED: Final = 32
_UNCHECKED: Final = {3: "TransferChecked", 4: "ApproveChecked"}
_AMOUNTS: Final = {12: 10, 13: 10, 8: 9, 15: 10}
"""Bytes of TransferChecked, ApproveChecked, Burn and BurnChecked; the mint is the second account of each."""
_LAST_TOKEN: Final = 24


def action_of(chain: ChainId, instruction: Instruction) -> Action:
    """Return what an instruction does.

    Raises:
        MalformedMessage: it is one of these programs' and not known, has other bytes than it should, or moves tokens that it does not name.
    """
    program, content = instruction.program, instruction.content
    head = content[: _METHOD_SIZES.get(program, _METHOD_SIZE)]
    value = _lamports(content) if program == SYSTEM else 0
    spends = _spends(chain, instruction) if program in (TOKEN, TOKEN_2022) else ()
    return Action(program, f"0x{head.hex()}" if head else "", value, spends)


def _lamports(content: bytes) -> int:
    """Return what an instruction of the system program takes."""
    number = int.from_bytes(content[:4], "little")
    if len(content) < 4 or number > _LAST_SYSTEM:
        raise MalformedMessage(f"the system program has no instruction {content[:4].hex()}")
    if number == _ADVANCE_NONCE:
        raise MalformedMessage("it advances a durable nonce: such a transaction does not expire")
    at = 4
    if number in _SEED_AT:
        at, end = _seeded(number, content)
    elif number in _SYSTEM_SIZES:
        end = _SYSTEM_SIZES[number]
    else:
        return 0
    if len(content) != end:
        raise MalformedMessage(f"expected {end} bytes of instruction {number} of the system program, found {len(content)}")
    return int.from_bytes(content[at : at + 8], "little")


def _seeded(number: int, content: bytes) -> tuple[int, int]:
    """Return where the lamports of an instruction with a seed stand, and where it ends."""
    start = _SEED_AT[number]
    length = int.from_bytes(content[start : start + 8], "little")
    if length > _LONGEST_SEED:
        raise MalformedMessage(f"expected a seed of at most {_LONGEST_SEED} bytes, found {length}")
    if number == _TRANSFER_SEEDED:
        return 4, start + 8 + length + 32
    return start + 8 + length, start + 8 + length + 8 + 8 + 32


def _spends(chain: ChainId, instruction: Instruction) -> tuple[tuple[AssetId, int], ...]:
    content, accounts = instruction.content, instruction.accounts
    number = content[0] if content else -1
    if number in _UNCHECKED:
        raise MalformedMessage(f"it moves tokens without naming them: use {_UNCHECKED[number]}")
    if not 0 <= number <= _LAST_TOKEN:
        raise MalformedMessage(f"expected an instruction 0 to {_LAST_TOKEN} of a token program, found {content[:1].hex() or 'nothing'}")
    if number not in _AMOUNTS:
        return ()
    if len(content) != _AMOUNTS[number]:
        raise MalformedMessage(f"expected {_AMOUNTS[number]} bytes of instruction {number} of a token program, found {len(content)}")
    mint = accounts[1] if len(accounts) > 1 else None
    if mint is None:
        raise MalformedMessage("the mint of what is spent is not named: expected it as the second account, not out of a lookup table")
    amount = int.from_bytes(content[1:9], "little")
    return ((AssetId(f"{chain}/token:{mint}"), amount),) if amount else ()
