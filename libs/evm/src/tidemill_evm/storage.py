"""State of contracts: how slots and answers of calls are named, where mappings keep their values, words as bytes."""

import re
from functools import lru_cache
from typing import Final

from tidemill.domain.ids import Key
from tidemill_evm.address import address_bytes, normalize_address
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.keccak import keccak256

_CALL_KEY: Final = re.compile(r"(0x[0-9a-f]{40}):call:0x((?:[0-9a-f]{2})*)")


def storage_key(address: str, slot: int) -> Key:
    """Return the key of a storage slot, ``<address>:<slot in hexadecimal>``; ``address`` is already in lower case."""
    return Key(f"{address}:{slot:#x}")


def split_key(key: Key) -> tuple[str, int]:
    """Return the contract and the slot that a key names.

    Raises:
        MalformedBytes: it is not of the form that ``storage_key`` writes.
    """
    address, colon, slot = key.partition(":")
    try:
        number = int(slot, 16)
    except ValueError as error:
        raise MalformedBytes("storage key", len(address) + 1, f"expected <address>:<slot hex>, found {key!r}") from error
    if not colon or storage_key(normalize_address(address), number) != key or not 0 <= number < 1 << 256:
        raise MalformedBytes("storage key", 0, f"expected <address>:<slot hex>, found {key!r}")
    return address, number


def call_key(address: str, calldata: bytes) -> Key:
    """Return the key of what a contract answers to a call, ``<address>:call:0x<calldata>``, all digits in lower case.

    ``call_key(vault, encode_call("getPoolTokens(bytes32)", (pool_id,)))``. The value is what ``eth_call`` returns at that height, with the
    zero address as sender and no coin sent: ask only for what does not depend on who asks. None, known to be absent, says that the call
    reverts; no bytes at all are the answer where there is no contract.

    A key that is watched is repeated when its answer changes, like any other. Nothing on chain tells when it does, so that a chain has to
    call again in each block: where a slot or a log says the same, watch that. What a contract can never change is read once, not watched.

    Args:
        address: of the contract, in any capitals.
        calldata: the selector and the arguments, as ``encode_call`` gives them.

    Raises:
        EncodeError: it is no address.
    """
    return Key(f"0x{address_bytes(address).hex()}:call:0x{calldata.hex()}")


def split_call_key(key: Key) -> tuple[str, bytes]:
    """Return the contract and the calldata that a key names.

    Raises:
        MalformedBytes: it is not of the form that ``call_key`` writes; a slot's key is not.
    """
    found = _CALL_KEY.fullmatch(key)
    if not found:
        raise MalformedBytes("call key", 0, f"expected <address>:call:0x<calldata hex> in lower case, found {key!r}")
    return found[1], bytes.fromhex(found[2])


@lru_cache(maxsize=1 << 16)
def mapping_slot(key: int, base: int) -> int:
    """Return the slot of ``key`` in the mapping that stands at slot ``base``; a negative key is sign-extended.

    Solidity, "Layout of State Variables in Storage": keccak256 of the key as a word, then the slot as a word. Pools of one kind
    share these slots, so that they are worth remembering.

    Raises:
        EncodeError: key or slot do not fit 256 bits.
    """
    if not (-(1 << 255) <= key < 1 << 256 and 0 <= base < 1 << 256):
        raise EncodeError(f"expected a key and a slot within 256 bits, found {key} and {base}")
    return int.from_bytes(keccak256((key % (1 << 256)).to_bytes(32, "big") + base.to_bytes(32, "big")), "big")


def word_bytes(word: int) -> bytes:
    """Return a storage word, 0 <= word < 2**256, as the 32 bytes that sources report.

    Raises:
        EncodeError: it does not fit.
    """
    if not 0 <= word < 1 << 256:
        raise EncodeError(f"expected a word of 256 bits, found {word}")
    return word.to_bytes(32, "big")


def word_number(value: bytes, what: str = "storage word") -> int:
    """Return the number in a storage word; ``what`` names it in the error.

    Raises:
        MalformedBytes: there are not 32 bytes.
    """
    if len(value) != 32:
        raise MalformedBytes(what, min(len(value), 32), f"expected 32 bytes, found {len(value)}")
    return int.from_bytes(value, "big")
