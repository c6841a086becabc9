"""What our open transactions hold back: figures from records alone."""

import attrs
import pytest

from tidemill.domain.ids import MAIN_BOOK, AssetId, BookId, ChainId, OpportunityId, PlanId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.domain.plan import Flow, Group
from tidemill.errors import LedgerError
from tidemill.ledger.open_intents import by_state, funds_of, heights, is_out, reserved
from tidemill.ledger.plan_text import plan_to_text

SIM, OTHER = ChainId("sim:1"), ChainId("sim:2")
USDC, WETH, ETH = AssetId("sim:1/erc20:0xaa"), AssetId("sim:1/erc20:0xbb"), AssetId("sim:1/slip44:60")
FLOW = Flow(PlanId("p"), OpportunityId("o"), "s", MAIN_BOOK, SIM, (), ((WETH, 7), (USDC, 5)), (), (), (), 9, 50)
S = IntentState


def record(number: int = 1, state: IntentState = S.BROADCAST, **fields: object) -> IntentRecord:
    made = IntentRecord(
        number=number, run=1, plan=PlanId(f"p{number}"), book=MAIN_BOOK, strategy="s", chain=SIM, account="0xa", flow=plan_to_text(FLOW),
        payload=b"p", compute_limit=1, compute=1, expires=9, digest="d", height=7, slot="nonce:1", state=state, since=8,
    )  # fmt: skip
    return attrs.evolve(made, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("state", "out"), [(state, state in (S.PLANNED, S.SIGNED, S.BROADCAST, S.UNKNOWN)) for state in S])
def test_out_is_what_no_block_holds_and_has_not_ended(state: IntentState, out: bool) -> None:
    """What a block holds is booked, and what has ended is over."""
    assert out == is_out(record(state=state))
    assert ({(MAIN_BOOK, USDC): 5, (MAIN_BOOK, WETH): 7, (MAIN_BOOK, ETH): 50} if out else {}) == reserved(
        [record(state=state)], {SIM: ETH}
    )


def test_reserved_sums_over_transactions_and_leaves_out_coins_that_nobody_knows() -> None:
    """Per book and asset; without the chain's coin the funds alone."""
    other = record(2, book=BookId("second"))
    assert {(MAIN_BOOK, USDC): 5, (MAIN_BOOK, WETH): 7, ("second", USDC): 5, ("second", WETH): 7} == reserved([record(), other], {})
    assert {(MAIN_BOOK, USDC): 10, (MAIN_BOOK, WETH): 14, (MAIN_BOOK, ETH): 100} == reserved([record(), record(2)], {SIM: ETH})


def test_funds_of_what_takes_a_slot_are_nothing_and_of_a_group_the_sum() -> None:
    """It costs instead of the transaction whose slot it takes; a group's plans are all out together."""
    group = Group(PlanId("g"), OpportunityId("o"), "s", MAIN_BOOK, SIM, (FLOW, attrs.evolve(FLOW, id=PlanId("q"))), "keep", 0)

    assert ((), 0) == funds_of(record(flow=""))
    assert (((USDC, 10), (WETH, 14)), 100) == funds_of(record(flow=plan_to_text(group)))
    with pytest.raises(LedgerError, match="not the text of a plan"):
        funds_of(record(flow="{}"))


def test_heights_and_states_of_nothing_are_empty_and_zero() -> None:
    """The newest height per chain, whichever of its two it stands in."""
    assert {} == heights([])
    assert {SIM: 12, OTHER: 8} == heights([record(), record(2, chain=OTHER), record(3, since=12), record(4, height=11)])
    assert {"planned": 0, "signed": 0, "broadcast": 2, "seen": 1, "unknown": 0} == by_state([record(), record(2), record(3, S.SEEN)])
