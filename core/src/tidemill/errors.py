"""The one error tree. The class says what the pipeline, or the reader of the message, must do.

    TidemillError
    ├── ConfigError            the operator must edit something; holds every problem with path, file and line
    ├── UsageError             a command line or API call names something that is not there or is ambiguous
    ├── PluginError            names the plugin and its distribution
    │   ├── PluginLoadError        it cannot be found, imported, or is made for another interface version
    │   └── PluginContractError    it loaded, but broke what its interface promises
    ├── MarketDataError        the input cannot be trusted
    │   ├── DecodeError            bytes that do not decode
    │   ├── StaleState             state older than its limit
    │   └── TapeError              a tape that is not what it claims
    │       └── TapeDamaged            cut or altered; ``offset`` is the first byte that cannot be trusted
    ├── VenueError             a chain or venue did not do what was asked
    │   ├── Unavailable            nothing was sent; try again later
    │   ├── RefusedByVenue         proof that nothing happened; do not repeat as is
    │   └── OutcomeUnknown         sent, fate unknown: reconcile, never treat as a failure
    ├── LedgerError            the ledger cannot be opened, read or written
    │   └── LedgerInUse            another instance writes it
    ├── SignerError            the signer cannot be reached, or speaks what is not understood; nothing was signed
    │   └── SignerRefused          its policy says no; ``rule`` names what of it
    ├── ControlError           no instance answers on its control socket, or it refuses what an operator asks
    └── InvariantError         an impossible state: stop trading, keep the evidence

A normal "no" is not an error: see ``NoQuote``, ``Rejected``, ``CannotFit``, ``Needs`` and ``Refused`` in ``tidemill.domain``.
"""

from collections.abc import Sequence

from attrs import frozen

from tidemill.redaction import without_secrets


class TidemillError(Exception):
    """Anything Tidemill raises on purpose; ``str()`` is written for the person who must act on it."""


@frozen
class Problem:
    """One thing that an operator must mend, printed as ``file:line  $.path  message``."""

    path: str
    message: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        return "  ".join(part for part in (place, self.path, self.message) if part)


class ConfigError(TidemillError):
    """The configuration cannot be used; ``problems`` holds all that is wrong with it, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        lines = [str(problem) for problem in self.problems]
        return "\n".join([*lines, f"{count} error{'s' if count != 1 else ''}, nothing was started"])


class UsageError(TidemillError):
    """A command line or an API call asks for something that is not there or that is ambiguous."""


class PluginError(TidemillError):
    """A plugin is at fault; the message names it and the distribution that holds it."""

    def __init__(self, plugin: str, message: str, *, distribution: str = "") -> None:
        self.plugin = plugin
        self.distribution = distribution
        self.message = message
        super().__init__(plugin, message, distribution)

    def __str__(self) -> str:
        origin = f" ({self.distribution})" if self.distribution else ""
        return f"plugin {self.plugin}{origin}: {self.message}"


class PluginLoadError(PluginError):
    """The plugin cannot be found or imported, or is made for another version of its interface."""


class PluginContractError(PluginError):
    """The plugin loaded, but breaks what its interface promises."""


class MarketDataError(TidemillError):
    """Market input cannot be trusted; it is dropped and counted, and the rest goes on."""


class DecodeError(MarketDataError):
    """Bytes do not decode to what they claim to be."""


class StaleState(MarketDataError):
    """State is older than the limit that its reader stated."""


class TapeError(MarketDataError):
    """A tape is not what it claims to be, or lacks what was asked of it."""


class TapeDamaged(TapeError):
    """A tape is cut or altered; ``offset`` is where the first frame that cannot be trusted begins."""

    def __init__(self, path: str, offset: int, reason: str) -> None:
        self.path = path
        self.offset = offset
        self.reason = reason
        super().__init__(path, offset, reason)

    def __str__(self) -> str:
        return f"{self.path}: damaged at offset {self.offset}: {self.reason}; nothing after it can be trusted"


class VenueError(TidemillError):
    """A chain or a venue did not do what was asked."""


class Unavailable(VenueError):
    """Nothing was sent; the same request may be made again after ``retry_after_s`` seconds."""

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class RefusedByVenue(VenueError):
    """There is proof that nothing happened; the request must not be repeated as it is."""


class OutcomeUnknown(VenueError):
    """It was sent and its fate is unknown: reconcile; never call it a failure."""


class LedgerError(TidemillError):
    """The ledger cannot be opened, read or written."""


class LedgerInUse(LedgerError):
    """Another running instance writes to this ledger."""


class SignerError(TidemillError):
    """The signer cannot be reached, or one side does not understand the other. No signature came of it."""


class SignerRefused(SignerError):
    """The signer signed nothing, because of a ``rule`` of its policy."""

    def __init__(self, rule: str, reason: str) -> None:
        self.rule = rule
        self.reason = reason
        super().__init__(rule, reason)

    def __str__(self) -> str:
        return f"the signer refused ({self.rule}): {self.reason}"


class ControlError(TidemillError):
    """No running instance can be reached over its control socket, or it refuses what an operator asks of it."""


class InvariantError(TidemillError):
    """An impossible state: trading stops and the evidence is kept."""


LONGEST_SAID = 500
_causes: dict[type[BaseException], str] = {}


def name_cause(kind: type[BaseException], cause: str) -> None:
    """Have ``said`` name what makes this process raise exceptions of a kind, which say too little of it themselves."""
    _causes[kind] = cause


def said(error: BaseException) -> str:
    """Return the type and the message of what foreign code raised: without revealed secrets, and cut after 500 characters.

    Without a message the type stands alone; a cause that was named for it follows. Its ``__str__`` is foreign code as well: where that
    raises, the type stands alone.
    """
    name = type(error).__name__
    try:
        text = without_secrets(str(error))
    except BaseException as second:  # noqa: BLE001  whatever it raises, it says no more than this
        return f"{name}, whose message cannot be read: it raised {type(second).__name__}"
    short = text if len(text) <= LONGEST_SAID else text[:LONGEST_SAID] + "…"
    causes = (cause for kind, cause in _causes.items() if isinstance(error, kind))
    return ": ".join(part for part in (name, short, *causes) if part)
