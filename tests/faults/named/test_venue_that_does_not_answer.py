"""Broadcasts that time out, transactions that are dropped, replacements that race: the same bytes go out, and one of a slot counts."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.faults.live_stand import Stand, live_stand
from tests.faults.named.altered import altered, check_books, included, signed_for, ways
from tidemill.domain.intent import IntentRecord, IntentState

LOGGED = """
import json
from tidemill.errors import OutcomeUnknown
real, first, others, sent = module.SimLink.broadcast, [], [], open("broadcasts", "a", buffering=1)

async def broadcast(self, signed):
    sent.write(json.dumps([signed.plan, signed.ref.tx]) + "\\n")
    if not first:
        first.append(signed)
    if signed.ref.tx != first[0].ref.tx:
        others.append(signed)
    await deliver(self, signed)

module.SimLink.broadcast = broadcast
"""
"""Writes down each broadcast, and leaves to ``deliver`` what comes of it; ``first`` has the run's first one, ``others`` what followed."""
ACCEPTED = """
async def deliver(self, signed):
    await real(self, signed)
    raise OutcomeUnknown("no answer in time")
"""
NOT_ACCEPTED = """
tries = []
async def deliver(self, signed):
    tries.append(signed.ref.tx)
    if signed.ref.tx != first[0].ref.tx or tries.count(signed.ref.tx) > 1:
        await real(self, signed)
    else:
        raise OutcomeUnknown("no answer in time")
"""
GAP = """
async def deliver(self, signed):
    # Taken and forgotten, until one with a later nonce waits for it
    if signed.ref.tx != first[0].ref.tx or others:
        await real(self, signed)
"""
ORIGINAL_WINS = """
async def deliver(self, signed):
    if signed.plan != first[0].plan:
        await real(self, signed)
    elif signed.ref.tx != first[0].ref.tx:
        await real(self, first[0])
"""
REPLACEMENT_WINS = """
async def deliver(self, signed):
    if signed.plan != first[0].plan:
        await real(self, signed)
    elif signed.ref.tx != first[0].ref.tx:
        await real(self, first[0])
        await real(self, signed)
"""


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """One stand for all: each test leaves it with books that are the chain's."""
    with live_stand(tmp_path_factory.mktemp("unanswered")) as stand:
        yield stand


def ran(stand: Stand, deliver: str, blocks: int) -> tuple[IntentRecord, ...]:
    """Run with broadcasts delivered in a chosen way; return the transactions of that run, in order."""
    before = len(stand.booked().intents) if (stand.folder / "data").exists() else 0
    (stand.folder / "broadcasts").unlink(missing_ok=True)
    status, _, err = stand.run("--blocks", str(blocks), first=altered({"tidemill_chain_sim.link": LOGGED + deliver}))
    assert 0 == status, err
    return stand.booked().intents[before:]


def broadcasts(folder: Path) -> list[str]:
    """Return the names of what was broadcast in the last run, in order."""
    return [json.loads(line)[1] for line in (folder / "broadcasts").read_text("utf-8").splitlines()]


def signed_once(stand: Stand, records: Sequence[IntentRecord]) -> bool:
    """Whether each transaction was signed exactly once."""
    return all([one.tx] == signed_for(stand, one.number) for one in records)


def test_submit_that_times_out_and_was_accepted(stand: Stand) -> None:
    """Nobody says that it arrived: the chain is asked before anything else is done, so that nothing goes out a second time."""
    records = ran(stand, ACCEPTED, 30)
    sent = broadcasts(stand.folder)

    assert len(records) > 1
    assert sorted(set(sent)) == sorted(sent)
    assert {one.tx for one in records} == set(sent) <= set(included(stand))
    assert signed_once(stand, records)
    assert "sent, and not confirmed: no answer in time" in [step.reason for step in ways(stand, records[0].number)]
    check_books(stand)


def test_submit_that_times_out_and_was_not_accepted(stand: Stand) -> None:
    """It is unknown, no failure; then the very same bytes go out again, and the chain has them once."""
    first, *_ = records = ran(stand, NOT_ACCEPTED, 40)
    way = [step.state for step in ways(stand, first.number)]

    assert [IntentState.PLANNED, IntentState.SIGNED, IntentState.BROADCAST, IntentState.UNKNOWN] == way[:4]
    assert way[-1] in (IntentState.FINAL, IntentState.REVERTED)
    assert 2 == broadcasts(stand.folder).count(first.tx)
    assert 1 == included(stand).count(first.tx)
    assert signed_once(stand, records)
    check_books(stand)


def test_nonce_gap_is_seen_and_filled_and_what_waits_behind_it_is_not_signed_again(stand: Stand) -> None:
    """A transaction is dropped while one with the next nonce waits: the gap is filled by the same bytes, and the other one lands behind."""
    first, second, *_ = records = ran(stand, GAP, 40)
    unknown = next(step.since for step in ways(stand, first.number) if step.state is IntentState.UNKNOWN)
    chain = included(stand)

    assert int(second.slot.removeprefix("nonce:")) == int(first.slot.removeprefix("nonce:")) + 1
    assert unknown - first.height <= 10
    assert [first.tx, second.tx] == [tx for tx in chain if tx in (first.tx, second.tx)]
    assert signed_once(stand, records)
    check_books(stand)


@pytest.mark.parametrize("deliver", [ORIGINAL_WINS, REPLACEMENT_WINS], ids=["the original wins", "the replacement wins"])
def test_replacement_that_races_with_its_original(deliver: str, stand: Stand) -> None:
    """Both are out at once: the chain takes one of them, which is counted, and the other one is replaced."""
    records = ran(stand, deliver, 50)
    (replacement,) = (one for one in records if one.replaces)
    original = next(one for one in records if one.number == replacement.replaces)
    won, lost = (original, replacement) if deliver is ORIGINAL_WINS else (replacement, original)
    chain = included(stand)

    assert (original.slot, original.plan) == (replacement.slot, replacement.plan)
    assert (1, 0) == (chain.count(won.tx), chain.count(lost.tx))
    assert won.state in (IntentState.FINAL, IntentState.REVERTED)
    assert (IntentState.REPLACED, f"transaction {won.number} ({won.tx}) took its slot") == (lost.state, lost.reason)
    assert signed_once(stand, [original, replacement])
    check_books(stand)
