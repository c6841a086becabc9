"""What a run with real money leaves unsettled stands in its last lines."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tidemill.api.live.stays import stays
from tidemill.domain.ids import MAIN_BOOK
from tidemill.domain.outcome import Outcome
from tidemill.pipeline.flattening import Unsold
from tidemill_testing.toy import WETH

pytestmark = pytest.mark.anyio


def driver(desk: Any, *, exposed: int = 0, unsold: tuple[Unsold, ...] = ()) -> Any:
    core = SimpleNamespace(
        groups=SimpleNamespace(exposure=("one",) * exposed),
        flattening=SimpleNamespace(unsold=unsold),
        market=SimpleNamespace(state=SimpleNamespace(assets={})),
    )
    return SimpleNamespace(execution=desk.live, core=core, brake=desk.brake)


async def test_nothing_stays_of_a_run_that_settled_everything(desk: Any, filled: Callable[..., Outcome]) -> None:
    """What a block holds waits for nothing but depth: it is booked."""
    await desk.take()
    desk.link.outcomes["tx-1"] = filled(12)
    await desk.settle(12)

    assert () == stays(driver(desk))


async def test_everything_that_stays_has_a_sentence(desk: Any) -> None:
    """What is out, what stands exposed, what was not sold and why, and who stopped it."""
    await desk.take()
    desk.brake.pull("a drill", "command")
    unsold = (Unsold(MAIN_BOOK, WETH, 7, "the node refused: no room", True), Unsold(MAIN_BOOK, WETH, 8, "", True))
    found = stays(driver(desk, exposed=2, unsold=unsold))

    assert "1 transaction still out (1 broadcast): the next run takes up what is out, or `tidemill reconcile`" == found[0]
    assert "2 groups of legs exposed: `tidemill exposure` shows what stands open" == found[1]
    assert [" of main was not sold back: the node refused: no room", " of main was not sold back"] == [
        one.partition(" of main")[1] + one.partition(" of main")[2] for one in found[2:4]
    ]
    assert "stopped by command: a drill; no run with real money starts until `tidemill resume --cause TEXT`" == found[4]


async def test_a_run_on_paper_leaves_nothing_that_needs_a_word(desk: Any) -> None:
    """It has nothing out, and no stop concerns it."""
    paper = driver(desk)
    desk.brake.pull("a drill", "command")
    paper.execution = object()

    assert () == stays(paper)
