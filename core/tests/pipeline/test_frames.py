"""What a process of a plugin's own is told arrives as it was sent."""

import pickle
from collections.abc import AsyncIterator

import anyio
import pytest
from attrs import fields

from tidemill.api.links import open_links
from tidemill.config.load import default_config
from tidemill.domain.events import Batch, OutcomeSeen
from tidemill.domain.ids import PlanId
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.pipeline.assemble import assemble
from tidemill.pipeline.frames import HEAD, REDUCERS, frame


@pytest.mark.parametrize("kind", REDUCERS, ids=lambda kind: kind.__name__)
def test_events_are_made_of_their_fields_in_order(kind: type) -> None:
    """An event that its constructor would change, or that hides a field from it, could not be sent this way."""
    assert all(one.init and not one.kw_only and one.converter is None for one in fields(kind))


def test_batches_of_a_market_arrive_as_they_were_sent() -> None:
    """Everything that stands in a few blocks, and an answer beside it, in a frame of the length that it says."""
    sent: list[Batch] = []

    async def read() -> None:
        pipeline = assemble(default_config("sim", {}))
        (link,) = open_links(pipeline, None, 1, 3).values()
        batches: AsyncIterator[Batch] = link.batches()
        sent.extend([batch async for batch in batches])

    anyio.run(read)
    seen = OutcomeSeen(PlanId("p"), Outcome(OutcomeStatus.FILLED, 3, "0x3", cost=7))
    data = frame(("batch", True, tuple(sent), seen))

    assert len(sent) > 2
    assert len(data) - HEAD.size == HEAD.unpack_from(data)[0]
    assert ("batch", True, tuple(sent), seen) == pickle.loads(data[HEAD.size :])
