"""What an operator may order in an emergency, and what of it the run takes in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidemill.api.operator import Operator, RunFacts
from tidemill.domain.note import RunHeader
from tidemill.errors import ControlError
from tidemill.pipeline.brake import Brake
from tidemill.pipeline.protocol import Request

pytestmark = pytest.mark.anyio
FACTS = RunFacts(RunHeader("0.1.0", "live", "toy:1", 3, ()), 0.0, "", Path("gone"), 0)


class Ordered:
    """An operator before a driver with a brake."""

    def __init__(self, bench: Callable[..., Any], rig: Callable[..., Any], folder: Path) -> None:
        self.made = rig(bench())
        self.made.script_of(6)
        self.driver = self.made.driver
        self.brake = self.driver.brake = Brake(folder)
        self.operator = Operator(self.driver, self.made.run.supervisor, FACTS)

    async def order(self, command: str, cause: str = "a drill") -> tuple[list[Any], str]:
        """Order something; return what changed by it, and what was said."""
        value: Any = await self.operator.answer(Request(command, "", cause))
        return value["changed"], value["text"]

    @property
    def commands(self) -> list[str]:
        """What was folded of it, in order."""
        return [batch.events[0].command for batch, _ in self.made.fed if batch.source == "control"]


@pytest.fixture
def ordered(bench: Callable[..., Any], rig: Callable[..., Any], tmp_path: Path) -> Ordered:
    """A run that may be stopped."""
    return Ordered(bench, rig, tmp_path)


async def test_flatten_pulls_the_brake_and_is_an_event(ordered: Ordered) -> None:
    """The brake holds before the command has its turn; said again it changes nothing."""
    first, again = await ordered.order("flatten"), await ordered.order("flatten")

    assert (["broadcast"], []) == (first[0], again[0])
    assert "sells everything but the base asset back" in first[1]
    assert again[1].startswith("it was told so before: ")
    assert (["flatten"], True, True) == (ordered.commands, ordered.brake.flattening, ordered.driver.core.flattening.active)
    assert ordered.brake.stopped is not None
    assert "a drill" == ordered.brake.stopped.cause


async def test_flatten_that_is_done_leaves_the_brake_holding_everything(ordered: Ordered) -> None:
    """Once nothing can be sold any more the order is over, and the run goes on watching."""
    await ordered.order("flatten")
    await ordered.made.play()

    assert (False, False) == (ordered.brake.flattening, ordered.driver.core.flattening.active)
    assert (["flatten"], True) == (ordered.commands, ordered.brake.stopped is not None)


async def test_stop_now_ends_a_flatten(ordered: Ordered) -> None:
    """Who says it again wants nothing at all to leave: the core is told before the next block."""
    await ordered.order("flatten")
    assert [] == (await ordered.order("stop-now"))[0]
    assert not ordered.brake.flattening
    await ordered.made.play()

    assert (["flatten", "hold"], False) == (ordered.commands, ordered.driver.core.flattening.active)


async def test_resume_after_a_flatten_needs_a_cause(ordered: Ordered) -> None:
    """Released as any stop, it stands on the tape with its cause."""
    await ordered.order("flatten")
    with pytest.raises(ControlError, match="say why it may go on with --cause TEXT"):
        await ordered.order("resume", "")
    await ordered.order("resume", "it is over")
    await ordered.made.play()

    assert (["flatten", "release"], "", False) == (ordered.commands, ordered.driver.core.held, ordered.brake.flattening)


@pytest.mark.parametrize("command", ["stop-now", "flatten"])
async def test_emergency_orders_are_refused_on_paper(ordered: Ordered, command: str) -> None:
    """Nothing leaves a run on paper, and nothing is changed by the refusal."""
    ordered.driver.brake = None
    with pytest.raises(ControlError, match="this run trades on paper"):
        await ordered.order(command)

    assert [] == ordered.commands


async def test_stop_now_said_again_keeps_the_first_and_notes_the_second(ordered: Ordered) -> None:
    """Whoever comes second is told who was first, and why; what they say is kept."""
    await ordered.order("stop-now", "reverts")
    changed, text = await ordered.order("stop-now", "gas is dear")

    assert ordered.brake.stopped is not None
    assert ([], "reverts; also: gas is dear") == (changed, ordered.brake.stopped.cause)
    assert text.startswith(
        f"stopped already by command since {ordered.brake.stopped.at}: reverts; your cause is kept beside it; 0 in flight"
    )


async def test_status_tells_of_a_flatten_while_its_stop_holds(ordered: Ordered) -> None:
    """From the order on, after it is done, and no more once trading goes on."""

    async def seen() -> Any:
        value: Any = await ordered.operator.answer(Request("status"))
        return value["flatten"]

    before = await seen()
    await ordered.order("flatten")
    begun = await seen()
    await ordered.made.play()
    done = await seen()
    await ordered.order("resume", "it is over")
    await ordered.driver._hold_or_release()

    assert (None, "selling", "done", None) == (before, begun["state"], done["state"], await seen())
    assert {"book", "asset", "amount", "reason", "stays"} == {key for one in done["unsold"] for key in one} or [] == done["unsold"]
