"""Looking at what is open without trading: nobody signs, balances are compared when that says something, and it is known when they were."""

from collections.abc import Callable
from typing import Any

import pytest

from tidemill.domain.events import Balances
from tidemill.domain.intent import IntentState
from tidemill.domain.outcome import Outcome
from tidemill.errors import Unavailable

pytestmark = pytest.mark.anyio
Desks = Callable[..., Any]
Filled = Callable[..., Outcome]
SIM = "sim:1"
LATE = 20 + 4 + 1
"""The first height at which a plan that expired at 20 is late, with a patience of 4."""


async def test_look_is_remembered_and_can_be_hastened(desk: Any) -> None:
    """Balances are compared every so many heights, or with the next settling where somebody asks; once."""
    before = dict(desk.live.compared)
    await desk.settle(10)
    first = dict(desk.live.compared)
    await desk.settle(11)
    desk.live.hurry()
    due = desk.live.due(SIM, 12)
    await desk.settle(12)

    assert ({}, {SIM: 10}, True, {SIM: 12}) == (before, first, due, dict(desk.live.compared))
    assert ["holdings 10", "holdings 12"] == desk.since("holdings")
    assert not desk.live.due(SIM, 13)


async def test_balances_below_a_block_that_holds_ours_are_not_compared(desk: Any, filled: Filled) -> None:
    """A node ahead of the head told of a block that the balances of the head do not have: they would look wrong, and are right."""
    await desk.take()
    desk.link.outcomes["tx-1"] = filled(12)
    early, _ = await desk.settle(11)
    then, _ = await desk.settle(12)

    assert ([], [Balances]) == tuple([type(event) for event in events if isinstance(event, Balances)] for events in (early, then))


async def test_without_a_signer_what_is_late_is_left_to_a_run(desk: Any) -> None:
    """A transaction in its slot would have to be signed: it is told as late, and nothing is planned."""
    await desk.take()
    desk.live.signer = None
    await desk.settle(LATE - 1)
    early = desk.live.late(LATE - 1, SIM)
    await desk.settle(LATE)

    assert ((), [1]) == (early, [record.number for record in desk.live.late(LATE, SIM)])
    assert (["1:unknown"], []) == ([f"{one.number}:{one.state}" for one in desk.book.open()], desk.since("cancel"))
    assert () == desk.live.late(LATE, "sim:2")


async def test_what_a_block_holds_is_not_late(desk: Any, filled: Filled) -> None:
    """It waits for nothing but depth."""
    await desk.take()
    desk.link.outcomes["tx-1"] = filled(LATE)
    await desk.settle(LATE)

    assert (IntentState.SEEN, ()) == (desk.book.get(1).state, desk.live.late(LATE, SIM))


@pytest.mark.parametrize("member", ["holdings", "outcome"])
async def test_chain_that_does_not_answer_is_named_until_it_does(member: str, desk: Any) -> None:
    """Whoever asks for a comparison must not hear that nothing differs."""
    if member == "outcome":
        await desk.take()
    desk.said.fail[member] = [Unavailable("its node is gone")]
    await desk.settle(11)
    unheard = dict(desk.live.unheard)
    await desk.settle(12)

    assert ({SIM: "its node is gone"}, {}) == (unheard, desk.live.unheard)
