"""The byte program of the executor contract: a whole plan as calldata, as small as it can be.

``calldata = selector | version | expires | addresses | steps | guards``, without ABI padding; every byte counts 16 gas.

=========== ======================== ==================================================================================
part        bytes                    meaning
=========== ======================== ==================================================================================
selector    4                        of ``execute()``: what follows is no ABI encoding
version     1                        1
expires     number                   the last height at which the contract carries it out
addresses   1 + 20 n                 every address once, in order of first use; n <= 255
steps       1 + the steps            in order; at most 255 in one list
guards      1 + g (1 + number)       token, least balance at the end, loans repaid
number      1 + L                    length L <= 32, then L bytes, big-endian, without leading zero; 0 is L = 0
name        1 + L                    length 1 <= L <= 64, then ASCII
V2 swap     7 [+ number] [+ number]  op 1 and flags, pool, token in, token out, fee in parts per million (3 bytes)
V3 swap     4 [+ number] [+ number]  op 2 and flags, pool, token in, token out
flash loan  op 3, name, ...          lender, pool, asset, amount (number), fee (number), then its steps like ``steps``
call swap   4, ...                   op 4 and flags, contract, token in, token out [, spender] [, number] [, number] [, number],
                                     length (number, 4 to 65,535), calldata
=========== ======================== ==================================================================================

An address is one byte, its place in ``addresses``. Flags of a swap: 0x10 token0 is sold, 0x20 a fixed input follows (else all that is
held is sold), 0x40 a least output follows (else 0). A plan has one encoding: decoding refuses any other, so that what a signer reads
is what the contract does. Twelve swaps inside a flash loan take some 700 bytes: 26 addresses, 520; the steps, some 80; amounts.

Flags of a call swap, in this order behind its three places: 0x10 the spender is another one than the contract and follows, 0x20 a fixed
input follows, 0x40 a least output follows, 0x80 the place of the amount in the calldata follows; 0x20 or 0x80 or both are set. At that
place, 4 or more, 32 bytes of the calldata are zero. Contract and spender are no token that any step, loan or guard of the program names,
and the tokens differ. The contract carries a call swap out so:

1. The amount is the fixed input, else its whole balance of token in. An amount of 0 or above that balance reverts; so does a contract or
   spender that is the executor itself or one of the two tokens.
2. It notes its balances of both tokens and sets its allowance of token in for the spender to exactly the amount. A token that answers
   nothing has agreed, one that answers ``false`` reverts.
3. Where a place is given it writes the amount there, 32 bytes, big-endian. It calls the contract with the calldata, no native coin and all
   gas left; a failing call reverts with the same words, an address without code reverts.
4. Meanwhile nobody may call it back: it takes the callback of a swap or loan from the pool of the step under way alone, here from none.
5. Whatever is left of the allowance it sets to 0.
6. It reverts if its balance of token in fell by more than the amount, or its balance of token out grew by less than the least output
   (which is a fall where that is 0).

So a call can neither take more than the step sells nor leave a right to take more behind; what it pays is measured, never believed.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from attrs import frozen

from tidemill.hookspecs.chain import Step
from tidemill.units import PPM_SCALE
from tidemill_evm.abi import selector
from tidemill_evm.address import address_bytes
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.executor_reader import NAME, PROGRAM, ProgramReader
from tidemill_evm.steps import CallSwap, FlashLoan, V2Swap, V3Swap

SELECTOR: Final = selector("execute()")
VERSION: Final = 1
MAX_LOANS: Final = 8
"""How deep flash loans may stand inside each other."""

MAX_COUNT: Final = 255
"""The most steps of one list, the most guards and the most addresses: each count is one byte."""
MAX_CALLDATA: Final = 0xFFFF
"""The most bytes that one call swap calls with."""

_V2, _V3, _LOAN, _CALL = 1, 2, 3, 4
_ZERO_FOR_ONE, _HAS_INPUT, _HAS_LEAST = 0x10, 0x20, 0x40
_HAS_SPENDER, _HAS_PLACE = 0x10, 0x80
_SELECTOR_SIZE, _WORD = 4, 32


@frozen
class FlowCall:
    """What a program says: steps, the least final balance per token, the last height at which it may be carried out."""

    steps: tuple[Step, ...]
    guards: tuple[tuple[str, int], ...]
    expires: int


def addresses_of(steps: Sequence[Step]) -> set[str]:
    """Return the addresses that a program of these steps names, those inside loans too; ``MAX_COUNT`` of them, with its guards', fit."""
    found: set[str] = set()
    for step in steps:
        if isinstance(step, FlashLoan):
            found |= {step.pool, step.asset} | addresses_of(step.inner)
        else:
            found |= {getattr(step, name) for name in ("pool", "contract", "spender", "token_in", "token_out") if hasattr(step, name)}
    return found


def encode_flow(steps: Sequence[Step], guards: Sequence[tuple[str, int]], expires: int) -> bytes:
    """Return the calldata that carries out ``steps``.

    Args:
        steps: V2, V3 and call swaps and flash loans; at least one.
        guards: (token, least balance in base units, above 0) pairs; each token once.
        expires: a height, >= 0.

    Raises:
        EncodeError: an amount, an address, a name or a count has no place in the program, a call goes to a token of the plan, or a step is
            of another family.
    """
    if not steps or len({token for token, _ in guards}) != len(guards):
        raise EncodeError(f"expected a step and guards of distinct tokens, found {len(steps)} steps and guards {tuple(guards)}")
    called = sorted(set(_callees(steps)) & {*_tokens(steps), *(token for token, _ in guards)})
    if called:
        raise EncodeError(f"expected calls of contracts that are no token of the plan, found {', '.join(called)} as contract or spender")
    places: dict[str, int] = {}
    body = _steps(steps, places, MAX_LOANS)
    if len(guards) > MAX_COUNT:
        raise EncodeError(f"expected at most {MAX_COUNT} guards, found {len(guards)}")
    checks = b"".join(_place(token, places) + _number(_positive(least)) for token, least in guards)
    if len(places) > MAX_COUNT:
        raise EncodeError(f"expected at most {MAX_COUNT} addresses, found {len(places)}: split the plan")
    table = b"".join(address_bytes(address) for address in places)
    return b"".join((SELECTOR, bytes((VERSION,)), _number(expires), bytes((len(places),)), table, body, bytes((len(guards),)), checks))


def decode_flow(program: bytes) -> FlowCall:
    """Return what a program says.

    Raises:
        MalformedBytes: it is cut, has a rest, or is not the one encoding of a plan.
    """
    reader = ProgramReader(program)
    if reader.take(4, "selector") != SELECTOR:
        raise MalformedBytes(PROGRAM, 0, f"expected the selector {SELECTOR.hex()}, found {program[:4].hex()}")
    version = reader.byte("version")
    if version != VERSION:
        raise MalformedBytes(PROGRAM, 4, f"expected version {VERSION}, found {version}")
    expires = reader.number("expires")
    reader.read_addresses()
    steps = _read_steps(reader, MAX_LOANS)
    guards: list[tuple[str, int]] = []
    for _ in range(reader.byte("count of guards")):
        at = reader.at
        token = reader.token("token of a guard")
        if any(token == other for other, _ in guards):
            raise MalformedBytes(PROGRAM, at, f"{token} has two guards")
        guards.append((token, reader.positive("least balance")))
    reader.finish()
    return FlowCall(steps, tuple(guards), expires)


def _steps(steps: Sequence[Step], places: dict[str, int], loans: int) -> bytes:
    if not 1 <= len(steps) <= MAX_COUNT:
        raise EncodeError(f"expected 1 to {MAX_COUNT} steps in one list, found {len(steps)}")
    return bytes((len(steps),)) + b"".join(_step(step, places, loans) for step in steps)


def _step(step: Step, places: dict[str, int], loans: int) -> bytes:
    match step:
        case V2Swap():
            if not 0 <= step.fee_ppm < PPM_SCALE:
                raise EncodeError(f"expected a fee below {PPM_SCALE} ppm, found {step.fee_ppm}")
            return _swap(_V2, step, places, step.fee_ppm.to_bytes(3, "big"))
        case V3Swap():
            return _swap(_V3, step, places, b"")
        case FlashLoan():
            if not loans:
                raise EncodeError(f"expected at most {MAX_LOANS} flash loans inside each other")
            if not NAME.fullmatch(step.provider):
                raise EncodeError(f"expected a provider's name of 1 to 64 of a-z 0-9 _ . : -, found {step.provider!r}")
            name = bytes((len(step.provider),)) + step.provider.encode()
            terms = _place(step.pool, places) + _place(step.asset, places) + _number(_positive(step.amount)) + _number(step.fee)
            return bytes((_LOAN,)) + name + terms + _steps(step.inner, places, loans - 1)
        case CallSwap():
            return _call(step, places)
    raise EncodeError(f"{type(step).__name__} is no step of the executor: expected V2Swap, V3Swap, CallSwap or FlashLoan")


def _swap(op: int, step: V2Swap | V3Swap, places: dict[str, int], fee: bytes) -> bytes:
    flags, amounts = _amounts(step)
    op |= flags | (_ZERO_FOR_ONE if step.zero_for_one else 0)
    route = _place(step.pool, places) + _place(step.token_in, places) + _place(step.token_out, places)
    return bytes((op,)) + route + fee + amounts


def _call(step: CallSwap, places: dict[str, int]) -> bytes:
    fault = _call_fault(step)
    if fault:
        raise EncodeError(fault)
    flags, amounts = _amounts(step)
    route = _place(step.contract, places) + _place(step.token_in, places) + _place(step.token_out, places)
    if step.spender != step.contract:
        flags |= _HAS_SPENDER
        route += _place(step.spender, places)
    if step.amount_at is not None:
        flags |= _HAS_PLACE
        amounts += _number(step.amount_at)
    return bytes((_CALL | flags,)) + route + amounts + _number(len(step.calldata)) + step.calldata


def _call_fault(step: CallSwap) -> str:
    """Return what is wrong with a call by itself, "" where nothing is."""
    length, at = len(step.calldata), step.amount_at
    if step.token_in == step.token_out:
        return f"expected a call that buys another token than it sells, found {step.token_in} twice"
    if not _SELECTOR_SIZE <= length <= MAX_CALLDATA:
        return f"expected calldata of {_SELECTOR_SIZE} to {MAX_CALLDATA} bytes, found {length}"
    if at is None:
        return "" if step.amount_in is not None else "expected a fixed amount or its place in the calldata, found neither"
    if not _SELECTOR_SIZE <= at <= length - _WORD:
        return f"expected the amount's place within {length} bytes of calldata, behind the selector, found {at}"
    word = step.calldata[at : at + _WORD]
    return f"expected 32 zero bytes at the amount's place {at}, found {word.hex()}" if any(word) else ""


def _amounts(step: V2Swap | V3Swap | CallSwap) -> tuple[int, bytes]:
    """Return the flags and bytes of a swap's input and least output."""
    flags, amounts = 0, b""
    if step.amount_in is not None:
        flags |= _HAS_INPUT
        amounts += _number(_positive(step.amount_in))
    if step.min_out:
        flags |= _HAS_LEAST
        amounts += _number(step.min_out)
    return flags, amounts


def _tokens(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        match step:
            case FlashLoan():
                yield step.asset
                yield from _tokens(step.inner)
            case V2Swap() | V3Swap() | CallSwap():
                yield from (step.token_in, step.token_out)


def _callees(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        match step:
            case FlashLoan():
                yield from _callees(step.inner)
            case CallSwap():
                yield from (step.contract, step.spender)


def _place(address: str, places: dict[str, int]) -> bytes:
    if address != address.lower():
        raise EncodeError(f"expected an address in lower case, found {address}")
    return bytes((places.setdefault(address, len(places)) & 0xFF,))


def _number(value: int) -> bytes:
    if not 0 <= value < 1 << 256:
        raise EncodeError(f"expected a number of 256 bits, found {value}")
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes((len(raw),)) + raw


def _positive(value: int) -> int:
    if value <= 0:
        raise EncodeError(f"expected an amount above 0, found {value}")
    return value


def _read_steps(reader: ProgramReader, loans: int) -> tuple[Step, ...]:
    start, count = reader.at, reader.byte("count of steps")
    if not count:
        raise MalformedBytes(PROGRAM, start, "expected at least one step")
    return tuple(_read_step(reader, loans) for _ in range(count))


def _read_step(reader: ProgramReader, loans: int) -> Step:
    start, head = reader.at, reader.byte("step")
    op, flags = head & 0x0F, head & 0xF0
    if op == _LOAN and not flags:
        if not loans:
            raise MalformedBytes(PROGRAM, start, f"expected at most {MAX_LOANS} flash loans inside each other")
        name, pool, asset = reader.name(), reader.address("lending pool"), reader.token("asset of a loan")
        amount, fee = reader.positive("amount of a loan"), reader.number("fee of a loan")
        return FlashLoan(name, pool, asset, amount, fee, _read_steps(reader, loans - 1))
    if op == _CALL:
        return _read_call(reader, start, flags)
    if op not in (_V2, _V3) or flags & ~(_ZERO_FOR_ONE | _HAS_INPUT | _HAS_LEAST):
        raise MalformedBytes(PROGRAM, start, f"{head:#04x} is no step")
    pool, token_in, token_out = reader.address("pool"), reader.token("token in"), reader.token("token out")
    fee_at, fee_ppm = reader.at, int.from_bytes(reader.take(3, "fee"), "big") if op == _V2 else 0
    if fee_ppm >= PPM_SCALE:
        raise MalformedBytes(PROGRAM, fee_at, f"expected a fee below {PPM_SCALE} ppm, found {fee_ppm}")
    amount_in = reader.positive("input") if flags & _HAS_INPUT else None
    min_out = reader.positive("least output") if flags & _HAS_LEAST else 0
    zero_for_one = bool(flags & _ZERO_FOR_ONE)
    if op == _V2:
        return V2Swap(pool, token_in, token_out, zero_for_one, fee_ppm, amount_in, min_out)
    return V3Swap(pool, token_in, token_out, zero_for_one, amount_in, min_out)


def _read_call(reader: ProgramReader, start: int, flags: int) -> CallSwap:
    contract, token_in, token_out = reader.callee("contract"), reader.token("token in"), reader.token("token out")
    spender_at, spender = reader.at, reader.callee("spender") if flags & _HAS_SPENDER else contract
    if flags & _HAS_SPENDER and spender == contract:
        raise MalformedBytes(PROGRAM, spender_at, f"expected a spender that is not the contract, found {spender}")
    amount_in = reader.positive("input") if flags & _HAS_INPUT else None
    min_out = reader.positive("least output") if flags & _HAS_LEAST else 0
    amount_at = reader.number("place of the amount") if flags & _HAS_PLACE else None
    calldata = reader.take(reader.number("length of calldata"), "calldata")
    step = CallSwap(contract, spender, token_in, token_out, calldata, amount_at, amount_in, min_out)
    fault = _call_fault(step)
    if fault:
        raise MalformedBytes(PROGRAM, start, fault)
    return step
