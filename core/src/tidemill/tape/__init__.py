"""Tapes: recorded batches in one file that cannot be half read in silence. The layout is described in docs/reference/tape-format.md."""
