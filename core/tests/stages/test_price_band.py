"""Which oracle prices are believed."""

from typing import Any

import pytest
from immutables import Map

from tidemill.domain.events import OraclePrice
from tidemill.domain.ids import AssetId
from tidemill.stages.price_band import AGREEING, BAND, Levels, judged

ASSET = AssetId("sim:1/erc20:0xaa")


def price(mantissa: Any, exponent: Any = -8) -> OraclePrice:
    """A price of the one asset."""
    return OraclePrice(ASSET, mantissa, exponent, 0, 0, "sim")


def after(*mantissas: int) -> tuple[Levels, list[bool]]:
    """The levels after some prices, and which of them were believed."""
    levels: Levels = Map()
    believed = []
    for mantissa in mantissas:
        levels, wrong = judged(levels, price(mantissa))
        believed.append(not wrong)
    return levels, believed


def test_price_within_the_band_is_believed() -> None:
    """Up to four times the one before it, and down to a quarter, whatever its exponent."""
    assert [True] * 4 == after(100, 100 * BAND, 100, 100 // BAND)[1]
    assert "" == judged(after(100)[0], price(1_000, -9))[1]


def test_price_beyond_the_band_is_left_out_and_the_next_one_compared_with_the_last_believed() -> None:
    """One digit too many, once: it changes nothing."""
    assert [True, False, True, False] == after(100, 1_000, 101, 10)[1]


def test_prices_that_agree_are_believed_after_some() -> None:
    """It has moved: three in a row near each other become the new level; those that do not agree never do."""
    assert [True, *[False] * (AGREEING - 1), True, True] == after(100, *range(1_000, 1_000 + AGREEING), 1_100)[1]
    assert [True, *[False] * 6] == after(100, *[1_000, 5] * 3)[1]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (price(0), "its price is 0: expected more than 0"),
        (price(-1), "expected more than 0"),
        (price(1.5), "expected whole numbers"),
        (price(float("nan")), "its price is nan"),
        (price(True), "expected whole numbers"),
        (price(1, "8"), "expected whole numbers"),
        (price(1, 65), "exponent 65: expected at most 64 either way"),
    ],
)
def test_price_that_is_none_is_left_out_and_changes_no_level(wrong: OraclePrice, words: str) -> None:
    """Nothing, less than nothing, fractions and no numbers."""
    levels, _ = after(100)
    found, reason = judged(levels, wrong)

    assert words in reason
    assert levels == found


def test_reason_names_both_prices() -> None:
    """Who reads it sees what was said and what was before."""
    assert "1000e-8 is more than 4 times away from 100e-8, the price before it" == judged(after(100)[0], price(1_000))[1]
