"""Reference prices of the simulated market."""
