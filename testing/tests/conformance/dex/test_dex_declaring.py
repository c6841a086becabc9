"""What a DEX can and does not declare is told; what only promises more need not be declared."""

from typing import Any

import pytest
from attrs import evolve, frozen

from tidemill.domain.answers import Needs, NoQuote, NoQuoteReason
from tidemill.domain.events import Log
from tidemill.domain.ids import AssetId
from tidemill.domain.plan import PlannedSwap
from tidemill.domain.pool import Decoded, Pool, PoolRef, Quote, Watch
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Wallet
from tidemill.errors import PluginContractError
from tidemill.hookspecs.chain import Step
from tidemill.hookspecs.dex import Dex, States
from tidemill_testing.conformance import Broken, DexConformance, PoolCase
from tidemill_testing.plain_dex import PlainDex, PlainPool, plain_cases

CASES = plain_cases(capped=False)
BARE = tuple(evolve(case, answers=()) for case in CASES)
MUST = frozenset({"recorded", "exact_out", "logs", "steps"})


@frozen
class Inputs(PlainPool):
    """Quotes no exact output."""

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        return NoQuote(NoQuoteReason.CLOSED)


class Modest(PlainDex):
    """Quotes inputs and nothing else."""

    pool_class = Inputs
    apply = Dex.apply

    def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
        answer = super().decode(ref, states, at, last)
        return Decoded(answer.pool, Watch(answer.watch.keys)) if isinstance(answer, Decoded) else answer

    def build_steps(self, swap: PlannedSwap, pool: Pool, at: ChainTime, wallet: Wallet) -> tuple[Step, ...]:
        raise PluginContractError(self.name, "expected a chain on which it can swap")


def ask(plugin: type[Dex], capabilities: frozenset[str], cases: tuple[PoolCase, ...] = BARE) -> None:
    suite: Any = type("TestOther", (DexConformance,), {"plugin": plugin, "cases": cases, "capabilities": capabilities})()
    suite.test_what_it_can_is_declared()


def said(plugin: type[Dex], capabilities: frozenset[str], cases: tuple[PoolCase, ...] = BARE) -> str:
    with pytest.raises(Broken) as broken:
        ask(plugin, capabilities, cases)
    return str(broken.value)


@pytest.mark.parametrize(
    ("missing", "shown"),
    [
        ("recorded", "the case has 3 answers of the chain"),
        ("exact_out", "quote_exact_out answers Quote("),
        ("logs", "PlainDex overrides apply"),
        ("steps", "build_steps gives (PlainStep("),
    ],
)
def test_capability_that_is_there_and_not_declared_is_told(missing: str, shown: str) -> None:
    """The message names what shows it and what to declare; with the others alone declared it is the only one."""
    text = said(PlainDex, MUST - {missing}, CASES)

    assert f"DEX-47 what it can is declared: deep: {shown}" in text
    assert text.endswith(f"and TestOther does not declare {missing!r}")


def test_promises_beyond_need_not_be_declared() -> None:
    """Curves are tried wherever they are given, and the least input is a claim of its own."""
    ask(PlainDex, MUST, CASES)
    ask(Modest, frozenset())


def test_log_filters_without_apply_are_told() -> None:
    """A pool that watches logs and leaves ``apply`` to the base class counts as fresh at every head, and stays as it was."""

    class Deaf(PlainDex):
        apply = Dex.apply

    text = said(Deaf, MUST - {"logs"})
    assert "deep: its watch has the log filters (LogFilter(" in text
    assert text.endswith("does not declare 'logs'")

    suite: Any = type("TestOther", (DexConformance,), {"plugin": Deaf, "cases": CASES, "capabilities": MUST})()
    with pytest.raises(Broken, match=r"DEX-40 .* after its logs"):
        suite.test_logs_change_a_pool_as_state_does()


def test_log_that_is_not_watched_cannot_hide_behind_the_capability() -> None:
    """Whoever plays logs without watching them is told by one rule or the other."""

    class Unwatching(PlainDex):
        def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
            answer = super().decode(ref, states, at, last)
            return Decoded(answer.pool, Watch(answer.watch.keys)) if isinstance(answer, Decoded) else answer

        def apply(self, pool: Pool, log: Log, at: ChainTime) -> Pool | Needs:
            return super().apply(pool, log, at)

    assert said(Unwatching, MUST - {"logs"}).endswith("Unwatching overrides apply, and TestOther does not declare 'logs'")
    suite: Any = type("TestOther", (DexConformance,), {"plugin": Unwatching, "cases": CASES, "capabilities": MUST})()
    with pytest.raises(Broken, match=r"DEX-40 .* and it watches no logs"):
        suite.test_logs_change_a_pool_as_state_does()


def test_undeclared_answer_that_raises_is_told() -> None:
    """An exception of no kind of ours ends a run that asks, declared or not."""

    class Raising(PlainDex):
        def build_steps(self, swap: PlannedSwap, pool: Pool, at: ChainTime, wallet: Wallet) -> tuple[Step, ...]:
            raise NotImplementedError("no steps")

    assert "raised NotImplementedError: no steps" in said(Raising, MUST)
