"""What became of it: asked until there is proof, sent again as it is, cancelled by taking its slot; and what the chain says we hold."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from tidemill.domain.events import Balances, OutcomeSeen
from tidemill.domain.ids import MAIN_BOOK, PlanId
from tidemill.domain.intent import IntentState
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.errors import RefusedByVenue, SignerRefused, Unavailable
from tidemill_testing.market import ETHER
from tidemill_testing.toy import USD, WETH

pytestmark = pytest.mark.anyio
Desks = Callable[..., Any]
Filled = Callable[..., Outcome]
LATE = 20 + 4 + 1
"""The first height at which a plan that expired at 20 is late, with a patience of 4."""


async def test_outcome_is_told_once_and_final_when_its_block_stays(desk: Any, filled: Filled) -> None:
    """Seen with the block that holds it, final three blocks later; between them there is nothing to tell."""
    await desk.take()
    desk.link.outcomes["tx-1"] = filled(11)
    first = await desk.settle(11)
    second = await desk.settle(12)
    third = await desk.settle(14)

    assert (OutcomeSeen(PlanId("p1"), filled(11)), ["1:seen"]) == (first[0][0], first[1])
    assert [] == [event for event in second[0] + third[0] if isinstance(event, OutcomeSeen)]
    assert ([], ["1:final"]) == (second[1], third[1])
    assert () == desk.live.waiting


async def test_transaction_that_moved_to_another_block_of_its_height_is_told_again(desk: Any, filled: Filled) -> None:
    """The block that holds it was dropped and mined anew without anybody saying so: what it came to may be another thing."""
    await desk.take(expires=90)
    desk.link.outcomes["tx-1"] = filled(11)
    await desk.settle(11)
    desk.link.outcomes["tx-1"] = filled(11, block="0xother")
    events, states = await desk.settle(11, block="0xother")

    assert (["0xother"], []) == ([event.outcome.block_hash for event in events if isinstance(event, OutcomeSeen)], states)


async def test_reverted_transaction_is_told_with_its_cost(desk: Any, filled: Filled) -> None:
    """It was included and undone."""
    await desk.take()
    desk.link.outcomes["tx-1"] = filled(11, OutcomeStatus.REVERTED)
    events, states = await desk.settle(14)

    assert (OutcomeStatus.REVERTED, 3) == (events[0].outcome.status, events[0].outcome.cost)
    assert ["1:reverted"] == states


async def test_transaction_that_nobody_can_say_anything_of_is_left_alone(desk: Any, filled: Filled) -> None:
    """A node that does not answer for one of two says nothing about the other, and nothing is concluded from its silence."""
    await desk.take("p1")
    await desk.take("p2")
    desk.link.outcomes["tx-2"] = filled(11)
    desk.said.fail["outcome"] = [Unavailable("busy")]
    events, states = await desk.settle(LATE)

    assert (["p2"], ["2:final"]) == ([event.plan for event in events if isinstance(event, OutcomeSeen)], states)
    assert ["sim:1"] == list(desk.live.waiting)
    assert [] == desk.since("cancel")


async def test_silence_becomes_unknown_and_the_same_bytes_go_out_again(desk: Any) -> None:
    """After its patience it is told as unknown; from then on it is sent again each block, and never signed anew."""
    await desk.take(expires=90)
    desk.since()
    assert [] == (await desk.settle(13))[1]
    events, states = await desk.settle(14)
    assert (["unknown"], ["1:unknown"]) == ([event.outcome.status for event in events if isinstance(event, OutcomeSeen)], states)
    desk.since()
    await desk.settle(15)

    assert ["broadcast tx-1"] == desk.since("broadcast")
    assert ["1:broadcast:sent once more, the same bytes"] == desk.states()
    assert [] == desk.since("sign")


async def test_transaction_whose_block_was_dropped_goes_out_again(desk: Any, filled: Filled) -> None:
    """What a block held and holds no more is out once more, as the same bytes."""
    await desk.take(expires=90)
    desk.link.outcomes["tx-1"] = filled(11)
    await desk.settle(11)
    desk.link.outcomes.clear()
    desk.since()
    _, states = await desk.settle(12)

    assert (["1:broadcast"], ["broadcast tx-1"]) == (states, desk.since("broadcast"))


async def test_brake_holds_back_what_would_go_out_again(desk: Any) -> None:
    """Asking goes on, sending does not: neither what is unknown nor what takes a slot leaves."""
    await desk.take("p1")
    await desk.take("p2", expires=90)
    await desk.settle(14)
    desk.brake.pull("a drill", "command")
    desk.since()
    await desk.settle(LATE)

    assert ["outcome tx-1", "outcome tx-2"] == desk.since()


async def test_late_transaction_is_cancelled_in_its_slot(desk: Any, filled: Filled) -> None:
    """Another that does nothing takes its nonce: signed, kept, sent, in this order; when it lands the plan is dead at its cost."""
    await desk.take()
    desk.since()
    await desk.settle(LATE)
    calls = desk.since()
    old, new = desk.book.open()

    assert ["cancel tx-1", "sign 2", "keep 2:planned 2:signed!", "broadcast tx-2", "keep 2:broadcast"] == calls[-5:]
    assert (old.slot, 1, "", b"nothing") == (new.slot, new.replaces, new.flow, new.payload)
    desk.link.outcomes = {"tx-2": filled(26, cost=21), "tx-1": Outcome(OutcomeStatus.DEAD, 26, "0x1a", reason="its nonce is used")}
    events, states = await desk.settle(29)
    assert [("p1", "dead", 21)] == [
        (event.plan, event.outcome.status, event.outcome.cost) for event in events if isinstance(event, OutcomeSeen)
    ]
    assert ["1:replaced", "2:final"] == states


async def test_late_transaction_is_cancelled_once(desk: Any) -> None:
    """While another of ours stands in its slot no third one is made."""
    await desk.take()
    await desk.settle(LATE)
    desk.since()
    await desk.settle(LATE + 1)

    assert [] == desk.since("cancel") + desk.since("sign")


async def test_late_transaction_in_a_slot_that_runs_out_is_waited_for(desk: Any) -> None:
    """A block hash expires by itself: there is nothing to take."""
    desk.link.kind = "blockhash"
    await desk.take()
    desk.since()
    await desk.settle(LATE)

    assert ["outcome tx-1"] == [call for call in desk.since() if "holdings" not in call]


async def test_late_transaction_that_the_chain_cannot_cancel_is_waited_for(desk: Any) -> None:
    """A link that knows no way says so with None."""
    desk.link.cancelling = False
    await desk.take()
    await desk.settle(LATE)

    assert (["cancel tx-1"], 1) == (desk.since("cancel"), len(desk.book.open()))


async def test_late_transaction_is_cancelled_later_where_nobody_answers_now(desk: Any) -> None:
    """A node that is busy, and a signer that refuses, are asked again with the next block."""
    await desk.take()
    desk.said.fail["cancel"] = [Unavailable("busy")]
    desk.said.fail["sign"] = [SignerRefused("fee", "too dear")]
    await desk.settle(LATE)
    await desk.settle(LATE + 1)
    await desk.settle(LATE + 2)

    assert ["1:broadcast:", "2:dead:not signed: fee: too dear", "3:broadcast:"] == desk.states()
    assert [3] == [record.number for record in desk.book.open() if record.replaces]


async def test_brake_that_is_pulled_while_a_cancellation_is_made_lets_it_not_be_signed(desk: Any) -> None:
    """It is a broadcast like any other."""
    await desk.take()
    desk.said.then["cancel"] = lambda: desk.brake.pull("a drill", "file")
    await desk.settle(LATE)

    assert (["sign 1"], ["1:broadcast:"]) == ([call for call in desk.said if call.startswith("sign")], desk.states())


async def test_cancellation_that_a_node_refuses_has_ended(desk: Any) -> None:
    """The one that it was to replace stays in flight: nothing is known of it."""
    await desk.take()
    desk.said.fail["broadcast"] = [RefusedByVenue("underpriced")]
    await desk.settle(LATE)

    assert ["1:broadcast:", "2:dead:refused by the node: underpriced"] == desk.states()


async def test_transaction_that_an_earlier_run_signed_goes_out(desks: Desks) -> None:
    """Killed between disk and broadcast: the next run sends the same bytes, and knows that they are out."""
    desk = desks()
    desk.said.fail["broadcast"] = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        await desk.take(expires=90)
    desk.writer.flush()
    again = desks()
    assert ["1:signed:"] == again.states()
    await again.settle(11)

    assert (["broadcast tx-1"], ["1:broadcast:"]) == (again.since("broadcast"), again.states())


async def test_transaction_that_an_earlier_run_signed_is_refused_now(desks: Desks) -> None:
    """It may have been out before that run could say so, and another node may have it: only the chain's proof ends it."""
    desk = desks()
    desk.said.fail["broadcast"] = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        await desk.take(expires=90)
    again = desks()
    again.said.fail["broadcast"] = [RefusedByVenue("the nonce is used")]
    await again.settle(11)

    assert ["1:signed:"] == again.states()
    again.link.outcomes["tx-1"] = Outcome(OutcomeStatus.DEAD, 12, "0xc", reason="nonce 0 is used")
    await again.settle(13)
    assert ["1:dead:nonce 0 is used"] == again.states()


async def test_transaction_that_was_never_signed_has_ended(desks: Desks) -> None:
    """Planned alone is no money: nobody can have it."""
    desk = desks()
    await desk.take()
    (record,) = desk.book.open()
    planned = evolve(record, number=2, slot="nonce:1", state=IntentState.PLANNED, tx="", raw=b"")
    desk.writer.keep((planned,), durable=True)
    again = desks()
    _, states = await again.settle(11)

    assert ["2:dead"] == states
    assert ["outcome tx-1"] == again.since("outcome")


# --- what the chain says we hold ------------------------------------------------------------------------------------------------------


async def test_balances_are_asked_for_at_first_and_then_now_and_then(desks: Desks) -> None:
    """What a book has, what is watched and the native coin are compared, and not with every block."""
    desk = desks(every=5)
    desk.link.held = {USD: 99, WETH: 7, ETHER: 4}
    assert desk.live.due("sim:1", 1)
    events, _ = await desk.settle(1)

    assert (Balances(MAIN_BOOK, tuple((asset, desk.link.held[asset]) for asset in sorted([USD, WETH, ETHER]))),) == events
    assert not desk.live.due("sim:1", 5)
    assert () == (await desk.settle(5))[0]
    assert desk.live.due("sim:1", 6)
    assert 1 == len((await desk.settle(6))[0])


async def test_balances_wait_while_something_is_out(desk: Any, filled: Filled) -> None:
    """What is in no block yet would count twice or not at all; what a block holds is told in the same batch, before them."""
    await desk.take()
    assert () == (await desk.settle(11))[0]
    desk.link.outcomes["tx-1"] = filled(12)
    events, _ = await desk.settle(12)

    assert [OutcomeSeen, Balances] == [type(event) for event in events]


async def test_balances_that_nobody_can_tell_are_asked_for_again(desk: Any) -> None:
    """A node that cannot say is no reason to believe anything, and the next block asks again."""
    desk.said.fail["holdings"] = [Unavailable("pruned")]
    assert () == (await desk.settle(1))[0]
    assert desk.live.due("sim:1", 2)

    assert 1 == len((await desk.settle(2))[0])


async def test_balances_of_another_chain_are_not_asked_here(desk: Any) -> None:
    """Each chain is asked about its own accounts, and only about its own assets; the other one stays due."""
    (balances,), _ = await desk.settle(1)

    assert (["holdings 1"], sorted([USD, WETH, ETHER])) == (desk.since("holdings"), [asset for asset, _ in balances.amounts])
    assert desk.live.due("sim:2", 1)


async def test_balances_wait_until_it_is_known_what_became_of_what_is_in_a_block(desk: Any, filled: Filled) -> None:
    """A node that does not answer for one, or tells of a later block, leaves it open whether the books are those of this height."""
    await desk.take()
    desk.link.outcomes["tx-1"] = filled(12)
    assert () == (await desk.settle(11))[0]
    assert [OutcomeSeen, Balances] == [type(event) for event in (await desk.settle(12))[0]]


async def test_balances_wait_while_a_node_does_not_answer_for_what_was_seen(desks: Desks, filled: Filled) -> None:
    """Whether its block still stands is not known: what is held now need not be what the books should hold."""
    desk = desks(every=1)
    await desk.take()
    desk.link.outcomes["tx-1"] = filled(11)
    await desk.settle(11)
    desk.said.fail["outcome"] = [Unavailable("busy")]

    assert () == (await desk.settle(12))[0]
    assert [Balances] == [type(event) for event in (await desk.settle(13))[0]]


async def test_transaction_in_another_block_of_the_same_height_is_told_again(desk: Any, filled: Filled) -> None:
    """Whoever missed blocks heard of no reorganisation: what stands now is believed and told, and what is told once is not told twice."""
    await desk.take()
    desk.link.outcomes["tx-1"] = filled(11)
    await desk.settle(11)
    moved = filled(11, block="other")
    desk.link.outcomes["tx-1"] = moved
    assert () == (await desk.settle(12))[0]
    desk.live.forget("sim:1", -1)

    assert ((OutcomeSeen(PlanId("p1"), moved),), []) == await desk.settle(13)
    assert () == (await desk.settle(13))[0]
