"""What a run takes up of groups that an earlier one left open."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from attrs import evolve

from tidemill.api.open_groups import open_groups
from tidemill.domain.events import OpenGroup
from tidemill.domain.ids import MAIN_BOOK, OpportunityId, PlanId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.domain.outcome import OutcomeStatus
from tidemill.domain.plan import Flow, Group
from tidemill.domain.records import IntentRow, ResultRow
from tidemill.ledger.journal import Journal
from tidemill.ledger.plan_text import plan_to_text
from tidemill_testing.market import SIM, token

A, B = token("A"), token("B")
ONE, TWO, BACK = PlanId("one"), PlanId("two"), PlanId("back")


def flow(plan: PlanId, opportunity: str = "idea") -> Flow:
    return Flow(plan, OpportunityId(opportunity), "split", MAIN_BOOK, SIM, (), ((A, 1),), (), (), (), 9, 1)


GROUP = Group(PlanId("group"), OpportunityId("idea"), "split", MAIN_BOOK, SIM, (flow(ONE), flow(TWO)), "sell_back", 9)
ROW = Journal().group(GROUP, "planned", height=5)


def record(number: int, plan: Flow, state: IntentState, reason: str = "") -> IntentRecord:
    names = (plan.id, MAIN_BOOK, "split", SIM, "0xowner", plan_to_text(plan))
    return IntentRecord(number, 1, *names, b"", 1, 1, 9, "", 5, f"nonce:{number}", state, 6, "tx", b"raw", reason)


def result(plan: PlanId, status: str, height: int = 6, changes: Any = ()) -> ResultRow:
    return ResultRow(1, plan, MAIN_BOOK, "split", SIM, height, "0x6", status, changes, 2, "why")


def taken(records: Sequence[IntentRecord], results: Mapping[PlanId, Sequence[ResultRow]], row: IntentRow = ROW) -> OpenGroup:
    (found,) = open_groups([row], records, lambda plan: results.get(plan, ()))
    return found


def test_legs_that_landed_have_the_outcome_that_was_booked() -> None:
    """The last fill or revert counts; a cancelling transaction without a plan is none of the group's."""
    booked = {ONE: [result(ONE, "reverted"), result(ONE, "filled", 7, ((A, -1), (B, 2)))], TWO: [result(TWO, "reverted", 8)]}
    cancelling = evolve(record(3, flow(ONE), IntentState.FINAL), flow="")
    found = taken([record(1, flow(ONE), IntentState.FINAL), record(2, flow(TWO), IntentState.REVERTED), cancelling], booked)
    outcomes = dict(found.outcomes)

    assert GROUP == found.group
    assert (OutcomeStatus.FILLED, ((A, -1), (B, 2)), 7) == (outcomes[ONE].status, outcomes[ONE].changes, outcomes[ONE].height)
    assert (OutcomeStatus.REVERTED, 8, "why") == (outcomes[TWO].status, outcomes[TWO].height, outcomes[TWO].reason)


@pytest.mark.parametrize("state", [IntentState.SIGNED, IntentState.BROADCAST, IntentState.UNKNOWN, IntentState.SEEN])
def test_leg_without_proof_has_no_outcome(state: IntentState) -> None:
    """What may still fill is waited for; seen and not booked is not proven to these books either."""
    found = taken([record(1, flow(ONE), state), record(2, flow(TWO), IntentState.DEAD, "expired")], {})

    assert [TWO] == [plan for plan, _ in found.outcomes]
    assert (OutcomeStatus.DEAD, "expired") == (found.outcomes[0][1].status, found.outcomes[0][1].reason)


def test_leg_that_was_never_signed_is_dead_with_the_reason_that_is_known() -> None:
    """Refused before there was a transaction, or the run ended before."""
    outcomes = dict(taken([], {ONE: [result(ONE, "refused")]}).outcomes)

    assert {ONE: "why", TWO: "it was never signed: the run ended before"} == {plan: one.reason for plan, one in outcomes.items()}
    assert {OutcomeStatus.DEAD} == {one.status for one in outcomes.values()}


def test_ways_back_are_found_by_the_group_they_are_for() -> None:
    """A plan whose opportunity is the group is one; another that merely speaks of it is not."""
    records = [
        record(1, flow(ONE), IntentState.FINAL),
        record(2, flow(BACK, GROUP.id), IntentState.BROADCAST),
        record(3, flow(PlanId("stranger"), f"about-{GROUP.id}"), IntentState.BROADCAST),
    ]

    assert (BACK,) == taken(records, {}).backs


def test_rows_of_other_plans_are_passed_over() -> None:
    """Only a group is a group."""
    other = evolve(ROW, flow=plan_to_text(flow(ONE)))

    assert () == open_groups([other], [], lambda plan: ())
