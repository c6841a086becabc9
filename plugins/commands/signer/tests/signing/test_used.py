"""What the trail says of today: sums by day, signatures that are given again, leases."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tidemill.domain.ids import AssetId, ChainId
from tidemill.errors import SignerError, SignerRefused
from tidemill_command_signer import used as used_module
from tidemill_command_signer.audit import AuditError, Entry
from tidemill_command_signer.leases import FILE, Leases
from tidemill_command_signer.policy import Used
from tidemill_command_signer.used import Signatures, digest_of, fields_of, used_of

CHAIN = ChainId("sim:1")
GOLD = AssetId("sim:1/erc20:0xa")
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


def signed(day: str, value: int = 5, payload: bytes = b"p", **changes: Any) -> Entry:
    fields = {
        "chain": CHAIN,
        "account": "a",
        "payload": digest_of(payload),
        "day": day,
        **fields_of(Used(value, 1, {GOLD: 2})),
        "signature": "0a",
    }
    return Entry(1, "", "signed", {**fields, **changes}, "")


def test_sums_are_those_of_the_day_and_of_the_chain() -> None:
    """Yesterday's count no more, another chain's never."""
    found = Signatures(Clock())
    for entry in (signed("2026-03-03", 9), signed("2026-03-04"), signed("2026-03-04", 7), signed("2026-03-04", 1, chain="sim:2")):
        found.note(entry)

    assert "2026-03-04" == found.day()
    assert (Used(12, 2, {GOLD: 4}), Used(1, 1, {GOLD: 2}), Used()) == tuple(found.today(ChainId(f"sim:{number}")) for number in (1, 2, 3))


def test_new_day_frees_what_the_old_one_used() -> None:
    """A day is that of UTC, whatever zone the clock shows."""
    clock = Clock()
    found = Signatures(clock)
    found.note(signed("2026-03-04"))
    clock.at = datetime(2026, 3, 5, 1, tzinfo=UTC).astimezone(datetime.now(UTC).astimezone().tzinfo)

    assert ("2026-03-05", Used()) == (found.day(), found.today(CHAIN))


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=1), timedelta(days=400)])
def test_clock_that_steps_back_frees_nothing(back: timedelta) -> None:
    """While it runs, and over a restart."""
    clock = Clock()
    found = Signatures(clock)
    found.note(signed(found.day()))
    clock.at -= back
    again = Signatures(clock)
    again.note(signed("2026-03-04"))

    assert [("2026-03-04", Used(5, 1, {GOLD: 2}))] * 2 == [(one.day(), one.today(CHAIN)) for one in (found, again)]


def test_payload_has_its_signature_for_its_account_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are forgotten beyond what is remembered."""
    monkeypatch.setattr(used_module, "REMEMBERED", 2)
    found = Signatures(Clock())
    for payload in (b"1", b"2", b"3"):
        found.note(signed("2026-03-04", payload=payload, signature=payload.hex()))

    assert [None, b"2", b"3"] == [found.given(CHAIN, "a", payload) for payload in (b"1", b"2", b"3")]
    assert (None, None) == (found.given(CHAIN, "b", b"3"), found.given(ChainId("sim:2"), "a", b"3"))


@pytest.mark.parametrize(
    "changes", [{"value": "x"}, {"spends": 7}, {"signature": "zz"}, {"fee": ""}, {"chain": []}, {"value": None}, {"spends": {"a": "b"}}]
)
def test_entry_that_no_signer_wrote_is_refused(changes: dict[str, Any]) -> None:
    """A chain of right hashes can be written by anybody who may write the file."""
    with pytest.raises(AuditError, match="entry 1 of the trail, signed, has other fields than a signer writes"):
        Signatures(Clock()).note(signed("2026-03-04", **changes))
    with pytest.raises(AuditError, match="lease"):
        Signatures(Clock()).note(Entry(1, "", "lease", {}, ""))


def test_amounts_beyond_any_machine_word_survive_the_trail() -> None:
    """They are text there."""
    most = Used(10**40, 3, {GOLD: 10**50})

    assert most == used_of(fields_of(most))


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A keystore's folder."""
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    return folder


def test_lease_is_for_one_connection_and_its_newest_number(keys: Path) -> None:
    """The second of two clients is told who holds it; an old number counts no more; a closed connection gives it free."""
    leases = Leases(keys, {})
    assert (1, 1, 2) == (leases.take("a", "first", 1), leases.take("b", "other", 2), leases.take("a", "first", 1))
    assert "first" == leases.owner("a", 2, 1)
    for call, words in (
        (lambda: leases.take("a", "second", 2), "a signs for 'first' until that connection closes"),
        (lambda: leases.owner("a", 2, 2), "a signs for 'first' until that connection closes"),
        (lambda: leases.owner("a", 1, 1), "lease 1 of a is over, 2 is the newest"),
        (lambda: leases.owner("c", 0, 1), "nobody holds c: ask for a lease first"),
    ):
        with pytest.raises(SignerRefused, match=words) as caught:
            call()
        assert "lease" == caught.value.rule
    assert ("a",) == leases.release(1)
    assert () == leases.release(1)
    assert 3 == leases.take("a", "second", 2)


def test_numbers_grow_over_restarts_also_without_their_file(keys: Path) -> None:
    """The file and the trail know the newest; the higher counts."""
    Leases(keys, {}).take("a", "first", 1)
    assert 2 == Leases(keys, {}).take("a", "first", 1)
    assert 0o600 == (keys / FILE).stat().st_mode & 0o777
    assert 6 == Leases(keys, {"a": 5}).take("a", "first", 1)
    (keys / FILE).unlink()

    assert 8 == Leases(keys, {"a": 7}).take("a", "first", 1)


WRONG = [f'{{"version":1,"tokens":{tokens}}}' for tokens in ('{"a":"1"}', '{"a":-1}', '{"a":true}', "[]")]


@pytest.mark.parametrize("held", ["", "[]", "{", '{"version":1}', '{"version":2,"tokens":{}}', "[" * 9_000, *WRONG])
def test_damaged_file_is_said_with_what_to_do(keys: Path, held: str) -> None:
    """Numbers are never guessed."""
    (keys / FILE).touch(0o600)
    (keys / FILE).write_text(held)
    with pytest.raises(SignerError, match=r"leases\.json is damaged: remove it, the audit trail knows the newest leases as well"):
        Leases(keys, {})


def test_number_that_cannot_be_kept_is_not_given(keys: Path) -> None:
    """Without the file on disk an old number could come again."""
    leases = Leases(keys, {})
    (keys / FILE).mkdir()
    with pytest.raises(SignerError):
        leases.take("a", "first", 1)
    (keys / FILE).rmdir()

    assert 1 == leases.take("a", "second", 2)
