"""What a running instance says of itself: a frozen value, the same over its socket and from Python."""

from collections.abc import Mapping
from typing import Any, Literal

from attrs import frozen
from cattrs import Converter
from cattrs.errors import BaseValidationError

from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, BookId, ChainId, PlanId
from tidemill.errors import ControlError

Amounts = Mapping[AssetId, int]
"""Base units per asset; text in JSON."""


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
    """One book: what it owns, and what of that is promised to plans in flight."""

    id: BookId
    base: AssetId
    balances: Amounts
    reserved: Amounts
    plans: tuple[PlanStatus, ...]


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
class Status:
    """A running instance at one moment.

    ``state`` says whether it runs, is ending (an operator's stop), has halted, or lets nothing leave, ``reason`` why. ``block_age_s``
    is how many seconds ago the last block came in, None before the first. ``pnl`` and ``cost`` are of this run, cost is not in pnl.
    ``strategies`` are all in the
    order they are asked, ``plugins`` the others that fail, are disabled or have a process of their own. ``ledger`` is the number of this
    run in the ledger that ``data`` holds, 0 where no ledger is written. ``data_bytes`` is the size of that folder, ``disk_free_bytes``
    and ``disk_bytes`` are of the disk under it, ``memory_mb`` is what the process holds in memory, in units of 10^6 bytes; 0 where the
    platform does not tell.
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

    @property
    def open_plans(self) -> int:
        """How many plans are in flight, over all books."""
        return sum(len(book.plans) for book in self.books)


def status_json(status: Status) -> dict[str, Any]:
    """Return a status as plain values; amounts are strings of base units."""
    plain: dict[str, Any] = _converter().unstructure(status)
    return {**plain, "open_plans": status.open_plans}


def status_from_json(plain: Mapping[str, Any]) -> Status:
    """Return the status of plain values.

    Raises:
        ControlError: they are none: the instance is of another version.
    """
    try:
        return _converter().structure({key: value for key, value in plain.items() if key != "open_plans"}, Status)
    except (BaseValidationError, ValueError, TypeError, KeyError) as error:
        raise ControlError("the instance's status cannot be read: it is of another version of Tidemill") from error


def _converter() -> Converter:
    converter = Converter()
    converter.register_unstructure_hook_func(_are_amounts, lambda found: {asset: str(amount) for asset, amount in found.items()})
    converter.register_structure_hook_func(_are_amounts, lambda found, _: {str(asset): int(amount) for asset, amount in found.items()})
    return converter


def _are_amounts(kind: Any) -> bool:
    return bool(kind == Amounts)
