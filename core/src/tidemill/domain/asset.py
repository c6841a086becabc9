"""Assets and amounts of them."""

from decimal import Decimal

from attrs import frozen

from tidemill.domain.ids import AssetId


@frozen
class Asset:
    """An asset. ``symbol`` is for people and can be forged; ``decimals`` places the point for display only.

    ``twin`` is the asset that this one is a one-to-one claim on (a deposit at a venue, an exchange's dollars): it is valued like it, but
    is another balance.
    """

    id: AssetId
    symbol: str
    decimals: int
    twin: AssetId | None = None


@frozen
class AssetAmount:
    """An amount of an asset in base units, as a setting such as ``"2_000 USDC"`` resolves to."""

    asset: AssetId
    amount: int


def amount_display(amount: int, decimals: int) -> Decimal:
    """Return base units as a decimal number of whole tokens, exactly."""
    sign, digits = int(amount < 0), tuple(int(digit) for digit in str(abs(amount)))
    return Decimal((sign, digits, -decimals))
