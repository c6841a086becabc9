"""Assets and amounts of them."""

from decimal import Decimal
from typing import Literal

from attrs import evolve, frozen

from tidemill.domain.ids import AssetId

Transfers = Literal["unknown", "sound", "taxed", "rebasing", "broken"]
"""What becomes of an amount that is sent: nobody looked, it arrives in full, less a fee, changes by itself, or may not arrive at all."""


@frozen
class Asset:
    """An asset. ``symbol`` is for people and can be forged; ``decimals`` places the point for display only.

    ``twin`` is the asset that this one is a one-to-one claim on (a deposit at a venue, an exchange's dollars): it is valued like it, but
    is another balance. ``transfers`` says whether an amount that is sent arrives, as the chain's plugin saw by simulating it, and
    ``transfers_note`` in a short phrase what was seen; both come with ``Found``, and a later ``Found`` that does not know takes nothing
    back. Assets that a chain's rules verify count as sound until something else is found.
    """

    id: AssetId
    symbol: str
    decimals: int
    twin: AssetId | None = None
    transfers: Transfers = "unknown"
    transfers_note: str = ""


def asset_after(known: Asset | None, found: Asset) -> Asset:
    """Return an asset as it is known once it was found again: all of it new, but what its transfers do only where that was looked at."""
    if known is None or found.transfers != "unknown" or known.transfers == "unknown":
        return found
    return evolve(found, transfers=known.transfers, transfers_note=known.transfers_note)


@frozen
class AssetAmount:
    """An amount of an asset in base units, as a setting such as ``"2_000 USDC"`` resolves to."""

    asset: AssetId
    amount: int


def amount_display(amount: int, decimals: int) -> Decimal:
    """Return base units as a decimal number of whole tokens, exactly."""
    sign, digits = int(amount < 0), tuple(int(digit) for digit in str(abs(amount)))
    return Decimal((sign, digits, -decimals))
