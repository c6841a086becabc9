"""``x ** y`` with 18 decimals, to the digit as Balancer's contracts compute it.

Source of method and constants: ``LogExpMath`` of balancer-v2-monorepo (``pkg/solidity-utils/contracts/math``), written anew from its
published description. ``x ** y = exp(y * ln(x))``; both series start from powers of e whose exponents are powers of two. Every division
drops the remainder, towards zero. Signs are carried apart from magnitudes here, so that ``//`` does the same.
"""

E18 = 10**18
E20 = 10**20
E36 = 10**36

NEAR_ONE = (E18 - 10**17, E18 + 10**17)
"""Between these, both excluded, ``ln`` is taken with 36 decimals instead of 18."""
LARGE_POWERS = ((128 * E18, 38877084059945950922200 * 10**33), (64 * E18, 6235149080811616882910 * 10**6))
"""(n with 18 decimals, e**n without decimals), n = 128 and 64, largest first."""
POWERS = (
    (32 * E20, 78962960182680695161 * 10**14),
    (16 * E20, 888611052050787263676 * 10**6),
    (8 * E20, 298095798704172827474 * 10**3),
    (4 * E20, 5459815003314423907810),
    (2 * E20, 738905609893065022723),
    (E20, 271828182845904523536),
    (E20 // 2, 164872127070012814685),
    (E20 // 4, 128402541668774148407),
    (E20 // 8, 113314845306682631683),
    (E20 // 16, 106449445891785942956),
)
"""(n, e**n), both with 20 decimals, n from 32 to 1/16, largest first."""
EXP_POWERS = POWERS[:8]
"""Those that ``exp`` divides out, down to n = 1/4; its series takes the rest."""


def power(base: int, exponent: int) -> int:
    """Return ``base ** exponent``, all three with 18 decimals; relative error below 10**-14, to either side.

    ``base`` > 0 and ``exponent`` >= 0, with ``exponent * ln(base)`` from -41 to 130: the contract reverts outside. Pools stay well inside,
    since no weight is below 1 % and no swap moves a balance by more than 30 %.
    """
    if NEAR_ONE[0] < base < NEAR_ONE[1]:
        above, log36 = _ln36(base)
        whole, rest = divmod(log36, E18)
        product = (whole * exponent + rest * exponent // E18) // E18
    else:
        above = base >= E18
        product = _ln(base if above else E36 // base) * exponent // E18
    return _exp(product) if above else E36 // _exp(product)


def _ln(value: int) -> int:
    """Return ``ln(value)``, both with 18 decimals, rounded down; ``value`` is at least one."""
    whole = 0
    for exponent, large in LARGE_POWERS:
        if value >= large * E18:
            value //= large
            whole += exponent
    value, whole = value * 100, whole * 100
    for exponent, large in POWERS:
        if value >= large:
            value = value * E20 // large
            whole += exponent
    return (whole + 2 * _odd_series((value - E20) * E20 // (value + E20), 11, E20)) // 100


def _ln36(value: int) -> tuple[bool, int]:
    """Return whether ``value`` (18 decimals, near one) is at least one, and the magnitude of its logarithm with 36 decimals."""
    above = value >= E18
    return above, 2 * _odd_series(abs(value - E18) * E18 * E36 // ((value + E18) * E18), 15, E36)


def _odd_series(z: int, last: int, one: int) -> int:
    """Return ``z + z**3 / 3 + z**5 / 5 + …`` up to the power ``last``: half of ``ln((1 + z) / (1 - z))``; ``one`` is the scale."""
    square, total, term = z * z // one, z, z
    for divisor in range(3, last + 1, 2):
        term = term * square // one
        total += term // divisor
    return total


def _exp(value: int) -> int:
    """Return ``e ** value``, both with 18 decimals, rounded down; ``value`` from 0 to 130."""
    factor = 1
    for exponent, large in LARGE_POWERS:
        if value >= exponent and factor == 1:
            value, factor = value - exponent, large
    value, product = value * 100, E20
    for exponent, large in EXP_POWERS:
        if value >= exponent:
            value -= exponent
            product = product * large // E20
    term = total = E20
    for divisor in range(1, 13):
        term = term * value // E20 // divisor
        total += term
    return product * total // E20 * factor // 100
