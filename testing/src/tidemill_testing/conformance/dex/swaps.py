"""Rules of swaps: the pool after one, and what an exact output costs."""

from hypothesis import given

from tidemill.domain.answers import NoQuote
from tidemill.domain.pool import Pool, Quote, Swapped
from tidemill.hookspecs.dex import Dex
from tidemill_testing.conformance.dex.bench import DexBench, Lane, Loaded, on_lanes
from tidemill_testing.conformance.dex.pool_case import RecordedAnswer
from tidemill_testing.conformance.rule import rule

_DUST = range(1, 33)


class DexSwapRules(DexBench):
    """Rules 24 and 28 to 31."""

    @rule("DEX-24", "a swap there and back never gains")
    def test_swap_there_and_back_never_gains(self) -> None:
        """A gain within one pool is money that is not there; a searcher finds it at once and bets on it.

        If this fails: round what is paid down and what is asked up, also for amounts of a few units; take the fee in both directions.
        """
        lanes = self.lanes()

        for lane in lanes:
            for amount in _DUST:
                self._never_gains(lane, amount)

        @self.examples(40 + 6 * len(lanes))
        @given(on_lanes(lanes, 1))
        def holds(drawn: tuple[Lane, list[int]]) -> None:
            self._never_gains(drawn[0], drawn[1][0])

        holds()

    def _never_gains(self, lane: Lane, amount: int) -> None:
        there = lane.loaded.pool.swap_exact_in(lane.sell, lane.buy, amount, lane.at)
        if isinstance(there, NoQuote) or not there.quote.amount_out:
            return
        back = there.pool.quote_exact_in(lane.buy, lane.sell, there.quote.amount_out, lane.at)
        if isinstance(back, Quote) and back.amount_out > amount:
            self.broken(f"{amount} in, {there.quote.amount_out} out, and back {back.amount_out} ({lane})")

    @rule("DEX-28", "a swap gives its quote and the pool after it")
    def test_swap_gives_its_quote_and_the_pool_after(self) -> None:
        """Plans that touch a pool twice, the overlay of paper and every replay go on with the pool after.

        Whether a fee stays in the pool or leaves it only the chain knows: give a case whose ``logs`` and ``after`` are those of one swap,
        and that swap as ``swap``.

        If this fails: quote once and move the reserves by that quote in a new pool; the pool that was asked stays as it is.
        """
        lanes, dex = self.lanes(), self.dex()
        for case in self.cases:
            if case.swap is not None:
                self._as_the_chain_swapped(dex, self.load(dex, case), case.swap)

        @self.examples(40 + 6 * len(lanes))
        @given(on_lanes(lanes, 1))
        def holds(drawn: tuple[Lane, list[int]]) -> None:
            lane, (amount,) = drawn
            pool = lane.loaded.pool
            before = repr(pool)
            quote, swapped = (ask(lane.sell, lane.buy, amount, lane.at) for ask in (pool.quote_exact_in, pool.swap_exact_in))
            if not isinstance(swapped, Swapped):
                if swapped != quote:
                    self.broken(f"{amount} in: quote_exact_in gives {quote}, swap_exact_in {swapped} ({lane})")
                return
            if swapped.quote != quote:
                self.broken(f"{amount} in: quote_exact_in gives {quote}, the swap {swapped.quote} ({lane})")
            if repr(pool) != before:
                self.broken(f"{amount} in: the swap changed the pool that was asked, from {before} to {pool!r} ({lane})")
            after, out = swapped.pool, swapped.quote.amount_out
            if (after.id, after.assets) != (pool.id, pool.assets) or (out and after == pool):
                self.broken(f"{amount} in, {out} out, and the pool after it is {after!r} ({lane})")
            again = lane.out(amount, after)
            if again is not None and again > out + 1 + lane.slack:
                self.broken(f"{amount} in pays {out}, and once more {again} ({lane})")

        holds()

    def _as_the_chain_swapped(self, dex: Dex, loaded: Loaded, swap: RecordedAnswer) -> None:
        swapped = loaded.pool.swap_exact_in(swap.sell, swap.buy, swap.amount_in, loaded.case.at)
        if not isinstance(swapped, Swapped):
            self.broken(f"{loaded.case}: the chain swapped {swap.amount_in} for {swap.amount_out}, got {swapped}")
        if swapped.quote.amount_out != swap.amount_out:
            self.broken(f"{loaded.case}: the chain paid {swap.amount_out} for {swap.amount_in}, got {swapped.quote.amount_out}")
        after = self.load(dex, loaded.case, source={**loaded.case.states, **loaded.case.after})
        self.same_pool(after, swapped.pool, f"after a swap of {swap.amount_in}")

    @rule("DEX-29", "swaps in a row never pay out what is not there")
    def test_swaps_in_a_row_never_pay_out_what_is_not_there(self) -> None:
        """Each swap starts where the one before ended: together they cannot drain the pool, and what it holds moves with them.

        If this fails: add what came in to the reserves of the pool after the swap and take what was paid out of them; ``holdings`` are
        base units that the contract has: where they tell something else, give ``balances`` in the case.
        """
        lanes = self.lanes()

        @self.examples(40 + 6 * len(lanes))
        @given(on_lanes(lanes, 4))
        def holds(drawn: tuple[Lane, list[int]]) -> None:
            lane, drawn_amounts = drawn
            pool, paid = lane.loaded.pool, 0
            for amount in (*drawn_amounts, *drawn_amounts):
                swapped = pool.swap_exact_in(lane.sell, lane.buy, amount, lane.at)
                if isinstance(swapped, Swapped):
                    self._holdings_moved(lane, pool, swapped)
                    pool, paid = swapped.pool, paid + swapped.quote.amount_out
            if paid > lane.held[1]:
                self.broken(f"{drawn_amounts} in, each twice, reserves {lane.held}, got {paid} ({lane})")

        holds()

    def _holdings_moved(self, lane: Lane, before: Pool, swapped: Swapped) -> None:
        """Compare what is held before and after a swap; a fee may leave the pool at once."""
        was, now, quote = before.holdings, swapped.pool.holdings, swapped.quote
        if lane.loaded.case.balances or not (lane.sell in was and lane.buy in was):
            return
        came, went = now.get(lane.sell, 0) - was[lane.sell], was[lane.buy] - now.get(lane.buy, 0)
        least = quote.amount_in - quote.fee if quote.fee else 0
        if went != quote.amount_out or not least <= came <= quote.amount_in:
            wanted = f"+{max(0, least)} to +{quote.amount_in} and -{quote.amount_out}"
            self.broken(
                f"{quote.amount_in} in, {quote.amount_out} out: its holdings moved by {came:+} and {-went:+}, expected {wanted} ({lane})"
            )

    @rule("DEX-30", "the input asked for an output buys it", needs="exact_out")
    def test_input_asked_for_an_output_buys_it(self) -> None:
        """A plan that buys an exact amount, to repay a loan for instance, fails where its input is a unit short.

        If this fails: round the input up, and the fee with it; ``amount_out`` of such a quote is the amount that was asked for, its pool
        and assets as for any other.
        """
        self._exact_out("buys", 0)

    @rule("DEX-31", "one unit less than asked for does not buy it", needs="least_in")
    def test_one_unit_less_does_not_buy_it(self) -> None:
        """A pool that asks for more than the contract accepts gives away the difference on each such swap.

        If this fails: after rounding up, try one unit less; contracts whose own exact-output call asks for more do not declare
        ``least_in``.
        """
        self._exact_out("least", 1)

    def _exact_out(self, wanted: str, less: int) -> None:
        lanes = self.lanes()
        quoted = []

        @self.examples(40 + 6 * len(lanes))
        @given(on_lanes(lanes, 1))
        def holds(drawn: tuple[Lane, list[int]]) -> None:
            lane, (amount,) = drawn
            out = lane.out(amount)
            quote = lane.loaded.pool.quote_exact_out(lane.sell, lane.buy, out, lane.at) if out else None
            if out is None or not isinstance(quote, Quote):
                return
            quoted.append(quote)
            if not less and (quote.pool, quote.sell, quote.buy, quote.amount_out) != (lane.loaded.case.ref.id, lane.sell, lane.buy, out):
                self.broken(f"asked for {out} out, and the quote says {quote} ({lane})")
            paid = lane.out(quote.amount_in - less) or 0
            if wanted == "buys" and paid < out - lane.slack:
                self.broken(f"for {out} out it asks {quote.amount_in} in, which pays {paid} ({lane})")
            if wanted == "least" and paid >= out:
                self.broken(f"for {out} out it asks {quote.amount_in} in, and {quote.amount_in - 1} pays {paid} ({lane})")

        holds()
        if not quoted:
            self.broken("no output that an input buys can be asked for: take the capability out, or let quote_exact_out answer")
