"""Plans as text and back."""

import pytest

from tidemill.domain.ids import AssetId, BookId, ChainId, MarketId, OpportunityId, PlanId
from tidemill.domain.plan import Flow, Group, Orders, Plan
from tidemill.errors import LedgerError
from tidemill.ledger.plan_text import plan_from_text, plan_to_text


@pytest.fixture
def order() -> Orders:
    """A market order with an amount beyond 64 bits."""
    return Orders(
        PlanId("o"), OpportunityId("x"), "s", BookId("main"), ChainId("sim:1"), "book", MarketId("book/m"), "buy", 1, None,
        ((AssetId("a"), 1 << 200),), 9,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["flow", "orders", "group"])
def test_plan_of_any_kind_comes_back_equal(kind: str, flow: Flow, order: Orders) -> None:
    """A plan read back from its text is the plan that was written."""
    group = Group(PlanId("g"), OpportunityId("x"), "s", BookId("main"), ChainId("sim:1"), (flow, order), "hedge", 9, MarketId("book/h"))
    plans: dict[str, Plan] = {"flow": flow, "orders": order, "group": group}
    assert plans[kind] == plan_from_text(plan_to_text(plans[kind]))


def test_plan_text_is_canonical(flow: Flow) -> None:
    """The text is compact and its keys are sorted, so that equal plans have equal text."""
    text = plan_to_text(flow)
    assert text.startswith('{"basis":[{"behind":[],"pool":"sim:1/uniswap:0x01","version":[7,3]}],"book":"main"')
    assert " " not in text


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"type":"Flow"}', '{"type":"Swindle","id":"p"}', "null"])
def test_plan_text_that_is_none_raises(text: str) -> None:
    """Text that is no plan is a fault of the ledger, shown with its beginning."""
    with pytest.raises(LedgerError, match="not the text of a plan"):
        plan_from_text(text)
