"""Frozen values that travel between stages; no I/O, no clock, no plugin."""
