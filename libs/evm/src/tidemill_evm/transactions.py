"""Transactions of EIP-1559: as values, as bytes that are signed, as bytes that are broadcast.

What is signed is ``0x02`` and a list of nine items (EIP-1559, EIP-2718); a signed transaction has three more, parity, r and s. What
waits for a signature is a *payload*: the 20 bytes of the sender, which the list does not name, and behind them what is signed.
"""

from collections.abc import Sequence
from typing import Final

from attrs import field, frozen

from tidemill_evm import rlp
from tidemill_evm.address import address_bytes, address_of_bytes
from tidemill_evm.errors import EncodeError, MalformedBytes

TYPE: Final = 2
"""The type of EIP-2718 that EIP-1559 has."""
SENDER: Final = 20
"""Bytes of a payload before what is signed."""
SIGNATURE: Final = 65
MOST_NONCE: Final = (1 << 64) - 2
"""EIP-2681: with a higher one a transaction is invalid."""
_FIELDS, _SIGNED_FIELDS = 9, 12
_WHAT: Final = "transaction"
_OTHERS: Final = {1: "EIP-2930 (access list)", 3: "EIP-4844 (blobs)", 4: "EIP-7702 (code of an account)"}

AccessList = tuple[tuple[str, tuple[bytes, ...]], ...]


@frozen
class Transaction:
    """A transaction of EIP-1559.

    ``max_priority_fee`` and ``max_fee`` are wei a gas, the first not above the second; ``value`` is wei; ``to`` is an address in lower
    case, "" where a contract is made. ``access_list`` holds addresses with their slots of 32 bytes: it changes what gas costs alone.
    """

    chain_id: int
    nonce: int
    max_priority_fee: int
    max_fee: int
    gas_limit: int
    to: str
    value: int
    calldata: bytes = field(repr=False)
    access_list: AccessList = ()

    @property
    def most_cost(self) -> int:
        """The most that inclusion can cost by EIP-1559, wei; what a rollup charges besides for the bytes stands nowhere in them."""
        return self.gas_limit * self.max_fee


def encode_unsigned(transaction: Transaction) -> bytes:
    """Return the bytes whose keccak256 is signed.

    Raises:
        EncodeError: a number is negative, or an address none.
    """
    numbers = (
        transaction.chain_id,
        transaction.nonce,
        transaction.max_priority_fee,
        transaction.max_fee,
        transaction.gas_limit,
    )
    to = address_bytes(transaction.to) if transaction.to else b""
    slots = tuple((address_bytes(address), keys) for address, keys in transaction.access_list)
    head = tuple(rlp.encode_number(number) for number in numbers)
    return bytes((TYPE,)) + rlp.encode((*head, to, rlp.encode_number(transaction.value), transaction.calldata, slots))


def decode_unsigned(raw: bytes) -> Transaction:
    """Return the transaction that the bytes are.

    Raises:
        MalformedBytes: they are cut, have a rest, are not its one encoding, are of another type, or no chain would accept their numbers.
    """
    items = _items(raw, _FIELDS)
    head = [_bytes(item) for item in items[:8]]
    chain_id = rlp.decode_number(head[0], 256, "chain id")
    nonce = rlp.decode_number(head[1], 64, "nonce")
    priority, most = rlp.decode_number(head[2], 256, "max priority fee"), rlp.decode_number(head[3], 256, "max fee")
    gas_limit, value = rlp.decode_number(head[4], 64, "gas limit"), rlp.decode_number(head[6], 256, "value")
    to = address_of_bytes(head[5]) if head[5] else ""
    if nonce > MOST_NONCE:
        raise MalformedBytes("nonce", 0, f"expected at most {MOST_NONCE} (EIP-2681), found {nonce}")
    if priority > most:
        raise MalformedBytes("max priority fee", 0, "expected at most the max fee, found more")
    return Transaction(chain_id, nonce, priority, most, gas_limit, to, value, head[7], _access_list(items[8]))


def encode_payload(sender: str, transaction: Transaction) -> bytes:
    """Return what waits for the signature of ``sender``.

    Raises:
        EncodeError: as ``encode_unsigned``.
    """
    return address_bytes(sender) + encode_unsigned(transaction)


def decode_payload(payload: bytes) -> tuple[str, Transaction]:
    """Return the sender of a payload and its transaction.

    Raises:
        MalformedBytes: as ``decode_unsigned``, or it is too short to name a sender.
    """
    if len(payload) <= SENDER:
        raise MalformedBytes(_WHAT, len(payload), f"expected {SENDER} bytes of the sender and a transaction, found {len(payload)}")
    return address_of_bytes(payload[:SENDER]), decode_unsigned(payload[SENDER:])


def add_signature(unsigned: bytes, signature: bytes) -> bytes:
    """Return the bytes to broadcast.

    Args:
        unsigned: what ``encode_unsigned`` gave.
        signature: r and s, 32 bytes each, and the recovery number, 0 or 1.

    Raises:
        EncodeError: the signature has another length. MalformedBytes: the bytes are no transaction.
    """
    if len(signature) != SIGNATURE:
        raise EncodeError(f"expected a signature of {SIGNATURE} bytes, found {len(signature)}")
    numbers = (signature[64], int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big"))
    items = (*_items(unsigned, _FIELDS), *(rlp.encode_number(number) for number in numbers))
    return bytes((TYPE,)) + rlp.encode(items)


def split_signature(raw: bytes) -> tuple[bytes, bytes]:
    """Return what was signed of a signed transaction, and the signature as ``add_signature`` takes it; it is not verified.

    Raises:
        MalformedBytes: the bytes are cut, have a rest, or are no signed transaction in its one encoding.
    """
    items = _items(raw, _SIGNED_FIELDS)
    parity = rlp.decode_number(_bytes(items[9]), 1, "parity")
    r, s = (rlp.decode_number(_bytes(item), 256, "signature") for item in items[10:])
    return bytes((TYPE,)) + rlp.encode(items[:_FIELDS]), r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((parity,))


def _items(raw: bytes, count: int) -> Sequence[rlp.Item]:
    if raw[:1] != bytes((TYPE,)):
        raise MalformedBytes(_WHAT, 0, f"expected type 2 (EIP-1559), found {_type_of(raw)}")
    items = rlp.decode(raw[1:])
    if isinstance(items, bytes) or len(items) != count:
        found = "bytes" if isinstance(items, bytes) else f"a list of {len(items)}"
        raise MalformedBytes(_WHAT, 1, f"expected a list of {count} items, found {found}")
    return items


def _type_of(raw: bytes) -> str:
    if not raw:
        return "nothing"
    return "a legacy transaction" if raw[0] >= 0xC0 else f"type {raw[0]}, {_OTHERS.get(raw[0], 'which is unknown')}"


def _bytes(item: rlp.Item) -> bytes:
    if not isinstance(item, bytes):
        raise MalformedBytes(_WHAT, 0, f"expected bytes, found a list of {len(item)} items")
    return item


def _access_list(item: rlp.Item) -> AccessList:
    found = []
    for entry in _list(item):
        parts = _list(entry)
        if len(parts) != 2:
            raise MalformedBytes("access list", 0, f"expected an address and its slots, found {len(parts)} items")
        slots = tuple(_bytes(slot) for slot in _list(parts[1]))
        if any(len(slot) != 32 for slot in slots):
            raise MalformedBytes("access list", 0, "expected slots of 32 bytes")
        found.append((address_of_bytes(_bytes(parts[0])), slots))
    return tuple(found)


def _list(item: rlp.Item) -> Sequence[rlp.Item]:
    if isinstance(item, bytes):
        raise MalformedBytes("access list", 0, f"expected a list, found {len(item)} bytes")
    return item
