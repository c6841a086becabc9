"""The rules of notifiers."""
