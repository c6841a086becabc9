"""Finds cycles of two to four hops over the pools of a snapshot."""
