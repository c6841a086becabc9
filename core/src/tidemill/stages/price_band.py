"""Which oracle prices are believed: a source that errs by a digit, or says nothing at all, must not value anything."""

from attrs import frozen
from immutables import Map

from tidemill.domain.events import OraclePrice
from tidemill.domain.ids import AssetId

MAX_EXPONENT = 64
"""A price beyond ten to this power, or its inverse, is no price."""
BAND = 4
"""A price more than so many times the one before it, or less than that part of it, is left out at first."""
AGREEING = 3
"""So many prices in a row that agree with each other are believed, however far they are from the one before: it has moved."""


@frozen
class Level:
    """The last price of an asset that was believed, and how many in a row, the newest ``candidate``, were not."""

    price: tuple[int, int]
    candidate: tuple[int, int] = (0, 0)
    count: int = 0


Levels = Map[AssetId, Level]


def judged(levels: Levels, event: OraclePrice) -> tuple[Levels, str]:
    """Return the levels after a price, and why it is left out; "" where it is believed."""
    if type(event.mantissa) is not int or type(event.exponent) is not int:
        return levels, f"its price is {event.mantissa!r} with exponent {event.exponent!r}: expected whole numbers"
    if abs(event.exponent) > MAX_EXPONENT:
        return levels, f"exponent {event.exponent}: expected at most {MAX_EXPONENT} either way"
    if event.mantissa <= 0:
        return levels, f"its price is {event.mantissa}: expected more than 0"
    price, level = (event.mantissa, event.exponent), levels.get(event.asset)
    if level is None or _near(price, level.price):
        return levels.set(event.asset, Level(price)), ""
    count = level.count + 1 if level.count and _near(price, level.candidate) else 1
    if count >= AGREEING:
        return levels.set(event.asset, Level(price)), ""
    reason = f"{_text(price)} is more than {BAND} times away from {_text(level.price)}, the price before it"
    return levels.set(event.asset, Level(level.price, price, count)), reason


def _near(one: tuple[int, int], other: tuple[int, int]) -> bool:
    least = min(one[1], other[1])
    first, second = (mantissa * int(10 ** (exponent - least)) for mantissa, exponent in (one, other))
    return first <= BAND * second and second <= BAND * first


def _text(price: tuple[int, int]) -> str:
    return f"{price[0]}e{price[1]}"
