"""What goes wrong in a soak, and when: all of it follows from the seed, so that two soaks of one seed are the same."""

from random import Random
from typing import Any

from attrs import frozen

SHORTEST_S, LONGEST_S = 5 * 3600, 9 * 3600
"""A run lasts between these, simulated; then another process takes its place."""
CHAIN: dict[str, Any] = {
    "reorganisation_ppm": 20_000,
    "reorganisation_depth": 2,
    "broadcast_lost_ppm": 30_000,
    "broadcast_late_ppm": 50_000,
    "broadcast_unknown_ppm": 1_000,
    "forgotten_ppm": 20_000,
    "outcome_old_ppm": 50_000,
    "outage_ppm": 10_000,
    "answer_lost_ppm": 20,
    "answer_twice_ppm": 20_000,
}
"""What the chain and its node do, as chances.

Answers that come late are left out: whether one that is about as late as ``node_timeout_ms`` still counts is up to the machine. Answers
that are lost, and broadcasts that are late, stand for them.
"""
FIRST = """\
from tidemill.signing import client
from tidemill_amm.concentrated.tick_math import sqrt_ratio_at_tick

client.AGAIN_S, client.RETURN_S = 0, 60
for tick in range(sqrt_ratio_at_tick.cache_info().maxsize):
    sqrt_ratio_at_tick(tick)
"""
"""What each run begins with.

The signer that came back is asked at once, not after a second by a clock that no seed knows. The cache of square roots is full, which it
would be after a week: until then it would seem to be a leak.
"""
STRATEGY_PPM, RISK_PPM = 10_000, 3_000
"""Chances that the plugin of each kind raises at a height."""


@frozen
class Part:
    """One run of a soak: how many blocks it lasts, and how many blocks before its end the signer is killed and another one started."""

    blocks: int
    signer_before_end: int


def parts(blocks: int, block_time_s: int, seed: int) -> tuple[Part, ...]:
    """Return the runs that together last so many blocks; two at least, so that one begins with what another left."""
    random = Random(f"soak {seed}")
    lengths: list[int] = []
    left = blocks
    while left > 0:
        length = min(left, random.randint(SHORTEST_S // block_time_s, LONGEST_S // block_time_s))
        if not lengths and length == left:
            length -= left // 3
        lengths.append(length)
        left -= length
    return tuple(Part(length, random.randint(1, max(1, length - 2))) for length in lengths)
