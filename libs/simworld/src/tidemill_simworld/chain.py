"""What is fixed about the simulated chain: ids, times, and the contract that lends."""

from typing import Final

from tidemill.domain.ids import ChainId, Key, native
from tidemill.units import NS_PER_S

CHAIN: Final = ChainId("sim:1")
NATIVE: Final = native(CHAIN, 60)
NATIVE_DECIMALS: Final = 18

GENESIS_UNIX: Final = 1_704_067_200
"""Time of block 0, seconds since 1970: 2024-01-01 00:00 UTC."""

BLOCK_TIME_S: Final = 2
"""Seconds between two blocks, unless configured; chain and price source must agree."""

VAULT: Final = "0x51b0000000000000000000000000000000000a17"
"""The contract that lends."""
EXECUTOR: Final = "0x51b0000000000000000000000000000000000ec5"
"""The contract that carries out programs: what every call that is not empty calls."""


def block_time_ns(height: int, block_time_s: int) -> int:
    """Return the time of a block in nanoseconds since 1970."""
    return (GENESIS_UNIX + height * block_time_s) * NS_PER_S


def price_time_ns(height: int, block_time_s: int) -> int:
    """Return when the reference prices of a height are published, in nanoseconds since 1970: halfway to the next block."""
    return block_time_ns(height, block_time_s) + block_time_s * NS_PER_S // 2


def vault_key(token_address: str) -> Key:
    """Return the storage key that holds how much of a token the vault can lend (base units).

    The vault keeps one word a token, in the slot whose number is the token's address; Solidity's mappings hash that number, this contract
    does not.
    """
    return Key(f"{VAULT}:{int(token_address, 16):#x}")
