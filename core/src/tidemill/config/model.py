"""The configuration as frozen values; plugin tables keep their raw settings until the plugin's class is known."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import ge, le

from tidemill.config.place import Places
from tidemill.domain.asset import Asset
from tidemill.domain.ids import MAIN_BOOK, AssetId, BookId, ChainId
from tidemill.domain.snapshot import DexPolicy
from tidemill.errors import PluginError, Problem
from tidemill.hookspecs.kinds import KIND_BY_NAME

Mode = Literal["paper", "live"]
Isolation = Literal["none", "process"]
ISOLABLE = ("strategy", "notifier")
"""Kinds whose plugins can run in a process of their own; the others' code is called from inside the fold, or owns the money's path."""
SIGNER_SOCKET = "signer.sock"
"""What the signer's socket is called in its keystore."""


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
    takes long at its first use, beside the run. ``max_exposure``: the most that legs which are not atomic together may be worth while
    their counterpart is missing, as text such as ``1_000 USDC``; ``""``, and an amount of 0: no such legs leave. ``unwind_loss_bps``: what
    is sold back may lose so much of its worth.
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
    max_exposure: str = ""
    unwind_loss_bps: int = field(default=300, validator=[ge(0), le(10_000)])


@frozen
class LiveConfig:
    """``[live]``: what must have been before a run may trade with real money.

    ``require_paper_hours``: so many hours on paper, over live data, with everything that decides as it is now, must stand in the ledger of
    the same folder (0: none). Chains on which nothing is worth anything need none.
    """

    require_paper_hours: int = field(default=24, validator=[ge(0), le(100_000)])


@frozen
class SpendLimit:
    """How much may go out at the most, in base units: by one transaction, and in one day (UTC).

    ``decimals`` places the point for display only.
    """

    per_transaction: int = 0
    per_day: int = 0
    decimals: int = 0


@frozen
class ChainPolicy:
    """``[signer.chains."CHAIN"]``: what may be signed on one chain.

    ``keys`` are the names of the keys that sign. ``value`` limits native coins that are handed over, ``fee`` what inclusion may cost at the
    most. ``targets`` are the methods by contract or program (see ``Action``; ``*`` is any method), ``spends`` what may be taken of other
    assets. What is not named may not be signed. Addresses in hexadecimal are in lower case.
    """

    keys: tuple[str, ...]
    value: SpendLimit
    fee: SpendLimit
    targets: Mapping[str, tuple[str, ...]] = field(factory=dict)
    spends: Mapping[AssetId, SpendLimit] = field(factory=dict)


@frozen
class SignerConfig:
    """``[signer]``: what ``tidemill signer`` signs, and where it is found.

    ``keystore`` and ``socket`` are as written; ``folder`` and ``socket_path`` say where they lie. ``live`` is the signer's own switch: it
    signs nothing while that is off.
    """

    keystore: str = "tidemill-keys"
    socket: str = ""
    live: bool = False
    chains: Mapping[ChainId, ChainPolicy] = field(factory=dict)
    places: Places | None = field(default=None, eq=False, repr=False)

    @property
    def folder(self) -> Path:
        """The keystore's folder; a relative one lies beside the configuration's file."""
        return Path(self.places.file if self.places else "").parent / Path(self.keystore).expanduser()

    @property
    def socket_path(self) -> Path:
        """The signer's socket: in the keystore, unless another place is given, which is relative to the same folder as the keystore's."""
        if not self.socket:
            return self.folder / SIGNER_SOCKET
        return Path(self.places.file if self.places else "").parent / Path(self.socket).expanduser()

    @property
    def digest(self) -> str:
        """The sha256 of what is enforced, as canonical JSON; where keys and socket lie is no part of it."""
        found = {"live": self.live, "chains": {chain: _enforced(policy) for chain, policy in self.chains.items()}}
        return hashlib.sha256(json.dumps(found, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def problem(self, message: str, *keys: str | int) -> Problem:
        """Return a problem of this table, or of a key in it, with file and line where they are known."""
        return (self.places or Places(root=("signer",))).problem(message, *keys)


def _enforced(policy: ChainPolicy) -> dict[str, object]:
    return {
        "keys": sorted(policy.keys),
        "value": _amounts(policy.value),
        "fee": _amounts(policy.fee),
        "targets": {target: sorted(methods) for target, methods in policy.targets.items()},
        "spends": {asset: _amounts(limit) for asset, limit in policy.spends.items()},
    }


def _amounts(limit: SpendLimit) -> list[str]:
    return [str(limit.per_transaction), str(limit.per_day)]


@frozen
class Config:
    """A whole configuration. ``source`` is where it came from (a path, or a sentence); ``tables`` stand in the file's order.

    Priorities of ``strategy_priorities`` are already in the strategies' tables. Without ``signer`` nothing can be signed.
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
    live: LiveConfig = field(factory=LiveConfig)
    signer: SignerConfig | None = None
    source: str = field(default="defaults", eq=False)
    places: Places = field(factory=Places, eq=False, repr=False)

    def enabled(self, kind: str) -> tuple[PluginTable, ...]:
        """Return the enabled tables of a kind, in the file's order."""
        return tuple(table for table in self.tables if table.kind == kind and table.enabled)
