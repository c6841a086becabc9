"""The rules of DEXs."""
