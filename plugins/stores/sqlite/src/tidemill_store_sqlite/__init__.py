"""Keeps the ledger in a SQLite file."""
