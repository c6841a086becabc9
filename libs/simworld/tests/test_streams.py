"""The random numbers of the simulated market."""

from itertools import accumulate
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tidemill_simworld import Stream


def test_bits_of_state_1234567_are_the_published_vectors() -> None:
    """The generator is splitmix64: its first outputs from state 1234567 as published with Vigna's reference code."""
    stream = Stream.of_state(1_234_567)
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    assert expected == [stream.bits() for _ in expected]


def test_stream_equal_names_give_equal_numbers() -> None:
    """Seed and labels alone name a stream."""
    assert [Stream(7, "retail", 3).bits() for _ in range(2)] == [Stream(7, "retail", 3).bits()] * 2


def test_stream_other_names_give_other_numbers() -> None:
    """Each seed and each label has its own numbers, also where their texts run together."""
    names: list[tuple[Any, ...]] = [(7, "a", 1), (8, "a", 1), (7, "b", 1), (7, "a", 2), (71, "a"), (7, "1a"), (7, "a", 11), (7, "a1", 1)]
    assert len(names) == len({Stream(*name).bits() for name in names})


def test_stream_of_a_fixed_name_is_pinned() -> None:
    """Runs that were recorded stay repeatable: the derivation of a stream's state must not change."""
    assert [74756607059093313, 449479000825933016] == _first_two(Stream(1, "pinned", 2))


def _first_two(stream: Stream) -> list[int]:
    return [stream.bits(), stream.bits()]


@given(st.integers(0, 1 << 64), st.integers(1, 1 << 32))
def test_below_any_limit_stays_below(seed: int, limit: int) -> None:
    """A number below a limit is at least 0 and below it."""
    assert 0 <= Stream(seed, "x").below(limit) < limit


@given(st.integers(0, 1 << 64), st.integers(-(10**30), 10**30), st.integers(0, 10**19))
def test_between_any_ends_stays_within(seed: int, low: int, width: int) -> None:
    """Both ends belong to the range, nothing beyond does."""
    assert low <= Stream(seed, "x").between(low, low + width) <= low + width


def test_between_small_range_reaches_both_ends() -> None:
    """Every number of a small range comes up."""
    stream = Stream(1, "x")
    assert {-1, 0, 1, 2} == {stream.between(-1, 2) for _ in range(200)}


def test_chance_of_a_quarter_comes_up_in_a_quarter() -> None:
    """A chance is in parts per million; 0 never, a million always."""
    stream = Stream(1, "x")
    assert 0 == sum(stream.chance(0) for _ in range(1_000))
    assert 1_000 == sum(stream.chance(1_000_000) for _ in range(1_000))
    assert 2_300 < sum(stream.chance(250_000) for _ in range(10_000)) < 2_700


def test_pick_gives_every_choice() -> None:
    """Each element can be picked."""
    stream = Stream(1, "x")
    assert set("abc") == {stream.pick("abc") for _ in range(100)}


def test_weighted_follows_the_weights() -> None:
    """An index comes up as often as its weight says; a weight of 0 never."""
    stream, counts = Stream(1, "x"), [0, 0, 0, 0]
    cumulative = tuple(accumulate((1, 0, 6, 3)))
    for _ in range(10_000):
        counts[stream.weighted(cumulative)] += 1
    assert 0 == counts[1]
    assert 800 < counts[0] < 1_200
    assert 5_700 < counts[2] < 6_300


def test_bell_has_mean_zero_and_the_deviation_asked_for() -> None:
    """Draws centre on 0, spread by one deviation, and never exceed 3.5 of them."""
    stream = Stream(1, "x")
    draws = [stream.bell(1_000) for _ in range(20_000)]
    assert abs(sum(draws)) < 20_000 * 25
    assert 0.98 < sum(draw * draw for draw in draws) / (20_000 * 1_000_000) < 1.02
    assert 3_500 > max(map(abs, draws)) > 2_500


@given(st.integers(0, 1 << 64), st.integers(1, 10**18), st.integers(0, 10**18))
def test_scaled_any_range_stays_within(seed: int, low: int, width: int) -> None:
    """A scaled draw lies within its range."""
    assert low <= Stream(seed, "x").scaled(low, low + width) <= low + width


def test_scaled_small_amounts_are_as_frequent_as_orders_of_magnitude_say() -> None:
    """From 1 to 1023 there are ten binary orders: a tenth of the draws is 1, a half below 32."""
    stream = Stream(1, "x")
    draws = [stream.scaled(1, 1_023) for _ in range(10_000)]
    assert 900 < draws.count(1) < 1_100
    assert 4_700 < sum(draw < 32 for draw in draws) < 5_300
