"""Sealed transactions: calls with what is known only at sending, in the form that is signed.

Of an ``evm`` account: ``TME1 | chain 4 | sender 20 | nonce 8 | gas limit 8 | length 4 | call``.
Of an ``svm`` account: ``TMV1 | chain 4 | sender 32 | block hash 32 | last valid height 8 | gas limit 8 | length 4 | call``.

Numbers are big-endian; ``chain`` is the number in the CAIP-2 id. The nonces of an account are used in order, from 0 on, without gaps. A
block hash lets a transaction be included once, in a block upon the one that it names and up to the last valid height.
"""

import re
from typing import Final

from attrs import field, frozen

from tidemill.domain.ids import ChainId
from tidemill.domain.signing import Scheme
from tidemill.domain.transaction import Unsigned
from tidemill_evm.address import address_of_bytes
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_simworld.chain import CHAIN
from tidemill_simworld.envelope.accounts import account_bytes, scheme_of
from tidemill_simworld.envelope.base58 import encode_base58
from tidemill_simworld.envelope.call import decode_call

EVM: Final = b"TME1"
SVM: Final = b"TMV1"
_HEADERS: Final = {EVM: 48, SVM: 92}
_CHAIN_NUMBER: Final = int(CHAIN.partition(":")[2])
_WHAT: Final = "simulated transaction"
_NONCE, _BLOCKHASH = "nonce:", "blockhash:"
_DIGITS: Final = re.compile(r"nonce:(0|[1-9][0-9]{0,19})")
_BLOCK_HASH: Final = re.compile(r"blockhash:0x([0-9a-f]{64})")


@frozen
class Sealed:
    """A sealed transaction taken apart.

    ``slot`` is ``nonce:<number>`` or ``blockhash:<hash>`` as in ``Reading``; ``last_valid`` is the last height that may include it, 0 where
    a nonce stands. ``max_fee`` is the most that the call pays, wei a gas, so that inclusion costs at most ``gas_limit * max_fee`` wei.
    """

    chain: ChainId
    scheme: Scheme
    account: str
    slot: str
    last_valid: int
    gas_limit: int
    max_fee: int
    call: bytes = field(repr=False)

    @property
    def nonce(self) -> int:
        """The number in the slot of an ``evm`` account's transaction; 0 of others."""
        return int(self.slot.removeprefix(_NONCE)) if self.slot.startswith(_NONCE) else 0

    @property
    def block_hash(self) -> str:
        """The hash in the slot of an ``svm`` account's transaction; "" of others."""
        return self.slot.removeprefix(_BLOCKHASH) if self.slot.startswith(_BLOCKHASH) else ""

    @property
    def most_cost(self) -> int:
        """The most that inclusion can cost, wei."""
        return self.gas_limit * self.max_fee


def nonce_slot(nonce: int) -> str:
    """Return the slot of a nonce."""
    return f"{_NONCE}{nonce}"


def blockhash_slot(block_hash: str) -> str:
    """Return the slot of a block hash, which is ``0x`` and 64 digits."""
    return f"{_BLOCKHASH}{block_hash}"


def seal(unsigned: Unsigned, account: str, slot: str, last_valid: int = 0) -> Unsigned:
    """Return a composed plan with what is known only at sending.

    Args:
        unsigned: what ``compose`` gave.
        account: the address that signs.
        slot: ``nonce:<number>`` for an ``evm`` account, ``blockhash:<hash>`` for an ``svm`` one.
        last_valid: for an ``svm`` account the last height that may include it.

    Raises:
        EncodeError: a number does not fit its field, or the slot is not of the account's kind.
        MalformedBytes: the plan holds no call.
    """
    decode_call(unsigned.payload)
    if scheme_of(account) == "secp256k1":
        head, numbers = EVM, (("nonce", _nonce(slot)), ("gas limit", unsigned.compute_limit))
        once = b""
    else:
        head, numbers = SVM, (("last valid height", last_valid), ("gas limit", unsigned.compute_limit))
        once = _block_hash(slot)
    fields = b"".join(_eight(name, number) for name, number in numbers)
    length = len(unsigned.payload).to_bytes(4, "big")
    body = head + _CHAIN_NUMBER.to_bytes(4, "big") + account_bytes(account) + once + fields + length + unsigned.payload
    return Unsigned(unsigned.plan, unsigned.chain, body, unsigned.compute_limit, unsigned.expires, unsigned.digest, unsigned.compute)


def read_sealed(payload: bytes) -> Sealed:
    """Return a sealed transaction from its bytes, read to their end; the program of its call is not looked at.

    Raises:
        MalformedBytes: the bytes are cut, have a rest, are of another chain, or are no such transaction.
    """
    end = sealed_length(payload)
    if len(payload) != end:
        raise MalformedBytes(_WHAT, min(len(payload), end), f"expected {end} bytes, found {len(payload)}")
    chain = int.from_bytes(payload[4:8], "big")
    if chain != _CHAIN_NUMBER:
        raise MalformedBytes(_WHAT, 4, f"expected a transaction of chain {_CHAIN_NUMBER}, found one of chain {chain}")
    call = payload[_HEADERS[payload[:4]] :]
    max_fee = decode_call(call).max_fee
    if payload[:4] == EVM:
        nonce, gas_limit = int.from_bytes(payload[28:36], "big"), int.from_bytes(payload[36:44], "big")
        return Sealed(CHAIN, "secp256k1", address_of_bytes(payload[8:28]), nonce_slot(nonce), 0, gas_limit, max_fee, call)
    slot, last_valid = blockhash_slot("0x" + payload[40:72].hex()), int.from_bytes(payload[72:80], "big")
    gas_limit = int.from_bytes(payload[80:88], "big")
    return Sealed(CHAIN, "ed25519", encode_base58(payload[8:40]), slot, last_valid, gas_limit, max_fee, call)


def sealed_length(raw: bytes) -> int:
    """Return how many bytes the sealed transaction has that stands at the beginning of ``raw``, as its header says.

    Raises:
        MalformedBytes: they begin as none, or end inside the header.
    """
    header = _HEADERS.get(raw[:4])
    if header is None:
        raise MalformedBytes(_WHAT, 0, f"expected it to begin with {EVM!r} or {SVM!r}, found {raw[:4]!r}")
    if len(raw) < header:
        raise MalformedBytes(_WHAT, len(raw), f"cut inside its header of {header} bytes, found {len(raw)}")
    return header + int.from_bytes(raw[header - 4 : header], "big")


def call_of(unsigned: Unsigned) -> bytes:
    """Return the call of a plan, composed or sealed."""
    header = _HEADERS.get(unsigned.payload[:4])
    return unsigned.payload if header is None else unsigned.payload[header:]


def _eight(name: str, number: int) -> bytes:
    if not 0 <= number < 1 << 64:
        raise EncodeError(f"expected a {name} of 64 bits, found {number}")
    return number.to_bytes(8, "big")


def _nonce(slot: str) -> int:
    found = _DIGITS.fullmatch(slot)
    if found is None:
        raise EncodeError(f"expected the slot {_NONCE}<number> of an account that is 0x and 40 digits, found {slot!r}")
    return int(found[1])


def _block_hash(slot: str) -> bytes:
    found = _BLOCK_HASH.fullmatch(slot)
    if found is None:
        raise EncodeError(f"expected the slot {_BLOCKHASH}0x<64 digits> of an account in base58, found {slot!r}")
    return bytes.fromhex(found[1])
