"""Random markets, and a brute force that shares nothing with the searcher."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import pytest

from tidemill.domain.ids import AssetId
from tidemill.domain.search import Candidate
from tidemill_testing.conformance.search.brute_force import Found, brute_force, by_route, random_pools
from tidemill_testing.market import PairPool


@pytest.fixture
def brute() -> Callable[[Sequence[PairPool], AssetId, range], Found]:
    return partial(brute_force, steps=True)


@pytest.fixture
def found_by() -> Callable[[Iterable[Candidate]], Found]:
    return by_route


@pytest.fixture
def market() -> Callable[..., list[PairPool]]:
    return random_pools
