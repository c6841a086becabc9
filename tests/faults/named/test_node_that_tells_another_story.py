"""A node of another chain, or one that is behind: a run meets it at its start or in the middle, and believes neither."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.live_stand import QUIET, Stand, live_stand
from tests.faults.named.altered import PATIENCE_S, altered, check_books, included, until, waiting

IMPATIENT = {"tidemill_chain_sim.node.remote": "module.PATIENCE_S = 3"}
SEED = 3


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A chain that is kept in a file, so that its node can go and come back."""
    folder = tmp_path_factory.mktemp("story")
    with live_stand(folder, seed=SEED, state=folder / "chain.jsonl") as stand:
        yield stand


@contextmanager
def replaced(stand: Stand, *, seed: int = SEED, state: Path | None = None) -> Iterator[None]:
    """Let another node listen where the true one did; afterwards the true one is back."""
    stand.node.kill()
    command = [sys.executable, "-m", "tidemill_chain_sim.node", "--socket", stand.node.socket, "--seed", str(seed)]
    command += ["--settings", json.dumps(QUIET), *(["--state", str(state)] if state is not None else [])]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline()
        yield
    finally:
        other.kill()
        other.communicate()
        stand.node.start()


def trading(stand: Stand, first: str = "") -> "subprocess.Popen[str]":
    """Start a run whose words go to a file, and return it once it trades."""
    before = len(included(stand))
    process = stand.start_writing(stand.folder / "said", "--blocks", "4000", first=first)
    until(lambda: len(included(stand)) > before, "a trade")
    return process


def said(stand: Stand) -> str:
    """Return what the last run of ``trading`` said."""
    return (stand.folder / "said").read_text("utf-8")


def test_node_of_another_chain_at_the_start(stand: Stand) -> None:
    """What differs is named, nothing is begun, and the other chain has nothing of ours."""
    with replaced(stand, seed=4):
        status, _, err = stand.run("--blocks", "2")
        sent = [*waiting(stand), *included(stand)]

    assert (2, []) == (status, sent)
    assert "has another chain: seed 4, here 3" in err
    check_books(stand)


def test_node_that_was_begun_anew_is_followed_by_nothing(stand: Stand) -> None:
    """What the ledger has seen, what the node tells, where, and what to do: said by run, doctor and reconcile, and nothing is changed."""
    status, _, err = stand.run("--blocks", "12")
    assert status == 0, err
    seen = max(max(one.since, one.height) for one in stand.booked().intents)
    before = (stand.booked(), stand.command("ledger", "hash", "--data", "data"))
    words = f"on sim:1, up to block {seen}: expected block {seen} at least: wait until its node has caught up; "
    found = f"the newest block is 0, asked at {stand.node.socket}, and data has "
    with replaced(stand):
        refused = [(code, out + err) for code, out, err in (stand.run("--blocks", "2"),)]
        refused += [stand.command("reconcile"), stand.command("reconcile", "--dry-run")]
        code, looked = stand.command("doctor", "--live")
        sent = [*waiting(stand), *included(stand)]
        # It is mined past what the ledger knows: then what is final there is not
        stand.chain.mine(seen + 40)
        another = [stand.command("reconcile"), stand.command("reconcile", "--dry-run")]
        code_of_another, looked_at_another = stand.command("doctor", "--live")

    assert [2, 2, 2] == [code for code, _ in refused]
    assert all(found in said and words in said for _, said in refused), refused
    assert (1, True) == (code, found in looked)
    assert [2, 2] == [code for code, _ in another]
    assert all("this is another history than that of data: block " in said for _, said in another), another
    assert (1, True) == (code_of_another, "of which the chain knows nothing" in looked_at_another)
    assert [] == sent
    assert before == (stand.booked(), stand.command("ledger", "hash", "--data", "data"))
    check_books(stand)


def test_node_of_another_chain_at_a_reconnect(stand: Stand) -> None:
    """A node that takes the place of the true one in the middle of a run is greeted anew: the run ends, and sends it nothing."""
    process = trading(stand)
    with replaced(stand, seed=4):
        process.wait(timeout=PATIENCE_S)
        sent = [*waiting(stand), *included(stand)]

    assert (2, []) == (process.returncode, sent)
    assert "has another chain: seed 4, here 3" in said(stand)
    check_books(stand)


def test_node_that_tells_of_old_heights(stand: Stand, tmp_path: Path) -> None:
    """One that is behind what was told before is not followed: the run waits for the truth, then trades on."""
    process = trading(stand)
    stand.node.kill()
    shutil.copy(stand.folder / "chain.jsonl", tmp_path / "old.jsonl")
    lines = (tmp_path / "old.jsonl").read_bytes().splitlines(keepends=True)[:-6]
    (tmp_path / "old.jsonl").write_bytes(b"".join(lines))
    with replaced(stand, state=tmp_path / "old.jsonl"):
        old = stand.chain.hello().head.height
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=2)
        still = stand.chain.hello().head.height
    # What waited already when the node was younger is there again; what came since is not
    heard = (tmp_path / "old.jsonl").read_bytes().splitlines()[len(lines) :]
    before = len(included(stand))
    until(lambda: len(included(stand)) > before, "a trade after the truth came back")
    assert stand.kill(process, 0)

    assert [] == [step for step in heard if b'"broadcast"' in step]
    assert old + 1 >= still
    check_books(stand)


def test_node_that_stays_behind_ends_the_run(stand: Stand, tmp_path: Path) -> None:
    """Its patience over, the run says what was told before and what is told now, and ends."""
    process = trading(stand, first=altered(IMPATIENT))
    stand.node.kill()
    lines = (stand.folder / "chain.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "old.jsonl").write_bytes(b"".join(lines[:-6]))
    with replaced(stand, state=tmp_path / "old.jsonl"):
        process.wait(timeout=PATIENCE_S)

    assert 1 == process.returncode
    assert "is behind: its head is " in said(stand)
    check_books(stand)
