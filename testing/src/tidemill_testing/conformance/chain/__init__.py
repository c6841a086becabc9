"""The rules of chains."""
