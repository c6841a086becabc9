"""Rates of pools, and the tree that says which pool prices which asset."""

from collections.abc import Mapping
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.ids import AssetId
from tidemill.domain.valuation import grow_price_tree, marginal_rate
from tidemill_testing.market import NEXT, PairPool, pair_pool, token

A, B, C, D = token("A"), token("B"), token("C"), token("D")


@given(st.integers(10**8, 1 << 111), st.integers(10**8, 1 << 111), st.sampled_from([0, 500, 3_000, 10_000]))
def test_marginal_rate_deep_pool_is_the_ratio_of_its_reserves(held: int, held_other: int, fee_ppm: int) -> None:
    """With the fee given back, a small sale gets the price, short of it by its own impact and one unit of the floor."""
    rate = marginal_rate(pair_pool("one", {A: held, B: held_other}, fee_ppm), A, B, NEXT)

    assert rate is not None
    found, price = Fraction(*rate), Fraction(held_other, held)
    assert price * (1 - Fraction(1, 1 << 14)) * Fraction(1_022, 1_024) <= found <= price


@pytest.mark.parametrize("held", [{A: 0, B: 10**18}, {A: 10**18, B: 0}, {A: 10**18, B: 1}, {A: 0, B: 0}])
def test_marginal_rate_without_a_quote_is_none(held: Mapping[AssetId, int]) -> None:
    """A pool that pays nothing for a quarter of what it holds has no price."""
    assert marginal_rate(pair_pool("one", held), A, B, NEXT) is None


def test_marginal_rate_dust_takes_a_larger_probe() -> None:
    """Where small probes round to nothing, a larger one gives a coarse price."""
    rate = marginal_rate(pair_pool("one", {A: 400, B: 40}, 0), A, B, NEXT)

    assert rate is not None
    assert Fraction(8, 100) == Fraction(*rate)


def test_tree_prices_each_asset_at_the_deepest_pool() -> None:
    """Of two pools for one asset the one that holds more of the known side is taken; equal ones by id."""
    shallow, deep = pair_pool("x", {A: 10**9, B: 10**9}), pair_pool("y", {A: 10**12, B: 10**12})
    twins = [pair_pool(name, {A: 10**10, C: 10**10}) for name in ("c1", "c2")]
    tree = grow_price_tree(A, [shallow, deep, *twins], NEXT)

    assert ((deep.id, A),) == tree.path(B)
    assert ((min(pool.id for pool in twins), A),) == tree.path(C)
    assert (() == tree.path(A), None) == (True, tree.path(D))
    assert 4 == tree.pool_count


def test_tree_depth_is_valued_in_the_root() -> None:
    """A pool that holds more units of a worthless asset is not deeper than one that holds fewer of a dear one."""
    cheap = pair_pool("cheap", {A: 10**12, B: 10**18})
    through_cheap = pair_pool("bd", {B: 10**13, D: 10**12})
    direct = pair_pool("ad", {A: 10**9, D: 10**12})
    tree = grow_price_tree(A, [cheap, through_cheap, direct], NEXT)

    assert ((direct.id, A),) == tree.path(D)


def test_tree_leads_over_several_pools_and_around_those_without_quote() -> None:
    """An asset two pools away is priced over both; a pool that gives no quote prices nothing."""
    empty = pair_pool("empty", {A: 10**15, B: 0})
    near, far = pair_pool("near", {A: 10**9, B: 10**9}), pair_pool("far", {B: 10**9, C: 10**9})
    tree = grow_price_tree(A, [empty, near, far], NEXT)

    assert ((far.id, B), (near.id, A)) == tree.path(C)


def test_tree_long_chains_keep_their_rates_short() -> None:
    """Over sixty pools in a row depths are still compared: rates keep 128 bits, not thousands."""
    names = [token(f"N{place}") for place in range(60)]
    chain = [pair_pool(f"P{place}", {one: 10**30, names[place + 1]: 10**30}) for place, one in enumerate(names[:-1])]
    tree = grow_price_tree(names[0], chain, NEXT)

    assert 59 == len(tree.path(names[-1]) or ())


@pytest.mark.parametrize("seed", range(5))
def test_tree_does_not_depend_on_the_order_of_pools(seed: int) -> None:
    """Equal pools in any order give the equal tree."""
    random = Random(seed)
    names = [token(f"T{place}") for place in range(12)]
    pools: list[PairPool] = []
    for place in range(60):
        one, other = random.sample(names, 2)
        pools.append(pair_pool(f"P{place}", {one: 10 ** random.randint(6, 9), other: 10 ** random.randint(6, 9)}))
    tree = grow_price_tree(names[0], pools, NEXT)
    shuffled = random.sample(pools, len(pools))

    assert dict(tree.towards) == dict(grow_price_tree(names[0], shuffled, NEXT).towards)
    assert len(tree.towards) == 11
