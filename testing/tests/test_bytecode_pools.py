"""The contracts: deployed, given a state, used, and read word by word."""

from decimal import ROUND_CEILING, Decimal

import pytest

from tidemill_testing import bytecode as oracle
from tidemill_testing.bytecode_payer import assemble

pytestmark = pytest.mark.bytecode
Q96 = 1 << 96
E18 = 10**18


@pytest.fixture(scope="module")
def pair(bytecode: "oracle.Chain") -> "oracle.V2Pair":
    return oracle.V2Pair(bytecode)


@pytest.fixture(scope="module")
def pool(bytecode: "oracle.Chain") -> "oracle.V3Pool":
    return oracle.V3Pool(bytecode, 3_000, 10)


def topics(chain: "oracle.Chain") -> list[bytes]:
    return [log.topics[0] for log in chain.logs]


def test_pair_reserves_stand_in_their_word(pair: "oracle.V2Pair") -> None:
    """Reserve0, reserve1 and the time share storage slot 8."""
    pair.set_reserves(5 * E18, 7 * E18, timestamp=99)

    assert (5 * E18, 7 * E18) == pair.reserves()
    assert 99 << 224 | 7 * E18 << 112 | 5 * E18 == pair.storage(oracle.V2Pair.RESERVES_SLOT)
    assert (5 * E18, 7 * E18) == (pair.token0.balance(pair.address), pair.token1.balance(pair.address))


def test_pair_swap_pays_emits_and_refuses_more(pair: "oracle.V2Pair") -> None:
    """Transfer, Sync and Swap in this order; one unit more than the input pays for is refused."""
    pair.set_reserves(E18, E18)
    chain = pair.chain
    with chain.rolled_back():
        logs = pair.swap(False, 10**6, 996_999)
        names = (b"Transfer(address,address,uint256)", b"Sync(uint112,uint112)", b"Swap(address,uint256,uint256,uint256,uint256,address)")

        assert [chain.keccak(name) for name in names] == [log.topics[0] for log in logs]
        assert (E18 - 996_999).to_bytes(32, "big") + (E18 + 10**6).to_bytes(32, "big") == logs[1].data
        assert chain.timestamp == pair.storage(oracle.V2Pair.RESERVES_SLOT) >> 224
    with chain.rolled_back(), pytest.raises(oracle.Reverted, match="UniswapV2: K"):
        pair.swap(False, 10**6, 997_000)
    assert (E18, E18) == pair.reserves()


def test_pair_mint_and_burn_return_the_amounts(bytecode: "oracle.Chain", pair: "oracle.V2Pair") -> None:
    """Liquidity tokens are the root of the product less the 1,000 that stay, and burn to their share."""
    pair.set_reserves(0, 0)
    with bytecode.rolled_back():
        liquidity = pair.mint(4 * E18, E18)

        assert 2 * E18 - 1_000 == liquidity
        assert (2 * E18, E18 // 2) == pair.burn(E18)
        assert (2 * E18, E18 // 2) == pair.reserves()


def test_pool_state_written_is_what_the_contract_says(pool: "oracle.V3Pool") -> None:
    """Price, negative tick, liquidity, ticks and bitmap words of an installed state."""
    pool.install(Q96 - 1, -1, 9, {-20: (9, 9), 2_560: (9, -9)})

    assert (Q96 - 1, -1) == pool.slot0()
    assert (9, 9) == (pool.liquidity(), pool.storage(oracle.V3Pool.LIQUIDITY_SLOT))
    assert ((9, 9), (9, -9), (0, 0)) == (pool.tick(-20), pool.tick(2_560), pool.tick(20))
    assert (1 << 254, 1, 0) == (pool.word(-1), pool.word(1), pool.word(0))
    assert 1 << 254 == pool.storage(pool.word_slot(-1))
    assert 9 | (-9 % (1 << 128)) << 128 == pool.storage(pool.tick_slot(2_560))


def test_pool_second_state_replaces_the_first(pool: "oracle.V3Pool") -> None:
    """No tick of an earlier state is left, also of one that was installed in a block rolled back since."""
    pool.install(Q96, 0, 5, {-10: (5, 5), 10: (5, -5)})
    with pool.chain.rolled_back():
        pool.install(Q96, 0, 6, {-30: (6, 6), 30: (6, -6)})
    pool.install(Q96, 0, 7, {-50: (7, 7), 50: (7, -7)})

    assert [(0, 0), (0, 0), (7, -7)] == [pool.tick(tick) for tick in (10, 30, 50)]
    assert 1 << 5 == pool.word(0)


def test_pool_initialize_mint_swap_burn_through_the_contract(bytecode: "oracle.Chain") -> None:
    """A pool that began empty: its fee and spacing, what a position costs, swaps both ways, what it frees."""
    pool = oracle.V3Pool(bytecode, 500, 1)
    pool.initialize(Q96)

    assert (500, 1) == (pool.fee_ppm, pool.tick_spacing)
    assert 1 == bytecode.call(pool.address, "tickSpacing()", returns=["int24"])[0]
    assert 500 == bytecode.call(pool.address, "fee()", returns=["uint24"])[0]
    cost = pool.mint(-100, 100, E18)
    # Half the range is a price ratio of 1.0001 ** 50, of its root here
    each = int((E18 * (1 - Decimal("1.0001") ** -50)).to_integral_value(ROUND_CEILING))
    assert (each, each) == cost
    assert (10**6, -999_499) == pool.swap(True, 10**6)
    assert bytecode.keccak(b"Swap(address,address,int256,int256,uint160,uint128,int24)") in topics(bytecode)
    amount0, amount1 = pool.swap(False, -(10**6))
    assert (-(10**6), 1_000_501) == (amount0, amount1)
    freed = pool.burn(-100, 100, E18)
    assert all(paid >= got for paid, got in zip((cost[0], cost[1] + 1_000_501 - 999_499), freed, strict=True))
    assert 0 == pool.liquidity()


def test_pool_limit_stops_and_wrong_limit_reverts(pool: "oracle.V3Pool") -> None:
    """A price limit fills in part; on the wrong side it is refused with the contract's reason."""
    pool.install(Q96, 0, E18, {-1_000: (E18, E18), 1_000: (E18, -E18)})
    with pool.chain.rolled_back():
        amount0, _ = pool.swap(True, E18, Q96 - 10**20)

        assert 0 < amount0 < E18
        assert Q96 - 10**20 == pool.slot0()[0]
    with pytest.raises(oracle.Reverted, match="SPL"):
        pool.swap(True, E18, Q96 + 1)


def test_assemble_labels_are_addresses() -> None:
    """Values are pushed as long as they are written; a label is a jump destination and its use two bytes."""
    assert bytes.fromhex("6102ff" + "610007" + "50" + "5b" + "00") == assemble("0x02ff @end POP end: STOP")
