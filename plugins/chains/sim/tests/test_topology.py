"""Which pools there are."""

from collections import Counter

import pytest

from tidemill_chain_sim.market import is_deep
from tidemill_chain_sim.pools import PoolSpec
from tidemill_chain_sim.topology import lay_out, most_pools
from tidemill_simworld import MAX_TOKENS, MIN_TOKENS, token_universe


@pytest.fixture(scope="module")
def default_pools() -> tuple[PoolSpec, ...]:
    """The pools of the default market."""
    return lay_out(1, token_universe(48), 240)


def test_lay_out_default_has_240_pools_on_six_kinds_of_venue(default_pools: tuple[PoolSpec, ...]) -> None:
    """The default market has 240 pools, every DEX and kind among them."""
    kinds = {(spec.venue.dex, spec.kind) for spec in default_pools}
    expected = {
        ("uniswap", "v2"),
        ("uniswap", "v3"),
        ("sushiswap", "v2"),
        ("quickswap", "v2"),
        ("pancakeswap", "v2"),
        ("pancakeswap", "v3"),
    }
    assert 240 == len(default_pools)
    assert expected == kinds


def test_lay_out_default_trades_every_token_in_at_least_two_pools(default_pools: tuple[PoolSpec, ...]) -> None:
    """Each token can be bought in one place and sold in another."""
    trades = Counter(token.index for spec in default_pools for token in (spec.token0, spec.token1))
    assert 48 == len(trades)
    assert min(trades.values()) >= 2


def test_lay_out_hub_pools_are_deep_and_others_thin(default_pools: tuple[PoolSpec, ...]) -> None:
    """Pools between hubs hold 1 to 20 million dollars, the others 20 to 300 thousand."""
    deep = [spec.depth for spec in default_pools if is_deep(spec)]
    thin = [spec.depth for spec in default_pools if not is_deep(spec)]
    assert 48 == len(deep)
    assert 1_000_000 <= min(deep) <= max(deep) <= 20_000_000
    assert 20_000 <= min(thin) <= max(thin) <= 300_000


def test_lay_out_addresses_are_distinct_and_tokens_in_order(default_pools: tuple[PoolSpec, ...]) -> None:
    """As with the real factories token0 has the lower address, and no pool exists twice."""
    assert 240 == len({spec.address for spec in default_pools})
    assert all(spec.token0.address < spec.token1.address for spec in default_pools)


def test_ref_of_a_concentrated_pool_says_fee_and_spacing(default_pools: tuple[PoolSpec, ...]) -> None:
    """A descriptor holds what the DEX plugin needs to read the pool."""
    spec = next(spec for spec in default_pools if spec.kind == "v3" and spec.venue.dex == "pancakeswap")
    ref = spec.ref
    assert f"sim:1/pancakeswap:{spec.address}" == ref.id
    assert (spec.token0.id, spec.token1.id) == ref.assets
    assert ("v3", spec.venue.fee_ppm, spec.venue.tick_spacing) == (ref.kind, ref.fee_ppm, ref.detail("tick_spacing"))
    assert ref.fee_ppm in {100, 500, 2_500, 10_000}


def test_ref_of_a_pair_has_no_details(default_pools: tuple[PoolSpec, ...]) -> None:
    """A pair's fee is its venue's, and it has no spacing."""
    fees = {(spec.ref.dex, spec.ref.fee_ppm, spec.ref.details) for spec in default_pools if spec.kind == "v2"}
    assert {("uniswap", 3_000, ()), ("sushiswap", 3_000, ()), ("quickswap", 3_000, ()), ("pancakeswap", 2_500, ())} == fees


def test_lay_out_other_seed_gives_other_pools() -> None:
    """The seed decides where the tail is traded."""
    tokens = token_universe(48)
    assert lay_out(1, tokens, 240) != lay_out(2, tokens, 240)


@pytest.mark.parametrize("tokens", [MIN_TOKENS, 7, 48, MAX_TOKENS])
def test_lay_out_reaches_the_most_pools(tokens: int) -> None:
    """As many pools as the settings allow really exist, at any number of tokens."""
    assert most_pools(tokens) == len(lay_out(3, token_universe(tokens), most_pools(tokens)))
