"""A transaction that bears a block hash never lands: it is dead once the last height at which it could is final, and not before."""

from pathlib import Path

from tests.faults.live_stand import live_stand
from tests.faults.named.altered import altered, check_books, included, signed_for, ways
from tidemill.domain.intent import IntentState
from tidemill_simworld.envelope import open_signed

DEPTH = 3
LOST = """
real, first = module.SimLink.broadcast, []

async def broadcast(self, signed):
    first.append(signed.ref.tx)
    if signed.ref.tx != first[0]:
        await real(self, signed)

module.SimLink.broadcast = broadcast
"""


def test_block_hash_expires_before_the_transaction_lands(tmp_path: Path) -> None:
    """Nothing else is signed in its place, its money stays reserved, until the chain has passed its last valid height for good."""
    with live_stand(tmp_path, accounts="svm", reorganisation_ppm=1, reorganisation_depth=DEPTH) as stand:
        status, _, err = stand.run("--blocks", "75", first=altered({"tidemill_chain_sim.link": LOST}))
        booked = stand.booked()
        first = booked.intents[0]
        last_valid = open_signed(first.raw).sealed.last_valid
        way = ways(stand, first.number)
        of_plan = [one for one in booked.intents if one.plan == first.plan]
        on_chain = included(stand)

        assert 0 == status, err
        assert [IntentState.BROADCAST, IntentState.UNKNOWN] == [step.state for step in way[2:4]]
        assert (IntentState.DEAD, last_valid) == (way[-1].state, way[-1].since)
        assert f"it could be included up to height {last_valid}, and is in no block that stays" == first.reason
        assert [first] == of_plan
        assert [first.tx] == signed_for(stand, first.number)
        assert first.tx not in on_chain
        assert len(on_chain) > 1
        check_books(stand)
