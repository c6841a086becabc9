"""The blocks of a tape, from recorded pools."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import define, evolve, field

from tidemill.domain.asset import Asset
from tidemill.domain.events import Batch, Found, Head, States
from tidemill.domain.ids import AssetId, ChainId, Key, erc20
from tidemill.domain.pool import PoolRef
from tidemill.errors import DecodeError
from tidemill.hookspecs.recording import Recording
from tidemill.units import NS_PER_S
from tidemill_dex_uniswap.discovery import pair_ref, pool_ref
from tidemill_dex_uniswap.imports.identity import FORKS, Identity, identify_pair, identify_pool
from tidemill_dex_uniswap.imports.pools import Block, Concentrated, Described, LeftOut, RecordedPair, RecordedPool, Token
from tidemill_dex_uniswap.imports.storage import adds_up, pair_storage, pool_storage

SOURCE: Final = "evm-pools"
HEIGHT: Final = 1
"""Stands for a block that the recording does not say."""
NO_RESERVES: Final = "a reserve is zero: the pair cannot trade"
NO_PRICE: Final = "the pool has no price yet"
NO_FACTORY: Final = f"no factory of {', '.join(FORKS)} makes a pool of these tokens and this fee at that address"
NO_SPACING: Final = "its tick spacing is not in the source, and does not follow from its fee"
_ZERO_HASH: Final = "0x" + "00" * 32


_HEIGHT_ASSUMED: Final = f"no block is in the source: height {HEIGHT} stands for it"
_TIME_ASSUMED: Final = "no time is in the source: 1970-01-01 00:00:00 UTC stands for it"
_NO_ADDRESS: Final = "named by no address: that of the factory's pool with these tokens and this fee stands for it"
_NO_TICKS: Final = "without ticks in the source: what is known of them is on the tape, and they give no quote"
_ODD_TICKS: Final = "with ticks that do not add up to the liquidity in range, so that some are missing: left out, and no quote is given"
_NO_GROSS: Final = "without the gross liquidity of ticks: the least that the net allows stands for it, and no quote reads it"
_NO_ZERO: Final = "whose source drops ticks with a net liquidity of zero: a swap across one may round otherwise, by a unit or so"
_NO_NAMES: Final = "without symbol and decimals in the source"


@define
class _Content:
    """What is found in one block, in the order of the recording."""

    block: Block
    uses: list[AssetId] = field(factory=list)
    pools: list[PoolRef] = field(factory=list)
    states: list[tuple[Key, bytes | None]] = field(factory=list)


@define
class Blocks:
    """Collects pools by their block, each checked against those before it."""

    source: Path
    left_out: Counter[str] = field(factory=Counter)
    _chain: ChainId | None = None
    _blocks: dict[int, _Content] = field(factory=dict)
    _places: dict[str, str] = field(factory=dict)
    _assets: dict[AssetId, Asset | None] = field(factory=dict)
    _lacks: Counter[str] = field(factory=Counter)
    _unplaced: bool = False

    def add(self, found: RecordedPair | RecordedPool | LeftOut) -> None:
        """Take over a pool, or count why it is left out.

        Raises:
            DecodeError: it contradicts itself or what came before; names its place.
        """
        if isinstance(found, LeftOut):
            self.left_out[found.reason] += 1
            return
        if found.tokens[0].address >= found.tokens[1].address:
            raise DecodeError(f"{found.where}: the first token must be the lower address of two, as the factory orders them")
        reason = self._pair(found) if isinstance(found, RecordedPair) else self._pool(found)
        if reason:
            self.left_out[reason] += 1

    def recording(self) -> Recording:
        """Return what was collected, the lowest block first.

        Raises:
            DecodeError: there is no pool among it.
        """
        if self._chain is None:
            reasons = "; ".join(f"{count} left out: {reason}" for reason, count in sorted(self.left_out.items()))
            raise DecodeError(f"{self.source}: there is no pool that can be used: {reasons or 'it names none'}")
        return Recording((self._chain,), tuple(self._batches(self._chain)), dict(self.left_out), tuple(self._remarks()))

    def _pair(self, found: RecordedPair) -> str:
        """Take over a pair, or say why not."""
        tokens = found.tokens[0].address, found.tokens[1].address
        identity = identify_pair(found.chain, tokens, found.address)
        if identity is None:
            return NO_FACTORY
        if not (found.reserves.reserve0 and found.reserves.reserve1):
            return NO_RESERVES
        if found.fee_ppm not in (None, identity.fee_ppm):
            raise DecodeError(f"{found.where}: pairs of {identity.dex} take {identity.fee_ppm} parts per million, found {found.fee_ppm}")
        content = self._content(found, identity)
        content.pools.append(pair_ref(found.chain, identity.dex, identity.address, tokens, identity.fee_ppm))
        content.states += pair_storage(identity.address, found.reserves)
        return ""

    def _pool(self, found: RecordedPool) -> str:
        """Take over a concentrated pool, or say why not."""
        tokens = found.tokens[0].address, found.tokens[1].address
        identity = identify_pool(found.chain, tokens, found.fee_ppm, found.address)
        if identity is None:
            return NO_FACTORY
        if not found.state.sqrt_price_x96:
            return NO_PRICE
        spacing = found.state.tick_spacing or identity.tick_spacing
        if spacing is None:
            return NO_SPACING
        storage = tuple(pool_storage(found, self._trusted(found.state), identity, spacing))
        content = self._content(found, identity)
        content.pools.append(pool_ref(found.chain, identity.dex, identity.address, tokens, found.fee_ppm, spacing))
        content.states += storage
        return ""

    def _trusted(self, state: Concentrated) -> Concentrated:
        """Return a state without ticks that cannot be all there are, and note what it lacks."""
        ticks = state.ticks
        if ticks is None or not adds_up(state):
            self._lacks[_NO_TICKS if ticks is None else _ODD_TICKS] += 1
            return evolve(state, ticks=None)
        self._lacks[_NO_GROSS] += any(gross is None for gross, _ in ticks.liquidity.values())
        self._lacks[_NO_ZERO] += not state.lists_zero
        return state

    def _content(self, found: Described, identity: Identity) -> _Content:
        """Return the block that a pool belongs to, with its tokens entered."""
        before = self._places.setdefault(identity.address, found.where)
        if before != found.where:
            raise DecodeError(f"{found.where}: pool {identity.address} stands at {before} already")
        if self._chain not in (None, found.chain):
            raise DecodeError(f"{found.where}: expected a pool of {self._chain}, as those before it, found one of {found.chain}")
        self._chain = found.chain
        self._lacks[_NO_ADDRESS] += found.address is None
        if self._blocks and self._unplaced != (found.block is None):
            raise DecodeError(f"{found.where}: expected a block in all entries or in none: states of unknown age are no one market")
        self._unplaced = found.block is None
        block = found.block or Block(HEIGHT)
        content = self._blocks.setdefault(block.height, _Content(block))
        if content.block != block:
            raise DecodeError(f"{found.where}: block {block.height} is another one before: {content.block}, found {block}")
        for token in found.tokens:
            self._name(content, found, token)
        return content

    def _name(self, content: _Content, found: Described, token: Token) -> None:
        identifier = erc20(found.chain, token.address)
        content.uses.append(identifier)
        before = self._assets.get(identifier)
        if token.symbol is None or token.decimals is None:
            self._assets.setdefault(identifier, None)
        elif before is None:
            self._assets[identifier] = Asset(identifier, token.symbol, token.decimals)
        elif before.decimals != token.decimals:
            raise DecodeError(f"{found.where}: {identifier} has {token.decimals} decimals, {before.decimals} in an entry before")

    def _batches(self, chain: ChainId) -> Iterator[Batch]:
        told: set[AssetId] = set()
        for place, (height, content) in enumerate(sorted(self._blocks.items())):
            block = content.block
            named = (self._assets[used] for used in dict.fromkeys(content.uses) if used not in told)
            assets = tuple(asset for asset in named if asset is not None)
            told.update(asset.id for asset in assets)
            written = b"".join(key.encode() + (value or b"") for key, value in content.states)
            own_hash = block.block_hash or f"0x{hashlib.sha256(written).hexdigest()}"
            head = Head(chain, height, own_hash, block.parent_hash or _ZERO_HASH, block.unix_time or 0)
            at_ns = head.unix_time * NS_PER_S
            events = (Found(assets, tuple(content.pools)), States(chain, tuple(content.states)), head)
            yield Batch(SOURCE, place + 1, chain, height, own_hash, head.parent_hash, "final", at_ns, at_ns, events)

    def _remarks(self) -> Iterator[str]:
        blocks = [content.block for content in self._blocks.values()]
        if self._unplaced:
            yield _HEIGHT_ASSUMED
        if any(block.unix_time is None for block in blocks):
            yield _TIME_ASSUMED
        yield from (f"{count} pool{'s' * (count > 1)} {lack}" for lack, count in sorted(self._lacks.items()) if count)
        nameless = sum(asset is None for asset in self._assets.values())
        if nameless:
            yield f"{nameless} asset{'s' * (nameless > 1)} {_NO_NAMES}"
