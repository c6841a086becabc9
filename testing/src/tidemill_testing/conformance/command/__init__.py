"""The rules of commands."""
