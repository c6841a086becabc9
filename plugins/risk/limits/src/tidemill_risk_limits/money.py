"""Amounts against limits that may be stated in another asset."""

from tidemill import AssetAmount, AssetId, Snapshot
from tidemill.domain.amount_text import amount_text
from tidemill.domain.answers import NoPrice, Rejected
from tidemill.domain.book import BookState

UNLIMITED = 1 << 256
"""Above any amount of a chain with 256-bit integers."""


def shown(amount: int, asset: AssetId, snapshot: Snapshot) -> str:
    """Write an amount for people: whole tokens and symbol where the asset is known, else base units and id."""
    known = snapshot.assets.get(asset)
    return f"{amount_text(amount, known.decimals)} {known.symbol}" if known is not None else f"{amount} {asset}"


def cap_in(limit: AssetAmount, asset: AssetId, rule: str, snapshot: Snapshot) -> int | Rejected:
    """Return how many base units of ``asset`` a limit allows, rounded down, or why that is not known."""
    cap = snapshot.value(limit.asset, limit.amount, asset)
    return unvalued(rule, asset, limit.asset, cap) if isinstance(cap, NoPrice) else cap


def cost_in(amount: int, asset: AssetId, unit: AssetId, rule: str, snapshot: Snapshot) -> int | Rejected:
    """Value what is spent (>= 0) in ``unit``, rounded up, or say why that is not known."""
    value = snapshot.value(asset, -amount, unit)
    return unvalued(rule, asset, unit, value) if isinstance(value, NoPrice) else -value


def unvalued(rule: str, asset: AssetId, unit: AssetId, why: NoPrice) -> Rejected:
    """Return the rejection of what cannot be compared with its limit."""
    return Rejected(rule, f"{rule} is stated in {unit}, and {asset} cannot be valued in it: {why.detail}")


def above(rule: str, what: str, found: int, limit: AssetAmount, snapshot: Snapshot) -> Rejected:
    """Return the rejection of an amount, already in the limit's asset, that exceeds it."""
    text = f"{what} {shown(found, limit.asset, snapshot)}, {rule} is {shown(limit.amount, limit.asset, snapshot)}"
    return Rejected(rule, text, (("found", found), ("limit", limit.amount)))


def open_value(book: BookState, unit: AssetId, snapshot: Snapshot) -> int | Rejected:
    """Return what of our own the book's plans in flight use, valued in ``unit``, each part rounded up; chain costs left out."""
    total = 0
    for plan in book.plans:
        for asset, amount in plan.reserved:
            value = cost_in(amount, asset, unit, "max_open", snapshot)
            if isinstance(value, Rejected):
                return value
            total += value
    return total


def reserved_of(book: BookState, asset: AssetId) -> int:
    """Return how much of an asset the plans in flight use, their cost left out."""
    return sum(amount for plan in book.plans for held, amount in plan.reserved if held == asset)
