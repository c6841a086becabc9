"""Reorganisations, reverts and answers that come twice or late: what the books hold at the end is what the chain holds."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.live_stand import Stand, live_stand
from tests.faults.named.altered import altered, check_books, included
from tidemill.domain.events import Head, Rollback
from tidemill.domain.intent import IntentState
from tidemill.tape.reader import TapeReader

DEEPEST = 12
GOES_BACK = """
import asyncio
from tidemill_chain_sim.client import NodeClient

real, depth, seen, began = module.SimLink.batches, {depth}, [], []

async def batches(self):
    node = NodeClient(self._settings.node)
    async for batch in real(self):
        yield batch
        began.append(batch.height)
        deep = batch.height - depth + 1
        if not seen and (mined := [one for one in node.statement({account!r}) if one.height == deep > began[0] and one.ok]):
            seen.extend(mined)
            node.reorganise(depth)
            with open("dropped", "w") as file:
                file.write(mined[0].tx)

module.SimLink.batches = batches
"""
"""Drops so many blocks as soon as a filled trade of ours is as deep as that."""


LIES_ABOUT_BLOCKS = """
import os
honest, included, told = module.SimLink.outcome, {{}}, []

async def outcome(self, signed):
    now = await honest(self, signed)
    old = included.setdefault(signed.ref.tx, now) if now.block_hash and now.changes else included.get(signed.ref.tx)
    if os.path.exists("dropped") and old is not None and len(told) < {lies} and old.block_hash != now.block_hash:
        told.append(old)
        return old
    return now

module.SimLink.outcome = outcome
"""
"""After the chain went back the node tells the old receipts so many times more, of a block that the chain does not have."""
TWICE_AND_LATE = """
real, before, calls = module.SimLink.outcome, {}, [0]

async def outcome(self, signed):
    now = await real(self, signed)
    last, before[signed.ref.tx] = before.get(signed.ref.tx, now), now
    calls[0] += 1
    return last if calls[0] % 3 == 1 else now

module.SimLink.outcome = outcome
"""
"""Each third answer is the one before it once more: twice the same, or one that is out of order."""


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A chain that goes back when it is told to, up to twelve blocks, and on which competitors stand before us."""
    # A chance above 0 is what lets a chain go back at all
    with live_stand(
        tmp_path_factory.mktemp("back"), reorganisation_ppm=1, reorganisation_depth=DEEPEST, competitor_share_ppm=500_000, front_ppm=500_000
    ) as stand:
        yield stand


@pytest.mark.parametrize("depth", [1, 3, DEEPEST])
def test_reorganisation_drops_a_filled_trade(depth: int, stand: Stand) -> None:
    """What was booked is taken back by entries of its own, the trade is in flight again, and a replay comes to the same ledger."""
    tape = f"depth-{depth}.tape"
    patch = GOES_BACK.format(depth=depth, account=stand.account)
    status, out, err = stand.run("--blocks", "60", "--record", tape, first=altered({"tidemill_chain_sim.link": patch}))
    assert 0 == status, err
    dropped = (stand.folder / "dropped").read_text("utf-8")
    (intent,) = (one for one in stand.booked().intents if one.tx == dropped)
    shown, replayed = stand.command("replay", tape, "--json")
    reversed_at = [row["height"] for row in rows_of(stand) if row.get("kind") == "reversal"]

    assert 0 == shown, replayed
    assert last(out)["ledger_hash"] == last(replayed)["ledger_hash"]
    assert reversed_at, "nothing was taken back"
    assert included(stand).count(dropped) == (intent.state is not IntentState.DEAD)
    check_books(stand)


def test_run_that_begins_right_before_its_chain_goes_back_trades_on(tmp_path: Path) -> None:
    """The first thing it hears after its first head is a block below it: all is read again, nothing halts, and a replay agrees."""
    with live_stand(tmp_path, reorganisation_ppm=1_000_000, reorganisation_depth=3) as stand:
        stand.chain.mine(20)
        status, out, err = stand.run("--blocks", "10", "--record", "back.tape")
        shown, replayed = stand.command("replay", "back.tape", "--json")
        told = [event for record in TapeReader(tmp_path / "back.tape").records() for event in record.batch.events]
        first, below = [event for event in told if isinstance(event, Head | Rollback)][:2]
        mined = included(stand)
        check_books(stand)

    assert (0, 0) == (status, shown), err + replayed
    assert (Head, 20, Rollback) == (type(first), first.height, type(below))
    assert below.height < first.height
    assert '"event": "halt"' not in out
    assert mined
    assert last(out)["ledger_hash"] == last(replayed)["ledger_hash"]


def last(out: str) -> dict[str, str]:
    summary: dict[str, str] = json.loads(out.splitlines()[-1])
    return summary


def rows_of(stand: Stand, *options: str) -> list[dict[str, Any]]:
    """Return the rows of a run, the newest unless the options name one."""
    status, out = stand.command("ledger", "export", "--data", "data", *options)
    assert 0 == status, out
    return [json.loads(line) for line in out.splitlines()]


def test_receipt_of_a_block_that_is_not_in_the_chain(stand: Stand) -> None:
    """A node tells of a block that was dropped: that is not believed, and the trade is booked from the block that the chain has."""
    (stand.folder / "dropped").unlink(missing_ok=True)
    patch = GOES_BACK.format(depth=2, account=stand.account) + LIES_ABOUT_BLOCKS.format(lies=6)
    status, _, err = stand.run("--blocks", "60", first=altered({"tidemill_chain_sim.link": patch}))

    assert 0 == status, err
    assert (stand.folder / "dropped").exists()
    assert "no part of the chain" in err
    check_books(stand)


def test_answers_that_come_twice_and_out_of_order(stand: Stand) -> None:
    """The same outcome again, and an older one behind a newer: each transaction is booked once, at what became of it."""
    status, _, err = stand.run("--blocks", "40", first=altered({"tidemill_chain_sim.link": TWICE_AND_LATE}))

    assert 0 == status, err
    check_books(stand)


def test_reverted_transaction_costs_its_gas_and_gives_back_what_was_reserved(stand: Stand) -> None:
    """Mined and undone: its cost is booked, no fill is, and where one plan may be open at a time the next one finds room."""
    path = stand.folder / "tidemill.toml"
    whole = path.read_text("utf-8")
    path.write_text(whole.replace("[risk.limits]", "[risk.limits]\nmax_open_plans = 1"))
    before = len(stand.booked().intents)
    status, _, err = stand.run("--blocks", "60")
    path.write_text(whole)
    of_run = stand.booked().intents[before:]
    reverted = [one for one in of_run if one.state is IntentState.REVERTED]
    costs = {entry.tx: entry.cost for entry in stand.chain.statement(stand.account) if not entry.ok}
    rows = [row for row in rows_of(stand) if row.get("kind") in ("fill", "cost")]

    assert 0 == status, err
    assert reverted[0].number < of_run[-1].number
    for one in reverted:
        (entry,) = (row for row in rows if row["ref"] == one.plan)
        assert "cost" == entry["kind"]
        assert str(-costs[one.tx]) in [posting["amount"] for posting in entry["postings"]]
    check_books(stand)
