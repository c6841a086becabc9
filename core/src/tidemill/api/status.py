"""What a running instance says of itself: a frozen value, the same over its socket and from Python."""

from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen
from cattrs.errors import BaseValidationError

from tidemill.api.plain import Amounts, converter
from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, BookId, ChainId, PlanId
from tidemill.errors import ControlError
from tidemill.signing.seen import SignerStatus
from tidemill.units import BaseUnits


@frozen
class ChainStatus:
    """The newest head of a chain; ``unix_time`` is the chain's own, simulated on a simulated market."""

    chain: ChainId
    height: int
    unix_time: int


@frozen
class PlanStatus:
    """A plan in flight since ``height``."""

    id: PlanId
    strategy: str
    height: int


@frozen
class BookStatus:
    """One book: what it owns, and what of that is promised to plans in flight.

    ``values`` is what it owns in units of ``base``, rounded down; what nobody can value is not in it.
    """

    id: BookId
    base: AssetId
    balances: Amounts
    reserved: Amounts
    plans: tuple[PlanStatus, ...]
    values: Amounts = field(factory=dict)


@frozen
class PluginStatus:
    """A plugin that is not simply running: ``path`` is ``<folder>.<name>``, ``failures`` counts in a row, ``reason`` says why.

    ``process`` is the id of its own process, 0 where it has none, and ``memory_mb`` what that holds in memory, in units of 10^6 bytes; 0
    where the platform does not tell.
    """

    path: str
    state: Literal["running", "paused", "failing", "disabled"]
    reason: str = ""
    failures: int = 0
    process: int = 0
    memory_mb: int = 0


@frozen
class UnsoldStatus:
    """What of an asset a flatten has not sold: base units, why its last sale failed, and whether it is tried no more."""

    book: BookId
    asset: AssetId
    amount: BaseUnits
    reason: str
    stays: bool


@frozen
class FlattenStatus:
    """How far a flatten is: it sells, is done (nothing more can be sold), or was broken off by another stop; and what is not sold."""

    state: Literal["selling", "done", "broken off"]
    unsold: tuple[UnsoldStatus, ...] = ()


@frozen
class Status:
    """A running instance at one moment.

    ``state`` says whether it runs, is ending (an operator's stop), has halted, or lets nothing leave, ``reason`` why. ``block_age_s``
    is how many seconds ago the last block came in, None before the first. ``pnl`` and ``cost`` are of this run, cost is not in pnl.
    ``strategies`` are all in the
    order they are asked, ``plugins`` the others that fail, are disabled or have a process of their own. ``ledger`` is the number of this
    run in the ledger that ``data`` holds, 0 where no ledger is written. ``data_bytes`` is the size of that folder, ``disk_free_bytes``
    and ``disk_bytes`` are of the disk under it, ``memory_mb`` is what the process holds in memory, in units of 10^6 bytes; 0 where the
    platform does not tell.

    With real money ``intents`` counts our open transactions by state and ``unknown`` those that no node knows of, ``exposure`` is what
    they hold back and may cost, and ``balanced`` the height of each chain at which the books were last the same as what it says we hold;
    a chain that is not in it was never asked. ``clock_ms`` is the most that this machine's clock may be off, None where nobody knows.
    ``flatten`` is what is sold back, and stays for as long as its stop holds; None where nobody ordered that. ``signer`` is None on paper.
    """

    version: str
    process: int
    mode: str
    source: str
    seed: int
    tape: str
    record: str
    state: Literal["running", "ending", "halted", "stopped"]
    reason: str
    uptime_s: int
    blocks: int
    block_age_s: int | None
    chains: tuple[ChainStatus, ...]
    opportunities: int
    plans: int
    fills: int
    reverts: int
    rejected: int
    pnl: Amounts
    cost: Amounts
    books: tuple[BookStatus, ...]
    strategies: tuple[PluginStatus, ...]
    plugins: tuple[PluginStatus, ...]
    assets: tuple[Asset, ...]
    data: str
    ledger: int
    data_bytes: int
    disk_free_bytes: int
    disk_bytes: int
    memory_mb: int
    intents: Mapping[str, int] = field(factory=dict)
    unknown: int = 0
    exposure: Amounts = field(factory=dict)
    balanced: Mapping[ChainId, int] = field(factory=dict)
    clock_ms: int | None = None
    flatten: FlattenStatus | None = None
    signer: SignerStatus | None = None

    @property
    def open_intents(self) -> int:
        """How many of our transactions have not ended; 0 on paper."""
        return sum(self.intents.values())

    @property
    def open_plans(self) -> int:
        """How many plans are in flight, over all books."""
        return sum(len(book.plans) for book in self.books)


_COUNTED = ("open_plans", "open_intents")
"""What stands in the JSON beside the fields."""


def status_json(status: Status) -> dict[str, Any]:
    """Return a status as plain values; amounts are strings of base units."""
    plain: dict[str, Any] = converter().unstructure(status)
    return {**plain, **{name: getattr(status, name) for name in _COUNTED}}


def status_from_json(plain: Mapping[str, Any]) -> Status:
    """Return the status of plain values.

    Raises:
        ControlError: they are none: the instance is of another version.
    """
    try:
        return converter().structure({key: value for key, value in plain.items() if key not in _COUNTED}, Status)
    except (BaseValidationError, ValueError, TypeError, KeyError) as error:
        raise ControlError("the instance's status cannot be read: it is of another version of Tidemill") from error
