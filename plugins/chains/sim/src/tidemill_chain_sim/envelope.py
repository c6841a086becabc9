"""Transactions of the simulated chain as bytes.

A composed plan is a call: ``TMC1 | max fee 16 | count 1 | (token 20 | length 1 | amount)* | program``: the most it may pay (wei a gas),
what the sender hands to the executor, and what the executor does with it as ``tidemill_evm.executor`` encodes it. Sealed, it is a
transaction without its last part:
``TMS1 | sender 20 | nonce 8 | gas limit 8 | max fee 16 | length 4 | call | mac 32``; numbers are big-endian. Signing appends the mac.

The mac is keccak256 over the sender's key and everything before it, and that key is made from the address: it shows that the bytes arrived
whole, and proves nothing about who sent them. No money is behind it.
"""

from collections.abc import Sequence
from typing import Final

from attrs import field, frozen

from tidemill.domain.transaction import Signed, TxRef, Unsigned
from tidemill_evm.address import address_bytes, address_of_bytes
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.keccak import keccak256

_CALL: Final = b"TMC1"
_SEALED: Final = b"TMS1"
_HEADER: Final = 60
_CALL_HEADER: Final = 21
_MAC: Final = 32
_WHAT: Final = "simulated transaction"

Funds = tuple[tuple[str, int], ...]


@frozen
class Transaction:
    """A transaction as it was signed: ``max_fee`` is the most it pays, wei a gas."""

    tx: str
    sender: str
    nonce: int
    gas_limit: int
    max_fee: int
    call: bytes = field(repr=False)


def account_of(name: str) -> str:
    """Return the address of a named account of ours."""
    return address_of_bytes(keccak256(f"tidemill simulated account {name}".encode())[:20])


@frozen
class Call:
    """A call taken apart; ``max_fee`` is the most that it may pay, wei a gas, ``funds`` are base units by token address."""

    max_fee: int
    funds: Funds
    program: bytes


def encode_call(funds: Sequence[tuple[str, int]], program: bytes, max_fee: int) -> bytes:
    """Return a call that hands ``funds`` (token address, base units) to the executor and pays at most ``max_fee`` (wei a gas).

    Raises:
        EncodeError: there are more than 255 tokens, or a number is negative or too large.
    """
    if not 0 <= max_fee < 1 << 128:
        raise EncodeError(f"expected a fee of 128 bits, found {max_fee}")
    if len(funds) > 255:
        raise EncodeError(f"expected funds of at most 255 tokens, found {len(funds)}")
    parts = [_CALL, max_fee.to_bytes(16, "big"), bytes((len(funds),))]
    for token, amount in funds:
        if not 0 <= amount < 1 << 256:
            raise EncodeError(f"expected an amount of 256 bits, found {amount} of {token}")
        raw = amount.to_bytes((amount.bit_length() + 7) // 8, "big")
        parts += [address_bytes(token), bytes((len(raw),)), raw]
    return b"".join((*parts, program))


def decode_call(call: bytes) -> Call:
    """Return a call from its bytes.

    Raises:
        MalformedBytes: it is cut, or no call.
    """
    if call[:4] != _CALL or len(call) < _CALL_HEADER:
        raise MalformedBytes("simulated call", 0, f"expected {_CALL_HEADER} bytes that begin with {_CALL!r}, found {call[:_CALL_HEADER]!r}")
    at, funds = _CALL_HEADER, []
    for _ in range(call[_CALL_HEADER - 1]):
        length = call[at + 20] if len(call) > at + 20 else 0
        end = at + 21 + length
        if end > len(call):
            raise MalformedBytes("simulated call", len(call), f"cut inside its funds: expected {end} bytes, found {len(call)}")
        funds.append((address_of_bytes(call[at : at + 20]), int.from_bytes(call[at + 21 : end], "big")))
        at = end
    return Call(int.from_bytes(call[4:20], "big"), tuple(funds), call[at:])


def seal(unsigned: Unsigned, sender: str, nonce: int) -> Unsigned:
    """Return a composed plan with what is known only at sending.

    Args:
        unsigned: what ``compose`` gave.
        sender: address of the account, lower case.
        nonce: of the account's transactions, from 0 on, without gaps.

    Raises:
        EncodeError: a number does not fit its field.
        MalformedBytes: the plan holds no call.
    """
    for name, number in (("nonce", nonce), ("gas limit", unsigned.compute_limit)):
        if not 0 <= number < 1 << 64:
            raise EncodeError(f"expected a {name} of 64 bits, found {number}")
    max_fee = decode_call(unsigned.payload).max_fee
    numbers = nonce.to_bytes(8, "big") + unsigned.compute_limit.to_bytes(8, "big") + max_fee.to_bytes(16, "big")
    body = _SEALED + address_bytes(sender) + numbers + len(unsigned.payload).to_bytes(4, "big") + unsigned.payload
    return Unsigned(unsigned.plan, unsigned.chain, body, unsigned.compute_limit, unsigned.expires, unsigned.digest, unsigned.compute)


def call_of(unsigned: Unsigned) -> bytes:
    """Return the call of a plan, composed or sealed."""
    return unsigned.payload[_HEADER:] if unsigned.payload[:4] == _SEALED else unsigned.payload


def sign(sealed: Unsigned) -> Signed:
    """Return the bytes to broadcast.

    Raises:
        MalformedBytes: the plan was not sealed.
    """
    body = sealed.payload
    if body[:4] != _SEALED:
        raise MalformedBytes(_WHAT, 0, f"expected a sealed plan, which begins with {_SEALED!r}, found {body[:4]!r}")
    raw = body + _mac(body)
    return Signed(sealed.plan, TxRef(sealed.chain, tx_hash(raw)), raw)


def tx_hash(raw: bytes) -> str:
    """Return the hash that names signed bytes."""
    return "0x" + keccak256(raw).hex()


def decode_transaction(raw: bytes) -> Transaction:
    """Return a transaction from signed bytes.

    Raises:
        MalformedBytes: the bytes are cut or altered, or are no such transaction.
    """
    if raw[:4] != _SEALED:
        raise MalformedBytes(_WHAT, 0, f"expected it to begin with {_SEALED!r}, found {raw[:4]!r}")
    end = _HEADER + int.from_bytes(raw[56:60], "big")
    if len(raw) != end + _MAC:
        raise MalformedBytes(_WHAT, min(len(raw), end + _MAC), f"expected {end + _MAC} bytes, found {len(raw)}")
    sender = address_of_bytes(raw[4:24])
    if _mac(raw[:end]) != raw[end:]:
        raise MalformedBytes(_WHAT, end, f"the mac is not that of {sender}")
    numbers = (int.from_bytes(raw[24:32], "big"), int.from_bytes(raw[32:40], "big"), int.from_bytes(raw[40:56], "big"))
    return Transaction(tx_hash(raw), sender, *numbers, call=raw[_HEADER:end])


def _mac(body: bytes) -> bytes:
    key = keccak256(b"tidemill simulated key" + body[4:24])
    return keccak256(key + body)
