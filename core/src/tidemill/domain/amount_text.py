"""Amounts as text for people, by integers alone: no size overflows, and no decimal context has a say."""

PLACES = 6
LEAST_PLACES = 2


def amount_text(amount: int, decimals: int, *, places: int = PLACES, sign: bool = False) -> str:
    """Return base units as whole tokens: ``2,140.00``, ``-0.001234``; with ``sign`` a plus before what is positive.

    Cut after ``places`` digits behind the point, which rounds towards zero: nobody reads of more than there is, and a balance as it is
    shown can be spent. Zeros at the end are left out down to two digits. What would be cut to nothing is written in full, so that neither
    a gain nor a loss ever reads as none.
    """
    size, shown = abs(amount), min(places, decimals)
    cut = size // 10 ** (decimals - shown)
    if amount and not cut:
        shown, cut = decimals, size
    whole, rest = divmod(cut, 10**shown)
    digits = f"{rest:0{shown}d}".rstrip("0").ljust(min(LEAST_PLACES, shown), "0") if shown else ""
    prefix = "-" if amount < 0 else "+" if sign and amount else ""
    return f"{prefix}{whole:,}.{digits}" if digits else f"{prefix}{whole:,}"


def exact_text(amount: int, decimals: int) -> str:
    """Return base units as whole tokens with every digit that counts, and no other: ``1000``, ``0.05``, ``-0.000000000000000001``."""
    whole, rest = divmod(abs(amount), 10**decimals)
    digits = f"{rest:0{decimals}d}".rstrip("0") if rest else ""
    return f"{'-' if amount < 0 else ''}{whole}{'.' if digits else ''}{digits}"
