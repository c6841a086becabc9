"""Rules of this repository that no ready-made tool checks; `python -m scripts.checks` runs them all."""
