"""Uniswap V2 and V3 pools and their forks SushiSwap, QuickSwap and PancakeSwap, exact to the unit."""
