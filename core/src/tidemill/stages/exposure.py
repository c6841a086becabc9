"""What legs without their counterpart may come to be worth, and whether a new group may add to it."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from tidemill.domain.answers import NoPrice, Rejected
from tidemill.domain.asset import AssetAmount
from tidemill.domain.exposure import Changes, standing_open, summed
from tidemill.domain.ids import AssetId
from tidemill.domain.snapshot import Snapshot
from tidemill.stages.groups import Stake

MAX_LEGS = 8
"""More legs than this may not go together: every part of them that may fill without the rest is looked at."""


def worth(changes: Changes, unit: AssetId, view: Snapshot) -> int | NoPrice:
    """Return what stands one-sided is worth in ``unit``: the greater of what came in and what went out, rounded up."""
    came = went = 0
    for asset, amount in changes:
        value = view.value(asset, -abs(amount), unit)
        if isinstance(value, NoPrice):
            return value
        came, went = (came - value, went) if amount > 0 else (came, went - value)
    return max(came, went)


def worst(stake: Stake, unit: AssetId, view: Snapshot) -> int | NoPrice:
    """Return the most that a group may come to hold one-sided, in ``unit``: whichever part of its pending legs fills."""
    found = 0
    for part in _parts(stake):
        value = worth(standing_open(summed(stake.settled, *part)), unit, view)
        if isinstance(value, NoPrice):
            return value
        found = max(found, value)
    return found


def refused_exposure(legs: Sequence[Changes], stakes: Sequence[Stake], limit: AssetAmount | None, view: Snapshot) -> Rejected | None:
    """Say whether a new group with these legs may leave beside what is open: the rule is ``exposure``.

    Args:
        legs: what each leg changes if it fills.
        stakes: what groups that are out, exposed or kept may hold one-sided.
        limit: the most that all of them together may be worth; None: there is no limit set, and no group may leave.
        view: where it is valued.
    """
    if limit is None or not limit.amount:
        return Rejected("exposure", 'legs that are not atomic together need a limit: set max_exposure in [execution], such as "1_000 USDC"')
    if len(legs) > MAX_LEGS:
        text = f"{len(legs)} legs are too many to go together, at most {MAX_LEGS} may"
        return Rejected("exposure", text, (("legs", len(legs)), ("limit", MAX_LEGS)))
    own = worst(Stake((), tuple(legs), whole=True), limit.asset, view)
    others = [worst(stake, limit.asset, view) for stake in stakes]
    unvalued = next((one for one in (own, *others) if isinstance(one, NoPrice)), None)
    if unvalued is not None:
        return Rejected("exposure", f"what may stand open cannot be valued in {limit.asset}: {unvalued.detail}")
    is_open = sum(one for one in others if isinstance(one, int))
    total = is_open + (own if isinstance(own, int) else 0)
    if total <= limit.amount:
        return None
    unit = limit.asset
    open_text = f" ({is_open} of {unit} by what is out)" if is_open else ""
    text = f"{total} of {unit} might stand without a counterpart{open_text}, the limit is {limit.amount} of {unit}"
    return Rejected("exposure", text, (("exposure", total), ("limit", limit.amount), ("open", is_open)))


def _parts(stake: Stake) -> Iterator[tuple[Changes, ...]]:
    """Yield every part of the pending legs that may fill without the rest."""
    most = len(stake.pending) - (1 if stake.whole else 0)
    for count in range(most + 1):
        yield from combinations(stake.pending, count)
