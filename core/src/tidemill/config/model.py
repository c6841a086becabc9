"""The configuration as frozen values; plugin tables keep their raw settings until the plugin's class is known."""

from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen

from tidemill.domain.asset import Asset
from tidemill.domain.ids import MAIN_BOOK, BookId
from tidemill.domain.snapshot import DexPolicy

Mode = Literal["paper", "live"]


@frozen
class PluginTable:
    """One table ``[<folder>.<name>]``: ``settings`` is what stands in it beside ``enabled``, ``priority`` and the DEX policy."""

    kind: str
    name: str
    enabled: bool = True
    priority: int = 0
    settings: Mapping[str, Any] = field(factory=dict)
    policy: DexPolicy | None = None

    @property
    def path(self) -> str:
        """``<folder>.<name>``, as people write it."""
        from tidemill.hookspecs.kinds import KIND_BY_NAME

        return f"{KIND_BY_NAME[self.kind].folder}.{self.name}"


@frozen
class BookConfig:
    """``[books.NAME]``. ``base`` and the keys of ``capital`` are symbols or asset ids, amounts are decimals of whole tokens as text.

    ``strategies`` None: all that are enabled. ``accounts`` are public addresses per chain.
    """

    id: BookId = MAIN_BOOK
    base: str = ""
    capital: Mapping[str, str] = field(factory=dict)
    accounts: Mapping[str, str] = field(factory=dict)
    strategies: tuple[str, ...] | None = None


@frozen
class ExecutionConfig:
    """``[execution]``.

    ``latency_blocks``: a paper plan fills so many blocks after it was made (>= 1). ``patience_blocks``: how many blocks longer it stays
    valid. ``overlay_blocks``: our paper swap stops counting so many blocks after others first moved its pool. ``stacking``: plan on
    top of our own plans in flight instead of rejecting what touches them. ``max_failures``: a plugin is disabled after so many in a row.
    """

    latency_blocks: int = 1
    patience_blocks: int = 1
    overlay_blocks: int = 20
    stacking: bool = False
    max_failures: int = 5


@frozen
class Config:
    """A whole configuration. ``source`` is where it came from (a path, or a sentence); ``tables`` stand in the file's order."""

    mode: Mode = "paper"
    seed: int = 1
    speed: str = "real"
    data: str = "tidemill-data"
    tables: tuple[PluginTable, ...] = ()
    books: tuple[BookConfig, ...] = (BookConfig(),)
    execution: ExecutionConfig = field(factory=ExecutionConfig)
    assets: Mapping[str, Asset] = field(factory=dict)
    strategy_priorities: Mapping[str, int] = field(factory=dict)
    source: str = "defaults"

    def enabled(self, kind: str) -> tuple[PluginTable, ...]:
        """Return the enabled tables of a kind, in the file's order."""
        return tuple(table for table in self.tables if table.kind == kind and table.enabled)
