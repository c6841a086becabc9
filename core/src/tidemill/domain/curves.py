"""What a pool's curve says for an amount."""

from fractions import Fraction
from typing import Final

from tidemill.domain.pool import Curve
from tidemill.errors import UsageError

_BITS: Final = 64


def curve_out(curve: Curve, amount: int, *, round_up: bool = False) -> int:
    """Return what a curve says that selling ``amount`` pays, in base units of the asset bought.

    The segments' fractions are added exactly and rounded once, down unless ``round_up`` says otherwise: a quote ``out`` is within the
    curve's slack exactly where ``curve_out(…, round_up=True) - slack <= out <= curve_out(…) + slack``.

    Args:
        curve: segments from 0 on.
        amount: base units of the asset sold, 0 to the last ``in_to``.
        round_up: round up, not down.

    Raises:
        UsageError: the curve does not cover ``amount``.
    """
    last = curve.segments[-1].in_to if curve.segments else 0
    if not 0 <= amount <= last:
        raise UsageError(f"expected an amount that the curve covers, 0 to {last}, found {amount}")
    terms = []
    for segment in curve.segments:
        x = min(amount, segment.in_to) - segment.in_from
        if x <= 0:
            break
        terms.append((segment.a * x, segment.b + segment.c * x))
    # Exact fractions of many segments grow long. 64 binary digits of each decide, unless the sum is that near to an integer.
    low = sum((numerator << _BITS) // denominator for numerator, denominator in terms)
    if low >> _BITS == low + len(terms) >> _BITS and not round_up:
        return low >> _BITS
    if round_up and low - 1 >> _BITS == low + len(terms) - 1 >> _BITS:
        return (low - 1 >> _BITS) + 1
    exact = sum((Fraction(*term) for term in terms), Fraction(0))
    return exact.__ceil__() if round_up else exact.__floor__()
