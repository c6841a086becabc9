"""Who trades what in a block."""

from collections.abc import Callable

import pytest

from tidemill_chain_sim import competitors, informed, makers, retail
from tidemill_chain_sim.draft import Draft
from tidemill_chain_sim.engine import Engine
from tidemill_chain_sim.informed import gas_worth
from tidemill_chain_sim.pools import PPB, PairState, value_ratio_ppb
from tidemill_chain_sim.vault import move_deposits
from tidemill_evm import uniswap_v2_logs as v2
from tidemill_evm import uniswap_v3_logs as v3
from tidemill_simworld import HUBS, Stream
from tidemill_simworld.tokens import DOLLAR

MakeEngine = Callable[..., Engine]


@pytest.fixture
def quiet(make_engine: MakeEngine) -> Draft:
    """A block on a market in which nobody has traded."""
    return make_engine(warmup_blocks=0).draft()


def _push(draft: Draft, kind: str, part: int) -> int:
    """Sell a part of a tail pool's token0 to it, so that token0 is cheap there; return the pool's index."""
    spec = next(spec for spec in draft.market.specs if spec.kind == kind and HUBS[0] in (spec.token0, spec.token1))
    state = draft.pools[spec.index]
    amount = (state.reserve0 if isinstance(state, PairState) else (state.core.liquidity << 96) // state.core.sqrt_price_x96) // part
    assert draft.swap(spec.index, True, amount, retail.TRADER) is not None
    return spec.index


def test_retail_trades_half_to_one_and_a_half_times_the_average(quiet: Draft) -> None:
    """A block has about as many retail swaps as the settings say, each a transaction of its own."""
    retail.trade_retail(quiet, Stream(1, "x"))
    assert 6 <= len({log.tx for log in quiet.logs}) <= 18


def test_retail_without_tail_trades_hubs(make_engine: MakeEngine) -> None:
    """The smallest market is traded as well."""
    draft = make_engine(tokens=6, pools=12, warmup_blocks=0).draft()
    retail.trade_retail(draft, Stream(1, "x"))
    assert draft.logs


@pytest.mark.parametrize("kind", ["v2", "v3"])
def test_informed_trade_a_pool_back_to_the_edge_of_its_fee_band(make_engine: MakeEngine, kind: str) -> None:
    """Afterwards the next unit bought there costs what it is worth, fee included, within two basis points: the fee that was paid stays
    in a pair.
    """
    draft = make_engine(warmup_blocks=0, informed_hub_ppm=1_000_000, informed_tail_ppm=1_000_000, base_fee_wei=1).draft()
    index = _push(draft, kind, 20)
    spec = draft.market.specs[index]
    informed.trade_informed(draft, Stream(1, "x"))
    edge = PPB * PPB // value_ratio_ppb(spec, draft.pools[index], draft.prices) * (1_000_000 - spec.venue.fee_ppm) // 1_000_000
    assert abs(edge - PPB) < 200_000


def test_informed_leave_what_does_not_pay_for_gas(make_engine: MakeEngine) -> None:
    """A pool within its fee band, and one beyond it by less than gas costs, are left alone."""
    draft = make_engine(warmup_blocks=0, informed_hub_ppm=1_000_000, informed_tail_ppm=1_000_000, base_fee_wei=10**15).draft()
    _push(draft, "v2", 20)
    before = list(draft.pools)
    informed.trade_informed(draft, Stream(1, "x"))
    assert before == draft.pools


def test_informed_absent_leave_everything(make_engine: MakeEngine) -> None:
    """With a chance of 0 nobody informed trades."""
    draft = make_engine(warmup_blocks=0, informed_hub_ppm=0, informed_tail_ppm=0).draft()
    before = list(draft.pools)
    informed.trade_informed(draft, Stream(1, "x"))
    assert before == draft.pools


@pytest.mark.parametrize("kind", ["v2", "v3"])
def test_compete_takes_a_mispricing_and_gains(make_engine: MakeEngine, kind: str) -> None:
    """Competitors close a cycle of two or three swaps in one transaction, which pays more of its first token than it took."""
    draft = make_engine(warmup_blocks=0, competitor_share_ppm=1_000_000).draft()
    _push(draft, kind, 20)
    count = len(draft.logs)
    competitors.compete(draft, Stream(1, "x"))
    taken = draft.logs[count:]
    assert taken
    assert 2 <= sum(log.topics[0] in (v2.Swap.topic, v3.Swap.topic, v3.PancakeSwap.topic) for log in taken if log.tx == taken[0].tx) <= 3


def test_compete_without_competitors_leaves_everything(make_engine: MakeEngine) -> None:
    """With a share of 0, an opportunity that pays nothing is never taken, and one that pays little hardly ever."""
    draft = make_engine(warmup_blocks=0, competitor_share_ppm=0, contested_usd=10**9).draft()
    _push(draft, "v2", 20)
    before = list(draft.pools)
    competitors.compete(draft, Stream(1, "x"))
    assert before == draft.pools


def test_compete_in_a_quiet_market_finds_nothing(quiet: Draft) -> None:
    """Where pools stand at reference prices no cycle pays its fees."""
    competitors.compete(quiet, Stream(1, "x"))
    assert [] == quiet.logs


def test_best_size_of_a_cycle_is_what_carrying_it_out_gains(make_engine: MakeEngine) -> None:
    """Profit is stated after gas, and equals what the swaps really pay."""
    draft = make_engine(warmup_blocks=0).draft()
    index = _push(draft, "v2", 20)
    hot, best = competitors.find_edges(draft)
    edge = next(edge for edge in hot if edge.pool == index)
    cycle = competitors.close(edge, best)[0]
    net, size = competitors.best_size(draft, cycle)
    hops = competitors.carried(draft, cycle, size)
    assert hops is not None
    token = draft.market.tokens[cycle[0].sell]
    gain = (hops[-1].swap.amount_out - size) * draft.prices[token.index] // token.unit
    gas = gas_worth(competitors.BASE_GAS + len(cycle) * competitors.HOP_GAS, draft.fee, draft.prices)
    assert net == gain - gas
    assert net > DOLLAR


def test_carried_beyond_what_a_pool_takes_is_none(make_engine: MakeEngine) -> None:
    """A cycle in which a pool would revert is not carried out."""
    draft = make_engine(warmup_blocks=0).draft()
    _push(draft, "v2", 20)
    hot, best = competitors.find_edges(draft)
    assert competitors.carried(draft, competitors.close(hot[0], best)[0], 1 << 112) is None


def test_makers_change_liquidity_and_say_so(make_engine: MakeEngine) -> None:
    """Over many draws pairs and concentrated pools see mints and burns, and every burn is of what was minted."""
    draft = make_engine(warmup_blocks=0, makers_ppm=1_000_000).draft()
    draw = Stream(1, "x")
    for _ in range(600):
        makers.move_liquidity(draft, draw)
    topics = {log.topics[0] for log in draft.logs}
    assert {v2.Sync.topic, v2.Mint.topic, v2.Burn.topic, v3.Mint.topic, v3.Burn.topic} == topics
    minted, burnt = [], []
    for log in draft.logs:
        if log.topics[0] == v3.Mint.topic:
            mint = v3.Mint.of(log)
            minted.append((log.address, mint.lower, mint.upper, mint.amount))
        elif log.topics[0] == v3.Burn.topic:
            burn = v3.Burn.of(log)
            burnt.append((log.address, burn.lower, burn.upper, burn.amount))
    assert burnt
    for position in burnt:
        minted.remove(position)


def test_makers_absent_leave_everything(make_engine: MakeEngine) -> None:
    """With a chance of 0 liquidity stays."""
    draft = make_engine(makers_ppm=0).draft()
    makers.move_liquidity(draft, Stream(1, "x"))
    assert [] == draft.logs


def test_deposits_move_the_vault_by_at_most_a_per_cent(quiet: Draft) -> None:
    """What can be lent changes now and then, a little."""
    draw, seen = Stream(1, "x"), set()
    for _ in range(300):
        before = dict(quiet.vault)
        move_deposits(quiet, draw)
        changed = [token for token, amount in quiet.vault.items() if before[token] != amount]
        assert len(changed) <= 1
        for token in changed:
            assert abs(quiet.vault[token] - before[token]) * 100 <= before[token]
            seen.add(token)
    assert {hub.address for hub in HUBS} == seen
