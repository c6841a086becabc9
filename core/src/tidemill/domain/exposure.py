"""What stands open because legs that belong together did not all fill."""

from collections.abc import Mapping
from typing import Literal

from attrs import frozen

from tidemill.domain.ids import AssetId, BookId, ChainId, PlanId, chain_of

Changes = tuple[tuple[AssetId, int], ...]
"""Signed base units per asset, sorted by asset, zeros left out."""

GroupState = Literal["planned", "complete", "exposed", "unwinding", "unwound", "kept", "failed"]
"""How far a group has come.

``planned``: its legs are out. ``exposed``: what some legs changed has no counterpart. ``unwinding``: the way back is out.
The others end it: ``complete``: all legs filled; ``unwound``: nothing stands open any more; ``kept``: it stays as it is; ``failed``: no
leg filled.
"""

ENDED_GROUPS: frozenset[GroupState] = frozenset({"complete", "unwound", "kept", "failed"})
"""States after which nothing more is done about a group; a rollback may still reopen it."""


@frozen
class Exposure:
    """What one group holds without its counterpart, for one book.

    ``amounts`` are signed base units per asset: what came in and what went out for it. ``unproven`` are legs of which nobody knows yet
    whether they filled: they may add to it. ``since_ns`` is the batch time at which it began, ``reason`` why, in a sentence.
    """

    group: PlanId
    book: BookId
    strategy: str
    state: GroupState
    amounts: Changes
    unproven: tuple[PlanId, ...]
    since_ns: int
    reason: str


def summed(*parts: Changes) -> Changes:
    """Return the sum of balance changes per asset."""
    total: dict[AssetId, int] = {}
    for part in parts:
        for asset, amount in part:
            total[asset] = total.get(asset, 0) + amount
    return tuple((asset, amount) for asset, amount in sorted(total.items()) if amount)


def standing_open(changes: Changes) -> Changes:
    """Return what of balance changes has no counterpart: chains on which one asset came in for another that went out.

    Where only something came in it is a gain, where only something went out a loss: neither can be turned back.
    """
    signs: Mapping[ChainId, set[bool]] = {chain_of(asset): set() for asset, _ in changes}
    for asset, amount in changes:
        signs[chain_of(asset)].add(amount > 0)
    return tuple((asset, amount) for asset, amount in changes if len(signs[chain_of(asset)]) > 1)
