"""What the plugins of the simulated market share, without I/O: tokens, reference prices, fixed addresses, random numbers.

Chain, price source and lender of the simulated market are plugins of their own and cannot import each other; what one must know of another
is here. Everything is an integer and a pure function of the seed.
"""

from tidemill_simworld.chain import (
    BLOCK_TIME_S,
    CHAIN,
    EXECUTOR,
    GENESIS_UNIX,
    NATIVE,
    NATIVE_DECIMALS,
    VAULT,
    block_time_ns,
    price_time_ns,
    vault_key,
)
from tidemill_simworld.fields import chance, choice, text, whole
from tidemill_simworld.prices import PRICE_EXPONENT, ReferencePrices
from tidemill_simworld.streams import Stream
from tidemill_simworld.tokens import DEFAULT_TOKENS, HUBS, MAX_TOKENS, MIN_TOKENS, STABLES, Token, token_universe

__all__ = [
    "BLOCK_TIME_S",
    "CHAIN",
    "DEFAULT_TOKENS",
    "EXECUTOR",
    "GENESIS_UNIX",
    "HUBS",
    "MAX_TOKENS",
    "MIN_TOKENS",
    "NATIVE",
    "NATIVE_DECIMALS",
    "PRICE_EXPONENT",
    "STABLES",
    "VAULT",
    "ReferencePrices",
    "Stream",
    "Token",
    "block_time_ns",
    "chance",
    "choice",
    "price_time_ns",
    "text",
    "token_universe",
    "vault_key",
    "whole",
]
