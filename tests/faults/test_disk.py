"""Disks that are full or may not be written: one clear error, exit code 1, and what stands there is whole."""

from functools import partial
from pathlib import Path

import pytest

from tests.commands import LEAN, Ended, Tidemill

SHORT = ("run", "--seed", "7", "--speed", "max")
NO_LEDGER = {**LEAN, "TIDEMILL__STORES__SQLITE__ENABLED": "false"}


def said(ended: Ended) -> str:
    """What a failed command said, once it is certain that it failed as it should: exit code 1, one line, no traceback."""
    assert (1, 1) == (ended.code, len(ended.err.splitlines())), ended
    return ended.err


@pytest.mark.parametrize("file_size", [20_000, 130_000, 200_000], ids=["before the tables are laid out", "in the run", "later"])
def test_ledger_on_a_full_disk_ends_the_run_and_stays_sound(file_size: int, tidemill: Tidemill) -> None:
    """When the disk takes no more, the run ends with what is to be done; the ledger holds whole groups, and later runs go on."""
    message = said(tidemill(*SHORT, env=LEAN, file_size=file_size))
    verified = tidemill("ledger", "verify", "--json")
    begun = file_size > 20_000

    assert "ledger.db: " in message
    assert "the disk" in message
    assert not begun or (0, [False]) == (verified.code, [run["closed"] for run in verified.lines[0]["runs"]])
    assert 0 == tidemill(*SHORT, "--blocks", "1", env=LEAN).code
    assert 0 == tidemill("ledger", "verify").code


def test_ledger_on_a_full_disk_leaves_no_tape_that_passes_for_whole(tidemill: Tidemill) -> None:
    """A recording that ended with the run's failure reads as cut."""
    said(tidemill(*SHORT, "--record", "run.tape", env=LEAN, file_size=200_000))
    validated = tidemill("tape", "validate", "run.tape")

    assert (1, True) == (validated.code, "run.tape: damaged at offset " in validated.err)


@pytest.mark.parametrize("below", ["", "below/it"])
def test_ledger_in_a_read_only_folder_is_refused_before_anything_begins(below: str, tidemill: Tidemill, tmp_path: Path) -> None:
    """A folder that may not be written is named with the remedy; nothing is written and nothing is printed."""
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    done = tidemill(*SHORT, "--blocks", "1", "--data", str(locked / below), env=LEAN, unprivileged=True)

    assert "" == done.out
    assert f"{locked}" in said(done)
    assert "Permission denied; give a folder that can be written" in done.err
    assert [] == list(locked.iterdir())


def test_ledger_that_may_only_be_read_is_looked_at_but_not_continued(tidemill: Tidemill, tmp_path: Path) -> None:
    """An archived ledger can be verified by anyone; a run on it is refused, and leaves it as it is."""
    data = tmp_path / "archive"
    assert 0 == tidemill(*SHORT, "--blocks", "1", "--data", str(data), env=LEAN).code
    data.chmod(0o555)
    for path in data.iterdir():
        path.chmod(0o444)
    before = (data / "ledger.db").read_bytes()
    nobody = partial(tidemill, unprivileged=True)

    assert 0 == nobody("ledger", "verify", "--data", str(data)).code
    assert "Permission denied" in said(nobody(*SHORT, "--blocks", "1", "--data", str(data), env=LEAN))
    assert before == (data / "ledger.db").read_bytes()
    assert 0 == nobody("ledger", "verify", "--data", str(data)).code
    data.chmod(0o755)


def test_ledger_where_a_file_stands_is_refused(tidemill: Tidemill, tmp_path: Path) -> None:
    """`--data` that names a file is an error of the ledger, and the file is left alone."""
    (tmp_path / "file").write_text("mine")

    assert "file: cannot be created" in said(tidemill(*SHORT, "--blocks", "1", "--data", "file", env=LEAN))
    assert "mine" == (tmp_path / "file").read_text()


def test_ledger_of_another_program_is_refused_and_kept(tidemill: Tidemill, tmp_path: Path) -> None:
    """A file that is no ledger is not overwritten."""
    (tmp_path / "ledger.db").write_bytes(b"not a database " * 300)

    assert "not a SQLite file" in said(tidemill(*SHORT, "--blocks", "1", "--data", ".", env=LEAN))
    assert (tmp_path / "ledger.db").read_bytes().startswith(b"not a database")


def test_tape_on_a_full_device_ends_the_run_before_the_ledger_is_made(tidemill: Tidemill, tmp_path: Path) -> None:
    """A recording that cannot even begin stops the run; no ledger of a run that never was is left."""
    message = said(tidemill(*SHORT, "--blocks", "1", "--record", "/dev/full", env=LEAN))

    assert "/dev/full: the tape cannot be written: No space left on device" in message
    assert [] == list(tmp_path.iterdir())


def test_tape_on_a_disk_that_fills_up_ends_the_run_and_reads_as_cut(tidemill: Tidemill) -> None:
    """The run says that its tape ended, and the tape is never taken for a whole one."""
    message = said(tidemill(*SHORT, "--blocks", "60", "--record", "run.tape", env=NO_LEDGER, file_size=6_000))
    validated = tidemill("tape", "validate", "run.tape")

    assert "run.tape: the tape cannot be written: File too large; it ends here, without a closing record" in message
    assert (1, True) == (validated.code, "run.tape: damaged at offset " in validated.err)


def test_tape_on_a_disk_that_fills_up_leaves_a_sound_ledger(tidemill: Tidemill, tmp_path: Path) -> None:
    """The tape's failure is not the ledger's: what it holds verifies, the run counts as broken off."""
    tape = tmp_path / "full"
    tape.symlink_to("/dev/full")
    (tmp_path / "tidemill-data").mkdir()
    said(tidemill(*SHORT, "--blocks", "1", "--record", "full", env=LEAN))

    assert 0 == tidemill(*SHORT, "--blocks", "1", env=LEAN).code
    assert 0 == tidemill("ledger", "verify").code


def test_import_on_a_full_disk_leaves_no_tape(tidemill: Tidemill, tmp_path: Path, pair_list: Path) -> None:
    """An import that could not be written is removed."""
    done = tidemill("tape", "import", "uniswap-v2-pairs", str(pair_list), "--out", "pairs.tape", file_size=300)

    assert "pairs.tape: the tape cannot be written" in said(done)
    assert not (tmp_path / "pairs.tape").exists()


@pytest.mark.parametrize("form", [("--json",), ()], ids=["json", "plain"])
def test_run_whose_output_is_full_goes_on(form: tuple[str, ...], tidemill: Tidemill) -> None:
    """Who cannot be told anything more does not stop the run: the ledger is closed and sound, and standard error says so."""
    done = tidemill(*SHORT, "--blocks", "3", *form, env=LEAN, out="/dev/full")

    assert "failed (1 in a row) and " in done.err or "cannot start and " in done.err
    assert [True] == [run["closed"] for run in tidemill("ledger", "verify", "--json").lines[0]["runs"]]
