"""The formula of Uniswap V2 pairs."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_amm.constant_product import MAX_RESERVE, PairAfter, amount_in, amount_out, check_reserves, pool_after
from tidemill_amm.errors import AmmError, InsufficientLiquidity, InvalidAmount, InvalidFee, InvalidReserves

RESERVES = st.integers(1, MAX_RESERVE)
AMOUNTS = st.integers(1, MAX_RESERVE)
FEES = st.integers(0, 999_999)


def exact_out(amount: int, reserve_in: int, reserve_out: int, fee_ppm: int) -> Fraction:
    """The curve itself: input after fee moves along reserve_in * reserve_out = constant."""
    net = amount * Fraction(1_000_000 - fee_ppm, 1_000_000)
    return reserve_out - Fraction(reserve_in * reserve_out) / (reserve_in + net)


@given(AMOUNTS, RESERVES, RESERVES, FEES)
def test_amount_out_any_pair_is_curve_rounded_down(amount: int, reserve_in: int, reserve_out: int, fee_ppm: int) -> None:
    """The output is the exact value of the curve, rounded down, and below the reserve."""
    actual = amount_out(amount, reserve_in, reserve_out, fee_ppm)

    assert int(exact_out(amount, reserve_in, reserve_out, fee_ppm)) == actual
    assert actual < reserve_out


@given(AMOUNTS, RESERVES, RESERVES)
def test_amount_out_known_fees_equal_their_libraries(amount: int, reserve_in: int, reserve_out: int) -> None:
    """3_000 ppm gives Uniswap's 997/1000 and 2_500 ppm PancakeSwap's 9975/10000."""
    uniswap = amount * 997 * reserve_out // (reserve_in * 1000 + amount * 997)
    pancake = amount * 9975 * reserve_out // (reserve_in * 10000 + amount * 9975)

    assert uniswap == amount_out(amount, reserve_in, reserve_out, 3_000)
    assert pancake == amount_out(amount, reserve_in, reserve_out, 2_500)


@given(st.data(), RESERVES, st.integers(2, MAX_RESERVE))
def test_amount_in_known_fees_equal_their_libraries(data: st.DataObject, reserve_in: int, reserve_out: int) -> None:
    """Rounded down and one more, with either fee."""
    wanted = data.draw(st.integers(1, reserve_out - 1))

    assert reserve_in * wanted * 1000 // ((reserve_out - wanted) * 997) + 1 == amount_in(wanted, reserve_in, reserve_out, 3_000)
    assert reserve_in * wanted * 10000 // ((reserve_out - wanted) * 9975) + 1 == amount_in(wanted, reserve_in, reserve_out, 2_500)


@given(st.data(), RESERVES, st.integers(2, MAX_RESERVE), FEES)
def test_amount_in_paid_buys_what_was_wanted(data: st.DataObject, reserve_in: int, reserve_out: int, fee_ppm: int) -> None:
    """Paying ``amount_in`` buys at least the wanted output; two units less would not."""
    wanted = data.draw(st.integers(1, reserve_out - 1))
    paid = amount_in(wanted, reserve_in, reserve_out, fee_ppm)

    assert amount_out(paid, reserve_in, reserve_out, fee_ppm) >= wanted
    assert paid <= 2 or exact_out(paid - 2, reserve_in, reserve_out, fee_ppm) < wanted


@given(AMOUNTS, RESERVES, st.integers(2, MAX_RESERVE), FEES)
def test_amount_in_of_own_output_asks_for_no_more(amount: int, reserve_in: int, reserve_out: int, fee_ppm: int) -> None:
    """What an input bought can be bought for that input and one unit."""
    bought = amount_out(amount, reserve_in, reserve_out, fee_ppm)

    assert amount_in(bought, reserve_in, reserve_out, fee_ppm) <= amount + 1


@given(AMOUNTS, AMOUNTS, RESERVES, RESERVES, FEES)
def test_amount_out_grows_ever_more_slowly(first: int, second: int, reserve_in: int, reserve_out: int, fee_ppm: int) -> None:
    """More input never buys less, and together two inputs buy no more than each alone, but for rounding."""

    def out(amount: int) -> int:
        return amount_out(amount, reserve_in, reserve_out, fee_ppm)

    assert max(out(first), out(second)) <= out(first + second) <= out(first) + out(second) + 1


@given(st.data(), RESERVES, RESERVES, FEES)
def test_pool_after_there_and_back_never_gains(data: st.DataObject, reserve_in: int, reserve_out: int, fee_ppm: int) -> None:
    """Selling the output back to the pair it came from returns no more than was paid."""
    amount = data.draw(st.integers(0, MAX_RESERVE - reserve_in))
    after = pool_after(amount, reserve_in, reserve_out, fee_ppm)

    assert after.reserve_in * after.reserve_out >= reserve_in * reserve_out
    assert amount_out(after.amount_out, after.reserve_out, after.reserve_in, fee_ppm) <= amount


def test_pool_after_keeps_the_fee() -> None:
    """The reserves change by the whole input and by the output."""
    assert PairAfter(996_999, 10**18 + 10**6, 10**18 - 996_999) == pool_after(10**6, 10**18, 10**18, 3_000)


@pytest.mark.parametrize(("reserve_in", "reserve_out"), [(0, 5), (5, 0), (0, 0)])
def test_amount_out_empty_reserve_is_zero(reserve_in: int, reserve_out: int) -> None:
    """A pair without one of its reserves pays nothing."""
    assert 0 == amount_out(10, reserve_in, reserve_out, 3_000)


def test_amounts_zero_is_zero() -> None:
    """An amount of 0 moves nothing and costs nothing."""
    assert 0 == amount_out(0, 5, 5, 3_000)
    assert 0 == amount_in(0, 5, 5, 3_000)
    assert PairAfter(0, 5, 7) == pool_after(0, 5, 7, 3_000)


@pytest.mark.parametrize("function", [amount_in, amount_out])
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((-1, 5, 5, 3_000), InvalidAmount),
        ((1, -5, 5, 3_000), InvalidReserves),
        ((1, 5, -5, 3_000), InvalidReserves),
        ((1, 5, 5, 1_000_000), InvalidFee),
        ((1, 5, 5, -1), InvalidFee),
    ],
)
def test_amounts_wrong_argument_raises(function: object, arguments: tuple[int, ...], error: type[AmmError]) -> None:
    """Negative amounts and reserves, and fees that are no fraction of the input, are errors that name the value."""
    wrong = next(value for value in arguments if value < 0 or value == 1_000_000)
    assert callable(function)
    with pytest.raises(error, match=f"found .*{wrong}"):
        function(*arguments)


@pytest.mark.parametrize("arguments", [(5, 5, 5, 3_000), (6, 5, 5, 3_000), (1, 0, 5, 3_000)])
def test_amount_in_more_than_reserve_raises(arguments: tuple[int, int, int, int]) -> None:
    """No input buys the whole reserve."""
    with pytest.raises(InsufficientLiquidity, match="ask for less"):
        amount_in(*arguments)


def test_check_reserves_outside_uint112_raises() -> None:
    """Reserves are those that a pair can store: 0 to 2**112 - 1."""
    check_reserves(0, MAX_RESERVE)
    with pytest.raises(InvalidReserves, match="reserve1 "):
        check_reserves(0, MAX_RESERVE + 1)
    with pytest.raises(InvalidReserves, match="reserve0 "):
        check_reserves(-1, 0)


def test_pool_after_reserve_overflow_raises() -> None:
    """An input that the pair could not store is refused, as the pair does."""
    with pytest.raises(InvalidReserves, match="uint112"):
        pool_after(1, MAX_RESERVE, 5, 3_000)
