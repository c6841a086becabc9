"""The rules of stores."""
