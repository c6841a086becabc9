"""One revision a version of the tables; each is written once and never changed, whatever the tables become after it."""
