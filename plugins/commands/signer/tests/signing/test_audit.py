"""The audit trail: every edit shows, what a crash leaves does not count, and no entry counts that is not on disk."""

import errno
import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidemill_command_signer.audit import LOG, AuditError, AuditTrail, Entry, verify
from tidemill_command_signer.audit import head as head_module
from tidemill_command_signer.audit import trail as trail_module
from tidemill_command_signer.audit_command import audit
from tidemill_command_signer.keystore import Keystore

LINES = 6


def written(folder: Path, lines: int = LINES) -> Path:
    with AuditTrail(folder) as trail:
        for number in range(1, lines + 1):
            trail.append("signed", number=number, note="é\n\u2028", spends={"a": "1"})
    return folder / LOG


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The two files of a trail of six entries."""
    folder = tmp_path_factory.mktemp("trail")
    log = written(folder)
    return {name: (folder / name).read_bytes() for name in (log.name, "audit.head")}


@pytest.fixture
def changed(tmp_path: Path, sound: dict[str, bytes]) -> Callable[[str, bytes | None], Path]:
    """Lays the trail down with one of its files changed, or removed."""

    def lay(name: str, content: bytes | None) -> Path:
        for file, held in {**sound, name: content}.items():
            (tmp_path / file).unlink(missing_ok=True)
            if held is not None:
                (tmp_path / file).touch(0o600)
                (tmp_path / file).write_bytes(held)
        return tmp_path / LOG

    return lay


def refuses_to_write(log: Path) -> bool:
    try:
        AuditTrail(log.parent).open().close()
    except AuditError:
        return True
    return False


many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_trail_is_sound_and_each_entry_as_it_was_written(tmp_path: Path) -> None:
    """Reading gives back what was appended, in order, chained from the beginning."""
    log = written(tmp_path)
    found: list[Entry] = []
    verdict = verify(log, found.append)

    assert (True, LINES, found[-1].hash) == (verdict.sound, verdict.count, verdict.hash)
    assert [1, 2, 3, 4, 5, 6] == [entry.fields["number"] for entry in found]
    assert ["0" * 64, *(entry.hash for entry in found[:-1])] == [entry.prev for entry in found]
    assert (0o600, 0o600) == (log.stat().st_mode & 0o777, (tmp_path / "audit.head").stat().st_mode & 0o777)
    assert {"seq", "at", "event", "fields", "prev", "hash"} == set(json.loads(log.read_text().splitlines()[0]))


def test_time_of_an_entry_is_that_of_its_clock(tmp_path: Path) -> None:
    """UTC, to the millisecond."""
    with AuditTrail(tmp_path, lambda: datetime(2026, 1, 2, 3, 4, 5, 678_900, UTC)) as trail:
        assert "2026-01-02T03:04:05.678Z" == trail.append("opened").at


@many
@given(data=st.data())
def test_any_changed_byte_is_found(data: st.DataObject, sound: dict[str, bytes], changed: Callable[[str, bytes | None], Path]) -> None:
    """In either file; the line is named, and the trail is written no further."""
    name = data.draw(st.sampled_from([LOG, "audit.head"]))
    held = bytearray(sound[name])
    place = data.draw(st.integers(0, len(held) - 1))
    held[place] ^= data.draw(st.integers(1, 255))
    log = changed(name, bytes(held))
    verdict = verify(log)

    assert not verdict.sound
    if name == LOG:
        # A changed end of a line joins it with the next
        assert sound[LOG].count(b"\n", 0, place) + 1 == verdict.line
    assert refuses_to_write(log)


@many
@given(data=st.data())
def test_any_deleted_swapped_or_repeated_line_is_found(
    data: st.DataObject, sound: dict[str, bytes], changed: Callable[[str, bytes | None], Path]
) -> None:
    """Also whole runs of lines; the first that is out of place is named."""
    lines = sound[LOG].splitlines(keepends=True)
    order = data.draw(st.lists(st.integers(0, LINES - 1), max_size=LINES + 2).filter(lambda found: found != list(range(LINES))))
    log = changed(LOG, b"".join(lines[number] for number in order))
    verdict = verify(log)
    first = next((place for place, number in enumerate(order) if place != number), len(order))

    assert (False, first + 1) == (verdict.sound, verdict.line)
    assert refuses_to_write(log)


@many
@given(data=st.data())
def test_any_cut_tail_is_found(data: st.DataObject, sound: dict[str, bytes], changed: Callable[[str, bytes | None], Path]) -> None:
    """In the middle of a line or between two: the head counts more than there are."""
    log = changed(LOG, sound[LOG][: data.draw(st.integers(0, len(sound[LOG]) - 1))])

    assert not verify(log).sound
    assert refuses_to_write(log)


@many
@given(more=st.binary(min_size=1, max_size=40))
def test_any_bytes_put_behind_the_end_are_found(more: bytes, sound: dict[str, bytes], changed: Callable[[str, bytes | None], Path]) -> None:
    """Half a line may be what a crash leaves: it is found all the same."""
    assert not verify(changed(LOG, sound[LOG] + more)).sound


@pytest.mark.parametrize("name", [LOG, "audit.head"])
def test_missing_file_is_found(name: str, changed: Callable[[str, bytes | None], Path]) -> None:
    """The trail without its head, and the head without its trail."""
    log = changed(name, None)
    verdict = verify(log)

    assert not verdict.sound
    assert "audit.head" in verdict.fault
    assert refuses_to_write(log)


def test_old_head_and_old_trail_put_back_are_told_as_far_as_can_be(
    sound: dict[str, bytes], changed: Callable[[str, bytes | None], Path]
) -> None:
    """A head of an earlier day beside the trail is found; both of that day are a trail of their own, whose hash is another."""
    lines = sound[LOG].splitlines(keepends=True)
    third = json.loads(lines[2])["hash"]
    old = f'{{"count":3,"hash":"{third}"}}\n'.encode()
    assert "was edited, or put back: it counts 3 entries, there are 6" in verify(changed("audit.head", old)).fault
    log = changed("audit.head", old)
    log.write_bytes(b"".join(lines[:3]))

    assert (True, third) == (verify(log).sound, verify(log).hash)


@pytest.mark.parametrize(
    "body",
    [
        b'{"seq":true,"at":"","event":"","fields":{},"prev":""}',
        b'{"seq":7,"at":1,"event":"","fields":{},"prev":""}',
        b'{"seq":7,"at":"","event":"","fields":[],"prev":""}',
        b'{"at":"","seq":7,"event":"","fields":{},"prev":""}',
        b'{"seq":7,"at":"","event":"","fields":{},"prev":"' + b"0" * 64 + b'"}',
        b"[7]",
        b"{seq}",
        b"[" * 9_000 + b"}",
    ],
)
def test_line_with_its_own_right_hash_and_anything_else_wrong_is_found(
    body: bytes, sound: dict[str, bytes], changed: Callable[[str, bytes | None], Path]
) -> None:
    """A hash can be made anew for a line; the chain, the number and the form cannot be had with it."""
    import hashlib

    line = body[:-1] + b',"hash":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'
    verdict = verify(changed(LOG, sound[LOG] + line))

    assert (False, LINES + 1) == (verdict.sound, verdict.line)


def test_entry_without_its_head_is_what_a_crash_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the two files: one entry more is sound, and the next entry brings the head up."""
    log = written(tmp_path)
    before = (tmp_path / "audit.head").read_bytes()
    with AuditTrail(tmp_path) as trail:
        trail.append("signed")
    (tmp_path / "audit.head").write_bytes(before)
    assert (True, LINES + 1) == (verify(log).sound, verify(log).count)
    with AuditTrail(tmp_path) as trail:
        assert LINES + 2 == trail.append("signed").seq

    assert f'{{"count":{LINES + 2},'.encode() == (tmp_path / "audit.head").read_bytes()[: len('{"count":8,')]
    assert verify(log).sound


def test_half_a_line_that_a_crash_left_is_removed_and_that_is_said(tmp_path: Path) -> None:
    """Nothing had followed from it; ``verify`` still tells it to whoever asks before."""
    log = written(tmp_path)
    whole = log.read_bytes()
    log.write_bytes(whole + whole[: len(whole) // 9])
    verdict = verify(log)
    assert (False, True, LINES + 1) == (verdict.sound, verdict.torn, verdict.line)
    assert "a signer that was killed leaves such an end" in verdict.fault
    with AuditTrail(tmp_path).open() as trail:
        assert LINES + 1 == trail.count
    found: list[Entry] = []

    assert verify(log, found.append).sound
    assert "repaired" == found[-1].event


def test_half_a_line_of_an_entry_that_the_head_counts_is_no_crash(
    sound: dict[str, bytes], changed: Callable[[str, bytes | None], Path]
) -> None:
    """Such a trail was cut, and is left as it is found."""
    log = changed(LOG, sound[LOG][:-5])

    assert (False, False) == (verify(log).torn, "killed" in verify(log).fault)
    assert refuses_to_write(log)
    assert sound[LOG][:-5] == log.read_bytes()


def test_two_writers_take_turns(tmp_path: Path) -> None:
    """`keys` and `signer` write one trail; each follows what the other wrote."""
    trails = [AuditTrail(tmp_path).open() for _ in range(3)]

    def write(trail: AuditTrail) -> None:
        for _ in range(20):
            trail.append("signed")

    threads = [threading.Thread(target=write, args=(trail,)) for trail in trails]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for trail in trails:
        trail.close()

    assert (True, 60) == (verify(tmp_path / LOG).sound, verify(tmp_path / LOG).count)


def test_half_a_line_of_another_writer_that_was_killed_is_removed(tmp_path: Path) -> None:
    """The lock is free, so that its writer is gone."""
    log = written(tmp_path)
    with AuditTrail(tmp_path).open() as trail:
        with log.open("ab") as file:
            file.write(b'{"seq":7,')
        trail.append("signed")

    assert (True, LINES + 1) == (verify(log).sound, verify(log).count)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda held: held[: len(held) // 2], "became shorter while it was open"),
        (lambda held: held + b"not a line\n", "was edited while it was open"),
        (lambda held: held + held.splitlines(keepends=True)[0], "was edited while it was open"),
    ],
)
def test_trail_that_is_edited_under_its_writer_is_written_no_further(tmp_path: Path, change: Callable[[bytes], bytes], words: str) -> None:
    """Nothing is signed by a signer whose trail was touched, also later."""
    log = written(tmp_path)
    with AuditTrail(tmp_path).open() as trail:
        log.write_bytes(change(log.read_bytes()))
        for _ in range(2):
            with pytest.raises(AuditError, match=words):
                trail.append("signed")


def test_full_disk_leaves_the_trail_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written of the entry is taken back; once there is room, the same trail goes on."""
    log = written(tmp_path)
    before = log.read_bytes()
    write = os.write

    def full(file: int, content: bytes) -> int:
        if len(content) < 200:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, content[:100])

    with AuditTrail(tmp_path).open() as trail:
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(AuditError, match="No space left on device; nothing is signed without it"):
            trail.append("signed", note="x" * 50)
        monkeypatch.undo()
        assert before == log.read_bytes()
        trail.append("signed")

    assert verify(log).sound


def test_disk_that_cannot_be_synced_ends_the_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failed sync nobody knows what is on disk: the trail must be opened again."""
    written(tmp_path)

    def broken(file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with AuditTrail(tmp_path).open() as trail:
        monkeypatch.setattr(os, "fdatasync", broken)
        monkeypatch.setattr(os, "fsync", broken)
        with pytest.raises(AuditError, match="Input/output error"):
            trail.append("signed")
        monkeypatch.undo()
        with pytest.raises(AuditError, match="start the signer again"):
            trail.append("signed")
    with AuditTrail(tmp_path) as trail:
        trail.append("signed")

    assert verify(tmp_path / LOG).sound


def test_head_that_cannot_be_written_keeps_the_entry_and_ends_the_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry is on disk and counts; the head may be behind by one, and by no more."""
    written(tmp_path)

    def full(log: Path, head: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with AuditTrail(tmp_path).open() as trail:
        monkeypatch.setattr(trail_module, "write_head", full)
        assert LINES + 1 == trail.append("signed").seq
        with pytest.raises(AuditError, match=r"audit\.head cannot be written \(No space left on device\)"):
            trail.append("signed")
    with pytest.raises(AuditError, match=r"audit\.head cannot be written"):
        AuditTrail(_folder(tmp_path / "new")).open()

    assert (True, LINES + 1) == (verify(tmp_path / LOG).sound, verify(tmp_path / LOG).count)


def test_head_that_follows_the_answer_is_never_behind_by_two(tmp_path: Path) -> None:
    """A writer that settles leaves the head for later; the next entry of anybody brings it up first, and so does the end."""

    def behind() -> int:
        return len((tmp_path / LOG).read_bytes().splitlines()) - (head_module.read_head(tmp_path / LOG) or head_module.Head()).count

    other = AuditTrail(tmp_path).open()
    with AuditTrail(tmp_path, settles=True) as trail:
        found = []
        for write in (trail.append, trail.append, other.append, trail.append, other.append):
            write("signed")
            found.append(behind())
        trail.append("signed")
        trail.settle()
        found.append(behind())
        trail.append("signed")
    other.close()

    assert [1, 1, 0, 1, 0, 0, 0] == [*found, behind()]
    assert verify(tmp_path / LOG).sound


def test_half_a_head_is_never_put_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written beside the old one, synced, and renamed."""
    log = written(tmp_path)
    before = (tmp_path / "audit.head").read_bytes()

    def broken(file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output error"):
        head_module.write_head(log, head_module.Head(9, "0" * 64))

    assert before == (tmp_path / "audit.head").read_bytes()
    assert [LOG, "audit.head"] == sorted((path.name for path in tmp_path.iterdir()), reverse=True)


def test_trail_that_others_may_use_is_refused_with_what_to_type(tmp_path: Path) -> None:
    """Whoever could write it could write what he likes."""
    log = written(tmp_path)
    log.chmod(0o640)
    with pytest.raises(AuditError, match=f"type `chmod 600 {log}`"):
        AuditTrail(tmp_path).open()


def test_trail_that_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    """No link, no pipe, no folder."""
    for name, make in (("link", lambda path: path.symlink_to("x")), ("folder", Path.mkdir), ("pipe", os.mkfifo)):
        make(_folder(tmp_path / name) / LOG)
        with pytest.raises(AuditError, match=r"cannot be opened|is no plain file"):
            AuditTrail(tmp_path / name).open()
    with pytest.raises(AuditError, match="cannot be opened: No such file"):
        AuditTrail(tmp_path / "none").append("opened")


def test_unreadable_files_are_errors_of_ours(tmp_path: Path) -> None:
    """A folder in the place of either file."""
    log = _folder(tmp_path / LOG)
    with pytest.raises(AuditError, match="cannot be read: Is a directory"):
        verify(log)
    _folder(tmp_path / "audit.head")

    with pytest.raises(AuditError, match="cannot be read: Is a directory"):
        head_module.read_head(log)


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_command_tells_a_sound_trail_by_its_last_hash(tmp_path: Path) -> None:
    """For people and as JSON; exit code 0."""
    log = written(tmp_path)
    last = verify(log).hash
    plain, as_json = (CliRunner().invoke(audit, ["verify", str(log), *more]) for more in ([], ["--json"]))

    assert (0, f"{log}: sound, 6 entries, the last is {last}\n") == (plain.exit_code, plain.stdout)
    assert {"file": str(log), "sound": True, "entries": 6, "hash": last, "line": 0, "fault": ""} == json.loads(as_json.stdout)


def test_command_names_the_first_line_that_is_wrong(tmp_path: Path) -> None:
    """Exit code 1, the message on stderr, the same in JSON."""
    log = written(tmp_path)
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:2] + lines[3:]))
    plain, as_json = (CliRunner().invoke(audit, ["verify", str(log), *more]) for more in ([], ["--json"]))
    fault = "line 3 is not as it was written: entry 3 is missing, entry 4 stands in its place"

    assert (1, "", f"{log}: {fault}\n") == (plain.exit_code, plain.stdout, plain.stderr)
    found = json.loads(as_json.stdout)
    assert (1, False, 2, 3, fault) == (as_json.exit_code, found["sound"], found["entries"], found["line"], found["fault"])


def test_command_finds_the_trail_of_the_keystore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without FILE it is that of the configuration; none at all is an error that says so."""
    monkeypatch.chdir(tmp_path)
    Path("tidemill.toml").write_text('[signer]\nkeystore = "k"\n')
    Keystore(_folder(tmp_path / "k"))
    missing = CliRunner().invoke(audit, ["verify"])
    written(tmp_path / "k")
    found = CliRunner().invoke(audit, ["verify"])

    assert "there is no audit trail k/audit.log" in str(missing.exception)
    assert "k/audit.log: sound, 6 entries" in found.stdout
