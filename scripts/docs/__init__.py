"""Writes the pages of docs/ that are made from code: `python -m scripts.docs`, and with `--check` says which are out of date."""
