"""Reading tapes and folders of tapes."""

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from tidemill.domain.events import Batch, Head
from tidemill.domain.ids import ChainId
from tidemill.errors import TapeDamaged, TapeError, UsageError
from tidemill.tape.header import Span, TapeHeader
from tidemill.tape.reader import TapeReader
from tidemill.tape.writer import TapeWriter

CHAIN = ChainId("sim:1")
BatchMaker = Callable[..., Batch]


@pytest.fixture
def write_part(tmp_path: Path, make_batch: BatchMaker) -> Callable[..., Path]:
    """Return a function that writes one file of a recording into a folder."""

    def written(name: str, part: int, seqs: list[int], *, continues: bool = True, kind: str = "run") -> Path:
        folder = tmp_path / "recording"
        folder.mkdir(exist_ok=True)
        with TapeWriter(folder / name, TapeHeader(kind, (CHAIN,), part=part)) as tape:
            for seq in seqs:
                tape.write(make_batch(seq, Head(CHAIN, seq, "", "", seq * 10)))
            tape.close(continues=continues, ledger_hash="" if continues else "ff")
        return folder

    return written


def test_header_and_closing_record_are_read_without_the_events(small_tape: Path) -> None:
    """What a tape says of itself is known after its frames were checked."""
    reader = TapeReader(small_tape)
    expected = TapeHeader("run", (CHAIN,), "sim", 7, '{"mode":"paper"}', (("dex.uniswap", "0.1.0"),), "tidemill 0.1.0")
    assert expected == reader.header
    assert (3, 1, "ab" * 32) == (reader.closing.records, reader.closing.answers, reader.closing.ledger_hash)
    assert {"fills": 3, "pnl": {"sim:1/erc20:0xaa": str(10**30)}} == reader.closing.summary


def test_summary_of_a_validated_tape_gives_its_size(small_tape: Path) -> None:
    """Validation answers with what the tape is and holds."""
    summary = TapeReader(small_tape).validate()
    assert (str(small_tape), small_tape.stat().st_size, 1) == (summary.path, summary.size, summary.files)
    assert (Span(CHAIN, 2, 7, 7, 1_700_000_000, 1_700_000_000),) == summary.closing.spans


def test_path_without_a_file_is_a_usage_error(tmp_path: Path) -> None:
    """A tape that is not there is the caller's mistake, not damage."""
    with pytest.raises(UsageError, match="there is no tape at"):
        TapeReader(tmp_path / "none")


def test_file_that_may_not_be_read_is_a_tape_error(small_tape: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors of the disk are tape errors that name the file."""

    def refused(self: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(TapeError, match=r"small\.tape: the tape cannot be read: Permission denied"):
        TapeReader(small_tape)


def test_other_schema_is_named(tmp_path: Path) -> None:
    """Events of a schema that this version does not know are refused before any is read."""
    with TapeWriter(tmp_path / "t", attrs.evolve(TapeHeader("run", (CHAIN,)), schema=9)):
        pass
    with pytest.raises(TapeError, match="schema 9, this version of tidemill reads schema 1"):
        TapeReader(tmp_path / "t")


def test_folder_is_read_in_the_order_of_its_parts(write_part: Callable[..., Path]) -> None:
    """The files of a rotating recording follow one another by their own count, whatever their names."""
    write_part("b", 0, [1, 2])
    write_part("a", 1, [3])
    folder = write_part("c", 2, [4, 5], continues=False)
    reader = TapeReader(folder)
    assert [1, 2, 3, 4, 5] == [record.batch.seq for record in reader.records()]
    summary = reader.validate()
    assert 3 == summary.files
    assert (5, (Span(CHAIN, 5, 1, 5, 10, 50),), (("Head", 5),), "ff") == (
        summary.closing.records,
        summary.closing.spans,
        summary.closing.events,
        summary.closing.ledger_hash,
    )
    assert sum(file.stat().st_size for file in folder.iterdir()) == summary.size


def test_folder_without_its_last_file_is_refused(write_part: Callable[..., Path]) -> None:
    """The last file of a recording says that it is the last."""
    write_part("a", 0, [1])
    folder = write_part("b", 1, [2])
    with pytest.raises(TapeError, match="file 2 of the recording is missing"):
        TapeReader(folder).validate()


def test_folder_without_a_file_between_is_refused(write_part: Callable[..., Path]) -> None:
    """No file between two others may be missing."""
    write_part("a", 0, [1])
    folder = write_part("c", 2, [3], continues=False)
    with pytest.raises(TapeError, match="file 1 of the recording is missing; found file 2, c"):
        TapeReader(folder)


def test_folder_with_two_ends_is_refused(write_part: Callable[..., Path]) -> None:
    """Only the last file of a recording ends it."""
    write_part("a", 0, [1], continues=False)
    folder = write_part("b", 1, [2], continues=False)
    with pytest.raises(TapeError, match="file 0 ends the recording, and more follow it"):
        TapeReader(folder).validate()


def test_folder_of_different_recordings_is_refused(write_part: Callable[..., Path]) -> None:
    """Files of different kinds or chains are not one recording."""
    write_part("a", 0, [1])
    folder = write_part("b", 1, [2], continues=False, kind="uniswap-v2-pairs")
    with pytest.raises(TapeError, match="b and a are of different recordings"):
        TapeReader(folder)


def test_folder_without_files_is_a_usage_error(tmp_path: Path) -> None:
    """A folder that holds no file holds no tape."""
    with pytest.raises(UsageError, match="there is no tape in the folder"):
        TapeReader(tmp_path)


def test_damage_in_a_folder_names_the_file(write_part: Callable[..., Path]) -> None:
    """The offset belongs to the file that is damaged, and the file is named."""
    write_part("a", 0, [1])
    folder = write_part("b", 1, [2], continues=False)
    raw = (folder / "b").read_bytes()
    (folder / "b").write_bytes(raw[:-5])
    with pytest.raises(TapeDamaged) as caught:
        TapeReader(folder).validate()
    assert str(folder / "b") == caught.value.path
