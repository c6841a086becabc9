"""The page of batches and events."""

from scripts.docs.markdown import page, shape
from scripts.docs.source import read_source
from tidemill.domain import events


def events_page() -> str:
    """Batch, every event with its fields, and what stands inside them."""
    source = read_source("tidemill.domain.events")
    by_name = {found.name: found for found in source.shapes}
    market = [kind.__name__ for kind in events.MARKET_EVENTS]
    answers = [kind.__name__ for kind in events.ANSWER_EVENTS]
    inside = [name for name in by_name if name not in {*market, *answers, "Batch"}]
    return page(
        "Batches and events",
        "`tidemill.domain.events`",
        "A batch is the only input of a run: nothing but batches, configuration and seed decides what it does. A recorded run is its\n"
        "batches in order, see [the tape format](tape-format.md).",
        shape(by_name["Batch"], 2),
        "## Market events\n\nThey come from sources, timers and operators' commands.",
        *[shape(by_name[name]) for name in market],
        "## Answers\n\nThey say what the world answered to our own doing. A batch never mixes them with market events.",
        *[shape(by_name[name]) for name in answers],
        "## Values inside events",
        *[shape(by_name[name]) for name in inside],
    )
