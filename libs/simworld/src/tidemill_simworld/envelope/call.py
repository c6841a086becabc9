"""Calls: what a plan composes to.

``TMC1 | max fee 16 | count 1 | (token 20 | length 1 | amount)* | program``: the most it may pay (wei a gas), what the sender hands to the
executor, and what the executor does with it as ``tidemill_evm.executor`` encodes it. Numbers are big-endian, amounts without leading zeros.
A call without funds and without a program does nothing, and costs what a bare transaction costs.
"""

from collections.abc import Sequence
from typing import Final

from attrs import field, frozen

from tidemill_evm.address import address_bytes, address_of_bytes
from tidemill_evm.errors import EncodeError, MalformedBytes

_MAGIC: Final = b"TMC1"
_HEADER: Final = 21
_WHAT: Final = "simulated call"

Funds = tuple[tuple[str, int], ...]


@frozen
class Call:
    """A call taken apart; ``max_fee`` is the most that it may pay, wei a gas, ``funds`` are base units by token address."""

    max_fee: int
    funds: Funds
    program: bytes = field(repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether it does nothing but be included."""
        return not self.funds and not self.program


def encode_call(funds: Sequence[tuple[str, int]], program: bytes, max_fee: int) -> bytes:
    """Return a call that hands ``funds`` (token address, base units) to the executor and pays at most ``max_fee`` (wei a gas).

    Raises:
        EncodeError: there are more than 255 tokens, or a number is negative or too large.
    """
    if not 0 <= max_fee < 1 << 128:
        raise EncodeError(f"expected a fee of 128 bits, found {max_fee}")
    if len(funds) > 255:
        raise EncodeError(f"expected funds of at most 255 tokens, found {len(funds)}")
    parts = [_MAGIC, max_fee.to_bytes(16, "big"), bytes((len(funds),))]
    for token, amount in funds:
        if not 0 <= amount < 1 << 256:
            raise EncodeError(f"expected an amount of 256 bits, found {amount} of {token}")
        raw = amount.to_bytes((amount.bit_length() + 7) // 8, "big")
        parts += [address_bytes(token), bytes((len(raw),)), raw]
    return b"".join((*parts, program))


def decode_call(call: bytes) -> Call:
    """Return a call from its bytes.

    Raises:
        MalformedBytes: it is cut, or no call, or an amount has more than 32 bytes or leading zeros.
    """
    if call[:4] != _MAGIC or len(call) < _HEADER:
        raise MalformedBytes(_WHAT, 0, f"expected {_HEADER} bytes that begin with {_MAGIC!r}, found {call[:_HEADER]!r}")
    at, funds = _HEADER, []
    for _ in range(call[_HEADER - 1]):
        length = call[at + 20] if len(call) > at + 20 else 0
        end = at + 21 + length
        if end > len(call):
            raise MalformedBytes(_WHAT, len(call), f"cut inside its funds: expected {end} bytes, found {len(call)}")
        raw = call[at + 21 : end]
        if length > 32 or raw[:1] == b"\0":
            raise MalformedBytes(_WHAT, at + 20, f"expected an amount of at most 32 bytes without leading zeros, found {raw.hex()}")
        funds.append((address_of_bytes(call[at : at + 20]), int.from_bytes(raw, "big")))
        at = end
    return Call(int.from_bytes(call[4:20], "big"), tuple(funds), call[at:])
