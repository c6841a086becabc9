"""The searcher keeps the rules of its kind."""

from tidemill_search_cycles import Cycles
from tidemill_testing.conformance import SearchConformance


class TestCycles(SearchConformance):
    plugin = Cycles
    capabilities = frozenset({"complete", "optimal", "screens", "netted"})
