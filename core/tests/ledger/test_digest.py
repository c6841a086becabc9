"""The hash over rows: unambiguous, and the same however the rows are fed."""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.ids import AssetId, BookId, ChainId, OpportunityId, PlanId
from tidemill.domain.records import EntryRow, IntentRow, OpportunityRow, Posting, ResultRow, Row
from tidemill.ledger.digest import RowDigest, canonical, digest_of

A = AssetId("a")
ENTRY = EntryRow(
    1, "id", BookId("main"), ChainId("sim:1"), 7, "fill", "p", (Posting("wallet", A, 1 << 100), Posting("trading", A, -1 << 100))
)
OPPORTUNITY = OpportunityRow(
    2, OpportunityId("o"), BookId("main"), "s", "arbitrage", ChainId("sim:1"), 7, A, ("x", "y"), 10, 3, "rejected", "rule", "why", None
)
INTENT = IntentRow(
    3, PlanId("p"), OpportunityId("o"), BookId("main"), "s", ChainId("sim:1"), 7, "planned", ((A, 5),), 50, "0xfeed", '{"k":1}'
)
RESULT = ResultRow(4, PlanId("p"), BookId("main"), "s", ChainId("sim:1"), 8, "0x08", "filled", ((A, 8),), 40, "")
ROWS: tuple[Row, ...] = (ENTRY, OPPORTUNITY, INTENT, RESULT)


def test_digest_of_known_rows_is_fixed() -> None:
    """The canonical form does not drift: a hash printed today can be checked next year."""
    assert "db62843a12abada43ad7cf9ad9c5482eb96d3f7798424206916d3793b05a9369" == digest_of(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_canonical_differs_when_any_field_does(row: Any) -> None:
    """Every field of a row is part of the hash."""
    for attribute in attrs.fields(type(row)):
        value = getattr(row, attribute.name)
        changed = value + 1 if isinstance(value, int) else () if isinstance(value, tuple) else f"{value}!"
        assert canonical(attrs.evolve(row, **{attribute.name: changed})) != canonical(row), attribute.name


@given(st.text(), st.text(), st.text(), st.text())
def test_canonical_of_different_texts_differs(one: str, two: str, three: str, four: str) -> None:
    """No two ways to divide the same letters over two fields give the same bytes."""
    left = attrs.evolve(RESULT, block_hash=one, reason=two)
    right = attrs.evolve(RESULT, block_hash=three, reason=four)
    assert (left == right) == (canonical(left) == canonical(right))
    assert 1 == canonical(left).count(b"\n")


def test_digest_of_moved_rows_differs() -> None:
    """The order of the rows is part of the hash."""
    assert digest_of(ROWS) != digest_of((OPPORTUNITY, ENTRY, INTENT, RESULT))


def test_digest_can_be_read_in_between() -> None:
    """Asking for the hash half-way does not end it."""
    digest = RowDigest()
    for row in ROWS:
        digest.add(row)
        digest.hexdigest()
    assert digest_of(ROWS) == digest.hexdigest()
