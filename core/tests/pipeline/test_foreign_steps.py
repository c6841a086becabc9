"""Steps that a chain cannot compose: the plugin that built them is named, and its chain goes on with everybody else."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from tidemill.domain import events as ev
from tidemill.domain.ids import AssetId, ChainId, Key, PoolId
from tidemill.domain.lending import LoanTerms
from tidemill.domain.plan import Flow, Loan, PlannedSwap
from tidemill.domain.pool import Pool, Watch
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Unsigned, Wallet
from tidemill.errors import TidemillError
from tidemill.hookspecs.chain import Step
from tidemill.hookspecs.lender import Lender
from tidemill_testing.toy import USD, WETH, ToyDex, ToyRules, toy_ref

Benches = Callable[..., Any]
DEEP = 10**21
GAP = DEEP * 105 // 100


class Unencodable(TidemillError):
    """As an encoder of a chain's family raises it."""


class Foreign(Step):
    """No step of this chain's family."""


class Encoding(ToyRules):
    """Knows the steps of its family, and says ``error`` of any other."""

    error: type[BaseException] = Unencodable

    def compose(self, plan: Flow, steps: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Any:
        for step in steps:
            if isinstance(step, Foreign):
                raise self.error("no step of mine")
        return super().compose(plan, steps, wallet, snapshot)


class Crashing(Encoding):
    """As above, but by a bug."""

    error = ZeroDivisionError


class Other(ToyDex):
    """Builds steps that the chain does not know."""

    name = "other"

    def build_steps(self, swap: PlannedSwap, pool: Pool, at: ChainTime, wallet: Wallet) -> tuple[Step, ...]:
        return (Foreign(),)


def failed(run: Any) -> set[str]:
    """Return the plugins that were said to have failed."""
    return {event.plugin for batch, _ in run.tape for event in batch.events if isinstance(event, ev.PluginState)}


def gap(run: Any, *dexes: str) -> list[PoolId]:
    """Load a pool of each of these DEXs, and move the last apart."""
    refs = [toy_ref(number, USD, WETH, dex=dex) for number, dex in enumerate(dexes, start=1)]
    run.feed(run.blocks.head(), decide=False)
    run.feed(run.blocks.found(*refs), decide=False)
    run.feed(run.blocks.batch(run.blocks.states({ref.id: (DEEP, DEEP) for ref in refs})))
    run.block({refs[-1].id: (GAP, DEEP)})
    run.block()
    return [ref.id for ref in refs]


@pytest.mark.parametrize("rules", [Encoding, Crashing])
def test_dex_whose_steps_cannot_be_composed_beside_sound_ones_is_named(rules: type[ToyRules], bench: Benches) -> None:
    """The chain composes what the other DEX built: it is not at fault, and the reason tells what it said."""
    run = bench(rules=rules(), dexes=[ToyDex(), Other()])
    gap(run, "toy", "other")

    assert (0, {"dex.other"}, {("main", "fault")}) == (run.summary().plans, failed(run), set(run.rejections()))
    reasons = [event.reason for batch, _ in run.tape for event in batch.events if isinstance(event, ev.PluginState)]
    assert "chains.toy cannot compose its steps: " in reasons[0]
    assert "no step of mine" in reasons[0]


def test_dex_whose_steps_alone_are_refused_on_purpose_is_named(bench: Benches) -> None:
    """Where nothing else is in the plan, an encoder that says no is believed."""
    run = bench(rules=Encoding(), dexes=[Other()])
    gap(run, "other", "other")

    assert (0, {"dex.other"}) == (run.summary().plans, failed(run))


def test_chain_that_crashes_on_all_steps_is_named(bench: Benches) -> None:
    """Whose fault it is cannot be told: then it is the chain's own failure."""
    run = bench(rules=Crashing(), dexes=[Other()])
    gap(run, "other", "other")

    assert (0, {"chains.toy"}) == (run.summary().plans, failed(run))


def test_two_dexes_whose_steps_are_refused_leave_it_with_the_chain(bench: Benches) -> None:
    """A chain that takes nobody's steps is the one to look at."""

    class Another(Other):
        name = "another"

    run = bench(rules=Encoding(), dexes=[Other(), Another()])
    gap(run, "other", "another")

    assert (0, {"chains.toy"}) == (run.summary().plans, failed(run))


def test_foreign_dex_costs_its_own_ideas_and_never_the_chain(bench: Benches) -> None:
    """Ideas of sound pools fill while those with a foreign one fail, however often; in the end that DEX alone is out."""
    run = bench(rules=Encoding(), dexes=[ToyDex(), Other()])
    pools = gap(run, "toy", "toy", "other")
    for step in range(4):
        run.block({pools[2]: (GAP * (2 + step), DEEP)})
    run.block({pools[1]: (DEEP * 3, DEEP)})
    run.block()

    states = {(event.plugin, event.state) for batch, _ in run.tape for event in batch.events if isinstance(event, ev.PluginState)}
    assert {"dex.other"} == {plugin for plugin, _ in states}
    assert run.summary().plans > 0


def test_dex_whose_steps_are_no_steps_is_named(bench: Benches) -> None:
    """They are looked at before any chain is."""

    class Texts(ToyDex):
        def build_steps(self, swap: PlannedSwap, pool: Pool, at: ChainTime, wallet: Wallet) -> Any:
            return ("swap",)

    run = bench(dexes=[Texts()], owners={"acme": ("dex.toy",)})
    gap(run, "toy", "toy")

    assert (0, {"dex.toy"}) == (run.summary().plans, failed(run))


class Bank(Lender):
    """Lends, and brackets with steps that the chain does not know."""

    name = "bank"
    families = frozenset({"toy"})

    def watch(self, chain: ChainId, states: Mapping[Key, bytes | None]) -> Watch:
        return Watch()

    def terms(self, asset: AssetId, chain: ChainId, snapshot: Snapshot) -> LoanTerms:
        return LoanTerms("bank", asset, 10**30, 0, 1, "up")

    def bracket(self, loan: Loan, inner: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Sequence[Step]:
        return (Foreign(), *inner)


def test_lender_whose_bracket_cannot_be_composed_is_named(bench: Benches) -> None:
    """Without the loan around them the swaps can be."""
    run = bench(rules=Encoding(), lenders=[Bank()], capital={AssetId(ToyRules().native): 10**9})
    gap(run, "toy", "toy")

    assert (0, {"lenders.bank"}) == (run.summary().plans, failed(run))


def test_step_whose_own_code_raises_is_its_dexs(bench: Benches) -> None:
    """The traceback tells already: the innermost plugin in it is at fault, and nothing is tried again."""
    asked: list[int] = []

    class Calling(ToyRules):
        def compose(self, plan: Flow, steps: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Unsigned:
            asked.append(len(steps))
            return steps[0].encode()  # type: ignore[attr-defined, no-any-return]

    class Raising(Step):
        def encode(self) -> Unsigned:
            raise OverflowError("too much")

    class Own(ToyDex):
        def build_steps(self, swap: PlannedSwap, pool: Pool, at: ChainTime, wallet: Wallet) -> tuple[Step, ...]:
            return (Raising(),)

    run = bench(rules=Calling(), dexes=[Own()], owners={__name__.partition(".")[0]: ("dex.toy",)})
    gap(run, "toy", "toy")

    assert ({"dex.toy"}, [2]) == (failed(run), asked)
