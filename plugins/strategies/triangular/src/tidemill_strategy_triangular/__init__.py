"""Trades profitable cycles of two and more hops on one chain."""
