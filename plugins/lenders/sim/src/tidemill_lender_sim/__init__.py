"""Flash loans with a fee on the simulated chain."""
