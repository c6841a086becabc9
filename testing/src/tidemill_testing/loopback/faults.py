"""The language in which a test says what a loopback server does wrong, and when.

A script is a tuple of rules, a rule is a *when* and one or more *acts*, all of them frozen values::

    FaultScript((
        on(CONNECT, Status(503), calls=(1,)),             # the first WebSocket handshake is refused
        on("eth_call", RateLimit(retry_after_s=2), calls=(1, 2)),
        at(5, Delay(ms=20), Drop(after=10)),              # the fifth request of all: late, and cut off
        on(PUSH, Duplicate(), calls=(3,)),                # the third message of the feed comes twice
    ))

*When*: ``on(name)`` counts the requests of one name from 1 on, ``at(n)`` and ``every()`` count all requests. A request's name is its
JSON-RPC method, ``GET <path>`` for a page, and for a WebSocket message without a method its ``type``, ``op`` or ``event``. What the
server does unasked has names of its own: ``CONNECT`` for each WebSocket handshake, ``PUSH`` for each message of the feed. No ``calls``
means each time. The first rule that fits counts.

*Acts* are carried out in order; the class of each says what it does over HTTP and over WebSocket.
"""

from typing import Final

from attrs import frozen

CONNECT: Final = "<connect>"
"""The name of a WebSocket handshake."""
PUSH: Final = "<push>"
"""The name of a message that the feed sends unasked."""


@frozen
class Answer:
    """The answer holds this result in place of the server's own; a pushed message is replaced by it."""

    result: object


@frozen
class RpcError:
    """The answer is a JSON-RPC error object; ``data`` None is left out."""

    code: int = -32_000
    message: str = "the node is syncing"
    data: object = None


@frozen
class WrongId:
    """The answer carries an id that nobody asked with."""


@frozen
class Delay:
    """What follows happens ``ms`` milliseconds later."""

    ms: int


@frozen
class Duplicate:
    """What is sent is sent ``times`` times: a member of a batch, a whole HTTP response, a WebSocket message."""

    times: int = 2


@frozen
class Late:
    """What is sent goes out behind what comes next: at the end of a batch, or after the next response or message.

    Where nothing comes next it goes out after ``most_ms`` milliseconds.
    """

    most_ms: int = 1_000


@frozen
class Malformed:
    """The body or message is this text, which is no JSON."""

    text: str = '{"jsonrpc": "2.0", "result": '


@frozen
class Truncate:
    """The body or message ends after ``keep`` bytes, and its length says that this is all."""

    keep: int


@frozen
class Drop:
    """The connection ends after ``after`` bytes of a body or message whose length said that there is more."""

    after: int = 0


@frozen
class Status:
    """HTTP answers with this status; a WebSocket handshake is refused with it. On an open WebSocket: an RPC error with this code."""

    code: int
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@frozen
class RateLimit:
    """Status 429 with ``Retry-After``; on an open WebSocket the RPC error -32005, "limit exceeded" (EIP-1474)."""

    retry_after_s: int = 1

    @property
    def status(self) -> Status:
        """The same as a status."""
        return Status(429, "too many requests", (("Retry-After", str(self.retry_after_s)),))


@frozen
class Close:
    """The connection is closed in order, before anything is answered; a WebSocket with this code and reason."""

    code: int = 1001
    reason: str = "going away"


@frozen
class Silence:
    """Nothing is ever answered; the connection stays open."""


Act = Answer | RpcError | WrongId | Delay | Duplicate | Late | Malformed | Truncate | Drop | Status | RateLimit | Close | Silence
"""What a server does wrong; the class of each says what that is over HTTP and over WebSocket."""


@frozen
class Rule:
    """Acts, and when they are due: ``name`` "" fits every request, ``calls`` () every time; the first time is 1."""

    name: str
    acts: tuple[Act, ...]
    calls: tuple[int, ...] = ()


def on(name: str, *acts: Act, calls: tuple[int, ...] = ()) -> Rule:
    """Return the rule for requests of one name, counted among themselves."""
    return Rule(name, acts, calls)


def at(number: int, *acts: Act) -> Rule:
    """Return the rule for the request with this number among all."""
    return Rule("", acts, (number,))


def every(*acts: Act) -> Rule:
    """Return the rule for every request that no earlier rule fits."""
    return Rule("", acts)


@frozen
class FaultScript:
    """What goes wrong, and when; none: nothing does."""

    rules: tuple[Rule, ...] = ()

    def acts(self, name: str, number: int, number_of_all: int) -> tuple[Act, ...]:
        """Return what the first fitting rule says.

        Args:
            name: of the request, ``CONNECT`` or ``PUSH``.
            number: counts those of this name.
            number_of_all: counts all requests; 0 for ``CONNECT`` and ``PUSH``, which are none.
        """
        for rule in self.rules:
            counted = number if rule.name else number_of_all
            if rule.name in ("", name) and counted and (not rule.calls or counted in rule.calls):
                return rule.acts
        return ()
