"""The stages of the pipeline, in the order that ``FLOW`` gives: each takes one kind of value and gives the next."""
