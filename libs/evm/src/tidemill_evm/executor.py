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
=========== ======================== ==================================================================================

An address is one byte, its place in ``addresses``. Flags of a swap: 0x10 token0 is sold, 0x20 a fixed input follows (else all that is
held is sold), 0x40 a least output follows (else 0). A plan has one encoding: decoding refuses any other, so that what a signer reads
is what the contract does. Twelve swaps inside a flash loan take some 700 bytes: 26 addresses, 520; the steps, some 80; amounts.
"""

import re
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from tidemill.hookspecs.chain import Step
from tidemill.units import PPM_SCALE
from tidemill_evm.abi import selector
from tidemill_evm.address import address_bytes
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.steps import FlashLoan, V2Swap, V3Swap

SELECTOR: Final = selector("execute()")
VERSION: Final = 1
MAX_LOANS: Final = 8
"""How deep flash loans may stand inside each other."""

_V2, _V3, _LOAN = 1, 2, 3
_ZERO_FOR_ONE, _HAS_INPUT, _HAS_LEAST = 0x10, 0x20, 0x40
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,63}")
_WHAT: Final = "executor program"


@frozen
class FlowCall:
    """What a program says: steps, the least final balance per token, the last height at which it may be carried out."""

    steps: tuple[Step, ...]
    guards: tuple[tuple[str, int], ...]
    expires: int


def encode_flow(steps: Sequence[Step], guards: Sequence[tuple[str, int]], expires: int) -> bytes:
    """Return the calldata that carries out ``steps``.

    Args:
        steps: V2 and V3 swaps and flash loans; at least one.
        guards: (token, least balance in base units, above 0) pairs; each token once.
        expires: a height, >= 0.

    Raises:
        EncodeError: an amount, an address, a name or a count has no place in the program, or a step is of another family.
    """
    if not steps or len({token for token, _ in guards}) != len(guards):
        raise EncodeError(f"expected a step and guards of distinct tokens, found {len(steps)} steps and guards {tuple(guards)}")
    places: dict[str, int] = {}
    body = _steps(steps, places, MAX_LOANS)
    if len(guards) > 255:
        raise EncodeError(f"expected at most 255 guards, found {len(guards)}")
    checks = b"".join(_place(token, places) + _number(_positive(least)) for token, least in guards)
    if len(places) > 255:
        raise EncodeError(f"expected at most 255 addresses, found {len(places)}: split the plan")
    table = b"".join(address_bytes(address) for address in places)
    return b"".join((SELECTOR, bytes((VERSION,)), _number(expires), bytes((len(places),)), table, body, bytes((len(guards),)), checks))


def decode_flow(program: bytes) -> FlowCall:
    """Return what a program says.

    Raises:
        MalformedBytes: it is cut, has a rest, or is not the one encoding of a plan.
    """
    reader = _Reader(program)
    if reader.take(4, "selector") != SELECTOR:
        raise MalformedBytes(_WHAT, 0, f"expected the selector {SELECTOR.hex()}, found {program[:4].hex()}")
    version = reader.byte("version")
    if version != VERSION:
        raise MalformedBytes(_WHAT, 4, f"expected version {VERSION}, found {version}")
    expires = reader.number("expires")
    reader.read_addresses()
    steps = _read_steps(reader, MAX_LOANS)
    guards: list[tuple[str, int]] = []
    for _ in range(reader.byte("count of guards")):
        at = reader.at
        token = reader.address("token of a guard")
        if any(token == other for other, _ in guards):
            raise MalformedBytes(_WHAT, at, f"{token} has two guards")
        guards.append((token, reader.positive("least balance")))
    reader.finish()
    return FlowCall(steps, tuple(guards), expires)


def _steps(steps: Sequence[Step], places: dict[str, int], loans: int) -> bytes:
    if not 1 <= len(steps) <= 255:
        raise EncodeError(f"expected 1 to 255 steps in one list, found {len(steps)}")
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
            if not _NAME.fullmatch(step.provider):
                raise EncodeError(f"expected a provider's name of 1 to 64 of a-z 0-9 _ . : -, found {step.provider!r}")
            name = bytes((len(step.provider),)) + step.provider.encode()
            terms = _place(step.pool, places) + _place(step.asset, places) + _number(_positive(step.amount)) + _number(step.fee)
            return bytes((_LOAN,)) + name + terms + _steps(step.inner, places, loans - 1)
    raise EncodeError(f"{type(step).__name__} is no step of the executor: expected V2Swap, V3Swap or FlashLoan")


def _swap(op: int, step: V2Swap | V3Swap, places: dict[str, int], fee: bytes) -> bytes:
    amounts = b""
    if step.zero_for_one:
        op |= _ZERO_FOR_ONE
    if step.amount_in is not None:
        op |= _HAS_INPUT
        amounts += _number(_positive(step.amount_in))
    if step.min_out:
        op |= _HAS_LEAST
        amounts += _number(step.min_out)
    route = _place(step.pool, places) + _place(step.token_in, places) + _place(step.token_out, places)
    return bytes((op,)) + route + fee + amounts


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


class _Reader:
    """Reads a program from its beginning and knows where it is."""

    def __init__(self, program: bytes) -> None:
        self.at = 0
        self._program = program
        self._addresses: tuple[str, ...] = ()
        self._used = 0

    def take(self, count: int, what: str) -> bytes:
        raw = self._program[self.at : self.at + count]
        if len(raw) != count:
            raise MalformedBytes(
                _WHAT, len(self._program), f"cut inside {what}: expected {count} bytes from {self.at} on, found {len(raw)}"
            )
        self.at += count
        return raw

    def byte(self, what: str) -> int:
        return self.take(1, what)[0]

    def number(self, what: str) -> int:
        start, length = self.at, self.byte(what)
        if length > 32:
            raise MalformedBytes(_WHAT, start, f"expected a {what} of at most 32 bytes, found {length}")
        raw = self.take(length, what)
        if raw[:1] == b"\0":
            raise MalformedBytes(_WHAT, start + 1, f"{what} has a leading zero")
        return int.from_bytes(raw, "big")

    def positive(self, what: str) -> int:
        start, value = self.at, self.number(what)
        if not value:
            raise MalformedBytes(_WHAT, start, f"expected a {what} above 0")
        return value

    def name(self) -> str:
        start, length = self.at, self.byte("name")
        text = self.take(length, "name").decode("latin-1")
        if not _NAME.fullmatch(text):
            raise MalformedBytes(_WHAT, start, f"{text!r} is no provider's name")
        return text

    def read_addresses(self) -> None:
        count, start = self.byte("count of addresses"), self.at
        self._addresses = tuple("0x" + self.take(20, "address").hex() for _ in range(count))
        for place, address in enumerate(self._addresses):
            if address in self._addresses[:place]:
                raise MalformedBytes(_WHAT, start + 20 * place, f"address {address} stands there twice")

    def address(self, what: str) -> str:
        start, place = self.at, self.byte(what)
        if place > self._used or place >= len(self._addresses):
            known = min(self._used + 1, len(self._addresses))
            raise MalformedBytes(_WHAT, start, f"expected one of the first {known} addresses as {what}, found number {place}")
        self._used = max(self._used, place + 1)
        return self._addresses[place]

    def finish(self) -> None:
        if self.at != len(self._program):
            raise MalformedBytes(_WHAT, self.at, f"expected the end, found {len(self._program) - self.at} bytes more")
        if self._used != len(self._addresses):
            raise MalformedBytes(_WHAT, self.at, f"expected {self._used} addresses, found {len(self._addresses) - self._used} unused")


def _read_steps(reader: _Reader, loans: int) -> tuple[Step, ...]:
    start, count = reader.at, reader.byte("count of steps")
    if not count:
        raise MalformedBytes(_WHAT, start, "expected at least one step")
    return tuple(_read_step(reader, loans) for _ in range(count))


def _read_step(reader: _Reader, loans: int) -> Step:
    start, head = reader.at, reader.byte("step")
    op, flags = head & 0x0F, head & 0xF0
    if op == _LOAN and not flags:
        if not loans:
            raise MalformedBytes(_WHAT, start, f"expected at most {MAX_LOANS} flash loans inside each other")
        name, pool, asset = reader.name(), reader.address("lending pool"), reader.address("asset of a loan")
        amount, fee = reader.positive("amount of a loan"), reader.number("fee of a loan")
        return FlashLoan(name, pool, asset, amount, fee, _read_steps(reader, loans - 1))
    if op not in (_V2, _V3) or flags & ~(_ZERO_FOR_ONE | _HAS_INPUT | _HAS_LEAST):
        raise MalformedBytes(_WHAT, start, f"{head:#04x} is no step")
    pool, token_in, token_out = reader.address("pool"), reader.address("token in"), reader.address("token out")
    fee_at, fee_ppm = reader.at, int.from_bytes(reader.take(3, "fee"), "big") if op == _V2 else 0
    if fee_ppm >= PPM_SCALE:
        raise MalformedBytes(_WHAT, fee_at, f"expected a fee below {PPM_SCALE} ppm, found {fee_ppm}")
    amount_in = reader.positive("input") if flags & _HAS_INPUT else None
    min_out = reader.positive("least output") if flags & _HAS_LEAST else 0
    zero_for_one = bool(flags & _ZERO_FOR_ONE)
    if op == _V2:
        return V2Swap(pool, token_in, token_out, zero_for_one, fee_ppm, amount_in, min_out)
    return V3Swap(pool, token_in, token_out, zero_for_one, amount_in, min_out)
