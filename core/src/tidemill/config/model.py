"""The configuration as frozen values; plugin tables keep their raw settings until the plugin's class is known."""

from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import ge, le

from tidemill.config.place import Places
from tidemill.domain.asset import Asset
from tidemill.domain.ids import MAIN_BOOK, BookId
from tidemill.domain.snapshot import DexPolicy
from tidemill.errors import PluginError, Problem
from tidemill.hookspecs.kinds import KIND_BY_NAME

Mode = Literal["paper", "live"]
Isolation = Literal["none", "process"]
ISOLABLE = ("strategy", "notifier")
"""Kinds whose plugins can run in a process of their own; the others' code is called from inside the fold, or owns the money's path."""


@frozen
class PluginTable:
    """One table ``[<folder>.<name>]``: ``settings`` is what stands in it beside the keys of the kernel and the DEX policy.

    ``isolation`` "process" runs a strategy or a notifier in a process of its own, which may hold ``memory_mb`` megabytes (0: no limit).
    Numbers with a point are ``Decimal`` in ``settings``, as written. ``places`` says where the table stands; it takes no part in
    comparisons.
    """

    kind: str
    name: str
    enabled: bool = True
    priority: int = 0
    settings: Mapping[str, Any] = field(factory=dict)
    policy: DexPolicy | None = None
    isolation: Isolation = "none"
    memory_mb: int = 0
    places: Places | None = field(default=None, eq=False, repr=False)

    @property
    def path(self) -> str:
        """``<folder>.<name>``, as people write it."""
        return f"{KIND_BY_NAME[self.kind].folder}.{self.name}"

    def problem(self, message: str, *keys: str | int) -> Problem:
        """Return a problem of this table, or of a key in it, with file and line where they are known."""
        places = self.places or Places(root=(KIND_BY_NAME[self.kind].folder, self.name))
        return places.problem(message, *keys)

    def fault(self, error: PluginError) -> Problem:
        """Return a plugin's fault as a problem of the table that enables it."""
        return self.problem(f"{error.message} ({error.distribution})" if error.distribution else error.message)


@frozen
class BookConfig:
    """``[books.NAME]``. ``base`` and the keys of ``capital`` are symbols or asset ids, amounts are decimals of whole tokens as text.

    ``strategies`` None: all that are enabled. ``accounts`` are public addresses per chain. An empty ``base`` leaves the choice to the
    first chain; an empty ``capital`` in paper mode is filled with paper money (see ``tidemill.config.books``).
    """

    id: BookId = MAIN_BOOK
    base: str = ""
    capital: Mapping[str, str] = field(factory=dict)
    accounts: Mapping[str, str] = field(factory=dict)
    strategies: tuple[str, ...] | None = None
    places: Places | None = field(default=None, eq=False, repr=False)

    def problem(self, message: str, *keys: str | int) -> Problem:
        """Return a problem of this book, or of a key in it, with file and line where they are known."""
        return (self.places or Places(root=("books", self.id))).problem(message, *keys)


@frozen
class ExecutionConfig:
    """``[execution]``.

    ``latency_blocks``: a paper plan fills so many blocks after it was made (>= 1). ``patience_blocks``: how many blocks longer it stays
    valid. ``overlay_blocks``: our paper swap stops counting so many blocks after others first moved its pool. ``stacking``: plan on
    top of our own plans in flight instead of rejecting what touches them. ``max_failures``: a plugin is disabled after so many in a row.
    ``watchdog_s``: a run in which nothing moves for so many seconds, because some code does not return, is ended (0: never).
    ``isolation_deadline_ms``: so long a batch waits for a strategy in a process of its own. ``memory_warn_mb``: told once when the
    process holds so many megabytes of 10^6 bytes more than after its first blocks (0: never). ``warm``: the searcher makes ready what
    takes long at its first use, beside the run.
    """

    latency_blocks: int = field(default=1, validator=[ge(1), le(1_000)])
    patience_blocks: int = field(default=1, validator=[ge(0), le(1_000)])
    overlay_blocks: int = field(default=20, validator=[ge(1), le(100_000)])
    stacking: bool = False
    max_failures: int = field(default=5, validator=ge(1))
    watchdog_s: int = field(default=10, validator=[ge(0), le(86_400)])
    isolation_deadline_ms: int = field(default=1_000, validator=[ge(1), le(600_000)])
    memory_warn_mb: int = field(default=1_000, validator=ge(0))
    warm: bool = True


@frozen
class Config:
    """A whole configuration. ``source`` is where it came from (a path, or a sentence); ``tables`` stand in the file's order.

    Priorities of ``strategy_priorities`` are already in the strategies' tables.
    """

    mode: Mode = "paper"
    seed: int = 1
    speed: str = "real"
    data: str = "tidemill-data"
    tables: tuple[PluginTable, ...] = ()
    books: tuple[BookConfig, ...] = (BookConfig(),)
    execution: ExecutionConfig = field(factory=ExecutionConfig)
    assets: Mapping[str, Asset] = field(factory=dict)
    strategy_priorities: Mapping[str, int] = field(factory=dict)
    source: str = field(default="defaults", eq=False)
    places: Places = field(factory=Places, eq=False, repr=False)

    def enabled(self, kind: str) -> tuple[PluginTable, ...]:
        """Return the enabled tables of a kind, in the file's order."""
        return tuple(table for table in self.tables if table.kind == kind and table.enabled)
