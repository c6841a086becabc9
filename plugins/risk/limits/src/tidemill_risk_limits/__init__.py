"""Limits per trade, asset and open exposure, minimum profit, staleness and slippage."""
