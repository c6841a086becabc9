"""A plugin of a soak: a strategy and a risk check that raise at heights that a script names."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from tidemill import Allowance, BookState, Opportunity, Plan, Rejected, RiskCheck, Snapshot, Strategy, hookimpl
from tidemill.domain.ids import ChainId

CHAIN = ChainId("sim:1")
CHOSEN: dict[str, Any] = json.loads(os.environ.get("SOAK", "{}"))
LIMIT = 10**60
"""More than there is of anything."""


class FaultyStrategy(Strategy):
    """Has no ideas."""

    name: ClassVar[str] = "soak_faulty"

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        _raise_by_script("strategy", snapshot)
        return iter(())


class FaultyRisk(RiskCheck):
    """Limits nothing."""

    name: ClassVar[str] = "soak_faulty"

    def allow(self, opportunity: Opportunity, book: BookState, snapshot: Snapshot) -> Allowance | Rejected:
        _raise_by_script("risk", snapshot)
        return Allowance(opportunity.asset, LIMIT, LIMIT, LIMIT)

    def check(self, plan: Plan, book: BookState, snapshot: Snapshot) -> Rejected | None:
        return None


def _raise_by_script(kind: str, snapshot: Snapshot) -> None:
    # The runs that only bring a soak to its end have no script
    if not CHOSEN:
        return
    height = snapshot.head(CHAIN).height
    drawn = hashlib.sha256(f"{CHOSEN['seed']}:{kind}:{height}".encode()).digest()
    if int.from_bytes(drawn[:8], "big") % 1_000_000 < CHOSEN[f"{kind}_ppm"]:
        raise RuntimeError(f"by the script, at {height}")


@hookimpl
def tidemill_register_strategies() -> Sequence[type[Strategy]]:
    """Return the strategy."""
    return [FaultyStrategy]


@hookimpl
def tidemill_register_risks() -> Sequence[type[RiskCheck]]:
    """Return the risk check."""
    return [FaultyRisk]
