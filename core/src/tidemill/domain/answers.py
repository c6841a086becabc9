"""The normal "no", as values: a caller must look at them, none is an exception."""

from enum import StrEnum

from attrs import frozen

from tidemill.domain.ids import Key


class NoQuoteReason(StrEnum):
    """Why a pool gives no quote."""

    AMOUNT = "amount"
    """The amount is zero, negative or beyond what the pool's arithmetic holds."""
    LIQUIDITY = "liquidity"
    """The pool cannot fill the whole amount."""
    MISSING_STATE = "missing_state"
    """The quote leaves the loaded state; ``keys`` names what is missing."""
    ASSET = "asset"
    """The pool does not hold one of the assets."""
    CLOSED = "closed"
    """The pool does not trade at that time."""
    STALE = "stale"
    """A gap or an age limit makes the pool's state unfit for a quote."""
    EXPIRED = "expired"
    """An observed amount is no longer valid, or was not observed at all."""


@frozen
class NoQuote:
    """A pool's "no", with the reason and, where state is missing, the keys to read."""

    reason: NoQuoteReason
    detail: str = ""
    keys: tuple[Key, ...] = ()


@frozen
class NoCurve:
    """A pool cannot be given as a curve of segments; it must be probed with integers."""

    detail: str = ""


@frozen
class NoPrice:
    """An amount cannot be valued."""

    detail: str = ""


@frozen
class NoLoan:
    """A lender cannot lend that asset now."""

    detail: str = ""


@frozen
class Needs:
    """State that must be read before the question can be answered."""

    keys: tuple[Key, ...]


@frozen
class Rejected:
    """An opportunity or a plan is not carried out.

    ``rule`` is a short stable name (``conflict``, ``min_profit``, ``funds``), ``numbers`` the figures that decided in order of
    importance, ``reason`` one sentence for people.
    """

    rule: str
    reason: str
    numbers: tuple[tuple[str, int], ...] = ()


@frozen
class CannotFit:
    """A plan exceeds a limit of its chain: bytes, compute or accounts; ``found`` > ``limit``."""

    what: str
    limit: int
    found: int
