"""The architecture's rules, each held by a test of its name, as far as the core alone can show them."""

import builtins
import os
import random
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tidemill.domain.events import Gap, Rollback
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.records import EntryRow, IntentRow
from tidemill.domain.snapshot import Snapshot
from tidemill.errors import TidemillError
from tidemill.hookspecs.strategy import Strategy
from tidemill.ledger.digest import RowDigest
from tidemill.planning import replay
from tidemill_testing.market import ETHER, SIM, token
from tidemill_testing.toy import USD

Benches = Callable[..., Any]
AAVE = token("AAVE")
DEEP = 10**21
GAP = DEEP * 105 // 100


def busy(run: Any) -> dict[int, Any]:
    """Drive a few blocks with fills, reverts and rejections."""
    pools: dict[int, Any] = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP), 3: (DEEP, DEEP)})
    for step in range(12):
        moved = {pools[1 + step % 3]: (DEEP * (96 + (step * 7) % 11) // 100, DEEP)}
        run.block(moved)
    return pools


def test_r1_nothing_but_batches_configuration_and_seed_decides(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fold decides the same with clock, files, sockets and global random out of reach."""
    free = bench()
    busy(free)

    def forbidden(*_: object, **__: object) -> Any:
        raise AssertionError("the fold reached for the outside world")

    with monkeypatch.context() as sealed:
        for name in ("time", "time_ns", "monotonic", "perf_counter"):
            sealed.setattr(time, name, forbidden)
        sealed.setattr(builtins, "open", forbidden)
        sealed.setattr(socket, "socket", forbidden)
        sealed.setattr(random, "random", forbidden)
        walled = bench()
        busy(walled)

    assert free.digest.hexdigest() == walled.digest.hexdigest()


def test_r2_gap_pools_give_no_quote_until_they_are_read_again(bench: Benches) -> None:
    """A source that lost something says so, and what it may have touched is not traded until resynced."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    effects = run.feed(run.blocks.head(Gap(SIM, 1, 2, (pools[2].rpartition(":")[2],))))

    assert pools[2] not in run.core.snapshot().pools
    assert pools[1] in run.core.snapshot().pools
    assert ((SIM, (f"{pools[2].rpartition(':')[2]}:0x0",)),) == effects.reads
    run.feed(run.blocks.batch(run.blocks.states({pools[2]: (GAP, DEEP)})))
    assert {pools[2]: GAP}[pools[2]] == dict(run.core.snapshot().pools)[pools[2]].reserves[0]


def test_r3_without_decide_batches_are_applied_and_ideas_are_not_asked(bench: Benches) -> None:
    """Of several batches that wait, all are applied and ideas are asked once, on the last."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    held = run.feed(run.blocks.head(run.blocks.logs({pools[2]: (GAP, DEEP)})), decide=False)
    asked = run.feed(run.blocks.head())

    assert () == held.intents
    assert 1 == len(asked.intents)


def test_r4_equal_batches_give_equal_rows_byte_for_byte(bench: Benches) -> None:
    """The same batches, folded twice, give one digest; other batches give another."""
    first, second, other = bench(), bench(), bench()
    busy(first)
    busy(second)
    other.load({1: (DEEP, DEEP), 2: (DEEP + 1, DEEP)})

    assert first.digest.hexdigest() == second.digest.hexdigest()
    assert first.digest.hexdigest() != other.digest.hexdigest()


def test_r5_recorded_batches_and_answers_fold_to_the_same_ledger(bench: Benches) -> None:
    """What was recorded of a run, answers included, gives its ledger again; with one batch dropped it does not."""
    run = bench()
    busy(run)

    assert run.digest.hexdigest() == folded(bench, run.tape)
    without = [record for record in run.tape if record[0].seq != 9 or record[0].source != "toy"]
    assert len(without) < len(run.tape)
    assert run.digest.hexdigest() != folded(bench, without)


def folded(bench: Benches, tape: list[Any]) -> str:
    """Fold recorded batches on a fresh core, as a replay does, and return the digest; a broken invariant ends it."""
    core = bench().core.__class__(bench().core._parts)
    digest = RowDigest()
    for batch, decide in tape:
        try:
            for row in core.on_batch(batch, decide).rows:
                digest.add(row)
        except TidemillError as error:  # a replay stops at the first difference
            return str(error)
    return digest.hexdigest()


def test_r9_planner_and_paper_share_the_one_replay(bench: Benches, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the door promised is what the paper fill pays when nothing moved in between."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    intent = run.block({pools[2]: (GAP, DEEP)}).intents[0]
    promised = replay.replay_flow(intent.plan, run.core.view(), run.core.snapshot().at(SIM))
    run.block()

    assert isinstance(promised, replay.Replayed)
    assert dict(promised.changes) == {asset: amount for asset, amount in run.summary().pnl.items() if amount}


def test_r11_paper_desk_has_nothing_that_could_send(bench: Benches) -> None:
    """The paper desk holds no link, no signer, no key: only intents and rules."""
    desk = bench().paper

    within = [desk, *vars(desk).values(), *desk._rules.values()]
    words = ("sign", "secret", "private", "broadcast", "send", "link", "socket")
    assert not [(type(one), name) for one in within for name in dir(one) if any(word in name.lower() for word in words)]


def test_r12_frozen_mispricing_is_earned_once_in_a_hundred_blocks(bench: Benches) -> None:
    """A gap that stands still is taken once; a hundred heads of the same market earn nothing more."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block({pools[2]: (GAP, DEEP)})
    run.block()
    once = run.summary()
    for _ in range(100):
        run.block()
    repeated = {pool: dict(run.core.market.state.pools)[pool].reserves for pool in pools.values()}
    for _ in range(100):
        run.feed(run.blocks.head(run.blocks.states(repeated)))

    assert once.fills >= 1
    assert (once.fills, once.pnl) == (run.summary().fills, run.summary().pnl)


def test_r12_overlay_ends_when_others_have_moved_the_pool_as_far(bench: Benches) -> None:
    """Once the market itself shows what our swap did, our swap no longer counts on top of it."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block({pools[2]: (GAP, DEEP)})
    run.block()
    overlay = run.core.flight.overlay
    assert set(pools.values()) == set(overlay.swaps)
    seen = {pool: dict(run.core.view())[pool].reserves for pool in pools.values()}
    run.block(seen)

    assert not run.core.flight.overlay.swaps
    assert seen == {pool: dict(run.core.view())[pool].reserves for pool in pools.values()}


def test_r13_intent_row_precedes_the_intent_in_one_effect(bench: Benches) -> None:
    """The row that tells of a plan leaves the core no later than the plan: a driver writes it before it acts."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    effects = run.block({pools[2]: (GAP, DEEP)})

    planned = [row.plan for row in effects.rows if isinstance(row, IntentRow) and row.state == "planned"]
    assert [intent.plan.id for intent in effects.intents] == planned
    assert effects.intents[0].unsigned.digest


def test_r14_rollback_restores_pools_books_and_reverses_the_ledger(bench: Benches) -> None:
    """A rollback gives back pools, balances and reservations, reverses entries, and reopens the intent."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block({pools[2]: (GAP, DEEP)})
    before = run.core.books.states["main"]
    versions = dict(run.core.market.state.versions)
    run.block()
    assert 1 == run.summary().fills

    back = run.blocks.height - 1
    run.blocks.height, run.blocks.fork = back, "b"
    effects = run.feed(run.blocks.batch(Rollback(SIM, back, run.blocks.hash_of(back))), decide=False)

    after = run.core.books.states["main"]
    assert dict(before.balances) == dict(after.balances)
    assert dict(before.reserved) == dict(after.reserved)
    assert (0, 0) == (run.summary().fills, run.summary().reverts)
    assert not any(run.summary().pnl.values())
    assert [True] == [intent.reopened for intent in effects.intents]
    assert not run.core.flight.overlay.swaps
    entries = [row for seen in run.seen for row in seen.rows if isinstance(row, EntryRow) and row.kind != "opening"]
    totals: dict[tuple[str, str], int] = {}
    for entry in entries:
        for line in entry.postings:
            totals[line.account, line.asset] = totals.get((line.account, line.asset), 0) + line.amount
    assert not any(totals.values())
    assert versions == dict(run.core.market.state.versions)
    run.block()
    assert 1 == run.summary().fills


class Remembering(Strategy):
    """Keeps state between calls, which the rule forbids: it takes every second chance."""

    name = "remembering"
    calls = 0

    def find_opportunities(self, snapshot: Snapshot) -> Iterator[Opportunity]:
        self.calls += 1
        if self.calls % 2:
            for pair in snapshot.changed.pairs:
                offers = snapshot.offers(pair)
                if len(offers) > 1 and offers[0].edge_bps(offers[-1]) > 0:
                    yield self.opportunity(buy=offers[0], sell=offers[-1])


def test_r14_strategy_with_state_of_its_own_breaks_the_replay(bench: Benches) -> None:
    """A strategy that remembers decides otherwise when it is folded again: the digest shows it."""
    run = bench((Remembering(),))
    busy(run)
    again = bench((Remembering(),))
    again.core._parts.asked[0].strategy.calls = 1
    digest = RowDigest()
    for batch, decide in run.tape:
        if batch.source == "paper":
            break
        for row in again.core.on_batch(batch, decide).rows:
            digest.add(row)

    assert run.digest.hexdigest() != digest.hexdigest()


def test_rollback_deeper_than_the_market_remembers_halts_trading(bench: Benches) -> None:
    """A rollback that cannot be followed exactly stops trading and says why."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    for _ in range(70):
        run.block()
    run.blocks.height = 3
    effects = run.feed(run.blocks.batch(Rollback(SIM, 3, "0x3")))

    assert "rolled back to 3" in effects.halt
    assert () == run.block({pools[2]: (GAP, DEEP)}).intents


def test_rollback_below_the_first_head_is_traded_on_from_once_it_was_read(bench: Benches) -> None:
    """A run that begins right before its chain goes back does not halt; what the dropped blocks held is taken back, and comes again."""
    run = bench()
    run.blocks.height = 9
    run.block()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    sent = run.block({pools[2]: (GAP, DEEP)}).intents
    run.block()
    filled = run.summary().fills
    run.blocks.height, run.blocks.fork = 8, "b"
    effects = run.feed(run.blocks.batch(Rollback(SIM, 8, "0x8")), decide=False)
    undone = run.summary().fills
    states = run.blocks.states({pools[1]: (DEEP, DEEP), pools[2]: (GAP, DEEP)})
    asked = {key for _, keys in effects.reads for key in keys}
    run.feed(run.blocks.batch(states), decide=False)
    run.block()

    assert (1, 1, 0, 1) == (len(sent), filled, undone, run.summary().fills)
    assert ("", {key for key, _ in states.values}) == (effects.halt, asked)


def test_capital_that_is_reserved_cannot_be_promised_twice(bench: Benches) -> None:
    """Two disjoint gaps and money for one: the second is turned away for funds, and taken once the first has paid back."""
    money = 10**15
    run = bench(capital={USD: money, ETHER: 10**9})
    pools, others = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)}), run.load({3: (DEEP, DEEP), 4: (DEEP, DEEP)}, (USD, AAVE))
    effects = run.block({pools[2]: (GAP, DEEP), others[4]: (GAP, DEEP)})
    state = run.core.books.states["main"]

    assert 1 == len(effects.intents)
    assert run.rejections() in ([("main", "funds")], [("main", "profit")])
    assert 0 <= money - state.reserved[USD] < 16
    assert 3 * run.rules.gas == state.reserved[ETHER]
    settled = run.block()
    first, second = (set(one.intents[0].plan.pools) for one in (effects, settled))
    assert sorted([{*pools.values()}, {*others.values()}], key=min) == sorted((first, second), key=min)
    run.block()
    assert (2, 0) == (run.summary().fills, run.summary().reverts)


def test_r14_rollback_returns_several_plans_to_flight_in_the_order_in_which_they_left(bench: Benches) -> None:
    """Plans that landed in one block wait again in the order they were sent, and fill again alike."""
    run = bench(latency=2, stacking=True)
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    sent = [
        *run.block({pools[2]: (GAP, DEEP)}).intents,
        *run.block({pools[2]: (DEEP * 110 // 100, DEEP)}).intents,
    ]
    run.block()
    run.block()
    once = run.summary()
    assert (2, 0) == (once.fills, once.reverts)
    height = run.blocks.height - 2
    run.blocks.height, run.blocks.fork = height, "b"
    effects = run.feed(run.blocks.batch(Rollback(SIM, height, run.blocks.hash_of(height))), decide=False)

    assert [intent.plan.id for intent in sent] == [intent.plan.id for intent in effects.intents]
    assert [intent.plan.id for intent in sent] == [intent.plan.id for intent in run.core.flight.open]
    run.block()
    again = run.summary()
    assert (2, 0) == (again.fills, again.reverts)
    assert once.pnl == again.pnl


def test_r14_rollback_tells_searchers_of_pools_that_only_our_overlay_had_moved(bench: Benches) -> None:
    """A fill that is undone changes what ideas see of its pools, though the chain never moved them."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    run.block({pools[2]: (GAP, DEEP)})
    run.block()
    run.market.take_changed()
    run.blocks.height -= 1
    run.feed(run.blocks.batch(Rollback(SIM, run.blocks.height, "")), decide=False)

    assert tuple(sorted(pools.values())) == run.market.take_changed().pools


def test_r4_ledger_is_the_same_under_any_hash_seed() -> None:
    """No order from a hash reaches the ledger: other interpreters with other seeds write the same bytes."""
    script = textwrap.dedent("""
        import runpy, sys
        names = runpy.run_path(sys.argv[1])
        from tidemill.domain.events import Gap
        from tidemill_testing.market import SIM, token
        from tidemill_testing.toy import USD, WETH, DAI
        class First(names["Lagging"]):
            def find_opportunities(self, snapshot):
                # What it meets first: the order of what changed is part of the decision
                yield from list(super().find_opportunities(snapshot))[:2]
        run, deep = names["Bench"]((First(),), latency=2), 10**21
        pools = {}
        for place, pair in enumerate([(USD, WETH), (USD, DAI), (WETH, DAI), (USD, token("LINK")), (WETH, token("UNI"))]):
            pools |= run.load({5 * place + number: (deep, deep) for number in range(1, 6)}, pair)
        for step in range(12):
            moved = {pools[1 + (step * 7 + place * 3) % 25]: (deep * (95 + (step * 5 + place) % 11) // 100, deep) for place in range(9)}
            run.block(moved)
        run.feed(run.blocks.head(Gap(SIM, 1, 2, tuple(run.core.market.state.refs[pools[number]].address for number in (7, 3, 9, 1, 12)))))
        notes = [note.text for effects in run.seen for note in effects.notes]
        reads = [effects.reads for effects in run.seen]
        import hashlib
        told = hashlib.sha256(repr((notes, reads)).encode()).hexdigest()
        print(run.digest.hexdigest(), told, run.summary().fills, run.summary().rejected)
    """)
    told = []
    for seed in ("1", "4242"):
        command = [sys.executable, "-c", script, str(Path(__file__).with_name("conftest.py"))]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        told.append(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split())

    assert told[0] == told[1]
    assert int(told[0][2]) > 3
    assert int(told[0][3]) > 3


def test_r5_books_in_memory_equal_the_sum_of_the_ledger(bench: Benches) -> None:
    """After fills, reverts and a rollback a book's balances are what its rows add up to, and what is reserved is what is in flight."""
    run = bench()
    busy(run)
    run.blocks.height -= 2
    run.feed(run.blocks.batch(Rollback(SIM, run.blocks.height, "")))
    run.block()
    entries = [row for effects in run.seen for row in effects.rows if isinstance(row, EntryRow)]
    wallet: dict[str, int] = {}
    for entry in entries:
        for line in entry.postings:
            if line.account == "wallet":
                wallet[line.asset] = wallet.get(line.asset, 0) + line.amount
    book = run.core.books.states["main"]
    promised: dict[str, int] = {}
    for plan in book.plans:
        for asset, amount in (*plan.reserved, (plan.native, plan.cost_cap)):
            promised[asset] = promised.get(asset, 0) + amount

    assert run.summary().fills
    assert wallet == dict(book.balances)
    assert promised == dict(book.reserved)


def test_r9_fill_below_the_guard_reverts(bench: Benches) -> None:
    """The guard on the final balance is part of the one replay: a fill that would lose is undone, for planner and paper alike."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    intent = run.block({pools[2]: (GAP, DEEP)}).intents[0]
    run.block({pools[2]: (DEEP, DEEP)})
    broken = replay.replay_flow(intent.plan, run.core.view(), run.core.snapshot().head(SIM))

    assert isinstance(broken, replay.Broken)
    assert "guard" == broken.rule
    assert (0, 1) == (run.summary().fills, run.summary().reverts)


def test_r2_every_block_of_a_source_moves_the_market(bench: Benches) -> None:
    """No batch is passed over: after each block the pool stands where that block says."""
    run = bench()
    pools = run.load({1: (DEEP, DEEP), 2: (DEEP, DEEP)})
    for step in range(30):
        held = (DEEP + step, DEEP)
        run.feed(run.blocks.head(run.blocks.logs({pools[1]: held})), decide=False)
        assert held == dict(run.core.market.state.pools)[pools[1]].reserves
        assert run.blocks.height == run.core.snapshot().head(SIM).height
