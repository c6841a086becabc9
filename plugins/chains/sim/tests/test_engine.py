"""Blocks: how they follow each other, what they leave, and going back."""

from collections.abc import Callable
from itertools import pairwise

from tidemill.domain.events import Log
from tidemill_amm.concentrated import ConcentratedState, MissingState, with_liquidity
from tidemill_chain_sim.engine import KEPT_BLOCKS, Engine
from tidemill_chain_sim.fees import LEAST_WEI, next_base_fee
from tidemill_chain_sim.pools import PairState, PoolSpec, PoolState
from tidemill_chain_sim.world import Block
from tidemill_evm import uniswap_v2_logs as v2
from tidemill_evm import uniswap_v3_logs as v3
from tidemill_simworld import GENESIS_UNIX, Stream

MakeEngine = Callable[..., Engine]
Ranges = dict[str, ConcentratedState]
Pairs = dict[str, tuple[int, int]]


def test_mine_chains_blocks_by_their_hashes(make_engine: MakeEngine) -> None:
    """Each block names its parent, comes a block time later, and has logs numbered from 0."""
    engine = make_engine()
    blocks = [engine.head, *(engine.mine() for _ in range(20))]
    for before, block in pairwise(blocks):
        assert (before.height + 1, before.block_hash, before.unix_time + 2) == (block.height, block.parent_hash, block.unix_time)
        assert list(range(len(block.logs))) == [log.index for log in block.logs]
    assert GENESIS_UNIX == blocks[0].unix_time
    assert all(66 == len(block.block_hash) for block in blocks)


def test_mine_equal_seeds_give_equal_blocks(make_engine: MakeEngine) -> None:
    """A seed decides everything, another decides otherwise."""
    one, same, other = make_engine(seed=4), make_engine(seed=4), make_engine(seed=5)
    mined = [[engine.mine() for _ in range(10)] for engine in (one, same, other)]
    assert mined[0] == mined[1]
    assert mined[0][9].logs != mined[2][9].logs


def test_logs_played_on_opening_states_lead_to_the_states_of_the_head(make_engine: MakeEngine) -> None:
    """Whoever knows the pools at one height and plays every log knows them at every later one, to the unit."""
    engine = make_engine(makers_ppm=1_000_000)
    specs = engine.market.specs
    pairs, ranges = _opening(specs, engine.head.world.pools)
    for _ in range(150):
        _play(engine.mine(), pairs, ranges)
    kinds = {log.topics[0] for block in engine.blocks(0, 150) for log in block.logs}
    assert {v2.Sync.topic, v2.Mint.topic, v2.Burn.topic, v3.Swap.topic, v3.PancakeSwap.topic, v3.Mint.topic, v3.Burn.topic} <= kinds
    for spec, state in zip(specs, engine.head.world.pools, strict=True):
        if isinstance(state, PairState):
            assert (state.reserve0, state.reserve1) == pairs[spec.address]
        else:
            assert state.core == ranges[spec.address]


def _opening(specs: tuple[PoolSpec, ...], states: tuple[PoolState, ...]) -> tuple[Pairs, Ranges]:
    pairs: Pairs = {}
    ranges: Ranges = {}
    for spec, state in zip(specs, states, strict=True):
        if isinstance(state, PairState):
            pairs[spec.address] = (state.reserve0, state.reserve1)
        else:
            ranges[spec.address] = state.core
    return pairs, ranges


def _play(block: Block, pairs: Pairs, ranges: Ranges) -> None:
    for log in block.logs:
        topic = log.topics[0]
        if topic == v2.Sync.topic:
            pairs[log.address] = v2.sync_reserves(log)
        elif topic in (v3.Swap.topic, v3.PancakeSwap.topic):
            swap: v3.Swap | v3.PancakeSwap = v3.Swap.of(log) if topic == v3.Swap.topic else v3.PancakeSwap.of(log)
            ranges[log.address] = ranges[log.address].moved(swap.sqrt_price_x96, swap.tick, swap.liquidity)
        elif topic in (v3.Mint.topic, v3.Burn.topic):
            lower, upper, delta = _position(log)
            after = with_liquidity(ranges[log.address], lower, upper, delta)
            assert not isinstance(after, MissingState)
            ranges[log.address] = after


def _position(log: Log) -> tuple[int, int, int]:
    if log.topics[0] == v3.Mint.topic:
        mint = v3.Mint.of(log)
        return mint.lower, mint.upper, mint.amount
    burn = v3.Burn.of(log)
    return burn.lower, burn.upper, -burn.amount


def test_go_back_drops_blocks_and_mines_others_in_their_place(make_engine: MakeEngine) -> None:
    """After a reorganisation the heights are the same, hashes and order flow are not, prices outside are."""
    engine = make_engine()
    for _ in range(10):
        engine.mine()
    dropped = engine.blocks(8, 10)
    kept = engine.block(7)
    assert kept == engine.go_back(3) == engine.head
    mined = [engine.mine() for _ in range(3)]
    assert [8, 9, 10] == [block.height for block in mined]
    assert mined[0].parent_hash == dropped[0].parent_hash
    assert all(new.block_hash != old.block_hash and new.logs != old.logs for new, old in zip(mined, dropped, strict=True))
    assert [1, 1, 1] == [block.fork for block in mined]


def test_go_back_further_than_is_kept_leaves_the_oldest(make_engine: MakeEngine) -> None:
    """One block always stays."""
    engine = make_engine()
    for _ in range(5):
        engine.mine()
    assert 0 == engine.go_back(100).height


def test_block_is_kept_for_at_least_64_blocks(make_engine: MakeEngine) -> None:
    """Old blocks can be asked for as far back as is promised, and no further than is kept."""
    engine = make_engine(retail_per_block=0, competitor_work=0)
    for _ in range(KEPT_BLOCKS + 20):
        engine.mine()
    head = engine.head.height
    oldest = engine.block(head - KEPT_BLOCKS + 1)
    assert oldest is not None
    assert head - 64 > oldest.height
    assert engine.block(oldest.height - 1) is None
    assert engine.block(head + 1) is None
    assert [head - 1, head] == [block.height for block in engine.blocks(head - 1, head + 5)]


def test_next_base_fee_never_moves_faster_than_an_eighth() -> None:
    """EIP-1559 bounds the step; the fee returns to its target from afar."""
    draw, fee = Stream(1, "x"), 10**12
    for _ in range(400):
        after = next_base_fee(fee, 10**9, draw)
        assert abs(after - fee) * 8 <= fee
        fee = after
    assert 5 * 10**8 < fee < 2 * 10**9


def test_next_base_fee_has_a_floor() -> None:
    """Below seven wei a fee cannot fall."""
    draw, fee = Stream(1, "x"), LEAST_WEI
    for _ in range(50):
        fee = next_base_fee(fee, 1, draw)
    assert LEAST_WEI == fee
