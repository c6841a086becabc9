"""Between a run and the process that holds the keys: what is spoken, and the run's side of it."""
