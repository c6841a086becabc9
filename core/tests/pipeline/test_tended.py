"""Price sources that fail: told, begun anew after a rest, disabled after too many failures; nobody waits for them meanwhile."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import anyio
import pytest
from attrs import evolve

from tidemill.domain.events import Batch, OraclePrice, PluginState
from tidemill.errors import PluginError
from tidemill.pipeline import supervise
from tidemill.pipeline.sources import in_order
from tidemill.pipeline.supervise import needed, tended
from tidemill_testing.toy import WETH

pytestmark = pytest.mark.anyio


def price(seq: int, at: int, source: str = "acme") -> Batch:
    return Batch(source, seq, None, 0, "", "", "confirmed", at, at, (OraclePrice(WETH, 1, 0, 1, at),))


class Source:
    """Plays one script after another: batches, and an exception to end it."""

    def __init__(self, *scripts: list[Any]) -> None:
        self.scripts = list(scripts)

    async def __call__(self) -> AsyncIterator[Batch]:
        for one in self.scripts.pop(0):
            if isinstance(one, BaseException):
                raise one
            yield one


async def heard(source: Callable[[], AsyncIterator[Batch]], most: int = 3) -> list[Batch]:
    """Return what comes of a tended source, its rests waited out."""
    batches = []
    with anyio.fail_after(10):
        async for batch in tended("prices.acme", source, most):
            if batch is None:
                await anyio.sleep(0.001)
            else:
                batches.append(batch)
    return batches


def states(batches: list[Batch]) -> list[tuple[str, int]]:
    return [(event.state, event.failures) for batch in batches for event in batch.events if isinstance(event, PluginState)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rest takes milliseconds."""
    monkeypatch.setattr(supervise, "rest_s", lambda failures: 0.002 * failures)


async def test_source_that_fails_is_begun_anew_and_goes_on_where_it_was() -> None:
    """Its name and numbers continue, what it told before is not told again, and each step is an event."""
    source = Source([price(1, 10), price(2, 20), OSError("closed")], [price(1, 10, "b"), price(2, 20, "b"), price(3, 30, "b")])
    batches = await heard(source)

    assert [("acme", 1, 10), ("acme", 2, 20), ("acme", 3, 20), ("acme", 4, 30)] == [
        (batch.source, batch.seq, batch.local_ns) for batch in batches if not batch.is_answer
    ]
    assert [("failed", 1), ("restarted", 1)] == states(batches)
    assert [1, 2] == [batch.seq for batch in batches if batch.is_answer]


async def test_source_that_ends_is_not_begun_anew() -> None:
    """Its end is no failure."""
    assert [1] == [batch.seq for batch in await heard(Source([price(1, 10)]))]


async def test_source_that_gives_nothing_new_between_failures_is_disabled() -> None:
    """So many times in a row, a constructor that raises included; then it is asked no more."""
    made = iter([Source([price(1, 10), ValueError("one")]), None, Source([SystemExit(3)])])

    def begin() -> AsyncIterator[Batch]:
        source = next(made)
        if source is None:
            raise KeyError("two")
        return source()

    batches = await heard(begin)
    assert [("failed", 1), ("restarted", 1), ("failed", 2), ("restarted", 2), ("failed", 3), ("disabled", 3)] == states(batches)
    assert "SystemExit: 3" in str(batches[-1].events[0])


async def test_new_batches_end_a_row_of_failures() -> None:
    """One that works in between fails for the first time again."""
    batches = await heard(Source([OSError()], [price(1, 10), OSError()], [price(2, 20), OSError()], [price(3, 30)]), most=2)

    assert [1, 1, 1] == [failures for state, failures in states(batches) if state == "failed"]


def odd(*events: Any, at: Any = 1) -> Any:
    return Batch("a", 1, None, 0, "", "", "confirmed", at, at, events)


@pytest.mark.parametrize(
    "wrong",
    ["buy", None, odd(at=2.5), evolve(odd(), events=["x"]), odd(3), odd(PluginState("a", "failed", 1))],
    ids=["text", "none", "float", "list", "no event", "answer"],
)
async def test_source_that_gives_nonsense_is_at_fault(wrong: Any) -> None:
    """What is no batch of market events is its failure, named; of a chain it ends the run, named as well."""
    batches = await heard(Source([price(1, 10), wrong]), most=1)
    assert [("failed", 1), ("disabled", 1)] == states(batches)
    assert "PluginContractError: plugin prices.acme" in str(batches[-1].events[0])
    with pytest.raises(PluginError, match=r"chains\.acme"):
        assert [] == [batch async for batch in needed("chains.acme", Source([wrong]))]


async def test_source_that_rests_holds_nobody_up() -> None:
    """The chain's batches go on while a price source rests, and it is heard again once it is back."""
    source = Source([OSError("closed")], [price(1, 10**6)])

    async def chain() -> AsyncGenerator[Batch, None]:
        for number in range(1, 30):
            await anyio.sleep(0.001)
            yield price(number, number, "chain")

    order = [batch.source async for batch in in_order([chain()], [tended("prices.acme", source, 3)])]
    assert "supervisor prices.acme" == order[0]
    place = [place for place, name in enumerate(order) if name == "supervisor prices.acme"][1]
    assert order[1:place].count("chain") == place - 1 > 0


async def test_sleeping_source_does_not_replace_its_generator() -> None:
    """A source that was closed by its reader while it rests ends at once."""
    batches = tended("prices.acme", Source([OSError()], [price(1, 1)]), 3)
    assert (await anext(batches)) is not None
    assert (await anext(batches)) is None
    await batches.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(batches)
