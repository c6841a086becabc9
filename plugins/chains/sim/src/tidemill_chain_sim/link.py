"""The I/O half of the simulated chain: its blocks as batches, its state, its mempool."""

from collections.abc import AsyncIterator, Sequence
from functools import cached_property

from anyio.lowlevel import checkpoint

from tidemill.domain.events import Batch, Event, Found, Gap, Head, Logs, Rollback, States
from tidemill.domain.ids import AssetId, Key, address_of
from tidemill.domain.outcome import Outcome
from tidemill.domain.pool import Watch
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Signed, Simulated, Unsigned, Wallet
from tidemill.errors import InvariantError, Unavailable
from tidemill.hookspecs.chain import ChainLink, LinkSetup
from tidemill_chain_sim.engine import Engine
from tidemill_chain_sim.market import Market, make_market
from tidemill_chain_sim.mempool import LIFETIME, bumped, opened
from tidemill_chain_sim.node.asks import AccountAsk, At, BlocksAsk, BroadcastAsk, HeadAsk, NextAsk, OutcomeAsk, SimulateAsk, Told
from tidemill_chain_sim.node.local import LocalNode, Node
from tidemill_chain_sim.node.remote import RemoteNode
from tidemill_chain_sim.reader import SimReader
from tidemill_chain_sim.rules import SimRules
from tidemill_chain_sim.settings import SimSettings
from tidemill_evm.gas import INTRINSIC_GAS, calldata_gas
from tidemill_simworld import CHAIN, NATIVE, block_time_ns
from tidemill_simworld.envelope import blockhash_slot, call_of, encode_call, nonce_slot, scheme_of, seal

SOURCE = "chains.sim"
NEVER = (1 << 63) - 1
"""The height after which a transaction is void that does nothing."""
_SLOTS = 8


class SimLink(ChainLink):
    """One connection to a simulated chain: to one in this process, or to a node of another.

    Batches report every log of every pool, watched or not, so that a recorded tape holds the whole market. Of watched keys they report
    values that changed, but none of pools: a pool's logs say the same, and saying a mint twice would count it twice. They end after
    ``setup.blocks`` heights. ``rules`` know true costs, whatever ``own_cost_ppm`` makes the configured ones believe.
    """

    def __init__(self, chosen: SimSettings, setup: LinkSetup) -> None:
        self.rules = SimRules(chosen)
        self._settings = chosen
        self._setup = setup
        seed = setup.seed + chosen.seed_offset
        self.where = chosen.node
        self.begins_anew = not chosen.node
        self._node: Node = RemoteNode(chosen.node, seed, chosen) if chosen.node else LocalNode(lambda: Engine(self.market))
        self.reader: SimReader = SimReader(self._node)
        self._watched: dict[Key, int] = {}
        self._seq = 0
        self._now = 0

    @cached_property
    def market(self) -> Market:
        """The fixed part of the market; laid out when it is first needed."""
        return make_market(self._setup.seed + self._settings.seed_offset, self._settings)

    @property
    def engine(self) -> Engine:
        """The chain, where it lives in this process.

        Raises:
            InvariantError: it lives in another.
        """
        if not isinstance(self._node, LocalNode):
            raise InvariantError(f"the chain lives in the node at {self._settings.node}")
        return self._node.node.engine

    async def batches(self) -> AsyncIterator[Batch]:
        head = await self._node.ask(HeadAsk())
        found = Found(tuple(token.asset for token in self.market.tokens), tuple(spec.ref for spec in self.market.specs))
        yield self._batch(head, (found, _head(head)))
        last = head.height + self._setup.blocks - 1
        known = head
        while not self._setup.blocks or known.height < last:
            # A run at full speed must still hear a signal
            await checkpoint()
            told = await self._node.ask(NextAsk(At(known.height, known.block_hash), tuple(sorted(self._watched))))
            yield self._batch(told, _events(told, known))
            known = told

    async def newest(self) -> ChainTime:
        head = await self._node.ask(HeadAsk())
        return ChainTime(CHAIN, head.height, head.unix_time)

    async def watch(self, add: Sequence[Watch], remove: Sequence[Watch]) -> None:
        for watch in add:
            for key in watch.keys:
                if self.market.spec_at(key.partition(":")[0]) is None:
                    self._watched[key] = self._watched.get(key, 0) + 1
        for watch in remove:
            for key in watch.keys:
                left = self._watched.get(key, 0) - 1
                if left > 0:
                    self._watched[key] = left
                else:
                    self._watched.pop(key, None)

    async def simulate(self, unsigned: Unsigned) -> Simulated:
        return await self._node.ask(SimulateAsk(call_of(unsigned), unsigned.compute_limit))

    async def slot(self, wallet: Wallet, taken: Sequence[str]) -> str:
        if scheme_of(wallet.owner) == "ed25519":
            slots = [blockhash_slot(block.block_hash) for block in await self._node.ask(BlocksAsk(_SLOTS))]
            # Equal content with an equal block hash is one transaction: another hash keeps two of ours apart
            return next((slot for slot in slots if slot not in taken), slots[0])
        nonce = (await self._node.ask(AccountAsk(wallet.owner))).nonce
        while nonce_slot(nonce) in taken:
            nonce += 1
        return nonce_slot(nonce)

    async def seal(self, unsigned: Unsigned, wallet: Wallet, slot: str) -> Unsigned:
        if scheme_of(wallet.owner) == "secp256k1":
            return seal(unsigned, wallet.owner, slot)
        for block in await self._node.ask(BlocksAsk(LIFETIME)):
            if slot == blockhash_slot(block.block_hash):
                return seal(unsigned, wallet.owner, slot, block.height + LIFETIME)
        raise Unavailable(f"no recent block stands behind {slot}: ask for another slot")

    async def cancel(self, wallet: Wallet, replaced: Signed) -> Unsigned | None:
        sealed = opened(replaced.raw).sealed
        if sealed.block_hash:
            return None
        view = await self._node.ask(AccountAsk(wallet.owner))
        # Twice the base fee stands five full blocks of rises
        call = encode_call((), b"", max(bumped(sealed.max_fee), 2 * view.fee))
        gas = INTRINSIC_GAS + calldata_gas(call)
        return seal(Unsigned(replaced.plan, CHAIN, call, gas, NEVER, compute=gas), wallet.owner, sealed.slot)

    async def holdings(self, wallet: Wallet, assets: Sequence[AssetId], height: int) -> tuple[tuple[AssetId, int], ...]:
        view = await self._node.ask(AccountAsk(wallet.owner, height))
        tokens = dict(view.tokens)
        return tuple((asset, view.native if asset == NATIVE else tokens.get(address_of(asset), 0)) for asset in assets)

    async def broadcast(self, signed: Signed) -> None:
        await self._node.ask(BroadcastAsk(signed.raw))

    async def outcome(self, signed: Signed) -> Outcome:
        # A node is not asked about bytes that are no transaction
        opened(signed.raw)
        return await self._node.ask(OutcomeAsk(signed.raw))

    def _batch(self, told: Told, events: tuple[Event, ...]) -> Batch:
        time = block_time_ns(told.height, self._settings.block_time_s)
        self._now, self._seq = max(self._now, time), self._seq + 1
        return Batch(
            source=SOURCE,
            seq=self._seq - 1,
            chain=CHAIN,
            height=told.height,
            block_hash=told.block_hash,
            parent_hash=told.parent_hash,
            status="confirmed",
            venue_ns=time,
            local_ns=self._now,
            events=events,
        )


def _events(told: Told, known: Told) -> tuple[Event, ...]:
    if told.kind == "rollback":
        return (Rollback(CHAIN, told.height, told.block_hash),)
    if told.kind == "gap":
        return (Gap(CHAIN, known.height + 1, told.height), _head(told))
    events: list[Event] = [_head(told)]
    if told.states:
        events.append(States(CHAIN, told.states))
    if told.logs:
        events.append(Logs(CHAIN, told.logs))
    return tuple(events)


def _head(told: Told) -> Head:
    return Head(CHAIN, told.height, told.block_hash, told.parent_hash, told.unix_time, fee=told.fee)
