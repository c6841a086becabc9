"""The I/O half of the simulated chain: its blocks as batches, its state, its mempool."""

from collections.abc import AsyncIterator, Sequence
from functools import cached_property

from anyio.lowlevel import checkpoint

from tidemill.domain.events import Batch, Event, Found, Head, Logs, Rollback, States
from tidemill.domain.ids import Key, erc20
from tidemill.domain.outcome import Outcome
from tidemill.domain.pool import Watch
from tidemill.domain.transaction import Signed, Simulated, Unsigned, Wallet
from tidemill.hookspecs.chain import ChainLink, LinkSetup
from tidemill_chain_sim.engine import Engine
from tidemill_chain_sim.envelope import call_of, seal
from tidemill_chain_sim.execution import Reverted
from tidemill_chain_sim.market import make_market
from tidemill_chain_sim.mempool import run_call
from tidemill_chain_sim.reader import SimReader
from tidemill_chain_sim.rules import SimRules
from tidemill_chain_sim.settings import SimSettings
from tidemill_chain_sim.world import Block
from tidemill_simworld import CHAIN, Stream, block_time_ns

SOURCE = "chains.sim"


class SimLink(ChainLink):
    """One run of the simulated chain.

    Batches report every log of every pool, watched or not, so that a recorded tape holds the whole market. Of watched keys they report
    values that changed, but none of pools: a pool's logs say the same, and saying a mint twice would count it twice. Block
    ``setup.blocks - 1`` is the last one. ``rules`` know true costs, whatever ``own_cost_ppm`` makes the configured ones believe.
    """

    def __init__(self, chosen: SimSettings, setup: LinkSetup) -> None:
        self.rules = SimRules(chosen)
        self.reader: SimReader = SimReader(lambda: self.engine)
        self._settings = chosen
        self._setup = setup
        self._watched: dict[Key, int] = {}
        self._seq = 0
        self._now = 0

    @cached_property
    def engine(self) -> Engine:
        """The chain; made when it is first needed."""
        return Engine(make_market(self._setup.seed + self._settings.seed_offset, self._settings))

    async def batches(self) -> AsyncIterator[Batch]:
        engine = self.engine
        specs, tokens = engine.market.specs, engine.market.tokens
        found = Found(tuple(token.asset for token in tokens), tuple(spec.ref for spec in specs))
        yield self._batch(engine.head, (found, _head(engine.head)))
        while not self._setup.blocks or engine.head.height < self._setup.blocks - 1:
            # A run at full speed must still hear a signal
            await checkpoint()
            depth = self._reorganisation(engine.head)
            if depth:
                kept = engine.go_back(depth)
                yield self._batch(kept, (Rollback(CHAIN, kept.height, kept.block_hash),))
            yield self._mined(engine)

    async def watch(self, add: Sequence[Watch], remove: Sequence[Watch]) -> None:
        for watch in add:
            for key in watch.keys:
                if self.engine.market.spec_at(key.partition(":")[0]) is None:
                    self._watched[key] = self._watched.get(key, 0) + 1
        for watch in remove:
            for key in watch.keys:
                left = self._watched.get(key, 0) - 1
                if left > 0:
                    self._watched[key] = left
                else:
                    self._watched.pop(key, None)

    async def simulate(self, unsigned: Unsigned) -> Simulated:
        gas, result = run_call(call_of(unsigned), unsigned.compute_limit, self.engine.draft(), None)
        if isinstance(result, Reverted):
            return Simulated(ok=False, compute=gas, reason=f"{result.rule}: {result.reason}")
        changes = tuple(sorted((erc20(CHAIN, token), change) for token, change in result.changes))
        return Simulated(ok=True, changes=changes, compute=gas)

    async def seal(self, unsigned: Unsigned, wallet: Wallet) -> Unsigned:
        engine = self.engine
        nonce = engine.mempool.next_nonce(engine.head.world, wallet.owner)
        return seal(unsigned, wallet.owner, nonce)

    async def broadcast(self, signed: Signed) -> None:
        self.engine.mempool.submit(signed.raw, self.engine.head.world)

    async def outcome(self, signed: Signed) -> Outcome:
        engine = self.engine
        # Without reorganisations every block is final; with them, one that the deepest can no longer reach
        depth = self._settings.reorganisation_depth if self._settings.reorganisation_ppm else 0
        return engine.mempool.outcome(signed.raw, engine.block(max(0, engine.head.height - depth)) or engine.head)

    def _mined(self, engine: Engine) -> Batch:
        before, block = engine.head, engine.mine()
        events: list[Event] = [_head(block)]
        changed = self._changed(before, block)
        if changed:
            events.append(States(CHAIN, changed))
        if block.logs:
            events.append(Logs(CHAIN, block.logs))
        return self._batch(block, tuple(events))

    def _changed(self, before: Block, block: Block) -> tuple[tuple[Key, bytes | None], ...]:
        """Return the watched keys whose value a block changed, in order of the keys."""
        storage = self.reader.storage
        old = [(key, storage.read(key, before.world)) for key in sorted(self._watched)]
        return tuple((key, now) for key, was in old if (now := storage.read(key, block.world)) != was)

    def _reorganisation(self, head: Block) -> int:
        """Return how many blocks are dropped now; 0 mostly. A height that was mined again stays, so that the chain gets on."""
        draw = Stream(self.engine.market.seed, "reorganisation", head.height)
        if head.fork or not draw.chance(self._settings.reorganisation_ppm):
            return 0
        return min(head.height, draw.between(1, self._settings.reorganisation_depth))

    def _batch(self, block: Block, events: tuple[Event, ...]) -> Batch:
        time = block_time_ns(block.height, self._settings.block_time_s)
        self._now, self._seq = max(self._now, time), self._seq + 1
        return Batch(
            source=SOURCE,
            seq=self._seq - 1,
            chain=CHAIN,
            height=block.height,
            block_hash=block.block_hash,
            parent_hash=block.parent_hash,
            status="confirmed",
            venue_ns=time,
            local_ns=self._now,
            events=events,
        )


def _head(block: Block) -> Head:
    return Head(CHAIN, block.height, block.block_hash, block.parent_hash, block.unix_time, fee=block.fee)
