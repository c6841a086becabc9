"""Encodings, storage layouts and typed steps shared by plugins for EVM chains, without I/O."""
