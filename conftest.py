"""One profile for every property: the same examples everywhere, no deadline that a busy machine misses."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("searching", deadline=None, print_blob=True, max_examples=2_000)
settings.load_profile("repeatable")
