"""Rules of quotes: what a pool may promise for an amount."""

from hypothesis import given

from tidemill.domain.answers import NoQuote, NoQuoteReason
from tidemill.domain.ids import AssetId
from tidemill.domain.pool import Curve, Quote
from tidemill.hookspecs.dex import Dex
from tidemill.units import PPM_SCALE
from tidemill_testing.conformance.dex.bench import DexBench, Lane, Loaded, directions, on_lanes
from tidemill_testing.conformance.dex.pool_case import RecordedAnswer
from tidemill_testing.conformance.rule import rule

_HOSTILE = (-(1 << 255), -1, 0, 1, 1 << 112, 1 << 128, (1 << 255) - 1, 1 << 255, (1 << 256) - 1, 1 << 256)
_READINGS = 256
_POWERS = tuple(1 << bits for bits in range(257))
_NOBODYS = AssetId("eip155:999999/erc20:0x000000000000000000000000000000000000dead")


class DexQuoteRules(DexBench):
    """Rules 20 to 23 and 25 to 27."""

    @rule("DEX-20", "recorded answers are met to the last unit", needs="recorded")
    def test_recorded_answers_are_met(self) -> None:
        """What the chain answered is the only proof that a formula is the contract's.

        If this fails: compare order and direction of each rounding with the contract's code of that version; check that state and
        answer were recorded at one block.
        """
        answers = [(loaded, answer) for loaded in self.loaded() for answer in loaded.case.answers]
        if not answers:
            self.broken("no case holds a recorded answer: give some, or take 'recorded' out of the capabilities")
        dex = self.dex()
        for loaded, answer in answers:
            asked, side = (answer.amount_out, "out") if answer.exact_out else (answer.amount_in, "in")
            quote = self._quoted(dex, loaded, answer)
            found = f"no quote ({quote.reason}: {quote.detail})" if isinstance(quote, NoQuote) else str(quote)
            if answer.no_quote:
                if not isinstance(quote, NoQuote):
                    self.broken(f"{asked} {side}, the chain refused ({answer.no_quote}), got {found} ({_lane(loaded, answer)})")
            elif quote != (wanted := answer.amount_in if answer.exact_out else answer.amount_out):
                self.broken(f"{asked} {side}, the chain answered {wanted}, got {found} ({_lane(loaded, answer)})")

    def _quoted(self, dex: Dex, loaded: Loaded, answer: RecordedAnswer) -> int | NoQuote:
        """Return the pool's figure for what was recorded, with all the state read that the quote names."""
        asked = answer.amount_out if answer.exact_out else answer.amount_in
        for _ in range(_READINGS):
            ask = loaded.pool.quote_exact_out if answer.exact_out else loaded.pool.quote_exact_in
            quote = ask(answer.sell, answer.buy, asked, loaded.case.at)
            if isinstance(quote, Quote):
                return quote.amount_in if answer.exact_out else quote.amount_out
            if quote.reason != NoQuoteReason.MISSING_STATE or all(key in loaded.states for key in quote.keys):
                return quote
            loaded = self.read_more(dex, loaded, quote.keys)
        return self.broken(f"{asked} still misses state after {_READINGS} readings ({_lane(loaded, answer)})")

    @rule("DEX-21", "selling more never pays less")
    def test_selling_more_never_pays_less(self) -> None:
        """Sizing and searching walk up the amounts and rely on it.

        If this fails: look for an overflow, a rounding that depends on the amount's size, or a step that ends a loop too soon.
        """
        lanes = self.lanes()

        @self.examples(40 + 6 * len(lanes))
        @given(on_lanes(lanes, 2))
        def holds(drawn: tuple[Lane, list[int]]) -> None:
            lane, (one, other) = drawn
            for less, more in ((min(one, other), max(one, other)), (one, one + 1)):
                small, large = lane.out(less), lane.out(more)
                if small is not None and large is not None and small > large + lane.slack:
                    self.broken(f"{less} in pays {small}, {more} in pays {large} ({lane})")

        holds()

    @rule("DEX-22", "each further unit pays no more than the one before")
    def test_each_further_unit_pays_no_more(self) -> None:
        """Sizing looks for the one best amount, which only exists where the curve bends one way.

        If this fails: look for a fee that falls with the amount, a rounding larger than a unit (say it as ``slack`` in the case, if the
        contract has it), or two formulas that do not join.
        """
        lanes = self.lanes()
        steepest = {id(lane): lane.steepest() for lane in lanes}
        for lane in lanes:
            ladder = [0, *(step << bits for bits in range(max(lane.low - 3, 0), max(lane.high - 3, 0)) for step in (4, 5, 6, 7))]
            for low, middle, high in zip(ladder, ladder[1:], ladder[2:], strict=False):
                self._bends_down(lane, steepest[id(lane)], 0, middle, high)
                self._bends_down(lane, steepest[id(lane)], low, middle, high)

        @self.examples(40 + 6 * len(lanes))
        @given(on_lanes(lanes, 3))
        def holds(drawn: tuple[Lane, list[int]]) -> None:
            self._bends_down(drawn[0], steepest[id(drawn[0])], *sorted(drawn[1]))

        holds()

    def _bends_down(self, lane: Lane, steepest: int, low: int, middle: int, high: int) -> None:
        start, found, end = (lane.out(amount) if amount else 0 for amount in (low, middle, high))
        if not low < middle < high or start is None or found is None or end is None:
            return
        line = -(-(start * (high - middle) + end * (middle - low)) // (high - low))
        if found + 1 + lane.slack + steepest < line:
            self.broken(f"{low}, {middle} and {high} in pay {start}, {found} and {end}: {middle} should pay {line} at least ({lane})")

    @rule("DEX-23", "output must stay below the reserve")
    def test_output_stays_below_the_reserve(self) -> None:
        """No contract pays out all it has, however much comes in.

        If this fails: round the output down; compare ``holdings`` with what the contract really holds, and give ``balances`` in the case
        where they tell something else.
        """
        for lane in self.lanes():
            for amount in (power + more for power in _POWERS for more in (-1, 0)):
                out = lane.out(amount)
                if out and out >= lane.held[1]:
                    self.broken(f"{amount} in, reserves {lane.held}, got {out} ({lane})")
            held = lane.held[1]
            for amount in (held, held + 1, *(power for power in _POWERS if power > held)):
                asked = lane.loaded.pool.quote_exact_out(lane.sell, lane.buy, amount, lane.at)
                if isinstance(asked, Quote):
                    self.broken(f"{amount} out, reserves {lane.held}, and it asks {asked.amount_in} for it ({lane})")

    @rule("DEX-25", "a quote says what was asked, in whole units")
    def test_quote_says_what_was_asked(self) -> None:
        """Plans are built from the quote's own fields; a float in one of them loses units from 2**53 on.

        If this fails: integers and ``//`` only; put pool, assets and the whole amount asked for into the quote; the fee is part of the
        input, in units of what is sold, and ``fee_ppm`` of it (parts per million: 0.30 % is 3_000), or 0 where it is not known apart: a 0
        is taken as just that, whatever ``fee_ppm`` is.
        """
        lanes = self.lanes()

        @self.examples(40 + 6 * len(lanes))
        @given(on_lanes(lanes, 1))
        def holds(drawn: tuple[Lane, list[int]]) -> None:
            lane, (amount,) = drawn
            quote = lane.loaded.pool.quote_exact_in(lane.sell, lane.buy, amount, lane.at)
            if isinstance(quote, NoQuote):
                return
            if (quote.pool, quote.sell, quote.buy, quote.amount_in) != (lane.loaded.case.ref.id, lane.sell, lane.buy, amount):
                self.broken(f"{amount} in was asked, and the quote says {quote} ({lane})")
            whole = all(type(number) is int for number in (quote.amount_in, quote.amount_out, quote.fee))
            if not whole or quote.amount_out < 0 or not 0 <= quote.fee <= amount:
                self.broken(f"expected whole numbers, 0 <= amount_out and 0 <= fee <= {amount}, found {quote} ({lane})")
            rate = lane.loaded.pool.fee_ppm
            # Contracts that go in steps round the fee up in each of them: small amounts are allowed units, large ones a thousandth
            allowed = PPM_SCALE * (2 + lane.slack) + amount * (rate or 0) // 1_000
            if quote.fee and rate is not None and abs(quote.fee * PPM_SCALE - amount * rate) > allowed:
                self.broken(f"{amount} in at fee_ppm {rate}, and the quote's fee is {quote.fee} ({lane})")

        holds()

    @rule("DEX-26", "amount_out is the figure of quote_exact_in")
    def test_amount_out_is_the_quotes_figure(self) -> None:
        """Search and sizing ask for the bare number, planning for the quote: they must speak of one pool.

        If this fails: let both come from one function; ``amount_out`` is 0 wherever there is no quote.
        """
        lanes = self.lanes()

        @self.examples(40 + 6 * len(lanes))
        @given(on_lanes(lanes, 1))
        def holds(drawn: tuple[Lane, list[int]]) -> None:
            self._agree(drawn[0], drawn[1][0])

        holds()
        for lane in lanes:
            for amount in _POWERS:
                self._agree(lane, amount)

    def _agree(self, lane: Lane, amount: int) -> None:
        bare, quoted = lane.loaded.pool.amount_out(lane.sell, lane.buy, amount, lane.at), lane.out(amount) or 0
        if type(bare) is not int or bare != quoted:
            self.broken(f"{amount} in, amount_out {bare!r}, quote_exact_in {quoted} ({lane})")

    @rule("DEX-27", "a hostile amount or asset gets a plain no")
    def test_hostile_amount_gets_a_plain_no(self) -> None:
        """Amounts of 0, below it and beyond 256 bits and assets of other pools reach every pool; none may end a run.

        If this fails: check assets and the amount's range first, and return ``NoQuote`` with its reason; no exception.
        """
        for loaded in self.loaded():
            for sell, buy in directions(loaded.pool):
                for amount in _HOSTILE:
                    self._refused(Lane(loaded, sell, buy), amount, NoQuoteReason.AMOUNT if amount <= 0 else None)
            first = loaded.pool.assets[0]
            for sell, buy in ((first, first), (first, _NOBODYS), (_NOBODYS, first), (_NOBODYS, _NOBODYS)):
                self._refused(Lane(loaded, sell, buy), 1_000, NoQuoteReason.ASSET)

    def _refused(self, lane: Lane, amount: int, reason: NoQuoteReason | None) -> None:
        pool = lane.loaded.pool
        with self.asking(f"{amount} ({lane})"):
            out = pool.amount_out(lane.sell, lane.buy, amount, lane.at)
            curve = pool.segments(lane.sell, lane.buy, lane.at, amount)
            asks = (pool.quote_exact_in, pool.quote_exact_out, pool.swap_exact_in)
            answers = [ask(lane.sell, lane.buy, amount, lane.at) for ask in asks]
        if reason is None:
            return
        if out:
            self.broken(f"{amount}: amount_out is {out}, expected 0 ({lane})")
        for answer in answers:
            if not isinstance(answer, NoQuote) or (reason == NoQuoteReason.ASSET and answer.reason != reason):
                self.broken(f"{amount}: expected NoQuote, reason {reason}, found {answer!r} ({lane})")
        if reason == NoQuoteReason.ASSET and isinstance(curve, Curve):
            self.broken(f"a curve of assets that the pool does not trade: {curve!r} ({lane})")


def _lane(loaded: Loaded, answer: RecordedAnswer) -> Lane:
    return Lane(loaded, answer.sell, answer.buy)
