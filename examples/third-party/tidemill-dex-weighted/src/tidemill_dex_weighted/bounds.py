"""What numbers a weighted pool can have: whatever lies outside was not told by one."""

from collections.abc import Sequence

from tidemill.errors import DecodeError
from tidemill_evm.abi import Value

from tidemill_dex_weighted.formula import ONE

MAX_BALANCE = (1 << 112) - 1
"""Base units; the Vault refuses what would make a balance larger."""
MIN_WEIGHT = ONE // 100
"""The contract refuses a weight below 1 %."""
MAX_DECIMALS = 18
"""Tokens of more decimals have no place in a pool."""
TOKENS = range(2, 9)
"""How many tokens a pool can have."""


def numbers(values: Value, count: int, what: str) -> tuple[int, ...]:
    """Return an array of ``count`` decoded numbers.

    Raises:
        DecodeError: there are more or fewer.
    """
    if isinstance(values, int | str | bytes) or len(values) != count:
        raise DecodeError(f"expected {count} {what}, found {values!r}")
    return tuple(value for value in values if isinstance(value, int))


def checked_balances(balances: Sequence[int]) -> tuple[int, ...]:
    """Return balances, base units, each from 0 to ``MAX_BALANCE``.

    Raises:
        DecodeError: one is not.
    """
    if not all(0 <= balance <= MAX_BALANCE for balance in balances):
        raise DecodeError(f"expected balances from 0 to {MAX_BALANCE}, found {tuple(balances)}")
    return tuple(balances)


def checked_weights(weights: Sequence[int]) -> tuple[int, ...]:
    """Return weights, parts of ``ONE``, none below ``MIN_WEIGHT``, together ``ONE``.

    Raises:
        DecodeError: they are not such.
    """
    if min(weights) < MIN_WEIGHT or sum(weights) != ONE:
        raise DecodeError(f"expected weights of at least {MIN_WEIGHT} that come to {ONE}, found {tuple(weights)}")
    return tuple(weights)


def checked_fee(fee: Value) -> int:
    """Return a fee, a part of ``ONE`` below all of it.

    Raises:
        DecodeError: it is none.
    """
    if not (isinstance(fee, int) and 0 <= fee < ONE):
        raise DecodeError(f"expected a fee from 0 to below {ONE}, found {fee!r}")
    return fee


def scale_of(decimals: Value) -> int:
    """Return what a base unit of a token counts with ``MAX_DECIMALS`` decimals.

    Raises:
        DecodeError: no pool takes a token of so many decimals.
    """
    if not (isinstance(decimals, int) and 0 <= decimals <= MAX_DECIMALS):
        raise DecodeError(f"expected at most {MAX_DECIMALS} decimals, found {decimals!r}")
    return int(10 ** (MAX_DECIMALS - decimals))
