"""Chains: rules that the fold and every replay use, and a link that does the I/O."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import ClassVar

from attrs import frozen

from tidemill.domain.answers import CannotFit
from tidemill.domain.asset import Asset
from tidemill.domain.events import Batch, Log, States
from tidemill.domain.history import Wants
from tidemill.domain.ids import AssetId, BookId, ChainId, Key
from tidemill.domain.outcome import Outcome
from tidemill.domain.plan import Flow
from tidemill.domain.pool import LogFilter, PoolRef, Watch
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Signed, Simulated, Unsigned, Wallet
from tidemill.errors import Unavailable
from tidemill.hookspecs.markers import hookspec
from tidemill.hookspecs.plugin import Plugin


class Step:
    """One instruction or call of a chain family; the kernel passes it on and never looks inside. Families define theirs in a lib."""


class ChainRules(ABC):
    """The pure half of a chain: no connection, no clock; equal in a live run and in every replay.

    Attributes:
        id: the CAIP-2 id.
        family: which steps it understands (``evm``, ``svm``, ``sim``, any other).
        native: the coin that pays for transactions; ``wrapped``: its tradable twin, or None.
        spends_balance: a transaction can sell "what I hold"; guards_balance: it can demand a final balance.
        dollars: stables that count as one US dollar.
        lifetime: how many heights a sent transaction may live because the chain cannot end it sooner (Solana: 150); 0 where the plan's
            own expiry is enforced on chain.
        finality: a block that lies so many heights below the head can no longer be dropped; 0: no block ever is.
        play_money: nothing on the chain is worth anything anywhere (a simulation, a test network): trading there needs no hours on paper
            before, and its clock may be its own.
        targets: the contracts or programs that its transactions call, as its codec names them (``Action.target``), where that is known
            before there is a plan: a signer must allow them.
        needs: history that ``estimate``, ``compose`` and ``cost`` read, such as observed fee levels.

    ``spends_balance`` means what the plan holds: whatever executes a plan is empty before and after it, so that "all that is held" never
    includes other money.
    """

    id: ChainId
    family: str
    native: AssetId
    wrapped: AssetId | None
    spends_balance: bool
    guards_balance: bool
    dollars: tuple[AssetId, ...] = ()
    lifetime: int = 0
    finality: int = 0
    play_money: bool = False
    targets: tuple[str, ...] = ()
    needs: Wants = Wants()

    @abstractmethod
    def verified_assets(self) -> Mapping[str, Asset]:
        """Return the assets whose symbols may be typed by people, by symbol."""

    @abstractmethod
    def executes_at(self, head: ChainTime) -> ChainTime:
        """Return the height and time at which a transaction sent when ``head`` is known would execute at the earliest."""

    @abstractmethod
    def estimate(self, swaps: Sequence[PoolRef], loans: int, snapshot: Snapshot) -> int:
        """Return the expected cost, native base units, of swapping at these pools with so many flash loans, before a plan exists."""

    def swap_cost(self, fee: int) -> int:
        """Return what one more swap in a plan is expected to cost at a base fee, native base units; 0 by default.

        Searchers leave out cycles that cannot pay for their swaps.
        """
        return 0

    @abstractmethod
    def compose(self, plan: Flow, steps: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Unsigned | CannotFit:
        """Return the bytes to sign, or which limit of the chain they exceed. Equal input gives equal bytes.

        The bytes can never cost more than ``plan.cost_cap``, which is what the book reserves.

        ``snapshot`` shows what the chain itself must be asked for: address lookup tables, fee levels.
        """

    @abstractmethod
    def cost(self, unsigned: Unsigned, snapshot: Snapshot) -> int:
        """Return what the composed plan is expected to cost, native base units, rounded up."""

    def watch(self, wallet: Wallet) -> Watch:
        """Return the state that ``compose`` reads for this wallet (lookup tables, token accounts); nothing by default."""
        return Watch()


@frozen
class AccountFilter:
    """Accounts of one program: of ``size`` bytes (None: any), holding the given bytes at the given offsets."""

    program: str
    size: int | None = None
    matches: tuple[tuple[int, bytes], ...] = ()


class ChainReader(ABC):
    """Reads a chain's state and logs."""

    @abstractmethod
    async def read(self, keys: Sequence[Key], height: int | None = None) -> States:
        """Return the values of keys at ``height`` (None: the head), all from one block; absent keys have None.

        Raises:
            Unavailable: the node cannot answer now.
        """

    @abstractmethod
    async def logs(self, wanted: LogFilter, from_height: int, to_height: int) -> Sequence[Log]:
        """Return a contract's logs of a span of blocks, both included, in chain order.

        Raises:
            Unavailable: the node cannot answer now.
        """

    async def accounts(self, wanted: AccountFilter) -> Sequence[tuple[Key, bytes]]:
        """Return the accounts that a program owns and that match, by key.

        Raises:
            Unavailable: the chain has no such question, or the node cannot answer now.
        """
        raise Unavailable(f"this chain cannot list the accounts of {wanted.program}")


class ChainLink(ABC):
    """The I/O half of a chain; simulated, recorded and live chains have the same members.

    Attributes:
        where: what is asked, for people: the socket or the address of a node, without credentials; "" where there is none.
        begins_anew: the chain lives in this process alone and begins anew with each run, as a simulation may: nothing that an earlier
            run sent is on it, and no other process sees it.
    """

    rules: ChainRules
    reader: ChainReader
    where: str = ""
    begins_anew: bool = False

    @abstractmethod
    def batches(self) -> AsyncIterator[Batch]:
        """Yield batches in chain order: what was found, blocks with states and logs, rollbacks, gaps. Ends where the source ends."""

    async def newest(self) -> ChainTime:
        """Return the newest block, with the id of the chain as the node itself says it: asked before real money moves.

        Raises:
            Unavailable: the node cannot answer now; so by default, and real money is refused then.
        """
        raise Unavailable("this chain does not say where it stands")

    @abstractmethod
    async def watch(self, add: Sequence[Watch], remove: Sequence[Watch]) -> None:
        """Change what the following batches report."""

    @abstractmethod
    async def simulate(self, unsigned: Unsigned) -> Simulated:
        """Execute without effect on the newest state."""

    async def slot(self, wallet: Wallet, taken: Sequence[str]) -> str:
        """Return what lets the wallet's next transaction happen once: ``nonce:<number>`` or ``blockhash:<hash>``.

        ``taken`` are the slots of our transactions that have not ended: a nonce is the lowest that neither the chain has used nor one of
        these holds, so that a gap is filled first. "" by default: the chain has nothing of the kind.

        Raises:
            Unavailable: the node cannot answer now.
        """
        return ""

    async def seal(self, unsigned: Unsigned, wallet: Wallet, slot: str) -> Unsigned:
        """Return the bytes with what is known only at sending filled in (the slot), before the signer sees them."""
        return unsigned

    async def cancel(self, wallet: Wallet, replaced: Signed) -> Unsigned | None:
        """Return bytes that do nothing but take the slot of a transaction of ours, at a fee that nodes accept in its place.

        None by default, and where slots run out by themselves (a block hash that expires).
        """
        return None

    async def holdings(self, wallet: Wallet, assets: Sequence[AssetId], height: int) -> tuple[tuple[AssetId, int], ...]:
        """Return what the wallet holds of these assets after the block of this height, base units, in the order asked.

        Raises:
            Unavailable: the node cannot answer now, or not for this height; so by default.
        """
        raise Unavailable(f"this chain cannot tell what {wallet.owner} holds")

    @abstractmethod
    async def broadcast(self, signed: Signed) -> None:
        """Send signed bytes; the same bytes may be sent again.

        Raises:
            RefusedByVenue: proof that they can never be included. OutcomeUnknown: they may or may not have arrived.
        """

    @abstractmethod
    async def outcome(self, signed: Signed) -> Outcome:
        """Return what became of a transaction; ``UNKNOWN`` while there is no proof either way.

        Proof that it is dead needs its nonce or block hash, which stand in the signed bytes: after a restart a link knows nothing else.
        """


@frozen
class LinkSetup:
    """What a link is opened with.

    ``seed`` drives everything random, ``blocks`` ends a simulated chain after so many heads (0: never). ``tape`` holds the market
    batches of this chain in order where a tape is played, else None.
    """

    seed: int
    blocks: int = 0
    tape: Iterable[Batch] | None = None


class Chain(Plugin):
    """A chain plugin: makes the rules and the link from its settings."""

    interface_version: ClassVar[int] = 1

    @abstractmethod
    def rules(self) -> ChainRules:
        """Return the pure half. Called while the pipeline is assembled; does no I/O."""

    @abstractmethod
    def link(self, setup: LinkSetup) -> ChainLink:
        """Return the I/O half. Connects lazily, inside ``batches``."""

    def wallet(self, book: BookId, account: str = "") -> Wallet:
        """Return the public addresses of a book; ``account`` is what its configuration names for this chain, "" for none."""
        return Wallet(self.rules().id, owner=account or book)


@hookspec
def tidemill_register_chains() -> Sequence[type[Chain]]:  # type: ignore[empty-body]
    """Return the chain classes this plugin provides.

    What to return: classes derived from Chain, each with a name of its own.
    When: once, while the pipeline is assembled, before any connection is opened.
    Must not: do I/O, read the environment, or return a name already taken.
    Raises: nothing; bad settings are found when the configuration is read.
    Example: plugins/chains/sim/src/tidemill_chain_sim/__init__.py
    """
