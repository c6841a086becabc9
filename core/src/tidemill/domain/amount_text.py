"""Amounts as text for people, by integers alone: no size overflows, and no decimal context has a say."""

PLACES = 6
LEAST_PLACES = 2


def amount_text(amount: int, decimals: int, *, places: int = PLACES, sign: bool = False) -> str:
    """Return base units as whole tokens: ``2,140.00``, ``-0.001234``; with ``sign`` a plus before what is positive.

    Rounded to ``places`` digits after the point, halves away from zero; zeros at the end are left out down to two digits. What would
    round to nothing is written in full, so that a gain never reads as none.
    """
    size, shown = abs(amount), min(places, decimals)
    unit = 10 ** (decimals - shown)
    rounded = (size + unit // 2) // unit
    if amount and not rounded:
        shown, rounded = decimals, size
    whole, rest = divmod(rounded, 10**shown)
    digits = f"{rest:0{shown}d}".rstrip("0").ljust(min(LEAST_PLACES, shown), "0") if shown else ""
    prefix = "-" if amount < 0 else "+" if sign and amount else ""
    return f"{prefix}{whole:,}.{digits}" if digits else f"{prefix}{whole:,}"
