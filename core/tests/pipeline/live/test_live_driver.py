"""The lock-step driver with a live execution: what is out is waited for, and an emergency stop is an event like any other."""

from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from tidemill.api.operator import Operator, RunFacts
from tidemill.domain import events as ev
from tidemill.domain.note import RunHeader
from tidemill.domain.outcome import Outcome
from tidemill.domain.records import ResultRow
from tidemill.errors import ControlError
from tidemill.ledger.digest import RowDigest
from tidemill.pipeline.lockstep import DRAIN_HEADS, Lockstep
from tidemill.pipeline.notices import Notices
from tidemill.pipeline.pace import Pace
from tidemill.pipeline.protocol import Request
from tidemill.pipeline.sources import in_order
from tidemill.stages.effects import Effects
from tidemill_testing.chain_reader import MemoryReader
from tidemill_testing.market import ETHER, SIM
from tidemill_testing.toy import USD, WETH, reserves_bytes, state_key, toy_ref

pytestmark = pytest.mark.anyio
DEEP = 10**21
MONEY = {USD: 10**24, WETH: 10**24, ETHER: 10**9}
Filled = Callable[..., Outcome]
Drives = Callable[..., Any]


class Drive:
    """A toy market of so many blocks behind a driver that trades with real money; ``gaps`` move the second pool, in percent."""

    def __init__(self, desk: Any, bench: Any, count: int, gaps: dict[int, int]) -> None:
        self.desk, self.bench = desk, bench
        blocks, refs = bench.blocks, [toy_ref(number, USD, WETH) for number in (1, 2)]
        desk.link.reader = MemoryReader({1: {state_key(ref.id): reserves_bytes(DEEP, DEEP) for ref in refs}}, head=count)
        desk.link.held = dict(MONEY)
        desk.link.script = [blocks.head(ev.Found((), tuple(refs)))]
        for number in range(2, count + 1):
            moved = [blocks.logs({refs[1].id: (DEEP * gaps[number] // 100, DEEP)})] if number in gaps else []
            desk.link.script.append(blocks.head(*moved))
        self.fed: list[tuple[ev.Batch, bool]] = []
        self.before: dict[int, Callable[[], object]] = {}
        self.driver = Lockstep(
            core=bench.core,
            links={SIM: desk.link},
            execution=desk.live,
            supervisor=bench.supervisor,
            notices=Notices(()),
            pace=Pace.parse("max"),
            writer=desk.writer,
            brake=desk.brake,
        )
        fold = bench.core.on_batch

        def listening(batch: ev.Batch, decide: bool) -> Effects:
            self.fed.append((batch, decide))
            effects: Effects = fold(batch, decide)
            return effects

        bench.core.on_batch = listening

    async def blocks(self) -> AsyncGenerator[ev.Batch, None]:
        """Yield the script, doing before a block what the test wants done then."""
        for batch in self.desk.link.script:
            self.before.get(batch.height, lambda: None)()
            yield batch

    async def play(self, stop_at: int = 0) -> None:
        """Run to the end, or until a stop is asked for at a height."""
        await self.driver.run(in_order([self.blocks()], []), lambda: 0 < stop_at <= self.head, lambda: None)

    @property
    def head(self) -> int:
        """The newest block that was folded."""
        return max((batch.height for batch, _ in self.fed if batch.source == "toy"), default=0)

    def lands_at(self, height: int, outcome: Outcome, tx: str = "tx-1") -> None:
        """Let a block hold a transaction."""
        self.before[height] = lambda: self.desk.link.outcomes.update({tx: outcome})

    def commands(self) -> list[tuple[str, int, str]]:
        """Return (command, height, cause) of all that stands on the tape."""
        found = [(batch, event) for batch, _ in self.fed for event in batch.events]
        return [(event.command, batch.height, event.cause) for batch, event in found if isinstance(event, ev.Control)]


@pytest.fixture
def drives(desk: Any, bench: Callable[..., Any]) -> Drives:
    """Make a driver over the desk."""

    def make(count: int, gaps: dict[int, int]) -> Drive:
        return Drive(desk, bench(paper=False), count, gaps)

    return make


async def test_outcome_and_entries_are_one_commit(drives: Drives, desk: Any, filled: Filled) -> None:
    """What became of a transaction and what the core booked of it reach the disk together."""
    drive = drives(6, {2: 105, 4: 100})
    drive.lands_at(4, filled(4))
    kept: list[bool] = []
    keep = desk.store.keep_intents

    def looking(changes: Any, at: str, **more: Any) -> None:
        keep(changes, at, **more)
        kept.extend(any(isinstance(row, ResultRow) for row in more["rows"]) for change in changes if change.state == "seen")

    desk.store.keep_intents = looking
    await drive.play()

    assert (1, 1) == (drive.bench.summary().plans, drive.bench.summary().fills)
    assert ["sign 1"] == desk.since("sign")
    assert [True] == kept


async def test_stop_waits_for_the_block_that_holds_what_is_out(drives: Drives, desk: Any, filled: Filled) -> None:
    """After a stop nobody is asked for ideas, and blocks are taken until nothing is out; not one more."""
    drive = drives(60, {2: 105, 5: 111})
    drive.lands_at(9, filled(9))
    await drive.play(stop_at=3)

    assert 9 == drive.head
    assert [] == [batch.height for batch, decide in drive.fed if decide and batch.height > 3]
    assert (1, 1) == (drive.bench.summary().plans, drive.bench.summary().fills)


async def test_stop_does_not_wait_for_ever(drives: Drives, desk: Any) -> None:
    """A transaction that no block takes is asked about at the next start: the wait has an end."""
    drive = drives(80, {2: 105})
    await drive.play(stop_at=4)

    assert 4 + DRAIN_HEADS == drive.head
    assert (SIM,) == desk.live.waiting


async def test_stop_with_nothing_out_ends_at_once(drives: Drives, filled: Filled) -> None:
    """What a block holds is waited for no longer: the next start asks whether it stayed."""
    drive = drives(60, {2: 105, 3: 100})
    drive.lands_at(3, filled(3))
    await drive.play(stop_at=3)

    assert 3 == drive.head


async def test_stop_while_a_block_is_waited_for_folds_it_without_asking_anybody(drives: Drives, desk: Any, filled: Filled) -> None:
    """The block that comes after a stop is the first that may hold what is out: it is folded, and nothing new leaves."""
    drive = drives(9, {2: 105, 3: 109})
    stopped: list[bool] = []
    drive.before[3] = lambda: stopped.append(True)
    drive.lands_at(4, filled(4))
    await drive.driver.run(in_order([drive.blocks()], []), lambda: bool(stopped), lambda: None)

    assert (4, 1, 1) == (drive.head, drive.bench.summary().plans, drive.bench.summary().fills)
    assert 0 == len([batch for batch, decide in drive.fed if decide and batch.height > 2])


async def test_input_that_ends_leaves_what_is_out_to_the_next_run(drives: Drives, desk: Any) -> None:
    """Without another block nothing can be settled, and nothing is invented."""
    drive = drives(3, {2: 105})
    await drive.play()

    assert (1, 0, 0) == (drive.bench.summary().plans, drive.bench.summary().fills, drive.bench.summary().reverts)
    assert (SIM,) == desk.live.waiting


async def test_command_to_stop_does_not_leave_a_wait_while_something_is_out(drives: Drives, desk: Any, filled: Filled) -> None:
    """A chain that is slow is waited for as long as money is on its way."""
    drive = drives(4, {2: 105})
    came, go = anyio.Event(), anyio.Event()

    async def slow() -> AsyncGenerator[ev.Batch, None]:
        for batch in desk.link.script:
            if batch.height == 4:
                came.set()
                await go.wait()
            yield batch

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(drive.driver.run, in_order([slow()], []), lambda: False, lambda: None)
        await came.wait()
        await drive.driver.command(lambda: ev.Control("stop"))
        await anyio.wait_all_tasks_blocked()
        assert 3 == drive.head
        desk.link.outcomes["tx-1"] = filled(4)
        go.set()

    assert (4, 1) == (drive.head, drive.bench.summary().fills)


async def test_hold_and_release_stand_on_the_tape_and_replay(drives: Drives, desk: Any, bench: Callable[..., Any], filled: Filled) -> None:
    """While the brake holds nobody is asked, afterwards what moved meanwhile counts; the same batches give the same rows again."""
    drive = drives(12, {2: 105, 3: 100, 5: 109})
    drive.lands_at(3, filled(3))
    drive.before[4] = lambda: desk.brake.pull("a drill", "command")
    drive.before[7] = lambda: desk.brake.release("it is over")
    await drive.play()

    assert [("hold", 3, "command: a drill"), ("release", 6, "it is over")] == drive.commands()
    assert ["sign 1", "sign 2"] == desk.since("sign")
    assert [2, 7] == [record.height for record in desk.book.records()]
    assert drive.driver.digest.hexdigest() == replayed(bench, drive.fed)


def replayed(bench: Callable[..., Any], fed: list[tuple[ev.Batch, bool]]) -> str:
    """Return the hash of the rows that a fresh core makes of the batches that another one was fed."""
    digest, core = RowDigest(), bench(paper=False).core
    for batch, decide in fed:
        for row in core.on_batch(batch, decide).rows:
            digest.add(row)
    return digest.hexdigest()


FACTS = RunFacts(RunHeader("0.1.0", "live", "toy:1", 3, ()), 0.0, "", Path("gone"), 1)


async def looked(operator: Operator) -> Any:
    """What a look found."""
    return await operator.answer(Request("reconcile"))


async def test_operator_hastens_a_look_between_two_blocks(drives: Drives, filled: Filled) -> None:
    """What a block holds is booked, what the account holds is taken over, and a second time there is nothing to do."""
    drive = drives(4, {2: 110})
    operator = Operator(drive.driver, drive.bench.supervisor, FACTS)
    with pytest.raises(ControlError, match="the run has seen no block yet"):
        await looked(operator)
    for batch in drive.desk.link.script[:2]:
        await drive.driver.step(batch)
    out = await looked(operator)
    drive.desk.link.outcomes["tx-1"] = filled(2)
    drive.desk.link.held = {**MONEY, USD: MONEY[USD] + 14, ETHER: MONEY[ETHER] - 3}
    found = await looked(operator)
    status = operator.status()
    again = await looked(operator)

    assert (True, 1, {}) == (out["nothing"], out["out"], {key: value for key, value in out["balanced"].items() if value > 1})
    assert [("broadcast", "seen", "filled")] == [(one["was"], one["now"], one["outcome"]) for one in found["moved"]]
    assert [(USD, "5")] == [(one["asset"], one["amount"]) for one in found["differences"]]
    assert ({SIM: 2}, 1, 0, True) == (found["balanced"], found["open"], found["out"], again["nothing"])
    assert ({SIM: 2}, 1, {}) == (dict(status.balanced), status.open_intents, dict(status.exposure))


async def test_operator_is_refused_a_look_by_a_run_that_ends(drives: Drives) -> None:
    """It looks at all of it by itself."""
    drive = drives(2, {})
    await drive.play()
    with pytest.raises(ControlError, match="the run is ending"):
        await looked(Operator(drive.driver, drive.bench.supervisor, FACTS))
