"""Out with real money: every step is kept before the next is taken, and who says no is told before anything leaves."""

from collections.abc import Callable
from typing import Any

import pytest

from tidemill.domain.outcome import Outcome
from tidemill.domain.transaction import Simulated
from tidemill.errors import LedgerError, OutcomeUnknown, RefusedByVenue, SignerError, SignerRefused, Unavailable, VenueError

pytestmark = pytest.mark.anyio
Desks = Callable[..., Any]
Filled = Callable[..., Outcome]


async def test_plan_is_kept_with_its_signed_bytes_before_it_is_sent(desk: Any) -> None:
    """R13: slot, bytes, dry run, signature, disk, and only then the node; that it went out need not be waited for."""
    assert [] == await desk.take()
    assert [
        "slot",
        "seal nonce:0",
        "simulate p1",
        "sign 1",
        "keep 1:planned 1:signed!",
        "broadcast tx-1",
        "keep 1:broadcast",
    ] == desk.since()
    (record,) = desk.book.open()

    assert (b"signed p1", "tx-1", "nonce:0", desk.run) == (record.raw, record.tx, record.slot, record.run)
    assert ("sim:1",) == desk.live.waiting


async def test_second_plan_takes_the_next_slot_and_the_next_number(desk: Any) -> None:
    """What is open holds its slot."""
    await desk.take("p1")
    await desk.take("p2")

    assert ["sign 1", "sign 2"] == desk.since("sign")
    assert ["nonce:0", "nonce:1"] == [record.slot for record in desk.book.open()]


@pytest.mark.parametrize("member", ["slot", "seal", "simulate"])
async def test_plan_whose_link_cannot_prepare_it_is_refused_by_the_node(desk: Any, member: str) -> None:
    """Nothing was signed, so nothing is kept: the plan's money is free again."""
    desk.said.fail[member] = [Unavailable("the node is busy")]

    assert [("p1", "node", "the node is busy")] == await desk.take()
    assert [] == desk.since("sign") + desk.states()
    assert () == desk.live.waiting


async def test_plan_whose_dry_run_fails_is_refused_by_the_simulation(desk: Any) -> None:
    """What would revert now is not sent."""
    desk.link.dry = Simulated(False, reason="K")

    assert [("p1", "simulation", "K")] == await desk.take()
    assert [] == desk.since("sign") + desk.states()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SignerRefused("per_day", "used up"), "per_day: used up"),
        (SignerError("the signer at s went away"), "the signer at s went away"),
    ],
)
async def test_plan_that_the_signer_does_not_sign_has_ended(desk: Any, error: Exception, said: str) -> None:
    """The refusal names the rule; the transaction is kept as one that was never signed, and its slot is free."""
    desk.said.fail["sign"] = [error]

    assert [("p1", "signer", said)] == await desk.take()
    assert [f"1:dead:not signed: {said}"] == desk.states()
    assert [] == desk.since("broadcast")
    await desk.take("p2")
    assert (["nonce:0"], ["2:broadcast:"]) == ([record.slot for record in desk.book.open()], desk.states()[1:])


async def test_plan_after_the_brake_is_refused_before_anybody_is_asked(desk: Any) -> None:
    """Neither the chain nor the signer hears of it."""
    desk.brake.pull("a drill", "command")

    assert [("p1", "operator", "stopped by command: a drill")] == await desk.take()
    assert [] == desk.since() + desk.states()


@pytest.mark.parametrize("member", ["slot", "seal", "simulate"])
async def test_brake_that_is_pulled_while_the_chain_is_asked_lets_nothing_be_signed(desk: Any, member: str) -> None:
    """No signature exists of what an operator has stopped."""
    desk.said.then[member] = lambda: desk.brake.pull("a drill", "signal")

    assert [("p1", "operator", "stopped by signal: a drill")] == await desk.take()
    assert [] == desk.since("sign") + desk.states()


@pytest.mark.parametrize("member", ["sign", "keep"])
async def test_brake_that_is_pulled_between_signature_and_broadcast_lets_nothing_leave(desk: Any, member: str) -> None:
    """The signed bytes are on disk, and so is that they were never sent; both before the core hears of it."""
    desk.said.then[member] = lambda: desk.brake.pull("a drill", "signal")

    assert [("p1", "operator", "stopped by signal: a drill")] == await desk.take()
    assert ["keep 1:planned 1:signed!", "keep 1:dead!"] == desk.since("keep")
    assert ["1:dead:never sent: stopped by signal: a drill"] == desk.states()


async def test_ledger_that_cannot_keep_a_plan_lets_nothing_leave(desk: Any) -> None:
    """What is not on disk is not broadcast, and the run ends with the reason."""
    desk.said.fail["keep"] = [LedgerError("the disk is full")]
    with pytest.raises(LedgerError, match="the disk is full; that intent 1 is planned, and what comes after it, is not in the ledger"):
        await desk.take()

    assert [] == [call for call in desk.said if call.startswith("broadcast")]


async def test_first_broadcast_that_a_node_refuses_ends_the_plan(desk: Any) -> None:
    """There is proof that it can never be included: its money and its slot are free."""
    desk.said.fail["broadcast"] = [RefusedByVenue("the nonce is used")]

    assert [("p1", "node", "the nonce is used")] == await desk.take()
    assert "keep 1:dead!" == desk.since("keep")[-1]
    assert ["1:dead:refused by the node: the nonce is used"] == desk.states()


@pytest.mark.parametrize("error", [OutcomeUnknown("no answer"), Unavailable("no node"), VenueError("what is this")])
async def test_first_broadcast_without_an_answer_counts_as_out(desk: Any, error: Exception) -> None:
    """Silence is no failure: the plan stays in flight until a block, or proof that none can hold it, tells."""
    desk.said.fail["broadcast"] = [error]

    assert [] == await desk.take()
    assert [f"1:broadcast:sent, and not confirmed: {error}"] == desk.states()
    assert ("sim:1",) == desk.live.waiting


async def test_plan_whose_block_was_dropped_goes_out_as_the_same_bytes(desk: Any, filled: Filled) -> None:
    """Nothing is signed again: seen before, it is out once more."""
    await desk.take()
    desk.link.outcomes["tx-1"] = filled(11)
    await desk.settle(11)
    desk.since()

    assert [] == await desk.take(reopened=True, height=12)
    assert ["keep 1:broadcast!", "broadcast tx-1"] == desk.since()
    assert ["1:broadcast:its block was dropped"] == desk.states()


async def test_plan_that_has_ended_is_not_sent_again(desk: Any, filled: Filled) -> None:
    """A chain that drops a block that was final broke its word: nothing goes out again, and the brake is pulled."""
    await desk.take()
    desk.link.outcomes["tx-1"] = filled(11)
    _, states = await desk.settle(14)
    desk.since()

    assert ["1:final"] == states
    assert [] == await desk.take(reopened=True, height=12)
    assert [] == desk.since()
    assert ("chain", True) == (desk.brake.stopped.by, "dropped a block that was final" in desk.brake.stopped.cause)


async def test_plan_that_is_sent_again_and_refused_stays_in_flight(desk: Any) -> None:
    """What this node refuses another may have: it was out before."""
    await desk.take()
    desk.said.fail["broadcast"] = [RefusedByVenue("known already")]

    assert [] == await desk.take(reopened=True, height=11)
    assert ["1:broadcast:"] == desk.states()


async def test_plan_that_is_reopened_after_the_brake_stays_where_it_is(desk: Any, filled: Filled) -> None:
    """Its block was dropped, and that is known; the bytes stay here."""
    await desk.take()
    desk.since()
    desk.brake.pull("a drill", "command")

    assert [] == await desk.take(reopened=True, height=11)
    assert [] == desk.since()
    assert ("sim:1",) == desk.live.waiting
