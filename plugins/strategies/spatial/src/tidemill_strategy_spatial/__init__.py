"""Trades one pair between two venues on one chain."""
