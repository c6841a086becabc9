"""What Tidemill costs, measured beside what does the same work another way: `uv run nox -s bench`."""
