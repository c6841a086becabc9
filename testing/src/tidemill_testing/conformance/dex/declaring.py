"""The rule of declaring: a capability that is there and not declared would be used and never tried."""

from collections.abc import Iterator

from tidemill.domain.plan import PlannedSwap
from tidemill.domain.pool import Quote
from tidemill.domain.transaction import Wallet
from tidemill.errors import TidemillError
from tidemill.hookspecs.dex import Dex
from tidemill_testing.conformance.dex.bench import DexBench, Lane, Loaded, directions
from tidemill_testing.conformance.rule import rule

_STEP = 8
_OWNER = "0x000000000000000000000000000000000000a11c"


class DexDeclarationRules(DexBench):
    """Rule 47."""

    @rule("DEX-47", "what it can is declared")
    def test_what_it_can_is_declared(self) -> None:
        """The kernel asks for whatever a class answers: what is not declared would trade without a rule that looked at it.

        ``least_in`` and ``segments`` are promises beyond what other rules look at: a curve is tried wherever one is given.

        If this fails: add the capability that it names, with the cases that its rules need; or take out the override, the log filters
        or the case's answers that nothing is to rely on.
        """
        dex = self.dex()
        for loaded in self.loaded():
            for capability, shown in self._shown(dex, loaded):
                if capability not in self.capabilities:
                    self.broken(f"{loaded.case}: {shown}, and {type(self).__name__} does not declare {capability!r}")

    def _shown(self, dex: Dex, loaded: Loaded) -> Iterator[tuple[str, str]]:
        """Yield the capabilities that a pool shows, each with what shows it."""
        if loaded.case.answers:
            yield "recorded", f"the case has {len(loaded.case.answers)} answers of the chain"
        if type(dex).apply is not Dex.apply:
            yield "logs", f"{type(dex).__name__} overrides apply"
        if loaded.decoded.watch.logs:
            yield "logs", f"its watch has the log filters {loaded.decoded.watch.logs}"
        for lane in [Lane(loaded, sell, buy) for sell, buy in directions(loaded.pool)]:
            for amount in (1 << bits for bits in range(0, 256, _STEP)):
                out = lane.out(amount)
                if out:
                    yield from self._of_an_amount(dex, lane, amount, out)

    def _of_an_amount(self, dex: Dex, lane: Lane, amount: int, out: int) -> Iterator[tuple[str, str]]:
        pool, at = lane.loaded.pool, lane.at
        with self.asking(f"{out} out ({lane})"):
            quote = pool.quote_exact_out(lane.sell, lane.buy, out, at)
        if isinstance(quote, Quote):
            yield "exact_out", f"quote_exact_out answers {quote}"
        plan = PlannedSwap(pool.id, lane.sell, lane.buy, amount, 1)
        with self.asking(f"{plan} ({lane})"):
            try:
                steps = dex.build_steps(plan, pool, at, Wallet(lane.loaded.case.ref.chain, _OWNER))
            except TidemillError:
                return
        if steps:
            yield "steps", f"build_steps gives {steps}"
