"""How memory grows over a soak: a least squares line through samples of what a process held, the same slope for all runs."""

from collections.abc import Iterable, Sequence

from attrs import frozen

BLOCKS_AN_HOUR = 1_800
WARM_UP_BLOCKS = 2 * BLOCKS_AN_HOUR
"""What a run takes in its first simulated hours is what it needs: history, pages of its ledger, signatures that are remembered."""
_MB = 1_000_000


@frozen
class Sample:
    """What the process of a run held at a height, and what its signer's did, in bytes."""

    run: int
    height: int
    held: int
    signer: int


def warm(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Return the samples of each run from when it was warm."""
    samples = tuple(samples)
    begun = {run: min(one.height for one in samples if one.run == run) for run in {one.run for one in samples}}
    return tuple(one for one in samples if one.height - begun[one.run] >= WARM_UP_BLOCKS)


def slope(samples: Sequence[Sample]) -> float | None:
    """Return by how many megabytes (10^6 bytes) an hour of simulated time what is held grows.

    Each run is a process of its own and begins where it begins: deviations are those from a run's own mean, the slope is that of all of
    them. None where there are fewer than two samples of every run.
    """
    across, along = 0.0, 0.0
    for run in sorted({one.run for one in samples}):
        own = [one for one in samples if one.run == run]
        height = sum(one.height for one in own) / len(own)
        held = sum(one.held for one in own) / len(own)
        across += sum((one.height - height) * (one.held - held) for one in own)
        along += sum((one.height - height) ** 2 for one in own)
    return across / along * BLOCKS_AN_HOUR / _MB if along else None
