"""A node: one chain, whoever asks it, with what goes wrong between."""

from collections import Counter
from typing import Any, Protocol, TypeVar, cast

from tidemill.domain.events import Log, States
from tidemill.domain.ids import Key, erc20
from tidemill.domain.outcome import Outcome
from tidemill.domain.pool import LogFilter
from tidemill.domain.transaction import Simulated
from tidemill.errors import InvariantError, OutcomeUnknown, RefusedByVenue, Unavailable, UsageError
from tidemill_chain_sim.engine import KEPT_BLOCKS, Engine
from tidemill_chain_sim.execution import Reverted
from tidemill_chain_sim.faults import Faults
from tidemill_chain_sim.mempool import opened, run_call
from tidemill_chain_sim.node import asks
from tidemill_chain_sim.node.asks import Ask, At, Told
from tidemill_chain_sim.settings import chain_settings
from tidemill_chain_sim.storage import Storage
from tidemill_chain_sim.world import Block
from tidemill_simworld import CHAIN, Stream
from tidemill_simworld.envelope import SignedTransaction, read_sealed

A = TypeVar("A")


class Steps(Protocol):
    """What keeps each change of a chain, before anybody hears of it."""

    def broadcast(self, raw: bytes) -> None:
        """Keep that signed bytes came."""

    def mined(self, block: Block) -> None:
        """Keep that a block was mined."""

    def dropped(self, depth: int) -> None:
        """Keep that so many blocks were dropped."""


class SimNode:
    """Answers asks about one simulated chain; nothing happens on it but what it is asked for.

    Attributes:
        engine: the chain.
        faults: what goes wrong.
        steps: where changes are kept; None: nowhere.
        happened: how often each thing of the script went wrong, by the name of its setting.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.faults = Faults(engine.market.seed, engine.market.settings)
        self.steps: Steps | None = None
        self.happened: Counter[str] = Counter()
        self._storage = Storage(engine.market)
        self._late: list[tuple[int, SignedTransaction]] = []
        self._owes_block = False
        self._outage = 0

    def answer(self, ask: Ask[A]) -> A:
        """Return the answer to an ask.

        Raises:
            RefusedByVenue: of a broadcast: proof that the bytes can never be included.
            OutcomeUnknown: of a broadcast: they may or may not have arrived.
            Unavailable: it cannot answer now, or not for this height.
            UsageError: it is asked for what it does not have.
        """
        return cast("A", self._answer(ask))

    def _answer(self, ask: Ask[Any]) -> object:
        match ask:
            case asks.HeadAsk():
                return _told("block", self.engine.head)
            case asks.NextAsk():
                return self._next(ask.known, ask.keys)
            case asks.ReadAsk():
                return self._read(ask.keys, ask.height)
            case asks.LogsAsk():
                return self._logs(ask)
            case asks.SimulateAsk():
                return self._simulate(ask.call, ask.gas_limit)
            case asks.AccountAsk():
                return self._account(ask.account, ask.height)
            case asks.BlocksAsk():
                return self._final_blocks(ask.most)
            case asks.BroadcastAsk():
                self._broadcast(ask.raw)
                return None
            case asks.OutcomeAsk():
                return self._outcome(ask.raw)
        return self._attend(ask)

    def _attend(self, ask: Ask[Any]) -> object:
        """Answer what only those ask who look after the chain; nothing goes wrong there."""
        match ask:
            case asks.HelloAsk():
                market = self.engine.market
                return asks.Hello(market.seed, chain_settings(market.settings), _at(self.engine.head))
            case asks.StatementAsk():
                return self._statement(ask.account)
            case asks.MempoolAsk():
                waiting = self.engine.mempool.waiting
                return tuple(asks.Waiting(tx.tx, tx.account, tx.sealed.slot, tx.sealed.max_fee) for tx in waiting)
            case asks.HappenedAsk():
                return {name: count for name, count in sorted(self.happened.items()) if count}
            case asks.MineAsk():
                return _at(self.mine())
            case asks.ReorganiseAsk():
                return _at(self.go_back(ask.depth))
        raise UsageError(f"{type(ask).__name__} is nothing that a node is asked")

    def take(self, tx: SignedTransaction) -> None:
        """Have the chain take a transaction, as far as the script lets it arrive.

        Raises:
            RefusedByVenue: as the mempool.
        """
        head = self.engine.head
        if self.faults.is_lost(head.height, tx.tx):
            self.happened["broadcast_lost"] += 1
            return
        delay = self.faults.delay(head.height, tx.tx)
        if delay:
            self.happened["broadcast_late"] += 1
            self._late.append((head.height + delay, tx))
        else:
            self.engine.mempool.submit(tx, head)

    def mine(self) -> Block:
        """Mine a block upon the head."""
        head, mempool = self.engine.head, self.engine.mempool
        due = [tx for height, tx in self._late if height <= head.height]
        self._late = [(height, tx) for height, tx in self._late if height > head.height]
        for tx in due:
            _submit_late(self.engine, tx)
        height = head.height + 1
        fork = self.engine.fork(height)
        for tx in mempool.waiting if self.faults.chosen.forgotten_ppm else ():
            if self.faults.is_forgotten(height, fork, tx.tx):
                self.happened["forgotten"] += 1
                mempool.forget(tx.tx)
        block = self.engine.mine()
        self._owes_block, self._outage = False, self.faults.outage(block.height, fork)
        self.happened["outage"] += bool(self._outage)
        if self.steps is not None:
            self.steps.mined(block)
        return block

    def go_back(self, depth: int) -> Block:
        """Drop the newest blocks; the next ask for a block upon the head has it mined, whatever chance says.

        Raises:
            UsageError: it would drop a block that is final, by the settings of reorganisations.
        """
        head, lowest = self.engine.head.height, self.engine.final_height
        if not 1 <= depth <= head - lowest:
            raise UsageError(
                f"{depth} blocks below head {head} cannot be dropped: {lowest} is final; reorganisation_ppm above 0 and a larger "
                "reorganisation_depth let chains go back"
            )
        self.happened["reorganisation"] += 1
        kept = self.engine.go_back(depth)
        self._owes_block = True
        if self.steps is not None:
            self.steps.dropped(depth)
        return kept

    def _next(self, known: At, keys: tuple[Key, ...]) -> Told:
        engine = self.engine
        if known.block_hash == engine.head.block_hash:
            depth = 0 if self._owes_block else self._reorganisation(engine.head)
            if depth:
                self.go_back(depth)
            else:
                self.mine()
        if known.block_hash not in engine.recent:
            kept = engine.branched_at(known.block_hash)
            return _told("gap", engine.head) if kept is None else _told("rollback", kept)
        parent, block = engine.block(known.height), engine.block(known.height + 1)
        # The newest of the kept blocks is never the known one any more: a block was mined upon it, or it was dropped
        if parent is None or block is None or parent.block_hash != known.block_hash:
            return _told("gap", engine.head)
        old = [(key, self._storage.read(key, parent.world)) for key in keys]
        changed = tuple((key, now) for key, was in old if (now := self._storage.read(key, block.world)) != was)
        return _told("block", block, changed, block.logs)

    def _reorganisation(self, head: Block) -> int:
        """Return how many blocks are dropped now; 0 mostly. A height that was mined again stays, so that the chain gets on."""
        chosen = self.engine.market.settings
        draw = Stream(self.engine.market.seed, "reorganisation", head.height)
        if head.fork or not draw.chance(chosen.reorganisation_ppm):
            return 0
        return min(head.height - self.engine.final_height, draw.between(1, chosen.reorganisation_depth))

    def _read(self, keys: tuple[Key, ...], height: int | None) -> States:
        block = self._block(height)
        return States(CHAIN, tuple((key, self._storage.read(key, block.world)) for key in keys))

    def _logs(self, ask: asks.LogsAsk) -> tuple[Log, ...]:
        self._demand_service()
        wanted = LogFilter(ask.address, ask.topics)
        blocks = self.engine.blocks(ask.from_height, ask.to_height)
        return tuple(log for block in blocks for log in block.logs if log.matches(wanted))

    def _simulate(self, call: bytes, gas_limit: int) -> Simulated:
        self._demand_service()
        gas, result = run_call(call, gas_limit, self.engine.draft(), None)
        if isinstance(result, Reverted):
            return Simulated(ok=False, compute=gas, reason=f"{result.rule}: {result.reason}")
        changes = tuple(sorted((erc20(CHAIN, token), change) for token, change in result.changes))
        return Simulated(ok=True, changes=changes, compute=gas)

    def _account(self, address: str, height: int | None) -> asks.AccountView:
        block, final = self._block(height), self._final(0)
        account = self.engine.mempool.account(block.world, address)
        tokens = tuple(sorted(account.tokens.items()))
        return asks.AccountView(account.nonce, account.native, tokens, _at(self.engine.head), _at(final), self.engine.head.fee)

    def _final_blocks(self, most: int) -> tuple[At, ...]:
        self._demand_service()
        last = self.engine.final_height
        return tuple(_at(block) for block in reversed(self.engine.blocks(last - most + 1, last)))

    def _broadcast(self, raw: bytes) -> None:
        tx = opened(raw)
        try:
            self._demand_service()
        except Unavailable as error:
            raise OutcomeUnknown("the node did not answer the broadcast") from error
        if self.steps is not None:
            self.steps.broadcast(raw)
        unanswered = self.faults.is_unanswered(self.engine.head.height, tx.tx)
        self.happened["broadcast_unknown"] += unanswered
        try:
            self.take(tx)
        except RefusedByVenue:
            if not unanswered:
                raise
        if unanswered:
            raise OutcomeUnknown("the node did not answer the broadcast")

    def _outcome(self, raw: bytes) -> Outcome:
        tx = opened(raw)
        self._demand_service()
        head = self.engine.head
        age = min(head.height, self.faults.age(head.height, tx.tx))
        self.happened["outcome_old"] += bool(age)
        return self.engine.mempool.outcome(tx, self._block_at(head.height - age), self._final(age))

    def _statement(self, account: str) -> tuple[asks.Entry, ...]:
        entries = []
        for receipt in self.engine.mempool.receipts.of_account(account):
            changes = receipt.outcome().changes
            place = (receipt.height, receipt.block_hash)
            slot = read_sealed(receipt.tx.payload).slot
            entries.append(asks.Entry(receipt.tx.tx, slot, *place, receipt.ok, changes, receipt.cost, receipt.reason))
        return tuple(entries)

    def _final(self, age: int) -> Block:
        """Return the newest final block, as it was known when the head was ``age`` blocks lower."""
        return self._block_at(max(0, min(self.engine.final_height, self.engine.head.height) - age))

    def _block_at(self, height: int) -> Block:
        block = self.engine.block(height)
        if block is None:
            raise InvariantError(f"block {height} is not kept, at most {KEPT_BLOCKS} below head {self.engine.head.height}")
        return block

    def _block(self, height: int | None) -> Block:
        self._demand_service()
        block = self.engine.head if height is None else self.engine.block(height)
        if block is None:
            head = self.engine.head.height
            raise Unavailable(f"block {height} is not kept: the head is {head}, {KEPT_BLOCKS} blocks can be read")
        return block

    def _demand_service(self) -> None:
        if self._outage:
            self._outage -= 1
            raise Unavailable("the node cannot be asked now, by outage_ppm of its settings")


def _submit_late(engine: Engine, tx: SignedTransaction) -> None:
    """Let a transaction arrive that nobody waits for any more: a refusal reaches no one."""
    try:
        engine.mempool.submit(tx, engine.head)
    except RefusedByVenue:
        return


def _at(block: Block) -> At:
    return At(block.height, block.block_hash)


def _told(kind: str, block: Block, states: tuple[tuple[Key, bytes | None], ...] = (), logs: tuple[Log, ...] = ()) -> Told:
    return Told(kind, block.height, block.block_hash, block.parent_hash, block.unix_time, block.fee, states, logs)
