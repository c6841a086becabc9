"""What notifiers are told."""

from typing import Literal

from attrs import field, frozen

from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId

Level = Literal["debug", "info", "warning", "error"]


@frozen
class RunHeader:
    """What a run is, told once at its start. ``plugins`` are (folder.name, version); ``tape`` is a path or ""."""

    version: str
    mode: str
    source: str
    seed: int
    plugins: tuple[tuple[str, str], ...]
    pools: int = 0
    assets: int = 0
    venues: int = 0
    tape: str = ""


@frozen
class Note:
    """One thing worth telling.

    ``event`` is a stable name (head, opportunity, plan, fill, revert, refused, rejected, alert, plugin, …); ``fields``
    are plain values for machines (amounts as strings of base units), ``text`` is the sentence for people.
    """

    event: str
    level: Level
    height: int
    unix_time: int
    text: str
    fields: tuple[tuple[str, object], ...] = ()


@frozen
class Summary:
    """What a run came to; ``pnl`` and ``cost`` per asset in base units, cost is not in pnl. ``assets`` names what people are shown.

    ``stays``: what of real money is not settled as it ends, a sentence each: transactions that are out, an exposure, a stop that holds.
    """

    blocks: int
    events: int
    opportunities: int
    plans: int
    fills: int
    reverts: int
    rejected: int
    pnl: dict[AssetId, int]
    cost: dict[AssetId, int]
    ledger_hash: str
    tape: str = ""
    ledger: str = ""
    profitable: int = 0
    assets: dict[AssetId, Asset] = field(factory=dict)
    stays: tuple[str, ...] = ()
