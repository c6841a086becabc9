"""What a node is asked, and what it answers. ``answer`` of an ask is the type of its value."""

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

from attrs import field, frozen

from tidemill.domain.events import Log, States
from tidemill.domain.ids import AssetId, Key
from tidemill.domain.outcome import Outcome
from tidemill.domain.transaction import Simulated

A = TypeVar("A")


@frozen
class At:
    """A block: its height and its hash."""

    height: int
    block_hash: str


@frozen
class Told:
    """What comes next for somebody who knows a block.

    ``kind`` is ``block``: the one upon it, with logs and with the watched values that it changed; ``rollback``: the block that stays the
    head, since the known one was dropped; ``gap``: the head, since the known block is too long ago to say what came upon it.
    """

    kind: str
    height: int
    block_hash: str
    parent_hash: str
    unix_time: int
    fee: int
    states: tuple[tuple[Key, bytes | None], ...] = ()
    logs: tuple[Log, ...] = ()


@frozen
class Hello:
    """Which chain it is: its seed, and the settings that make it, by name."""

    seed: int
    settings: Mapping[str, int | str]
    head: At


@frozen
class AccountView:
    """An account after a block: what its next nonce is, and what it holds (native coins in wei, tokens in base units by address).

    ``final`` is the newest block that no reorganisation can drop any more, ``fee`` the head's base fee in wei a gas.
    """

    nonce: int
    native: int
    tokens: tuple[tuple[str, int], ...]
    head: At
    final: At
    fee: int


@frozen
class Entry:
    """One included transaction of an account, in the order of the chain.

    ``changes`` are base units by asset, costs left out, ``cost`` is wei; ``slot`` as in ``Reading``. ``reason`` says why it reverted.
    """

    tx: str
    slot: str
    height: int
    block_hash: str
    ok: bool
    changes: tuple[tuple[AssetId, int], ...]
    cost: int
    reason: str


@frozen
class Waiting:
    """A transaction in the mempool; ``max_fee`` in wei a gas."""

    tx: str
    account: str
    slot: str
    max_fee: int


class Ask(Generic[A]):
    """A question to a node."""

    answer: ClassVar[Any]


@frozen
class HelloAsk(Ask[Hello]):
    """Asks which chain it is."""

    answer: ClassVar[Any] = Hello


@frozen
class HeadAsk(Ask[Told]):
    """Asks for the head, as a block without logs and states."""

    answer: ClassVar[Any] = Told


@frozen
class NextAsk(Ask[Told]):
    """Asks what comes after a block, and with it for the values among ``keys`` that changed; upon the head a block is mined."""

    answer: ClassVar[Any] = Told
    known: At
    keys: tuple[Key, ...] = ()


@frozen
class ReadAsk(Ask[States]):
    """Asks for the values of keys after a block; None: the head."""

    answer: ClassVar[Any] = States
    keys: tuple[Key, ...]
    height: int | None = None


@frozen
class LogsAsk(Ask[tuple[Log, ...]]):
    """Asks for the logs of a contract, as a reader is asked."""

    answer: ClassVar[Any] = tuple[Log, ...]
    address: str
    topics: tuple[bytes, ...]
    from_height: int
    to_height: int


@frozen
class SimulateAsk(Ask[Simulated]):
    """Asks what a call would do upon the head, with so much gas."""

    answer: ClassVar[Any] = Simulated
    call: bytes = field(repr=False)
    gas_limit: int


@frozen
class AccountAsk(Ask[AccountView]):
    """Asks for an account after a block; None: the head."""

    answer: ClassVar[Any] = AccountView
    account: str
    height: int | None = None


@frozen
class BlocksAsk(Ask[tuple[At, ...]]):
    """Asks for the kept blocks of the chain that no reorganisation can drop any more, newest first."""

    answer: ClassVar[Any] = tuple[At, ...]
    most: int


@frozen
class BroadcastAsk(Ask[None]):
    """Sends signed bytes."""

    answer: ClassVar[Any] = None
    raw: bytes = field(repr=False)


@frozen
class OutcomeAsk(Ask[Outcome]):
    """Asks what became of signed bytes."""

    answer: ClassVar[Any] = Outcome
    raw: bytes = field(repr=False)


@frozen
class StatementAsk(Ask[tuple[Entry, ...]]):
    """Asks for all included transactions of an account."""

    answer: ClassVar[Any] = tuple[Entry, ...]
    account: str


@frozen
class MempoolAsk(Ask[tuple[Waiting, ...]]):
    """Asks for what waits."""

    answer: ClassVar[Any] = tuple[Waiting, ...]


@frozen
class HappenedAsk(Ask[dict[str, int]]):
    """Asks how often each thing went wrong since the node was started, by the name of its setting without its unit."""

    answer: ClassVar[Any] = dict[str, int]


@frozen
class MineAsk(Ask[At]):
    """Has a block mined upon the head, whoever may ask for it later; answered with the head then."""

    answer: ClassVar[Any] = At


@frozen
class ReorganiseAsk(Ask[At]):
    """Drops the newest blocks; answered with the head then."""

    answer: ClassVar[Any] = At
    depth: int


ASKS: Mapping[str, type[Ask[Any]]] = {
    kind.__name__.removesuffix("Ask").lower(): kind
    for kind in (
        HelloAsk, HeadAsk, NextAsk, ReadAsk, LogsAsk, SimulateAsk, AccountAsk, BlocksAsk, BroadcastAsk, OutcomeAsk, StatementAsk,
        MempoolAsk, HappenedAsk, MineAsk, ReorganiseAsk,
    )
}  # fmt: skip
"""Asks by the name that they go by on the wire."""
