"""Whatever a chain drops and whenever a run ends: the ledger is what a replay of the chain that stands comes to."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random

import anyio
import pytest

from tests.faults.reorg_chain import FINALITY, OPENING, ModelChain, effect
from tests.faults.reorg_store import EndingStore
from tests.faults.reorg_world import World, found, head_of, new_core, opening, pools
from tidemill.api.ledger import Ledger
from tidemill.domain.events import Batch, Event, OpenIntent, OutcomeSeen
from tidemill.domain.ids import MAIN_BOOK
from tidemill.domain.intent import IntentRecord
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.records import EntryRow, Row
from tidemill.errors import LedgerError
from tidemill.ledger.accounts import ADJUSTMENT, WALLET
from tidemill.ledger.accounts import OPENING as OPENED
from tidemill.ledger.intent_rules import record_faults, slot_faults
from tidemill.ledger.plan_text import plan_from_text
from tidemill.pipeline import writer as writing
from tidemill.pipeline.core import Core
from tidemill_testing.market import SIM

SCHEDULES = 200
A_TEST = 50
STEPS = 16
BLOCKS = 5
UNSEEN, BACK, ENDS, FULL = 0.08, 0.4, 0.5, 0.75
"""Parts of all steps: blocks dropped unseen, dropped at all, steps in which a run may end, from where on blocks hold nothing of ours."""
UNTIL_CALM = 120
DEEPEST = FINALITY


async def played(seed: int, folder: Path) -> World:
    """Let a run live through a schedule of blocks, reorganisations, ends and outages, then through blocks until nothing is open."""
    chance = Random(seed)
    world = World(ModelChain(Random(seed + 1)), EndingStore(), folder, Random(seed + 2))
    restarting = seed % 2
    await world.start()
    for _ in range(STEPS):
        drawn, depth = chance.random(), min(chance.randint(1, DEEPEST), world.chain.head.height - world.chain.final)
        if drawn < ENDS and restarting:
            world.store.commits_left = chance.randint(0, 6)
        world.chain.full = drawn > FULL
        try:
            if drawn < BACK and depth:
                await (world.lose_sight(depth) if drawn < UNSEEN else world.go_back(depth))
            else:
                for _ in range(chance.randint(1, BLOCKS)):
                    await world.block()
        except LedgerError:
            await world.restart()
    if restarting:
        await world.restart()
    world.chain.calm, world.chain.full = True, False
    for _ in range(UNTIL_CALM):
        await world.block(decide=False)
        if not world.store.intents():
            break
    world.close()
    return world


def replayed(world: World) -> tuple[Core, list[Row]]:
    """Fold the chain that stands, block by block, with a core that never saw another one."""
    core, _ = new_core()
    plans = {one.plan: one for one in world.store.intents(ended=True) if one.flow and one.raw}
    known = [OpenIntent(plan_from_text(one.flow), one.tx, None, one.height, one.digest) for one in plans.values()]
    balances = tuple((MAIN_BOOK, asset, amount) for asset, amount in sorted(OPENING.items()))
    rows = list(core.on_batch(opening(*known, balances=balances), False).rows)
    for block in world.chain.blocks:
        events: list[Event] = [head_of(world.chain, block.height)]
        if not block.height:
            events = [found(), *events, pools(100)]
        rows += core.on_batch(Batch("model", block.height, SIM, block.height, block.hash, "", "confirmed", 0, 0, tuple(events)), False).rows
        for tx in block.txs:
            done = effect(tx, block)
            said = done if tx.does else Outcome(OutcomeStatus.DEAD, block.height, block.hash, cost=done.cost)
            told = (OutcomeSeen(tx.plan, said),)
            rows += core.on_batch(Batch("live", 1, SIM, block.height, block.hash, "", "confirmed", 0, 0, told), False).rows
    return core, rows


def sums(rows: Iterable[Row]) -> dict[tuple[str, str], int]:
    """Add up the postings of each account that trading moves."""
    found: Counter[tuple[str, str]] = Counter()
    for row in rows:
        for line in row.postings if isinstance(row, EntryRow) else ():
            if line.account not in (OPENED, ADJUSTMENT, WALLET):
                found[line.account, line.asset] += line.amount
    return {place: amount for place, amount in sorted(found.items()) if amount}


def corrections(world: World) -> list[str]:
    """Return what was taken over from the chain but for what the account held at the start."""
    rows = [row for rows in world.store.runs_rows for row in rows if isinstance(row, EntryRow) and "differs" in row.ref]
    return [row.ref for row in rows[len(OPENING) :]]


def check(world: World, seed: int) -> None:
    """Compare the books with the chain and with a replay of it."""
    kept: list[IntentRecord] = list(world.store.intents(ended=True))
    assert [] == [one for one in kept if not one.ended], seed
    faults = [fault for one in kept for fault in record_faults(one, world.store.intent_steps(one.number))]
    assert [] == [*faults, *slot_faults(kept), *corrections(world)], seed
    assert () == Ledger(world.store, Path()).verify().problems, seed
    core, rows = replayed(world)
    held = {asset: amount for asset, amount in core.books.states[MAIN_BOOK].balances.items() if amount}
    assert world.chain.holdings(world.chain.head.height) == held, seed
    assert held == {asset: amount for (_, account, asset), amount in world.store.balances().items() if account == WALLET}, seed
    assert held == {asset: amount for asset, amount in world.core.books.states[MAIN_BOOK].balances.items() if amount}, seed
    assert not world.core.books.states[MAIN_BOOK].reserved, seed
    if not world.restarts:
        assert sums(rows) == sums(world.store.runs_rows[0]), seed
        told, once = world.core.tally, core.tally
        assert (once.fills, once.reverts) == (told.fills, told.reverts), seed
        assert [{k: v for k, v in each.items() if v} for each in (once.pnl, once.cost)] == [
            {k: v for k, v in each.items() if v} for each in (told.pnl, told.cost)
        ], seed


@pytest.mark.parametrize("first", range(0, SCHEDULES, A_TEST))
def test_ledger_after_any_reorganisations_is_the_replay_of_the_chain_that_stands(
    first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks dropped up to finality, runs that end at any commit: balances, entries, tally, intents are those of the chain that stands."""
    # One commit a call: where a run ends does not hang on how fast its writer is
    monkeypatch.setattr(writing, "GROUP_ROWS", 1)
    included = restarts = dropped = 0
    for seed in range(first, first + A_TEST):
        folder = tmp_path / str(seed)
        folder.mkdir()
        world = anyio.run(played, seed, folder)
        check(world, seed)
        included += sum(len(block.txs) for block in world.chain.blocks)
        restarts += world.restarts
        dropped += world.chain.forks
    assert (included > A_TEST, restarts > A_TEST, dropped > A_TEST) == (True, True, True)
