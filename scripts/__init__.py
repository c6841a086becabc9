"""What developers and CI run: checks, pins, coverage."""
