"""Rules of price sources that read a server: what they do when it fails them."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

from tidemill.domain.events import Bar, Batch, BookDelta, Event, Gap, OraclePrice, Trade
from tidemill.errors import MarketDataError, Unavailable
from tidemill.hookspecs.price import SourceSetup
from tidemill_testing.conformance.events import book_faults, price_faults
from tidemill_testing.conformance.listening import MOST_BATCHES, QUIET_S, Heard, listen
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.suite import Conformance
from tidemill_testing.loopback import (
    CONNECT,
    PUSH,
    Act,
    Answer,
    Drop,
    Duplicate,
    FaultScript,
    Late,
    Loopback,
    Malformed,
    RateLimit,
    Rule,
    Status,
    Truncate,
    on,
    unused_address,
)

SECRET = "conformance-secret-7f3a"
RETRY_AFTER_S = 7
BLOCKS = 16
MOST_NUMBERS = 4
BRIEF_S = 0.03
"""The pause after which one of many variants counts as heard."""
Opened = Callable[[], AsyncIterator[Batch]]


class FeedRules(Conformance):
    """What an author gives for a source that connects, and the rules for it.

    Attributes:
        address_setting: the setting that holds the server's URL.
        transport: ``websocket`` or ``http``, a page that is asked again and again.
        path: the path of the URL.
        messages: at least three messages of the venue, in order, as values of JSON; each gives at least one event.
        subscribe: the ``method``, ``type``, ``op`` or ``event`` of the message that begins the feed; "" where it begins by itself.
        answers: what the server answers to the source's messages, by their names.
    """

    may_give: ClassVar[frozenset[str]] = Conformance.may_give | {
        "address_setting",
        "transport",
        "path",
        "messages",
        "subscribe",
        "answers",
    }

    address_setting: ClassVar[str] = ""
    transport: ClassVar[Literal["websocket", "http"]] = "websocket"
    path: ClassVar[str] = "/feed"
    messages: ClassVar[Sequence[object]] = ()
    subscribe: ClassVar[str] = ""
    answers: ClassVar[Mapping[str, object]] = {}

    @rule("PRC-30", "a server that is not there is Unavailable, by its address and without secrets", needs="connects")
    def test_unreachable_server_is_unavailable(self) -> None:
        """The operator must read which address did not answer, and the log must not hold the key that stands in it.

        If this fails: turn the library's errors (``OSError``, its own) into ``tidemill.errors.Unavailable`` where you connect, with
        host and port of the address, and without its path, query and user.
        """
        address = unused_address()
        settings = self._settings_at(f"{self._scheme()}://{address}{self.path}/{SECRET}?api_key={SECRET}")
        error = listen(self._opened(SourceSetup(1), settings)).error
        if not isinstance(error, Unavailable):
            self.broken(f"expected Unavailable, found {_told(error)}")
        if address not in str(error):
            self.broken(f"the address {address} does not stand in: {error}")
        if SECRET in _whole_text(error):
            self.broken(f"the secret of the URL stands in the error or its cause: {_whole_text(error)}")

    @rule("PRC-31", "a server that refuses is Unavailable, for as long as it says", needs="connects")
    def test_refusing_server_is_unavailable(self) -> None:
        """Who asks again before the time that a rate limit states is banned.

        If this fails: raise ``Unavailable(message, retry_after_s=…)`` for a status that is not 200 (101 for a WebSocket), with the seconds
        of the header ``Retry-After`` where there is one.
        """
        error = self._listen(on(self._asked_first(), RateLimit(RETRY_AFTER_S))).error
        if not isinstance(error, Unavailable) or error.retry_after_s != RETRY_AFTER_S:
            self.broken(f"429 with Retry-After {RETRY_AFTER_S}: expected Unavailable with these seconds, found {_told(error)}")
        error = self._listen(on(self._asked_first(), Status(503, "maintenance"))).error
        if not isinstance(error, Unavailable):
            self.broken(f"503: expected Unavailable, found {_told(error)}")

    @rule("PRC-32", "a broken message becomes no price, and is not passed over in silence", needs="connects")
    def test_broken_message_becomes_no_price(self) -> None:
        """Half a message can be a price that nobody paid; one that is dropped unseen is a hole that nobody knows of.

        If this fails: catch what your decoder raises (``ValueError``, ``KeyError``, ``TypeError``) in one place, and raise
        ``tidemill.errors.DecodeError`` or yield a ``Gap``; decode a message whole before you yield any of it.
        """
        known = {_essence(event) for event in self._clean().events}
        half = len(json.dumps(self._message(1))) // 2
        for act in (Malformed("<html>502 Bad Gateway</html>"), Truncate(half)):
            heard = self._listen(self._on_message(2, act))
            born = [event for event in heard.events if not isinstance(event, Gap) and _essence(event) not in known]
            if born:
                self.broken(f"{act} gave {born[0]}")
            if heard.error is None and not any(isinstance(event, Gap) for event in heard.events):
                self.broken(f"{act} was passed over: expected DecodeError, or a Gap")
            if heard.error is not None and not isinstance(heard.error, MarketDataError | Unavailable):
                self.broken(f"{act} raised {_told(heard.error)}: expected DecodeError, or a Gap")

    @rule("PRC-33", "a lost connection is said", needs="connects")
    def test_lost_connection_is_said(self) -> None:
        """A feed that stops and looks like a quiet market keeps old prices alive.

        If this fails: turn the library's error for a closed connection into ``Unavailable``, or, with the capability ``reconnects``,
        connect again and yield ``Gap`` first.
        """
        heard = self._listen(self._on_message(2, Drop(after=5)))
        if "reconnects" in self.capabilities and heard.error is None:
            if not any(isinstance(event, Gap) for event in heard.events):
                self.broken("a connection dropped in mid-message, and no Gap followed")
        elif not isinstance(heard.error, Unavailable):
            self.broken(f"a connection dropped in mid-message: expected Unavailable, found {_told(heard.error)}")

    @rule("PRC-34", "after a lost connection it goes on by itself", needs="reconnects")
    def test_it_goes_on_after_a_lost_connection(self) -> None:
        """A venue closes connections every day: the feed goes on, numbered as before, behind a gap.

        If this fails: connect again in a loop inside ``batches``, subscribe again, yield ``Gap``, and keep source name and ``seq``.
        """
        heard = self._listen(self._on_message(2, Drop(after=5)))
        kinds = [isinstance(event, Gap) for event in heard.events]
        if True not in kinds or all(kinds[kinds.index(True) :]):
            self.broken(f"after the drop it yielded {sum(kinds)} gaps and no further price; it raised {_told(heard.error)}")
        numbers = [batch.seq for batch in heard.batches]
        if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            self.broken(f"batches are numbered {numbers}")

    @rule("PRC-35", "a message that comes twice counts once", needs="connects")
    def test_message_that_comes_twice_counts_once(self) -> None:
        """A trade or a change of a book that is heard twice is counted twice.

        If this fails: drop messages whose sequence number or trade id you have seen; a price or a whole book may be repeated.
        """
        once = Counter(_essence(event) for event in self._clean().events if isinstance(event, Trade | BookDelta | Bar))
        heard = self._listen(self._on_message(2, Duplicate()))
        twice = Counter(_essence(event) for event in heard.events if isinstance(event, Trade | BookDelta | Bar))
        more = sorted(twice - once)
        if more:
            self.broken(f"heard twice: {more[0]}")

    @rule("PRC-36", "numbers that are no prices become none", needs="connects")
    def test_hostile_numbers_become_no_price(self) -> None:
        """Venues have sent zero, below zero, NaN and nothing at all: each of them, taken for a price, trades at once.

        If this fails: check what you decoded before it becomes an event: a finite decimal above 0, of the type that the venue documents;
        raise ``DecodeError`` or yield a ``Gap`` otherwise.
        """
        for place, hostile in _spoilt(self._message(1)):
            heard = self._listen(self._on_message(2, Answer(hostile)), quiet_s=BRIEF_S)
            for event in heard.events:
                for fault in (*price_faults(event), *book_faults(event)):
                    self.broken(f"{place}: {fault}")
            if heard.error is not None and not isinstance(heard.error, MarketDataError | Unavailable):
                self.broken(f"{place} raised {_told(heard.error)}: expected DecodeError, or a Gap")

    def _check_order_of_late_messages(self) -> None:
        if "connects" in self.capabilities and self.transport == "websocket":
            self._check_order(self._listen(self._on_message(2, Late())))

    def _check_order(self, heard: Heard) -> None:
        newest: dict[str, int] = {}
        for event in heard.events:
            if isinstance(event, OraclePrice):
                before = newest.get(event.asset, event.publish_ns)
                if event.publish_ns < before:
                    self.broken(f"{event.asset}: published at {event.publish_ns}, behind one published at {before}")
                newest[event.asset] = event.publish_ns

    def _clean(self) -> Heard:
        """Return what it yields when nothing goes wrong; heard once for each class."""
        kept = vars(type(self)).get("_kept")
        if kept is None:
            kept = self._listen() if "connects" in self.capabilities else listen(self._opened(SourceSetup(1, BLOCKS)))
            type(self)._kept = kept  # type: ignore[attr-defined]  # set here alone
        assert isinstance(kept, Heard)
        return kept

    def _opened(self, setup: SourceSetup, settings: object | None = None) -> Opened:
        """Return what opens the batches of a new instance."""

        def opened() -> AsyncIterator[Batch]:
            source: Any = self.make() if settings is None else self.plugin(settings)
            batches: AsyncIterator[Batch] = source.batches(setup)
            return batches

        return opened

    @contextmanager
    def _server(self, setup: SourceSetup, *rules: Rule) -> Iterator[Opened]:
        """Serve the author's messages, where the source connects; yield what opens its batches."""
        if "connects" not in self.capabilities:
            yield self._opened(setup)
            return
        self._message(0)
        page = self.path if self.transport == "http" else ""
        with Loopback(self.answers, FaultScript(rules), feed=self.messages, feed_after=self.subscribe, feed_page=page) as server:
            base = server.http_url if self.transport == "http" else server.ws_url
            yield self._opened(setup, self._settings_at(base + self.path))

    def _listen(self, *rules: Rule, quiet_s: float = QUIET_S) -> Heard:
        with self._server(SourceSetup(1), *rules) as opened:
            # One message at most is lost to a fault
            least = len(self.messages) - bool(rules) if "connects" in self.capabilities else 1
            return listen(opened, MOST_BATCHES, least=least, quiet_s=quiet_s)

    def _settings_at(self, url: str) -> Any:
        if not self.address_setting:
            self.broken('it connects: say which setting holds the address, address_setting = "url"')
        return self.made_settings(**{self.address_setting: url})

    def _message(self, place: int) -> object:
        if len(self.messages) < 3:
            self.broken("it connects: give at least three messages of the venue, messages = […]")
        return self.messages[place]

    def _scheme(self) -> str:
        return "http" if self.transport == "http" else "ws"

    def _asked_first(self) -> str:
        return f"GET {self.path}" if self.transport == "http" else CONNECT

    def _on_message(self, number: int, act: Act) -> Rule:
        """Return the rule for the message with that number; a page's acts go by how often it was asked."""
        return on(f"GET {self.path}" if self.transport == "http" else PUSH, act, calls=(number,))


def _essence(event: Event) -> str:
    """Return what an event says, without the time at which it was received."""
    if isinstance(event, OraclePrice):
        return f"{event.asset} {event.mantissa} {event.exponent} {event.confidence}"
    return repr(event)


def _spoilt(message: object) -> Iterator[tuple[str, object]]:
    """Yield a message with one number after the other replaced by what is none, and what was replaced."""
    text = json.dumps(message)
    numbers = list(re.finditer(r'(?<=[\[:, ])"?-?[0-9]+(\.[0-9]+)?"?(?=[,}\]])', text))[:MOST_NUMBERS]
    for found in numbers:
        for bad in ('"NaN"', "-1", "0", "null", '"1e9999"'):
            spoilt = text[: found.start()] + bad + text[found.end() :]
            yield f"{found.group()} replaced by {bad}", spoilt.encode()


def _told(error: BaseException | None) -> str:
    return "no error" if error is None else f"{type(error).__name__}: {error}"


def _whole_text(error: BaseException | None) -> str:
    """Return the messages of an error and of what caused it, as a log shows them."""
    texts: list[str] = []
    while error is not None and len(texts) < 8:
        texts.append(_told(error))
        error = error.__cause__
    return "; caused by ".join(texts)
