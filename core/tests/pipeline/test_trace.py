"""The trace: every call across an interface is a line, and nothing else changes."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tidemill.config.load import parse_config
from tidemill.errors import PluginError
from tidemill.hookspecs.strategy import Strategy
from tidemill.pipeline.assemble import assemble
from tidemill.pipeline.trace import Trace, traced_plugins
from tidemill_testing.market import snapshot_of

Install = Callable[..., Path]
CONFIG = """
[chains.sim]
tokens = 10
pools = 20
[dex.uniswap]
[search.cycles]
[strategies.lag]
edge_bps = 5
[books.main]
base = "USDC"
"""
LAG = """
from tidemill import Bps, Strategy, hookimpl, settings

@settings
class LagSettings:
    edge_bps: Bps = Bps(10)

class Lag(Strategy):
    name = "lag"
    settings: LagSettings
    def find_opportunities(self, snapshot):
        self.start_assets(snapshot, "sim:1") if snapshot.chains else None
        yield from ()

@hookimpl
def tidemill_register_strategies():
    return [Lag]
"""


class Lines(list[str]):
    """What a trace wrote, without the time."""

    def write(self, text: str) -> None:
        assert text.endswith(" µs\n")
        self.append(re.sub(r"  \d+ µs\n$", "", text))


class Failing(Strategy):
    name = "failing"

    def find_opportunities(self, snapshot: Any) -> Iterator[Any]:
        yield from ()
        raise ZeroDivisionError("after the first\nidea")


class Plain:
    """An interface with one method of every kind."""

    def answer(self, *, of: int) -> int:
        return of + 1

    def again(self) -> int:
        return self.answer(of=1)

    async def later(self, of: int) -> int:
        if of < 0:
            raise ValueError("below zero")
        if not of:
            raise LookupError
        return of

    async def batches(self) -> AsyncIterator[int]:
        yield 1

    @classmethod
    def made(cls) -> None:
        """Not asked of an instance."""

    def _own(self) -> None:
        """Nobody else's."""


def test_trace_tells_registration_construction_and_calls(install: Install) -> None:
    """From the hook that registers a plugin to its first call; settings are shown, and what it calls on itself is not."""
    install("acme", "acme_lag", LAG)
    lines = Lines()
    config = parse_config(CONFIG, "test")
    pipeline = assemble(config, traced_plugins(config.tables, lines.write))
    (asked,) = pipeline.core.roster.everyone
    assert [] == list(asked.strategy.find_opportunities(snapshot_of(())))

    assert "trace hook tidemill_register_strategies() of strategies.lag → [Lag]" in lines
    assert "trace strategies.lag made with LagSettings(edge_bps=5)" in lines
    assert re.fullmatch(r"trace strategies\.lag\.find_opportunities\(snapshot of .*, 0 pools changed\) → \[\]", lines[-1])
    assert not any("start_assets" in line for line in lines)


def test_trace_tells_what_a_chain_hands_out(install: Install) -> None:
    """Rules, link and reader are interface as well; what is handed out twice tells a call once."""
    install("acme", "acme_lag", LAG)
    lines = Lines()
    config = parse_config(CONFIG, "test")
    pipeline = assemble(config, traced_plugins(config.tables, lines.write))
    (chain,) = pipeline.chains.values()
    rules = chain.rules()
    chain.rules()
    lines.clear()
    rules.swap_cost(7)

    assert 1 == len(lines)
    assert lines[0].startswith("trace chains.sim.swap_cost(7) → ")


def test_trace_of_a_hook_that_raises_names_it(install: Install) -> None:
    """The line stands before the error that ends the start."""
    install("acme", "acme_lag", LAG.replace("return [Lag]", "raise RuntimeError('no')"))
    lines = Lines()
    with pytest.raises(PluginError, match="RuntimeError: no"):
        traced_plugins(parse_config(CONFIG, "test").tables, lines.write)

    assert "trace hook tidemill_register_strategies() of strategies.lag raised RuntimeError: 'no'" in lines


def test_trace_of_a_generator_that_raises_is_one_line() -> None:
    """What it raises is put to the call, on a single line whatever its message, and still raised."""
    lines, failing = Lines(), Failing()
    Trace(lines.write).watch("strategies.failing", failing, Strategy)
    with pytest.raises(ZeroDivisionError):
        list(failing.find_opportunities(None))

    assert [r"trace strategies.failing.find_opportunities(None) raised ZeroDivisionError: 'after the first\nidea'"] == lines


@pytest.mark.anyio
async def test_trace_of_methods_of_every_kind() -> None:
    """Arguments by name, coroutines with what they return or raise, streams by their word; answers are what they were."""
    lines, plain = Lines(), Plain()
    trace = Trace(lines.write)
    for _ in range(2):
        trace.watch("p", plain, Plain)
    assert (3, 2) == (plain.answer(of=2), plain.again())
    assert 5 == await plain.later(5)
    with pytest.raises(ValueError, match="below zero"):
        await plain.later(-1)
    with pytest.raises(LookupError):
        await plain.later(0)
    assert [1] == [one async for one in plain.batches()]

    assert [
        "trace p.answer(of=2) → 3",
        "trace p.again() → 2",
        "trace p.later(5) → 5",
        "trace p.later(-1) raised ValueError: 'below zero'",
        "trace p.later(0) raised LookupError",
        "trace p.batches() → batches",
    ] == lines
    assert {"answer", "again", "later", "batches"} == set(vars(plain))
