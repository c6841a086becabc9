"""The chain itself: mines blocks out of order flow and transactions of ours, remembers them, and goes back."""

import hashlib
from collections import deque
from collections.abc import Sequence
from typing import Final

from immutables import Map

from tidemill_chain_sim.competitors import compete
from tidemill_chain_sim.draft import Draft
from tidemill_chain_sim.fees import next_base_fee
from tidemill_chain_sim.genesis import opening_state
from tidemill_chain_sim.informed import trade_informed
from tidemill_chain_sim.makers import move_liquidity
from tidemill_chain_sim.market import Market
from tidemill_chain_sim.mempool import Mempool
from tidemill_chain_sim.retail import trade_retail
from tidemill_chain_sim.settings import finality_of
from tidemill_chain_sim.vault import move_deposits, opening_vault
from tidemill_chain_sim.world import Block, World
from tidemill_simworld import GENESIS_UNIX, ReferencePrices, Stream

KEPT_BLOCKS: Final = 128
"""How many blocks can be read and gone back over; 64 are promised."""


class Engine:
    """Mines the simulated chain, one block at a call.

    The order within a block: transactions of ours if they are in front, competitors, transactions of ours otherwise, informed traders,
    retail, market makers, lenders. So competitors act on what the block before left, and new mispricings stand when the block ends.

    Attributes:
        recent: heights of the kept blocks by their hashes.
    """

    def __init__(self, market: Market) -> None:
        self.market = market
        self.prices = ReferencePrices(market.seed, market.tokens)
        self.recent: dict[str, int] = {}
        self.mempool = Mempool(market, self.recent)
        self._forks: dict[int, int] = {}
        self._dropped: dict[str, Block] = {}
        self._blocks: deque[Block] = deque()
        self._highest = 0
        self._append(self._genesis())

    @property
    def head(self) -> Block:
        """The newest block."""
        return self._blocks[-1]

    @property
    def final_height(self) -> int:
        """The height of the newest block that no reorganisation can drop, however many there were: it never falls."""
        return max(0, self._highest - finality_of(self.market.settings))

    def block(self, height: int) -> Block | None:
        """Return a block of the chain as it is now; None where it is not kept any more, or not mined yet."""
        place = height - self._blocks[0].height
        return self._blocks[place] if 0 <= place < len(self._blocks) else None

    def blocks(self, from_height: int, to_height: int) -> Sequence[Block]:
        """Return the kept blocks of a span, both ends included."""
        return [block for block in self._blocks if from_height <= block.height <= to_height]

    def mine(self) -> Block:
        """Mine the next block."""
        parent = self.head
        height = parent.height + 1
        fork = self.fork(height)
        fee = next_base_fee(parent.fee, self.market.settings.base_fee_wei, self._draw("fee", height, fork))
        draft = Draft(self.market, parent.world, height, self._time(height), fee, self.prices.at(height), fork)
        included = self._trade(draft, fork)
        block_hash = _hash(self.market.seed, parent.block_hash, str(height), str(fork), *included)
        mined = Block(height, block_hash, parent.block_hash, draft.time, fee, draft.world(), tuple(draft.logs), included, fork)
        self._append(mined)
        self.mempool.settle(mined)
        return mined

    def go_back(self, depth: int) -> Block:
        """Drop the newest blocks, their transactions return to the mempool; return the block that is the head then.

        At least one block stays. Mined again, the heights get other order flow.
        """
        for _ in range(min(depth, len(self._blocks) - 1)):
            dropped = self._blocks.pop()
            del self.recent[dropped.block_hash]
            self._dropped[dropped.block_hash] = dropped
            self._forks[dropped.height] = dropped.fork + 1
            self.mempool.reopen(dropped)
        return self.head

    def branched_at(self, block_hash: str) -> Block | None:
        """Return the block of the chain that a dropped one was built upon, however long ago; None where it is not known any more."""
        block = self._dropped.get(block_hash)
        while block is not None:
            height = self.recent.get(block.parent_hash)
            if height is not None:
                return self.block(height)
            block = self._dropped.get(block.parent_hash)
        return None

    def fork(self, height: int) -> int:
        """Return how often a height was mined and dropped."""
        return self._forks.get(height, 0)

    def draft(self) -> Draft:
        """Return an empty block on top of the head, to try something out."""
        head = self.head
        return Draft(self.market, head.world, head.height + 1, self._time(head.height + 1), head.fee, self.prices.at(head.height))

    def _trade(self, draft: Draft, fork: int) -> tuple[str, ...]:
        height = draft.height
        in_front = self._draw("front", height, fork).chance(self.market.settings.front_ppm)
        included = self.mempool.include(draft) if in_front else ()
        compete(draft, self._draw("competitors", height, fork))
        if not in_front:
            included = self.mempool.include(draft)
        trade_informed(draft, self._draw("informed", height, fork))
        trade_retail(draft, self._draw("retail", height, fork))
        move_liquidity(draft, self._draw("makers", height, fork))
        move_deposits(draft, self._draw("deposits", height, fork))
        return included

    def _genesis(self) -> Block:
        prices, chosen = self.prices.at(0), self.market.settings
        pools = tuple(opening_state(spec, prices) for spec in self.market.specs)
        world = World(pools, opening_vault(prices), Map())
        for step in range(chosen.warmup_blocks):
            # Trading before anybody watched: no logs, no competitors
            draft = Draft(self.market, world, 0, GENESIS_UNIX, chosen.base_fee_wei, prices)
            trade_informed(draft, self._draw("informed before", step, 0))
            trade_retail(draft, self._draw("retail before", step, 0))
            world = draft.world()
        block_hash = _hash(self.market.seed, "genesis")
        return Block(0, block_hash, "0x" + "00" * 32, GENESIS_UNIX, chosen.base_fee_wei, world, ())

    def _append(self, block: Block) -> None:
        self._blocks.append(block)
        self.recent[block.block_hash] = block.height
        self._highest = max(self._highest, block.height)
        if len(self._blocks) > KEPT_BLOCKS:
            oldest = self._blocks.popleft()
            del self.recent[oldest.block_hash]
            for dropped in [name for name, one in self._dropped.items() if one.height <= oldest.height]:
                del self._dropped[dropped]

    def _draw(self, kind: str, height: int, fork: int) -> Stream:
        return Stream(self.market.seed, kind, height, fork)

    def _time(self, height: int) -> int:
        return GENESIS_UNIX + height * self.market.settings.block_time_s


def _hash(seed: int, *parts: str) -> str:
    return "0x" + hashlib.sha256("|".join((str(seed), *parts)).encode()).hexdigest()
