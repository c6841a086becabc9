"""The main job from Python, over a small simulated market: every run here is a real one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from tidemill.api.ledger import open_ledger
from tidemill.api.replay import replay
from tidemill.api.run import RunOptions, run
from tidemill.config.load import load_config
from tidemill.domain.note import Note, RunHeader, Summary
from tidemill.domain.records import EntryRow
from tidemill.errors import ConfigError, InvariantError, LedgerError, LedgerInUse, TapeDamaged, TapeError, UsageError
from tidemill.hookspecs.notifier import Notifier
from tidemill.pipeline.assemble import assemble
from tidemill.pipeline.writer import LedgerWriter
from tidemill.tape.reader import TapeReader
from tidemill.tape.writer import TapeWriter

SMALL = """
seed = 7
speed = "max"
[chains.sim]
tokens = 12
pools = 40
{chain}
[prices.sim]
[lenders.sim]
[dex.uniswap]
[dex.sushiswap]
[dex.quickswap]
[dex.pancakeswap]
[search.cycles]
[strategies.spatial]
[risk.limits]
[stores.sqlite]
[books.main]
base = "USDC"
{more}
"""
Configs = Callable[..., Path]


class Hearing(Notifier):
    """Keeps what it is told."""

    name = "hearing"

    def __init__(self) -> None:
        super().__init__()
        self.headers: list[RunHeader] = []
        self.notes: list[Note] = []
        self.summaries: list[Summary] = []

    async def start(self, header: RunHeader) -> None:
        self.headers.append(header)

    async def tell(self, notes: Sequence[Note]) -> None:
        self.notes.extend(notes)

    async def finish(self, summary: Summary) -> None:
        self.summaries.append(summary)


@pytest.fixture
def config(tmp_path: Path) -> Configs:
    """Write a configuration of a small simulated market."""

    def write(chain: str = "", more: str = "") -> Path:
        path = tmp_path / "tidemill.toml"
        path.write_text(SMALL.format(chain=chain, more=more))
        return path

    return write


def options(tmp_path: Path, **more: Any) -> RunOptions:
    return RunOptions(**{"blocks": 12, "data": tmp_path / "data", **more})


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary, Hearing]:
    """One recorded run that the tests below look at."""
    folder = tmp_path_factory.mktemp("recorded")
    path = folder / "tidemill.toml"
    path.write_text(SMALL.format(chain="competitor_share_ppm = 300_000", more=""))
    hearing = Hearing()
    made = run(path, RunOptions(blocks=20, record=folder / "run.tape", data=folder / "data"), notifiers=[hearing])
    return folder / "run.tape", made, hearing


def test_run_tells_what_it_is_and_what_it_came_to(recorded: tuple[Path, Summary, Hearing]) -> None:
    """A header first, the summary last; blocks are heads, and every plan has an end."""
    tape, made, hearing = recorded
    header = hearing.headers[0]

    assert [made] == hearing.summaries
    assert ("paper", "sim:1", 7, 40) == (header.mode, header.source, header.seed, header.pools)
    assert header.assets >= 12
    assert 20 == made.blocks
    assert made.plans == made.fills + made.reverts
    assert made.fills > 0
    assert made.rejected > 0
    assert str(tape) == made.tape
    assert {"fill", "rejected", "plan"} <= {note.event for note in hearing.notes}


def test_run_ledger_holds_the_run_with_its_hash(recorded: tuple[Path, Summary, Hearing]) -> None:
    """What the summary says is what the ledger verifies."""
    tape, made, _ = recorded
    with open_ledger(tape.parent / "data") as ledger:
        assert [made.ledger_hash] == [info.ledger_hash for info in ledger.runs()]
        assert made.ledger_hash == ledger.hash(1)
        assert ledger.verify(1).sound


def test_r5_recorded_run_replays_to_the_same_hash(recorded: tuple[Path, Summary, Hearing]) -> None:
    """Configuration, market and answers stand on the tape: folded again they give the same ledger, figure by figure."""
    tape, made, _ = recorded
    again = replay(tape)

    assert None is again.difference
    assert made.ledger_hash == again.recorded_hash == again.summary.ledger_hash
    assert (made.blocks, made.events, made.fills, made.reverts, made.rejected, made.pnl, made.cost) == (
        again.summary.blocks, again.summary.events, again.summary.fills, again.summary.reverts, again.summary.rejected,
        again.summary.pnl, again.summary.cost,
    )  # fmt: skip


def test_r4_equal_seeds_give_equal_ledgers_and_other_seeds_others(config: Configs, tmp_path: Path) -> None:
    """The seed of the command line counts before that of the configuration."""
    hashes = [
        run(config(), options(tmp_path, data=tmp_path / str(place), seed=seed), notifiers=[]).ledger_hash
        for place, seed in enumerate((3, 3, 4))
    ]

    assert hashes[0] == hashes[1] != hashes[2]


def rewritten(tape: Path, out: Path, change: Callable[[int, Any], Any], ledger_hash: str | None = None) -> Path:
    """Copy a tape record by record; ``change`` gives (batch, decide, digest), or None to leave the record out."""
    reader = TapeReader(tape)
    writer = TapeWriter(out, reader.header)
    for place, record in enumerate(reader.records(), start=1):
        changed = change(place, record)
        if changed is not None:
            writer.write(*changed)
    writer.close(ledger_hash=ledger_hash or reader.closing.ledger_hash, summary=reader.closing.summary)
    return out


def test_r5_replay_of_a_tampered_digest_names_the_first_difference(recorded: tuple[Path, Summary, Hearing], tmp_path: Path) -> None:
    """The batch before which the digests differ is named by its place, source, number and height."""
    tape, _, _ = recorded
    wanted = list(TapeReader(tape).records())[29].batch
    forged = rewritten(tape, tmp_path / "f.tape", lambda place, one: (one.batch, one.decide, "0" * 16 if place >= 30 else one.digest))
    difference = replay(forged).difference

    assert difference is not None
    assert (30, wanted.source, wanted.seq, wanted.height) == (difference.place, difference.source, difference.seq, difference.height)
    assert "the run had digest 0000000000000000" in str(difference)
    assert str(difference).startswith(f"first difference before batch 30 ({wanted.source} {wanted.seq}, height {wanted.height})")


def test_r5_replay_without_one_batch_differs(recorded: tuple[Path, Summary, Hearing], tmp_path: Path) -> None:
    """An outcome that is missing, or a head, shows as a difference: never as another sound run."""
    tape, _, _ = recorded
    records = list(TapeReader(tape).records())
    paper = next(place for place, record in enumerate(records, start=1) if record.batch.source == "paper")
    short = rewritten(tape, tmp_path / "s.tape", lambda place, one: None if place == paper else (one.batch, one.decide, one.digest))
    difference = replay(short).difference

    assert difference is not None
    assert difference.place >= paper


def test_replay_of_another_final_hash_is_a_difference_of_the_closing_record(
    recorded: tuple[Path, Summary, Hearing], tmp_path: Path
) -> None:
    """Every batch the same and another hash at the end: the closing record is named."""
    tape, made, _ = recorded
    forged = rewritten(tape, tmp_path / "f.tape", lambda place, one: (one.batch, one.decide, one.digest), "f" * 64)
    difference = replay(forged).difference

    assert difference is not None
    assert "closing record" == difference.source
    assert made.ledger_hash in difference.detail


def test_replay_of_an_impossible_state_is_a_difference(
    recorded: tuple[Path, Summary, Hearing], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fold that breaks an invariant decided otherwise: the batch is named, with what was impossible."""
    from tidemill.pipeline.core import Core

    fold = Core.on_batch

    def breaking(self: Core, batch: Any, decide: bool) -> Any:
        if batch.source == "paper":
            raise InvariantError("sums do not balance")
        return fold(self, batch, decide)

    monkeypatch.setattr(Core, "on_batch", breaking)
    difference = replay(recorded[0]).difference

    assert difference is not None
    assert ("paper", "sums do not balance") == (difference.source, difference.detail)


def test_r14_run_with_reorganisations_replays_to_the_same_hash(config: Configs, tmp_path: Path) -> None:
    """Rollbacks reverse what landed in dropped blocks; the ledger stays sound and the replay the same."""
    more = "competitor_share_ppm = 100_000\nreorganisation_ppm = 300_000\nreorganisation_depth = 3\n"
    tape = tmp_path / "r.tape"
    made = run(config(more), options(tmp_path, record=tape), notifiers=[])
    with open_ledger(tmp_path / "data") as ledger:
        kinds = {row.kind for row in ledger.rows(1) if isinstance(row, EntryRow)}
        assert ledger.verify(1).sound

    assert "reversal" in kinds
    again = replay(tape)
    assert None is again.difference
    assert made.ledger_hash == again.summary.ledger_hash


def test_run_continues_the_books_of_the_last_run_in_the_same_folder(config: Configs, tmp_path: Path) -> None:
    """A new run opens with what the last one left, in one opening entry per chain; each run verifies by itself."""
    first = run(config(), options(tmp_path, blocks=20), notifiers=[])
    second = run(config(), options(tmp_path, blocks=3), notifiers=[])
    third = run(config(), options(tmp_path, blocks=3), notifiers=[])
    with open_ledger(tmp_path / "data") as ledger:
        opened = [_opened(ledger, number) for number in (1, 2, 3)]
        assert all(ledger.verify(number).sound for number in (1, 2, 3))

    assert first.cost
    for before, after, made in ((opened[0], opened[1], first), (opened[1], opened[2], second)):
        expected = dict(before)
        for asset, amount in made.pnl.items():
            expected[asset] = expected.get(asset, 0) + amount
        for asset, amount in made.cost.items():
            expected[asset] -= amount
        assert {asset: amount for asset, amount in expected.items() if amount} == after
    assert third.blocks == 3


def _opened(ledger: Any, number: int) -> dict[str, int]:
    entries = [row for row in ledger.rows(number) if isinstance(row, EntryRow) and row.kind == "opening"]
    assert 1 == len(entries)
    return {line.asset: line.amount for line in entries[0].postings if line.account == "wallet"}


def test_run_over_the_market_of_a_recorded_run_makes_its_own_answers(recorded: tuple[Path, Summary, Hearing], tmp_path: Path) -> None:
    """``tape`` plays the market records under the tape's own configuration; what was answered then is not heard."""
    tape, made, _ = recorded
    hearing = Hearing()
    again = run(None, RunOptions(tape=tape, data=tmp_path / "data", speed="max"), notifiers=[hearing])
    part = run(None, RunOptions(tape=tape, data=tmp_path / "part", speed="max", blocks=5), notifiers=[])

    assert (made.blocks, 5) == (again.blocks, part.blocks)
    assert (str(tape), "run") == (hearing.headers[0].tape, hearing.headers[0].source)
    assert again.plans == again.fills + again.reverts
    assert again.plans > 0


def test_run_takes_paths_as_text(recorded: tuple[Path, Summary, Hearing], tmp_path: Path) -> None:
    """A folder or file may be written as text, as everywhere else."""
    again = RunOptions(tape=str(recorded[0]), data=str(tmp_path / "data"), record=str(tmp_path / "again.tape"), speed="max", blocks=2)
    made = run(None, again, notifiers=[])

    assert (recorded[0], tmp_path / "data", tmp_path / "again.tape") == (again.tape, again.data, again.record)
    assert (2, str(tmp_path / "data")) == (made.blocks, made.ledger)
    assert (tmp_path / "again.tape").is_file()


def test_run_without_a_store_keeps_no_ledger(tmp_path: Path) -> None:
    """A store is a plugin like any other: without one the run is only told."""
    path = tmp_path / "tidemill.toml"
    path.write_text(SMALL.format(chain="", more="").replace("[stores.sqlite]", "[stores.sqlite]\nenabled = false"))
    made = run(path, options(tmp_path, blocks=2), notifiers=[])

    assert (2, "") == (made.blocks, made.ledger)
    assert not (tmp_path / "data").exists()


def test_run_ends_after_a_time_limit(config: Configs, tmp_path: Path) -> None:
    """With a limit of wall time the run drains and ends with its summary."""
    made = run(config(), RunOptions(seconds=1, speed="20x", data=tmp_path / "data"), notifiers=[])

    assert made.blocks >= 1
    with open_ledger(tmp_path / "data") as ledger:
        assert ledger.verify(1).sound


def test_live_is_refused_and_nothing_is_started(config: Configs, tmp_path: Path) -> None:
    """R11: neither the option alone nor the mode alone starts anything, nor do both where nothing says what may be signed."""
    written = config()
    with pytest.raises(UsageError, match="--live alone is not enough"):
        run(written, options(tmp_path, live=True), notifiers=[])
    written.write_text('mode = "live"\n' + written.read_text())
    with pytest.raises(UsageError, match='mode = "live" alone is not enough'):
        run(written, options(tmp_path), notifiers=[])
    with pytest.raises(UsageError, match=r"no \[signer\] says what may be signed"):
        run(written, options(tmp_path, live=True), notifiers=[])
    assert not (tmp_path / "data").exists()


def test_run_over_a_tape_of_another_chain_is_refused(recorded: tuple[Path, Summary, Hearing], tmp_path: Path) -> None:
    """The tape's chain and the configuration's are both named."""
    foreign = tmp_path / "other.toml"
    foreign.write_text('[chains.recorded]\nchain = "eip155:1"\n[dex.uniswap]\n[strategies.spatial]\n')

    with pytest.raises(UsageError, match=r"the tape is of sim:1, the configuration is for eip155:1"):
        run(foreign, RunOptions(tape=recorded[0], data=tmp_path / "data", speed="max"), notifiers=[])


@pytest.mark.parametrize("speed", ["fast", "0x"])
def test_run_at_no_speed_is_refused(config: Configs, tmp_path: Path, speed: str) -> None:
    """Before anything is opened."""
    with pytest.raises(UsageError, match="expected real, max or a factor"):
        run(config(), options(tmp_path, speed=speed), notifiers=[])
    assert not (tmp_path / "data").exists()


def test_run_with_a_wrong_configuration_starts_nothing(config: Configs, tmp_path: Path) -> None:
    """All that is wrong is told at once."""
    with pytest.raises(ConfigError) as told:
        run(config(more="[risk.limit]\n[dex.nobody]"), options(tmp_path), notifiers=[])

    assert 2 == len(told.value.problems)
    assert not (tmp_path / "data").exists()


def test_run_with_a_wrong_setting_of_a_plugin_starts_nothing(config: Configs, tmp_path: Path) -> None:
    """A key that only the plugin's own settings can judge is told like any other, with its line."""
    with pytest.raises(ConfigError, match=r"tidemill\.toml:\d+ .*max_trad") as told:
        run(config(chain="max_trad = 1"), options(tmp_path), notifiers=[])

    assert 1 == len(told.value.problems)
    assert not (tmp_path / "data").exists()


def test_run_of_a_cut_tape_is_refused_with_its_offset(recorded: tuple[Path, Summary, Hearing], tmp_path: Path) -> None:
    """A damaged tape is never half played, neither by ``run`` nor by ``replay``."""
    cut = tmp_path / "cut.tape"
    cut.write_bytes(recorded[0].read_bytes()[:-20])

    for play in (lambda: run(None, RunOptions(tape=cut, data=tmp_path / "data"), notifiers=[]), lambda: replay(cut)):
        with pytest.raises(TapeDamaged, match=r"offset \d+"):
            play()
    assert not (tmp_path / "data").exists()


def test_replay_of_an_import_is_refused(tmp_path: Path, recorded: tuple[Path, Summary, Hearing]) -> None:
    """A tape without a configuration is no recorded run: it says what to do instead."""
    reader = TapeReader(recorded[0])
    writer = TapeWriter(tmp_path / "i.tape", evolve(reader.header, config="", kind="import"))
    writer.close()

    with pytest.raises(TapeError, match="use `tidemill run --tape`"):
        replay(tmp_path / "i.tape")


def test_second_instance_on_the_same_folder_is_refused(config: Configs, tmp_path: Path) -> None:
    """The ledger has one writer; the running one goes on."""
    store = assemble(load_config(config())).store
    assert store is not None
    with LedgerWriter(store, tmp_path / "data") as writer:
        writer.begin("{}")
        with pytest.raises(LedgerInUse):
            run(config(), options(tmp_path), notifiers=[])


def test_ledger_that_fails_in_mid_run_ends_it_with_that_error(config: Configs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk ends the run with the ledger's own error, not wrapped in groups; the tape in hand is given up."""
    put = LedgerWriter.put
    calls: list[int] = []

    def failing(self: LedgerWriter, rows: Any, **more: Any) -> None:
        calls.append(1)
        if len(calls) > 3:
            raise LedgerError("disk full")
        put(self, rows, **more)

    monkeypatch.setattr(LedgerWriter, "put", failing)
    with pytest.raises(LedgerError, match=r"^disk full$"):
        run(config(), options(tmp_path, record=tmp_path / "run.tape"), notifiers=[])
    with pytest.raises(TapeDamaged):
        TapeReader(tmp_path / "run.tape").validate()
