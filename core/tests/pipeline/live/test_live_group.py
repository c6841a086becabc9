"""Legs of a group with real money: all are tried before any is signed, all are on disk before any leaves."""

from typing import Any

import pytest

from tidemill.domain.events import RefusedSeen
from tidemill.domain.ids import PlanId
from tidemill.domain.transaction import Simulated, Unsigned
from tidemill.errors import LedgerError, OutcomeUnknown, RefusedByVenue, SignerRefused, Unavailable
from tidemill.stages.effects import Intent, sent_together
from tidemill_testing.market import SIM

pytestmark = pytest.mark.anyio


@pytest.fixture
def legs(make_flow: Any) -> tuple[Intent, ...]:
    """Three legs of one group."""
    plans = [make_flow(f"leg{number}") for number in (1, 2, 3)]
    return tuple(Intent(plan, Unsigned(plan.id, SIM, plan.id.encode(), 1_000, 20), 10, group=PlanId("g")) for plan in plans)


async def taken(desk: Any, legs: tuple[Intent, ...]) -> list[tuple[str, str, str]]:
    known = await desk.live.take(legs, {SIM: 10})
    return [(event.plan, event.by, event.reason) for event in known if isinstance(event, RefusedSeen)]


async def test_legs_are_all_tried_then_signed_then_kept_at_once_then_sent(desk: Any, legs: tuple[Intent, ...]) -> None:
    """One durable commit holds every leg's signed bytes; each has a slot of its own; only then the first one leaves."""
    assert [] == await taken(desk, legs)
    assert [
        "slot", "seal nonce:0", "simulate leg1",
        "slot", "seal nonce:1", "simulate leg2",
        "slot", "seal nonce:2", "simulate leg3",
        "sign 1", "sign 2", "sign 3",
        "keep 1:planned 2:planned 3:planned 1:signed 2:signed 3:signed!",
        "broadcast tx-1",
        "broadcast tx-2",
        "broadcast tx-3",
    ] == [call for call in desk.since() if not call.endswith(":broadcast")]  # fmt: skip


async def test_leg_that_fails_its_dry_run_keeps_all_from_being_signed(desk: Any, legs: tuple[Intent, ...]) -> None:
    """Nothing is signed or kept; every leg is refused, with which one it was."""
    dry = iter([Simulated(True), Simulated(False, reason="K")])
    desk.said.then["simulate"] = lambda: setattr(desk.link, "dry", next(dry))

    assert [(f"leg{number}", "simulation", "leg 2 of 3: K") for number in (1, 2, 3)] == await taken(desk, legs)
    assert [] == desk.since("sign") + desk.since("broadcast") + desk.states()
    assert 1 == desk.book.next_number


@pytest.mark.parametrize("member", ["slot", "seal", "simulate"])
async def test_leg_whose_link_cannot_prepare_it_refuses_all(desk: Any, legs: tuple[Intent, ...], member: str) -> None:
    """A node that does not answer for one leg keeps all of them here."""
    desk.said.fail[member] = [Unavailable("the node is busy")]

    assert {("node", "leg 1 of 3: the node is busy")} == {(by, why) for _, by, why in await taken(desk, legs)}
    assert [] == desk.since("sign") + desk.states()


async def test_leg_that_the_signer_refuses_leaves_none_signed(desk: Any, legs: tuple[Intent, ...]) -> None:
    """What was signed before it never leaves: every leg is kept as dead."""
    desk.said.then["sign"] = lambda: desk.said.fail["sign"].extend([SignerRefused("value", "too much")] if "sign 2" in desk.said else [])

    assert {("signer", "value: too much")} == {(by, why) for _, by, why in await taken(desk, legs)}
    assert [] == desk.since("broadcast")
    assert [f"{number}:dead:not signed: value: too much" for number in (1, 2, 3)] == desk.states()


async def test_legs_that_cannot_be_kept_do_not_leave(desk: Any, legs: tuple[Intent, ...]) -> None:
    """A disk that is full ends it before the first broadcast."""
    desk.said.fail["keep"] = [LedgerError("disk full")]

    with pytest.raises(LedgerError, match="disk full"):
        await taken(desk, legs)
    assert not [call for call in desk.said if call.startswith("broadcast")]


@pytest.mark.parametrize("call", ["slot", "sign"])
async def test_brake_before_the_first_leg_left_keeps_all(desk: Any, legs: tuple[Intent, ...], call: str) -> None:
    """Whoever pulls the brake while legs are prepared or signed sees none of them leave."""
    desk.said.then[call] = lambda: desk.brake.pull("a test", "command")

    assert {"operator"} == {by for _, by, _ in await taken(desk, legs)}
    assert [] == desk.since("broadcast")


async def test_brake_between_two_legs_keeps_the_others(desk: Any, legs: tuple[Intent, ...]) -> None:
    """What has left has left; the rest is dead, and told as refused."""
    desk.said.then["broadcast"] = lambda: desk.brake.pull("a test", "command")

    assert [("leg2", "operator"), ("leg3", "operator")] == [(plan, by) for plan, by, _ in await taken(desk, legs)]
    assert ["broadcast tx-1"] == desk.since("broadcast")
    assert ["broadcast", "dead", "dead"] == [state.split(":")[1] for state in desk.states()]


async def test_leg_that_a_node_refuses_for_good_keeps_those_behind_it(desk: Any, legs: tuple[Intent, ...]) -> None:
    """A first leg that can never be included is no reason to send the second."""
    desk.said.fail["broadcast"] = [RefusedByVenue("no")]

    assert [f"leg{number}" for number in (1, 2, 3)] == [plan for plan, by, _ in await taken(desk, legs) if by == "node"]
    assert ["1:dead:refused by the node: no", "2:dead:never sent: no", "3:dead:never sent: no"] == desk.states()


async def test_leg_whose_broadcast_is_not_confirmed_counts_as_sent(desk: Any, legs: tuple[Intent, ...]) -> None:
    """It may be out: the others go as well, and only proof tells."""
    desk.said.fail["broadcast"] = [OutcomeUnknown("timeout")]

    assert [] == await taken(desk, legs)
    assert ["broadcast"] * 3 == [state.split(":")[1] for state in desk.states()]


async def test_stop_that_holds_refuses_all_legs_unasked(desk: Any, legs: tuple[Intent, ...]) -> None:
    """Nobody is asked for anything while a stop holds."""
    desk.brake.pull("a test", "command")

    assert 3 == len(await taken(desk, legs))
    assert [] == desk.since("slot")


def test_intents_of_one_group_go_together_and_reopened_ones_alone(legs: tuple[Intent, ...], make_flow: Any) -> None:
    """Only new legs are one; what is sent again after a rollback goes by itself, as does what belongs to no group."""
    plan = make_flow("alone")
    alone = Intent(plan, Unsigned(plan.id, SIM, b"", 1, 20), 10)
    again = Intent(legs[0].plan, legs[0].unsigned, 10, reopened=True, group=PlanId("g"))
    other = Intent(plan, alone.unsigned, 10, group=PlanId("h"))

    assert [(alone,), legs, (other,), (again,), (again,)] == list(sent_together([alone, *legs, other, again, again]))
