"""The rules of strategies."""
