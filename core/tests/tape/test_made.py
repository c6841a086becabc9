"""Tapes of made blocks: what an author of a new pool type trades on before any chain was asked."""

from pathlib import Path

import pytest
from attrs import evolve

import tidemill as tm
from tidemill.domain.asset import Asset
from tidemill.domain.events import Batch, Event, Found, Head, Log, Logs, OutcomeSeen, States, Timer
from tidemill.domain.ids import ChainId, Key, PlanId, erc20, pool_id
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.pool import PoolRef
from tidemill.errors import TapeError, UsageError
from tidemill.tape.header import TapeHeader
from tidemill.tape.writer import TapeWriter

CHAIN = ChainId("eip155:1")
OTHER = ChainId("eip155:10")
ADDRESS = "0x" + "ac" * 20
USD, WETH = erc20(CHAIN, "0x" + "01" * 20), erc20(CHAIN, "0x" + "02" * 20)
POOL = PoolRef(pool_id(CHAIN, "acme", ADDRESS), "acme", CHAIN, ADDRESS, (USD, WETH))
SLOT, ABSENT = Key(f"{ADDRESS}:0x1"), Key(f"{ADDRESS}:0x0")
SYNC = Logs(CHAIN, (Log(ADDRESS, (b"\1" * 32,), b"\2" * 32),))


def batches(path: Path) -> list[Batch]:
    return [record.batch for record in tm.open_tape(path).records()]


def test_write_tape_finds_pools_in_a_first_block_and_adds_one_for_each_of_the_others(tmp_path: Path) -> None:
    """Pools, assets and states come first, sorted by key; blocks follow, each with its head."""
    path = tmp_path / "made.tape"
    asset = Asset(USD, "USD", 6)
    closing = tm.write_tape(path, CHAIN, pools=[POOL], assets=[asset], state={SLOT: b"\1" * 32, ABSENT: None}, blocks=[[SYNC], []])
    first, second, third = batches(path)

    assert (Found((asset,), (POOL,)), States(CHAIN, ((ABSENT, None), (SLOT, b"\1" * 32)))) == first.events[:-1]
    assert (SYNC,) == second.events[:-1]
    assert () == third.events[:-1]
    assert (3, "made", (CHAIN,)) == (closing.records, tm.open_tape(path).header.kind, tm.open_tape(path).header.chains)
    assert closing == tm.open_tape(path).validate().closing


def test_write_tape_makes_heads_that_follow_each_other(tmp_path: Path) -> None:
    """Heights grow by one, times by the block's seconds, and each head names the hash of the one before."""
    tm.write_tape(tmp_path / "made.tape", CHAIN, blocks=[[], []], unix_time=1_000, block_s=2)
    found = batches(tmp_path / "made.tape")
    heads = [event for batch in found for event in batch.events if isinstance(event, Head)]

    assert [(1, 1_000), (2, 1_002), (3, 1_004)] == [(head.height, head.unix_time) for head in heads]
    assert [heads[0].block_hash, heads[1].block_hash] == [head.parent_hash for head in heads[1:]]
    assert 3 == len({head.block_hash for head in heads})
    assert [(head.height, head.block_hash, head.parent_hash) for head in heads] == [
        (batch.height, batch.block_hash, batch.parent_hash) for batch in found
    ]
    assert [1, 2, 3] == [batch.seq for batch in found]


def test_write_tape_twice_gives_equal_bytes(tmp_path: Path) -> None:
    """Nothing of a clock, of chance or of the order of a mapping stands on the tape."""
    for name, state in (("a", {SLOT: b"1", ABSENT: None}), ("b", {ABSENT: None, SLOT: b"1"})):
        tm.write_tape(tmp_path / name, CHAIN, pools=[POOL], state=state)

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_write_tape_beside_another_follows_its_last_head(tmp_path: Path) -> None:
    """What stands on the other tape comes first, with its kind; the made blocks are its chain's next."""
    tm.write_tape(tmp_path / "first", CHAIN, blocks=[[SYNC]], unix_time=50)
    tm.write_tape(str(tmp_path / "both"), str(CHAIN), pools=[POOL], beside=str(tmp_path / "first"))
    before, after = batches(tmp_path / "first"), batches(tmp_path / "both")

    assert before == after[:2]
    assert (3, before[1].block_hash, 50 + 12 + 12) == (after[2].height, after[2].parent_hash, after[2].venue_ns // 10**9)


def test_write_tape_beside_a_recorded_run_leaves_its_answers_out(tmp_path: Path) -> None:
    """A run's market can be added to; what was answered to its doing belongs to that run alone, which the new tape no longer is."""
    header = TapeHeader(kind="run", chains=(CHAIN,), config="{}")
    block = Batch("sim", 1, CHAIN, 1, "0x1", "0x0", "final", 0, 0, (Head(CHAIN, 1, "0x1", "0x0", 7),))
    answer = Batch("paper", 1, None, 0, "", "", "final", 0, 0, (OutcomeSeen(PlanId("1"), Outcome(OutcomeStatus.REVERTED, 1, "0x1")),))
    with TapeWriter(tmp_path / "run", header) as tape:
        tape.write(block, digest="aa")
        tape.write(answer, digest="bb")
    tm.write_tape(tmp_path / "both", CHAIN, beside=tmp_path / "run")
    both = tm.open_tape(tmp_path / "both")

    assert ("made", "{}") == (both.header.kind, both.header.config)
    assert [block, "made"] == [batches(tmp_path / "both")[0], batches(tmp_path / "both")[1].source]
    assert ["", ""] == [record.digest for record in both.records()]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Head(CHAIN, 2, "", "", 1), "block 1: leave Head out"),
        (OutcomeSeen(PlanId("1"), Outcome(OutcomeStatus.DEAD, 1, "")), "block 1: OutcomeSeen answers a run's own doing"),
        (Logs(OTHER, ()), "block 1: expected Logs of eip155:1, found eip155:10"),
        (Found(pools=(evolve(POOL, chain=OTHER),)), "block 1: expected Found of eip155:1, found eip155:10"),
    ],
)
def test_write_tape_refuses_what_is_no_market_of_its_chain(event: Event, message: str, tmp_path: Path) -> None:
    """The block is named, and no half of a tape is left."""
    with pytest.raises(UsageError, match=message):
        tm.write_tape(tmp_path / "made.tape", CHAIN, blocks=[[event]])

    assert [] == list(tmp_path.iterdir())


def test_write_tape_takes_events_of_no_chain(tmp_path: Path) -> None:
    """A timer belongs to no chain, and stands where it was put."""
    tm.write_tape(tmp_path / "made.tape", CHAIN, blocks=[[Timer("tick", 1)]])

    assert Timer("tick", 1) == batches(tmp_path / "made.tape")[1].events[0]


def test_write_tape_beside_a_tape_of_another_chain_is_refused(tmp_path: Path) -> None:
    """A tape of blocks has one chain; nothing is written."""
    tm.write_tape(tmp_path / "other", OTHER)
    with pytest.raises(UsageError, match="expected beside to be a tape of eip155:1 alone, found one of eip155:10"):
        tm.write_tape(tmp_path / "made", CHAIN, beside=tmp_path / "other")

    assert not (tmp_path / "made").exists()


def test_write_tape_overwrites_only_when_told_to(tmp_path: Path) -> None:
    """A tape that is there stays, unless it is to be replaced."""
    tm.write_tape(tmp_path / "made", CHAIN)
    with pytest.raises(TapeError, match="is there already"):
        tm.write_tape(tmp_path / "made", CHAIN, pools=[POOL])
    tm.write_tape(tmp_path / "made", CHAIN, pools=[POOL], overwrite=True)

    assert (POOL,) == batches(tmp_path / "made")[0].events[0].pools  # type: ignore[union-attr]
