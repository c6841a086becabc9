"""The garbage collector is kept away from a market while it is loaded, and afterwards."""

import gc
from collections.abc import Iterator

import pytest

from tidemill.domain.events import Batch, Event, Found, Head, States
from tidemill.domain.ids import Key
from tidemill.pipeline.collector import LARGE, Collector
from tidemill_testing.market import SIM
from tidemill_testing.toy import USD, WETH, toy_ref

HALF = LARGE // 2
HEAD = Head(SIM, 1, "0x1", "0x0", 0)


def batch(*events: Event) -> Batch:
    return Batch("toy", 1, SIM, 1, "", "", "confirmed", 0, 0, events)


def states(count: int) -> States:
    return States(SIM, tuple((Key(f"0x{number:x}"), b"") for number in range(count)))


def found(count: int) -> Found:
    return Found((), (toy_ref(1, USD, WETH),) * count)


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    """Each test begins and ends with a collector that looks at everything."""
    gc.unfreeze()
    assert gc.isenabled()
    yield
    gc.enable()
    gc.unfreeze()


def folded(collector: Collector, *events: Event) -> tuple[bool, bool, bool]:
    """Whether the collector ran inside, runs afterwards, and leaves something alone."""
    with collector.around(batch(*events)):
        inside = gc.isenabled()
    return inside, gc.isenabled(), gc.get_freeze_count() > 0


def test_batch_that_loads_a_market_is_folded_without_the_collector() -> None:
    """It is paused inside, goes on after, and what is there then is left alone until the run is over."""
    collector = Collector()

    assert (False, True, True) == folded(collector, HEAD, found(HALF), states(LARGE - HALF))
    collector.close()
    assert 0 == gc.get_freeze_count()


def test_ordinary_batch_is_left_as_it_is() -> None:
    """A block's changes are no load."""
    collector = Collector()

    assert (True, True, False) == folded(collector, HEAD, found(HALF), states(LARGE - HALF - 1))
    collector.close()
    assert 0 == gc.get_freeze_count()


def test_collector_goes_on_after_a_batch_that_raises() -> None:
    """Whatever ends the fold, the collector is not left switched off."""
    collector = Collector()
    with pytest.raises(ZeroDivisionError), collector.around(batch(states(LARGE))):
        raise ZeroDivisionError

    assert gc.isenabled()


def test_what_others_chose_stays() -> None:
    """A collector that is switched off is not switched on; what was frozen before stays frozen at the end."""
    gc.disable()
    assert (False, False, False) == folded(Collector(), states(LARGE))
    gc.enable()
    gc.freeze()
    collector = Collector()
    folded(collector, states(LARGE))
    folded(collector, states(LARGE))
    collector.close()

    assert gc.get_freeze_count() > 0
