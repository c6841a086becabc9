"""Limits on pools: age, liquidity, oracle."""

from typing import Any

import pytest
from attrs import evolve

from tidemill import Asset, PoolId, Snapshot
from tidemill.domain.answers import Rejected
from tidemill.domain.history import PricePoint
from tidemill.domain.snapshot import DexPolicy
from tidemill.units import NS_PER_S
from tidemill_risk_limits import LimitsSettings
from tidemill_risk_limits.pools import check_pools
from tidemill_testing.market import ETHER, pair_pool, snapshot_of, token

WETH, USDC, DUST = token("WETH"), token("USDC"), token("DUST")
E18, E6 = 10**18, 10**6
DEFAULTS = LimitsSettings()
ODD = pair_pool("odd", {DUST: 10**9, token("OTHER"): 10**9})


def price(asset: Any, mantissa: int = 2_000, age_s: int = 0) -> PricePoint:
    return PricePoint(asset, mantissa, 0, 0, 1_000 * NS_PER_S - age_s * NS_PER_S, 100)


def checked(snapshot: Snapshot, *pools: PoolId, settings: LimitsSettings = DEFAULTS) -> tuple[str, str] | None:
    found = check_pools(pools or tuple(sorted(snapshot.pools)), settings, snapshot)
    assert found is None or isinstance(found, Rejected)
    return (found.rule, found.reason) if found is not None else None


def test_pool_that_is_not_loaded_is_stale(make_market: Any) -> None:
    """A pool that a gap has taken away, or that never was there, is not traded on."""
    assert ("stale", "sim:1/x:0x1 is not loaded") == checked(make_market(), PoolId("sim:1/x:0x1"))


@pytest.mark.parametrize(("seen", "passes"), [(100, True), (95, True), (94, False)])
def test_pool_older_than_the_limit_is_rejected(make_market: Any, seen: int, passes: bool) -> None:
    """Five blocks by default, counted from the head."""
    pool = min(make_market().pools)
    found = checked(make_market(seen={pool: seen}))

    assert (None if passes else ("max_age_blocks", f"the state of {pool} is 6 blocks old, max_age_blocks is 5")) == found


def test_pool_without_policy_or_demands_passes(make_market: Any) -> None:
    """A DEX's table that asks for nothing rejects nothing."""
    assert checked(make_market()) is None
    assert checked(make_market(policies={"uniswap": DexPolicy(), "sushiswap": DexPolicy()})) is None


def test_pool_below_min_liquidity_is_rejected_in_dollars(make_market: Any) -> None:
    """Both sides count, valued in the chain's dollar."""
    loose = make_market(policies={"uniswap": DexPolicy(min_liquidity_usd=3_900_000)})
    tight = make_market(policies={"uniswap": DexPolicy(min_liquidity_usd=4_100_000)})
    found = checked(tight)

    assert checked(loose) is None
    assert found is not None
    assert "min_liquidity_usd" == found[0]
    assert found[1].endswith("dollars, min_liquidity_usd is 4100000")


def test_pool_with_an_unpriced_side_counts_the_other(make_market: Any) -> None:
    """What cannot be valued counts nothing; where the rest does not suffice the rejection says why."""
    base = make_market()
    pools = [*base.pools.values(), pair_pool("half", {USDC: 5_000 * E6, DUST: 0}), ODD]
    policies = {"uniswap": DexPolicy(min_liquidity_usd=1_000)}
    snapshot = snapshot_of(pools, wrapped=WETH, dollars=(USDC,), assets=(Asset(USDC, "USDC", 6),), policies=policies)
    half = next(pool.id for pool in pools if DUST in pool.assets and USDC in pool.assets)
    found = checked(snapshot, ODD.id)

    assert checked(snapshot, half) is None
    assert found is not None
    assert "holds 0 dollars, min_liquidity_usd is 1000;" in found[1]
    assert "cannot be valued" in found[1]


def test_chain_without_a_dollar_rejects_by_liquidity(make_market: Any) -> None:
    """Where no stable is known a minimum in dollars cannot be compared."""
    found = checked(make_market(dollars=(), policies={"uniswap": DexPolicy(min_liquidity_usd=1)}))

    assert found is not None
    assert found[1].endswith("its chain knows no stable that counts as a dollar")


def test_oracle_required_both_assets_need_a_price(make_market: Any) -> None:
    """A dollar stable needs none, a wrapped coin has its coin's; anything else without a price is rejected."""
    policies = {"uniswap": DexPolicy(oracle_required=True)}
    with_ether = make_market(policies=policies, prices={ETHER: price(ETHER)})
    with_weth = make_market(policies=policies, prices={WETH: price(WETH)})
    worthless = make_market(policies=policies, prices={WETH: price(WETH, 0)})

    assert checked(evolve(with_ether, now_ns=1_000 * NS_PER_S)) is None
    assert checked(evolve(with_weth, now_ns=1_000 * NS_PER_S)) is None
    for snapshot in (worthless, make_market(policies=policies)):
        found = checked(snapshot)
        assert found is not None
        assert "oracle_required" == found[0]
        assert found[1].endswith(f"{WETH} has no oracle price")


def test_oracle_price_too_old_does_not_count(make_market: Any) -> None:
    """Two minutes by default, on the snapshot's own clock."""
    policies = {"uniswap": DexPolicy(oracle_required=True)}
    for age_s, passes in ((120, True), (121, False)):
        snapshot = evolve(make_market(policies=policies, prices={WETH: price(WETH, age_s=age_s)}), now_ns=1_000 * NS_PER_S)
        found = checked(snapshot)
        assert passes is (found is None)
        assert found is None or found[1].endswith(f"the oracle price of {WETH} is 121 s old, max_oracle_age_s is 120")


def test_limits_settings_out_of_range_raise() -> None:
    """Ages and impacts are not negative."""
    for wrong in ({"max_age_blocks": -1}, {"max_impact_bps": -1}, {"max_oracle_age_s": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            LimitsSettings(**wrong)  # type: ignore[arg-type]  # wrong on purpose
