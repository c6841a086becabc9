"""The blocks of each chain as a run was told them, and whether what a node says of a transaction agrees with them."""

from collections.abc import Mapping, Sequence

from attrs import evolve

from tidemill.domain.events import Event, OutcomeSeen
from tidemill.domain.ids import ChainId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.ledger.reconcile import INCLUDED

KEPT_BLOCKS = 256
"""So many heights below the newest one are remembered; what an older block held is believed."""


class KnownBlocks:
    """Remembers block hashes by height, as the newest batches told them."""

    def __init__(self) -> None:
        self._hashes: dict[ChainId, dict[int, str]] = {}
        self._heads: dict[ChainId, int] = {}

    def saw(self, chain: ChainId, height: int, block_hash: str) -> None:
        """Take in a new head: blocks above it are part of the chain no more."""
        known = self._hashes.setdefault(chain, {})
        self._heads[chain] = height
        for other in [one for one in known if one >= height or one < height - KEPT_BLOCKS]:
            del known[other]
        if block_hash:
            known[height] = block_hash

    def forget(self, chain: ChainId, above: int) -> None:
        """Believe nodes again about blocks above a height: a chain went back, or it may have where some of it was missed."""
        known = self._hashes.get(chain, {})
        for height in [one for one in known if one > above]:
            del known[height]

    def believed(self, record: IntentRecord, answer: Outcome) -> tuple[Outcome | None, str]:
        """Return what counts of an answer, and why it cannot be true where it cannot.

        None: nothing is known yet, or what is known stays. A block above our head is one that we have not been told of, or one that was
        dropped: the batch that brings its height decides.
        """
        if answer.status not in INCLUDED:
            return answer, ""
        if answer.height > self._heads.get(record.chain, answer.height):
            return None, ""
        known = self._hashes.get(record.chain, {}).get(answer.height, "")
        if not answer.block_hash or known in ("", answer.block_hash):
            return answer, ""
        reason = f"block {answer.block_hash} is no part of the chain: at height {answer.height} stands {known}"
        if record.state is IntentState.SEEN:
            return None, reason
        unknown = evolve(answer, status=OutcomeStatus.UNKNOWN, block_hash="", fills=(), changes=(), cost=0, reason=reason, proof="")
        return unknown, reason


class ToldBlocks:
    """Remembers in which block each of our seen transactions stood when the core was last told of it."""

    def __init__(self) -> None:
        self._stands: dict[ChainId, dict[int, str]] = {}

    def moved(self, chain: ChainId, kept: Sequence[IntentRecord], answers: Mapping[int, Outcome]) -> list[Event]:
        """Return the outcomes of seen transactions that stand in another block than the core was told of, at the same height.

        Who was not there when a chain went back, or heard only of a gap, is told so by nobody else. The first time in a run all are told.

        Args:
            chain: whose transactions these are.
            kept: all of them that are open: the others are forgotten.
            answers: what the chain said of them, by number.
        """
        before = self._stands.get(chain, {})
        now: dict[int, str] = {}
        moved: list[Event] = []
        for record in kept:
            answer, stood = answers.get(record.number), before.get(record.number)
            stands = answer.block_hash if answer is not None and answer.status in INCLUDED else stood
            if stands is not None:
                now[record.number] = stands
            if answer is None or answer.status not in INCLUDED or answer.block_hash == stood:
                continue
            if record.flow and record.state is IntentState.SEEN and record.since == answer.height:
                moved.append(OutcomeSeen(record.plan, answer))
        self._stands[chain] = now
        return moved
