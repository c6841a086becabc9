"""What goes wrong between us and the chain, by the settings' chances: a script that the seed and the height have written beforehand.

Asked again about the same height and the same transaction, the same happens; whoever asks, and however often.
"""

from attrs import frozen

from tidemill_chain_sim.settings import SimSettings
from tidemill_simworld import Stream


@frozen
class Faults:
    """The script of one chain. ``tx`` names a transaction; heights are those of the head, unless they say otherwise."""

    seed: int
    chosen: SimSettings

    def is_lost(self, height: int, tx: str) -> bool:
        """Whether a broadcast never arrives."""
        return self._happens(self.chosen.broadcast_lost_ppm, "broadcast lost", height, tx)

    def is_unanswered(self, height: int, tx: str) -> bool:
        """Whether nobody learns what became of a broadcast."""
        return self._happens(self.chosen.broadcast_unknown_ppm, "broadcast unknown", height, tx)

    def delay(self, height: int, tx: str) -> int:
        """Return how many blocks a broadcast is late, 0 mostly."""
        return self._amount(self.chosen.broadcast_late_ppm, self.chosen.broadcast_late_blocks, "broadcast late", height, tx)

    def is_forgotten(self, height: int, fork: int, tx: str) -> bool:
        """Whether a transaction that waits is forgotten right before the block of this height is mined for the ``fork``-th time again."""
        return self._happens(self.chosen.forgotten_ppm, "forgotten", height, fork, tx)

    def age(self, height: int, tx: str) -> int:
        """Return how many blocks old the outcome is that is told of a transaction, 0 mostly."""
        return self._amount(self.chosen.outcome_old_ppm, self.chosen.outcome_old_blocks, "outcome old", height, tx)

    def outage(self, height: int, fork: int) -> int:
        """Return how many questions fail after this block, 0 mostly."""
        return self._amount(self.chosen.outage_ppm, self.chosen.outage_asks, "outage", height, fork)

    def answer_is_lost(self, height: int, number: int) -> bool:
        """Whether the ``number``-th answer over the socket after this block never comes."""
        return self._happens(self.chosen.answer_lost_ppm, "answer lost", height, number)

    def answer_delay_ms(self, height: int, number: int) -> int:
        """Return how late the ``number``-th answer over the socket after this block is, 0 mostly."""
        return self._amount(self.chosen.answer_late_ppm, self.chosen.node_timeout_ms * 3 // 2, "answer late", height, number)

    def answer_is_twice(self, height: int, number: int) -> bool:
        """Whether the ``number``-th answer over the socket after this block comes twice, behind an older one."""
        return self._happens(self.chosen.answer_twice_ppm, "answer twice", height, number)

    def _happens(self, ppm: int, *labels: str | int) -> bool:
        return ppm > 0 and Stream(self.seed, *labels).chance(ppm)

    def _amount(self, ppm: int, most: int, *labels: str | int) -> int:
        if not ppm:
            return 0
        draw = Stream(self.seed, *labels)
        return draw.between(1, most) if draw.chance(ppm) else 0
