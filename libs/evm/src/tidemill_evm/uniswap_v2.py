"""Where a Uniswap V2 pair keeps its state (v2-core 1.0.1, contracts/UniswapV2Pair.sol; the forks kept the layout)."""

from typing import Final

from attrs import frozen

from tidemill.domain.ids import Key
from tidemill.units import UINT112_MAX
from tidemill_evm.errors import EncodeError
from tidemill_evm.storage import storage_key, word_bytes, word_number

TOKEN0_SLOT: Final = 6
TOKEN1_SLOT: Final = 7
RESERVES_SLOT: Final = 8
FACTORY_PAIRS_SLOT: Final = 3
"""The factory's array of all pairs: its length here, its elements from keccak256 of the slot on."""


@frozen
class Reserves:
    """What slot 8 packs: reserves in base units, and the time of the last block that changed them, seconds modulo 2**32."""

    reserve0: int
    reserve1: int
    timestamp: int = 0


def reserves_key(pair: str) -> Key:
    """Return the key of a pair's reserves."""
    return storage_key(pair, RESERVES_SLOT)


def encode_reserves(reserves: Reserves) -> bytes:
    """Return the word of slot 8.

    Raises:
        EncodeError: a reserve does not fit uint112, or the time uint32.
    """
    if not (0 <= reserves.reserve0 <= UINT112_MAX and 0 <= reserves.reserve1 <= UINT112_MAX and 0 <= reserves.timestamp < 1 << 32):
        raise EncodeError(f"expected reserves of 112 bits and a time of 32, found {reserves}")
    return word_bytes(reserves.timestamp << 224 | reserves.reserve1 << 112 | reserves.reserve0)


def decode_reserves(word: bytes) -> Reserves:
    """Return the reserves in slot 8; every word of 32 bytes is one, so that a wrong slot is not noticed here.

    Raises:
        MalformedBytes: there are not 32 bytes.
    """
    number = word_number(word, "reserves of a V2 pair")
    return Reserves(number & UINT112_MAX, number >> 112 & UINT112_MAX, number >> 224)
