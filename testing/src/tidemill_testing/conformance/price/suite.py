"""What a price source promises: numbers that are prices, in order, and nothing in silence."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Any, ClassVar, get_args, get_type_hints

import attrs

from tidemill.config.secret import Secret, names_a_secret
from tidemill.domain.events import Bar, BookDelta, BookSnapshot, Event, Found, Gap, Observation, OraclePrice, Trade
from tidemill.hookspecs.price import SourceSetup
from tidemill_testing.conformance.events import book_faults, counting_faults, price_faults, recording_faults, seed_faults, time_faults
from tidemill_testing.conformance.listening import MOST_BATCHES, Heard, after_cancel, left_behind, listen
from tidemill_testing.conformance.price.feed import FeedRules
from tidemill_testing.conformance.rule import rule

KINDS = (OraclePrice, Trade, Bar, BookSnapshot, BookDelta, Observation, Found, Gap)
"""What may stand in a batch of a price source."""
BLOCKS = 16
_AFTER_CANCEL = 100


class PriceConformance(FeedRules):
    """The rules of price sources: ``class TestAcme(PriceConformance): plugin = Acme``.

    Must give: ``plugin``; with the capability ``connects`` also ``address_setting`` and ``messages``.

    May give: ``settings``, ``assets``, ``capabilities``, ``exempt``, as every suite; with ``connects`` also ``transport``, ``path``,
    ``subscribe`` and ``answers``; ``clock_skew_ns``, the nanoseconds that a venue's clock may be ahead; ``expected``, the events that
    ``messages`` mean, with the capability ``recorded``.

    Never override: everything else.

    Capabilities:
        connects: it reads a server whose address is a setting. The rules then run it against a loopback server, which sends
            ``messages``; without it the source makes its prices by itself.
        reconnects: after a connection was lost it opens another by itself, says ``Gap`` and goes on. Without it a lost connection
            is ``Unavailable``, and the kernel opens the source again.
        recorded: ``expected`` holds the events that the venue's own ``messages`` mean, worked out by hand or with the venue's page.
        seeded: equal seeds give equal batches.
        ends: with ``SourceSetup.blocks`` it ends by itself.
    """

    kind: ClassVar[str] = "price"
    prefix: ClassVar[str] = "PRC"
    may_give: ClassVar[frozenset[str]] = FeedRules.may_give | {"clock_skew_ns", "expected"}

    clock_skew_ns: ClassVar[int] = 0
    expected: ClassVar[Sequence[Event]] = ()

    @rule("PRC-10", "batches carry one source name and are counted by one")
    def test_batches_are_counted(self) -> None:
        """Replays, gaps and the ledger name a batch by its source and number: a number that is missing is a message that was lost.

        If this fails: make every ``Batch`` of a run with one constant ``source``, and count ``seq`` up by one from batch to batch, over
        lost connections too.
        """
        for fault in counting_faults(self._heard().batches):
            self.broken(fault)

    @rule("PRC-11", "time of receipt never falls")
    def test_time_of_receipt_never_falls(self) -> None:
        """Sources are joined by ``local_ns``: where it falls, the past is decided again.

        If this fails: take ``local_ns`` when a message is received, and never below that of the batch before: a system's clock can be
        set back.
        """
        for fault in time_faults(self._heard().batches):
            self.broken(fault)

    @rule("PRC-12", "batches hold market data of a price source, and nothing else")
    def test_batches_hold_market_data(self) -> None:
        """A head moves a chain, an answer settles a plan: neither may come from a feed of prices.

        If this fails: yield only OraclePrice, Trade, Bar, BookSnapshot, BookDelta, Observation, Found and Gap, at least one a batch, and
        leave out batches that would be empty.
        """
        for batch in self._heard().batches:
            strange = sorted({type(event).__name__ for event in batch.events if not isinstance(event, KINDS)})
            if strange or not batch.events:
                self.broken(f"batch {batch.seq} holds {', '.join(strange) or 'no event'}")

    @rule("PRC-13", "prices are positive whole numbers with a plain scale")
    def test_prices_are_numbers(self) -> None:
        """A price of zero, below zero or of a float moves money by a mistake of the feed.

        If this fails: parse decimal text digit by digit into ``mantissa`` and ``exponent`` (``Decimal(text).as_tuple()``), never through
        float; refuse what is not above 0; write assets as CAIP-19 ids.
        """
        for event in self._heard().events:
            for fault in price_faults(event):
                self.broken(fault)

    @rule("PRC-14", "nothing is published after it was received")
    def test_nothing_is_published_in_the_future(self) -> None:
        """A price from the future is one that a strategy would know before the market does, and one that never grows old.

        If this fails: check the unit of the venue's time (seconds, milliseconds, nanoseconds), and give ``clock_skew_ns`` in the test
        class where the venue's clock is known to be ahead.
        """
        for batch in self._heard().batches:
            for event in batch.events:
                if isinstance(event, OraclePrice) and event.publish_ns > batch.local_ns + self.clock_skew_ns:
                    self.broken(f"{event.asset} published at {event.publish_ns}, received at {batch.local_ns}")

    @rule("PRC-15", "trades, bars and books are possible")
    def test_trades_bars_and_books_are_possible(self) -> None:
        """A crossed book or a trade of nothing is a fault of decoding, and looks like profit.

        If this fails: check which side is which, that levels are sorted best first, and that sizes and prices are whole lots and ticks.
        """
        for event in self._heard().events:
            for fault in book_faults(event):
                self.broken(fault)

    @rule("PRC-16", "what it yields can be recorded")
    def test_batches_can_be_recorded(self) -> None:
        """A run records its tape: an event that does not come back equal makes every replay another run.

        If this fails: give each field of an event the type that its annotation says: ``int``, not ``float``, ``bool`` or ``Decimal``;
        tuples, not lists.
        """
        for event in self._heard().events:
            for fault in recording_faults(event):
                self.broken(fault)

    @rule("PRC-17", "a price is never older than the one before it")
    def test_prices_do_not_go_back(self) -> None:
        """The last price told is the one that counts: an old one behind a newer one takes the market back.

        If this fails: keep the newest ``publish_ns`` of each asset, and drop what is older; feeds repeat and reorder messages.
        """
        self._check_order(self._heard())
        self._check_order_of_late_messages()

    @rule("PRC-18", "closing it leaves nothing behind")
    def test_closing_leaves_nothing_behind(self) -> None:
        """A run opens and closes sources for weeks: each task, thread or socket that stays is one more.

        If this fails: open connections with ``async with`` inside ``batches``, start tasks only in a task group inside it, and let
        ``GeneratorExit`` and cancellation pass through.
        """
        with self._server(SourceSetup(1, BLOCKS)) as opened:
            rest = left_behind(opened, 1)
        if rest:
            self.broken(f"still there after it was closed: {', '.join(rest)}")

    @rule("PRC-19", "it stops when it is cancelled")
    def test_it_stops_when_cancelled(self) -> None:
        """Ctrl-C must end a run also while its market is quiet, or runs at full speed.

        If this fails: let cancellation pass through (no bare ``except``, no ``except BaseException``), and await something for each
        batch: ``anyio.lowlevel.checkpoint()`` where there is nothing else to wait for. Close what must be awaited inside
        ``anyio.move_on_after(1, shield=True)``: a cancelled scope cancels clean-up as well.
        """
        with self._server(SourceSetup(1)) as opened:
            after, rest = after_cancel(opened, before=3, most=_AFTER_CANCEL)
        if after >= _AFTER_CANCEL:
            self.broken(f"it yielded {after} more batches after it was cancelled")
        if rest:
            self.broken(f"still there after it was cancelled: {', '.join(rest)}")

    @rule("PRC-20", "equal seeds give equal batches", needs="seeded")
    def test_equal_seeds_give_equal_batches(self) -> None:
        """A simulated run is repeated by its seed alone, on any machine.

        If this fails: draw everything from ``setup.seed`` with a generator of your own, and never iterate over a set.
        """
        for fault in seed_faults(*(listen(self._opened(SourceSetup(seed, BLOCKS)), BLOCKS).batches for seed in (1, 1, 2))):
            self.broken(fault)

    @rule("PRC-21", "a bounded run ends", needs="ends")
    def test_bounded_run_ends(self) -> None:
        """A backtest over so many blocks ends with them.

        If this fails: end ``batches`` after ``setup.blocks`` blocks; 0 means that there is no end.
        """
        heard = listen(self._opened(SourceSetup(1, BLOCKS)), 4 * BLOCKS + MOST_BATCHES)
        if not heard.ended:
            self.broken(f"with {BLOCKS} blocks it had not ended after {len(heard.batches)} batches")

    @rule("PRC-22", "secrets are settings by reference")
    def test_secrets_are_references(self) -> None:
        """What stands in a settings class is printed, recorded and shown: a secret must stand there by its place alone.

        If this fails: annotate settings that hold keys, tokens or passwords with ``tidemill.Secret``, and reveal them when connecting,
        never in ``__init__``.
        """
        settings = self.plugin.settings_class()
        hints = get_type_hints(settings)
        for attribute in attrs.fields(settings):
            found = hints[attribute.name]
            if names_a_secret(attribute.name) and Secret not in (found, *get_args(found)):
                self.broken(f"{settings.__name__}.{attribute.name} is {found!r}: expected tidemill.Secret")
        source: Any = self.make()
        revealed = sorted(name for name, value in vars(source).items() if names_a_secret(name) and isinstance(value, str))
        if revealed:
            self.broken(f"{self.plugin.__name__} keeps {', '.join(revealed)} as text on its instance")

    @rule("PRC-23", "recorded messages mean what the venue means", needs="recorded")
    def test_recorded_messages_mean_what_the_venue_means(self) -> None:
        """A price with a digit too many, turned upside down or of another asset looks as good as a true one.

        If this fails: count the decimals again, look which asset is priced in which, and which time is the publisher's; ``mantissa`` and
        ``exponent`` may differ where they come to the same number.
        """
        if not self.expected:
            self.broken("it declares recorded messages: give expected = [event, …], what messages mean, in order")
        found, expected = (list(map(_meaning, events)) for events in (self._heard().events, self.expected))
        for was, now in zip_longest(expected, found):
            if was != now:
                self.broken(f"expected {was or 'no further event'}, found {now or 'no further event'}")

    def _heard(self) -> Heard:
        """Return what the source yields when nothing goes wrong; a failure breaks the rule that asked."""
        heard = self._clean()
        if heard.error is not None:
            self.broken(f"it raised {type(heard.error).__name__}: {heard.error}")
        if not heard.batches:
            self.broken("it yielded no batch")
        return heard


def _meaning(event: Event) -> str:
    """Return what an event says, prices as decimals without trailing zeros."""
    if not isinstance(event, OraclePrice):
        return repr(event)
    numbers = (f"{Decimal(number).scaleb(event.exponent).normalize():f}" for number in (event.mantissa, event.confidence))
    return f"{event.asset} at {' +/- '.join(numbers)}, published at {event.publish_ns}"
