"""Writes the run as JSON lines."""
