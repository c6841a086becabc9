"""What the status says of plugins that do not simply run, and of a run that does not."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tidemill.api.config import load_config
from tidemill.api.operator import Operator, RunFacts
from tidemill.api.status import PluginStatus, Status, status_from_json
from tidemill.api.status_text import status_lines
from tidemill.domain import events as ev
from tidemill.domain.note import RunHeader
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.snapshot import Snapshot
from tidemill.errors import ControlError
from tidemill.hookspecs.strategy import Strategy
from tidemill.pipeline.brief import Brief
from tidemill.pipeline.isolated_notifier import IsolatedNotifier
from tidemill.pipeline.protocol import Request

pytestmark = pytest.mark.anyio
Benches = Callable[..., Any]
Rigs = Callable[..., Any]
FACTS = RunFacts(RunHeader("0.1.0", "paper", "toy:1", 3, ()), 0.0, "", Path("gone"), 0)
DEEP = 10**21


class Moody(Strategy):
    """Raises while it is told to."""

    name = "moody"
    mood = "good"

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        if self.mood == "bad":
            raise ZeroDivisionError("a bad day")
        return iter(())


def operator(made: Any) -> Operator:
    return Operator(made.driver, made.run.supervisor, FACTS)


async def status(made: Any) -> Status:
    return status_from_json(await operator(made).answer(Request("status")))


def states(found: Status) -> list[tuple[str, str, int]]:
    return [(one.path, one.state, one.failures) for one in (*found.strategies, *found.plugins)]


async def test_status_before_the_first_block_has_no_age(bench: Benches, rig: Rigs) -> None:
    """What has not come is not 54 years old."""
    found = await status(rig(bench((Moody(),))))

    assert (0, None, "running", 0, 0) == (found.blocks, found.block_age_s, found.state, found.ledger, found.data_bytes)
    assert () == found.chains


async def test_strategy_that_fails_is_failing_until_it_does_well(bench: Benches, rig: Rigs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last error and how often in a row; once it has answered again it simply runs; disabled stays, even when paused."""
    made = rig(bench((Moody(),)))
    made.script_of(1)
    monkeypatch.setattr(Moody, "mood", "bad")
    await made.play()
    failing = await status(made)
    made.run.core.on_batch(ev.Batch("s", 1, None, 0, "", "", "confirmed", 0, 0, (ev.Control("pause"),)), False)
    paused = await status(made)
    disabled = ev.PluginState("strategies.moody", "disabled", 3, "failed 3 times in a row")
    made.run.core.on_batch(ev.Batch("s", 1, None, 0, "", "", "confirmed", 0, 0, (disabled,)), False)
    ended = await status(made)

    assert (PluginStatus("strategies.moody", "failing", "ZeroDivisionError: a bad day", 1),) == failing.strategies
    assert [("strategies.moody", "paused", 0)] == states(paused)
    assert (PluginStatus("strategies.moody", "disabled", "failed 3 times in a row", 3),) == ended.strategies


async def test_plugins_beside_strategies_are_listed_while_they_fail(bench: Benches, rig: Rigs) -> None:
    """A DEX that has done well since, and a source that is back, are not told of any more."""
    made = rig(bench((Moody(),)))

    def told(*events: ev.PluginState) -> None:
        made.run.core.on_batch(ev.Batch("supervisor", 1, None, 0, "", "", "confirmed", 0, 0, events), False)

    told(ev.PluginState("dex.toy", "failed", 2, "x"), ev.PluginState("prices.feed", "failed", 1, "closed"))
    assert [("strategies.moody", "running", 0), ("prices.feed", "failing", 1)] == states(await status(made))
    told(ev.PluginState("prices.feed", "restarted", 1), ev.PluginState("risk.limits", "disabled", 3, "again"))

    assert [("strategies.moody", "running", 0), ("risk.limits", "disabled", 3)] == states(await status(made))


async def test_status_tells_that_a_run_halted_or_is_ending(bench: Benches, rig: Rigs) -> None:
    """In one word, and why; the second stop is told to be one."""
    halted, ending = rig(bench((Moody(),))), rig(bench((Moody(),)))
    await halted.driver.command(lambda: ev.Control("halt", (), "the market looks wrong"))
    first = await operator(ending).answer(Request("stop"))
    second = await operator(ending).answer(Request("stop"))

    assert ("halted", "the market looks wrong") == ((found := await status(halted)).state, found.reason)
    assert ("ending", "an operator ended the run") == ((found := await status(ending)).state, found.reason)
    assert (["run"], []) == (first["changed"], second["changed"])
    assert str(second["text"]).startswith("ending already: ")


async def test_reconcile_of_a_run_on_paper_is_refused(bench: Benches, rig: Rigs) -> None:
    """What its books hold is on no chain."""
    with pytest.raises(ControlError, match="this run trades on paper"):
        await operator(rig(bench((Moody(),)))).answer(Request("reconcile"))


async def test_status_tells_what_books_are_worth_where_pools_say(bench: Benches, rig: Rigs) -> None:
    """Valued in the base as the run sees the market; what no pool prices is left out."""
    made = rig(bench((Moody(),)))
    made.script_of(1)
    await made.play()
    (book,) = (await status(made)).books

    assert {book.base: book.balances[book.base]} == {asset: worth for asset, worth in book.values.items() if asset == book.base}
    assert set(book.values) <= set(book.balances)


async def test_stop_of_a_run_that_settles_at_its_end_is_no_error(bench: Benches, rig: Rigs) -> None:
    """It takes no commands any more, and what was asked for comes; a pause is refused."""
    made = rig(bench((Moody(),)))
    made.script_of(2)
    await made.play()
    answer = await operator(made).answer(Request("stop"))

    assert ([], True) == (answer["changed"], str(answer["text"]).startswith("ending already: "))
    with pytest.raises(ControlError, match="the run is ending"):
        await operator(made).answer(Request("pause"))


async def test_status_shows_plans_in_flight_and_what_they_reserve(bench: Benches, rig: Rigs) -> None:
    """By book, with the strategy and the block."""
    made = rig(bench(latency=4))
    pools = made.run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    made.run.block({pools[2]: (DEEP * 105 // 100, DEEP)})
    found = await status(made)
    (book,) = found.books
    (plan,) = book.plans

    assert (1, "lagging", made.run.blocks.height) == (found.open_plans, plan.strategy, plan.height)
    assert any(book.reserved.values())
    assert (1, 1) == (found.plans, found.opportunities)


async def test_plugin_in_a_process_of_its_own_is_told_with_its_process(bench: Benches, rig: Rigs) -> None:
    """Its id and what that holds in memory, for strategies and notifiers, in lines and in JSON; one without a process has neither."""

    class Apart(IsolatedNotifier):
        pid = os.getpid()

    brief = Brief("notifiers.file", "notifier", load_config(None), {})
    made = rig(bench((Moody(),)), notifiers=[Apart(brief)])
    made.driver.isolation = SimpleNamespace(pids={"strategies.moody": os.getpid()})
    found = await status(made)
    (moody,), (file,) = found.strategies, found.plugins

    assert ("strategies.moody", "running", os.getpid()) == (moody.path, moody.state, moody.process)
    assert ("notifiers.file", "running", os.getpid()) == (file.path, file.state, file.process)
    assert moody.memory_mb > 10
    lines = [re.sub(r"[\d,]+ MB", "61 MB", line) for line in status_lines(found)]
    assert f"strategies.moody running apart, process {os.getpid()}, 61 MB" in lines
    assert f"notifiers.file running apart, process {os.getpid()}, 61 MB" in lines
    made.driver.isolation = SimpleNamespace(pids={})
    assert "strategies.moody running" in list(status_lines(await status(made)))


async def test_memory_of_a_process_that_has_ended_is_left_out(bench: Benches, rig: Rigs) -> None:
    """Between its end and its next start nobody knows: the rest of the line stands."""
    made = rig(bench((Moody(),)))
    made.run.answer(ev.PluginState("strategies.moody", "failed", 2, "odd"))
    made.driver.isolation = SimpleNamespace(pids={"strategies.moody": 2**31 - 1})

    assert "strategies.moody running apart, process 2147483647" in list(status_lines(await status(made)))


async def test_notifier_that_cannot_start_is_disabled_in_the_status(bench: Benches, rig: Rigs) -> None:
    """With its reason; one that failed and was begun anew runs again."""
    made = rig(bench((Moody(),)))
    made.notices.states["notifiers.file"] = ev.PluginState("notifiers.file", "disabled", 1, "/x/y: cannot be written")
    made.notices.states["notifiers.hook"] = ev.PluginState("notifiers.hook", "failed", 2, "no route")
    made.notices.states["notifiers.back"] = ev.PluginState("notifiers.back", "restarted", 1, "begun anew")

    found = await status(made)
    assert [
        "notifiers.file disabled (1 in a row): /x/y: cannot be written",
        "notifiers.hook failing (2 in a row): no route",
    ] == list(status_lines(found))[-2:]
