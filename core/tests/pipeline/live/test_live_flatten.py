"""While everything is sold back the brake lets that pass, and what frees a slot for it; nothing else."""

from typing import Any

import pytest

from tidemill.domain.plan import FLATTEN

pytestmark = pytest.mark.anyio
LATE = 20 + 4 + 1
"""The first height at which a plan that expired at 20 is late, with a patience of 4."""
SAID = "stopped by command: a drill"


@pytest.fixture
def stopped(desk: Any) -> Any:
    """A desk whose operator ordered that everything is sold back."""
    desk.brake.pull("a drill", "command")
    desk.brake.flattening = True
    return desk


async def test_sale_passes_the_brake_and_no_other_plan_does(stopped: Any) -> None:
    """It goes the whole way of any plan: slot, dry run, signature, disk, node."""
    assert [("p1", "operator", SAID)] == await stopped.take("p1")
    assert [] == await stopped.take("p2", strategy=FLATTEN)

    assert ["sign 1", "keep 1:planned 1:signed!", "broadcast tx-1", "keep 1:broadcast"] == stopped.since()[3:]
    assert [FLATTEN] == [record.strategy for record in stopped.book.open()]


async def test_sale_is_sent_again_and_what_was_out_before_is_not(desk: Any) -> None:
    """Plans in flight are watched to their end; only a sale goes out once more."""
    await desk.take("p1", expires=90)
    desk.brake.pull("a drill", "command")
    desk.brake.flattening = True
    await desk.take("p2", expires=90, strategy=FLATTEN)
    await desk.settle(14)
    desk.since()
    await desk.settle(15)

    assert ["broadcast tx-2"] == desk.since("broadcast")


async def test_slot_of_a_late_plan_is_freed_for_sales(desk: Any) -> None:
    """A sale behind a transaction that nobody includes could never land: a transaction that does nothing takes its slot."""
    await desk.take()
    desk.brake.pull("a drill", "command")
    await desk.settle(LATE)
    assert [] == desk.since("cancel")
    desk.brake.flattening = True
    await desk.settle(LATE + 1)

    assert ["sign 2", "broadcast tx-2"] == [call for call in desk.since() if call.startswith(("sign", "broadcast"))]


@pytest.mark.parametrize("member", ["simulate", "sign"])
async def test_second_stop_catches_a_sale_as_well(stopped: Any, member: str) -> None:
    """Between any two steps: what is not out yet stays here."""
    stopped.said.then[member] = lambda: setattr(stopped.brake, "flattening", False)

    assert [("p1", "operator", SAID)] == await stopped.take("p1", strategy=FLATTEN)
    assert [] == stopped.since("broadcast")


async def test_release_ends_it_and_a_restart_forgets_it(stopped: Any) -> None:
    """The order lasts as long as the stop and the process: it is no setting."""
    again = type(stopped.brake)(stopped.folder)
    again.load()
    stopped.brake.release("it is over")

    assert (False, False) == (again.flattening, stopped.brake.flattening)
