"""A searcher that answers what a test says, and candidates made by hand."""

from collections.abc import Callable, Sequence

import pytest

from tidemill import Candidate
from tidemill.domain.ids import AssetId
from tidemill_testing.market import PairPool
from tidemill_testing.scripted import Scripted, candidate_through


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture
def through() -> Callable[[Sequence[PairPool], AssetId, int], Candidate]:
    return candidate_through
