"""Simulated EVM chain: blocks, pools, order flow and competitors, deterministic from a seed."""
