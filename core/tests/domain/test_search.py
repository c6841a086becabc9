"""What a searcher can be asked."""

from collections.abc import Callable

import pytest

from tidemill.domain.search import CycleQuery
from tidemill.errors import UsageError
from tidemill_testing.market import SIM


@pytest.mark.parametrize(
    "asked",
    [lambda many: CycleQuery(SIM, (), work=many), lambda many: CycleQuery(SIM, (), width=many), lambda many: CycleQuery(SIM, (), top=many)],
)
def test_cycle_query_below_zero_is_refused_where_it_is_made(asked: Callable[[int], CycleQuery]) -> None:
    """An effort, a width or a number of answers below 0 means nothing: the error says so, not an empty answer. 0 has a meaning."""
    with pytest.raises(UsageError, match=r"work, width and top of a query must be 0 or more; found .*-1"):
        asked(-1)
    assert CycleQuery(SIM, ()) == asked(0)
