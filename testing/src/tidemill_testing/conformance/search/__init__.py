"""The rules of searchers."""
