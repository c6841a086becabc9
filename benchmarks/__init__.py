"""What Tidemill costs, measured beside what does the same work another way: `uv run nox -s bench`."""

import os

# Threads of a linear algebra library that wait for each other are charged to whoever called it: the peers' figures would grow with the load
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
