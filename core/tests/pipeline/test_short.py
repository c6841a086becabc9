"""Values in short: readable, bounded, and without a secret."""

from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from tidemill.config.secret import Secret
from tidemill.domain.events import Batch, Head, Log
from tidemill.domain.ids import AssetId, ChainId
from tidemill.domain.note import Note
from tidemill.domain.opportunity import Leg
from tidemill.domain.time import ChainTime
from tidemill.pipeline.short import short
from tidemill.redaction import without_secrets
from tidemill_testing.market import snapshot_of

SIM = ChainId("sim:1")


class Colour(Enum):
    RED = "red"


@frozen
class Keys:
    """Settings with a secret in the open, which no configuration lets through, and one by reference."""

    api_key: str = "hunter2"
    signer: Secret = field(factory=lambda: Secret("env:SIGNER"))
    note: str = "plain"


@frozen
class Nested:
    inner: object


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (10**60, "1" + "0" * 46 + "…"),
        (Decimal("1.5"), "Decimal('1.5')"),
        ("a", "'a'"),
        ("x" * 100, "'" + "x" * 46 + "…"),
        ("sim:1/acme:0x" + "ab" * 20, "'sim:1/acme:0xabab…abab'"),
        (Path("/tmp/x"), "'/tmp/x'"),
        (b"\x01\x02", "0x0102"),
        (b"\x01" * 32, "32 bytes 0x01010101…"),
        (Secret("env:KEY"), "[secret env:KEY]"),
        (Colour.RED, "RED"),
        (Leg, "Leg"),
        ({"a": 1}, "1 entries"),
        (frozenset({1, 2}), "2 entries"),
        ((), "[]"),
        ([1, "a"], "[1, 'a']"),
        ([1, 2, 3, 4, 5], "[1, 2, 3, 4, …]"),
        ([b"a", b"b"], "2 × bytes"),
        (ChainTime(SIM, 12, 0), "sim:1 at 12"),
        (Batch("s", 4, SIM, 1, "", "", "confirmed", 0, 0, (Head(SIM, 1, "", "", 0),)), "batch s 4, 1 events"),
        (Note("fill", "info", 1, 2, "text"), "Note(event='fill', level='info', height=1, unix_time=2, …)"),
        (object(), "object"),
        (Nested(Nested(Nested(1))), "Nested(inner=Nested(inner=Nested))"),
        (Keys(), "Keys(api_key=[redacted], signer=[secret env:SIGNER], note='plain')"),
    ],
)
def test_value_in_short(value: object, text: str) -> None:
    """What it is, in a few dozen characters; secrets by their reference."""
    assert text == short(value)


def test_snapshot_is_told_by_its_heads_and_how_much_changed() -> None:
    """An author wants to know which block it was and whether there was anything to do."""
    snapshot = snapshot_of(())

    assert short(snapshot).startswith("snapshot of ")
    assert short(snapshot).endswith(", 0 pools changed")


def test_value_in_short_is_bounded_and_never_raises() -> None:
    """Whatever stands in it."""

    @given(st.recursive(st.none() | st.text() | st.binary() | st.integers(), lambda inner: st.lists(inner, max_size=6), max_leaves=20))
    def holds(value: Any) -> None:
        assert len(short(value)) < 4_000

    holds()


def test_revealed_secret_is_taken_out_before_a_text_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a secret is one too: what was revealed in this process is never shown, not even its beginning."""
    monkeypatch.setenv("TRACE_TEST_URL", "https://rpc.example/" + "k" * 60)
    revealed = Secret("env:TRACE_TEST_URL").reveal()

    assert "kkk" not in short(f"calling {revealed} now")
    assert "'calling [redacted] now'" == short(f"calling {revealed} now")
    assert "a [redacted]" == without_secrets(f"a {revealed}")


def test_log_and_asset_ids_are_shortened_in_place() -> None:
    """Addresses stay recognisable by both ends."""
    log = Log("0x" + "12" * 20, (b"\x01" * 32,), b"")

    assert "Log(address='0x1212…1212', topics=[32 bytes 0x01010101…], data=0x, index=0, …)" == short(log)
    assert "'eip155:1/erc20:0xcdcd…cdcd'" == short(AssetId("eip155:1/erc20:0x" + "cd" * 20))
