"""The rules of risk checks."""
