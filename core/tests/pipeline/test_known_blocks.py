"""Which answers of a node a run believes: those whose block is in the chain as it was told."""

from attrs import evolve

from tidemill.domain.ids import ChainId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.pipeline.known_blocks import KEPT_BLOCKS, KnownBlocks
from tidemill_testing.conformance.intents import planned

SIM = ChainId("sim:1")


def record(state: IntentState = IntentState.BROADCAST) -> IntentRecord:
    """A transaction of ours in a state."""
    return evolve(planned(1), chain=SIM, state=state, tx="0xaa", raw=b"\x01")


def filled(height: int, block_hash: str) -> Outcome:
    """A receipt of some block."""
    return Outcome(OutcomeStatus.FILLED, height, block_hash, cost=5, proof="0xaa")


def known(*heights: int) -> KnownBlocks:
    """What is known after these heads, each with a hash of its own."""
    blocks = KnownBlocks()
    for height in heights:
        blocks.saw(SIM, height, f"0x{height}")
    return blocks


def test_receipt_of_a_known_block_counts() -> None:
    """Its hash is the one that was told at that height."""
    assert (filled(7, "0x7"), "") == known(6, 7).believed(record(), filled(7, "0x7"))


def test_receipt_of_another_block_leaves_it_unknown() -> None:
    """A block that is not in the chain proves nothing; one that was seen before keeps what is known of it."""
    counts, reason = known(6, 7).believed(record(), filled(7, "0xother"))
    kept, same = known(6, 7).believed(record(IntentState.SEEN), filled(7, "0xother"))

    assert counts is not None
    assert (OutcomeStatus.UNKNOWN, 0, (), "") == (counts.status, counts.cost, counts.changes, counts.proof)
    assert "block 0xother is no part of the chain: at height 7 stands 0x7" == reason == same
    assert kept is None


def test_receipt_above_the_head_waits_for_its_block() -> None:
    """The batch that brings the height decides."""
    assert (None, "") == known(6, 7).believed(record(), filled(8, "0x8"))


def test_receipt_of_a_height_that_nobody_told_counts() -> None:
    """Nothing speaks against it: before the first head, of a block older than this run, or without a hash."""
    for blocks, answer in ((KnownBlocks(), filled(3, "0x3")), (known(6), filled(3, "0xany")), (known(6), filled(6, ""))):
        assert (answer, "") == blocks.believed(record(), answer)


def test_answers_that_name_no_block_of_ours_count() -> None:
    """Dead and unknown are about no receipt."""
    dead = Outcome(OutcomeStatus.DEAD, 9, "0xwhatever")
    assert (dead, "") == known(6, 7).believed(record(), dead)


def test_head_below_forgets_the_blocks_above_it() -> None:
    """A chain that went back is told anew, and blocks of long ago are forgotten."""
    blocks = known(6, 7, 8)
    blocks.saw(SIM, 7, "0xnew")

    assert (None, "") == blocks.believed(record(), filled(8, "0x8"))
    assert "0xnew" in blocks.believed(record(), filled(7, "0x7"))[1]
    blocks.saw(SIM, 7 + KEPT_BLOCKS + 1, "0xlater")
    assert (filled(7, "0x7"), "") == blocks.believed(record(), filled(7, "0x7"))
