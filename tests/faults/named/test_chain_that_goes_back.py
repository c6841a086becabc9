"""Reorganisations, reverts and answers that come twice or late: what the books hold at the end is what the chain holds."""

import json
from collections.abc import Iterator

import pytest

from tests.faults.live_stand import Stand, live_stand
from tests.faults.named.altered import altered, check_books, included
from tidemill.domain.intent import IntentState

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


def last(out: str) -> dict[str, str]:
    summary: dict[str, str] = json.loads(out.splitlines()[-1])
    return summary


def rows_of(stand: Stand) -> list[dict[str, object]]:
    """Return the rows of the newest run."""
    status, out = stand.command("ledger", "export", "--data", "data")
    assert 0 == status, out
    return [json.loads(line) for line in out.splitlines()]
