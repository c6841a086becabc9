"""The market as arrays: tokens, arcs between them, and the pools' directions on each arc."""

from tidemill_search_cycles.graph.build import Graph

__all__ = ["Graph"]
