"""What R8 forbids: each line that ends in `wrong` makes a float out of an amount."""

import math
from math import sqrt  # wrong
from pathlib import Path

FEE = 0.003  # wrong


def amount_out(amount: int, reserve_in: int, reserve_out: int) -> int:
    net = amount * 997
    price = reserve_out / reserve_in  # wrong
    screened = float(amount)  # wrong
    root = math.sqrt(reserve_in * reserve_out)  # wrong
    other = sqrt(amount)
    tiny = 10**-18  # wrong
    return int(net * price + screened + root + other + tiny)


def exact_out(amount: int, reserve_in: int, reserve_out: int) -> int:
    return amount * 997 * reserve_out // (reserve_in * 1_000 + amount * 997) + math.isqrt(0)


def ledger_file(folder: Path) -> Path:
    return folder / "ledger.db"
