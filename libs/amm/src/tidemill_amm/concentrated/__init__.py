"""Concentrated liquidity with the semantics of Uniswap V3 (v3-core 1.0.1)."""

from tidemill_amm.concentrated.amounts import amounts_for_liquidity, liquidity_for_amounts
from tidemill_amm.concentrated.curve import curve_of
from tidemill_amm.concentrated.fast import amount_out
from tidemill_amm.concentrated.liquidity import max_liquidity_per_tick, with_liquidity
from tidemill_amm.concentrated.state import ConcentratedState, MissingState, complete_words
from tidemill_amm.concentrated.swap import SwapResult, swap
from tidemill_amm.concentrated.tick_math import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    MIN_TICK,
    sqrt_ratio_at_tick,
    tick_at_sqrt_ratio,
)

__all__ = [
    "MAX_SQRT_RATIO",
    "MAX_TICK",
    "MIN_SQRT_RATIO",
    "MIN_TICK",
    "ConcentratedState",
    "MissingState",
    "SwapResult",
    "amount_out",
    "amounts_for_liquidity",
    "complete_words",
    "curve_of",
    "liquidity_for_amounts",
    "max_liquidity_per_tick",
    "sqrt_ratio_at_tick",
    "swap",
    "tick_at_sqrt_ratio",
    "with_liquidity",
]
