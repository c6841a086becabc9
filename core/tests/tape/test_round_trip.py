"""Every event is read as it was written."""

from pathlib import Path
from typing import get_args

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidemill.domain import events
from tidemill.domain.asset import Asset
from tidemill.domain.events import Batch, Event, Found, Head, Log, Logs, OraclePrice, States
from tidemill.domain.ids import AssetId, ChainId, Key, PoolId
from tidemill.domain.pool import PoolRef
from tidemill.errors import DecodeError, InvariantError, TapeError
from tidemill.tape.codec import EVENT_KINDS, decode_event, encode_event
from tidemill.tape.columns import LAYOUTS
from tidemill.tape.columns.rows import Rows
from tidemill.tape.segment import TapeRecord, decode_segment, encode_segment

CHAIN = ChainId("sim:1")
BIG = (1 << 256) + 5
INTEGERS = st.integers() | st.integers(-(1 << 260), 1 << 260) | st.integers(-(1 << 64), 1 << 64)
TEXTS = st.text(st.characters(), max_size=12)  # lone surrogates too


def value(kind: object) -> st.SearchStrategy[object]:
    """Return values of an annotation, with integers beyond any column and text beyond UTF-8."""
    if kind is int:
        return INTEGERS
    if kind is str:
        return TEXTS
    plain = getattr(kind, "__supertype__", None)
    if plain is not None:
        return value(plain)
    arguments = get_args(kind)
    if arguments and not isinstance(arguments[0], str):
        if arguments[-1] is ...:
            return st.lists(value(arguments[0]), max_size=3).map(tuple)
        if getattr(kind, "__origin__", None) is tuple:
            return st.tuples(*map(value, arguments))
        return st.one_of(*map(value, arguments))
    if isinstance(kind, type) and attrs.has(kind):
        return st.builds(kind, **{field.name: value(field.type) for field in attrs.fields(attrs.resolve_types(kind))})
    return st.from_type(kind)  # type: ignore[arg-type]


def there_and_back(*found: Event) -> tuple[Event, ...]:
    batch = Batch("s", 1, CHAIN, 1, "", "", "confirmed", 0, 0, found)
    (record,) = decode_segment(encode_segment([TapeRecord(batch, True, "")]))
    return record.batch.events


@pytest.mark.parametrize("kind", sorted(EVENT_KINDS))
def test_any_event_is_read_as_it_was_written(kind: str) -> None:
    """Whatever an event's attributes hold, column or JSON gives it back equal."""

    @given(st.lists(value(EVENT_KINDS[kind]), max_size=4))
    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    def check(found: list[Event]) -> None:
        assert tuple(found) == there_and_back(*found)

    check()


def test_events_of_all_kinds_keep_their_order(every_event: tuple[tuple[Event, ...], tuple[Event, ...]]) -> None:
    """Events of many kinds in one batch come back in the order in which they stood."""
    market, answers = every_event
    shuffled = market[::-1] + market
    assert shuffled == there_and_back(*shuffled)
    assert answers == there_and_back(*answers)
    assert {type(event).__name__ for event in (*market, *answers)} == set(EVENT_KINDS)


def test_every_event_type_has_a_name() -> None:
    """No event type of the domain is missing from the table of names."""
    assert set(get_args(events.Event)) == set(EVENT_KINDS.values())


def test_none_and_empty_bytes_stay_apart() -> None:
    """A key known to be absent is not a key with an empty value."""
    states = States(CHAIN, ((Key("a"), None), (Key("b"), b"")))
    assert (states,) == there_and_back(states)
    assert states == decode_event(encode_event(states))


@pytest.mark.parametrize(
    "event",
    [
        Head(CHAIN, BIG, "", "", 1),
        OraclePrice(AssetId("a"), -BIG, 1 << 63, 0, 0),
        Logs(CHAIN, (Log("0x", (), b"", BIG),)),
        Found((Asset(AssetId("a"), "\ud83d\ude00", 18),)),
        Found((), (PoolRef(PoolId("a/b:c"), "b", CHAIN, "c", (), "", BIG, (("n", BIG),)),)),
        States(ChainId("\udcff"), ()),
    ],
)
def test_event_beyond_its_columns_is_stored_exactly(event: Event) -> None:
    """What a column cannot hold falls back to JSON, beside events that fit."""
    fitting = (Head(CHAIN, 1, "", "", 1), States(CHAIN, ()), Logs(CHAIN, ()), Found())
    assert not LAYOUTS[type(event).__name__].fits(event)
    assert (*fitting, event, *fitting) == there_and_back(*fitting, event, *fitting)


def test_tape_from_before_an_attribute_was_added_has_its_default() -> None:
    """Columns and JSON that were written without an attribute that has a default are read with it; without one they are refused."""
    import pyarrow as pa

    asset = Asset(AssetId("a"), "A", 18, AssetId("b"))
    columns = {"id": pa.array(["a"]), "symbol": pa.array(["A"]), "decimals": pa.array([18], pa.int64()), "twin": pa.array(["b"])}
    old = pa.StructArray.from_arrays(list(columns.values()), list(columns))
    assert [asset] == Rows(Asset).values(old)
    assert [] == Rows(Asset).values(old[:0])
    with pytest.raises(KeyError, match="symbol"):
        Rows(Asset).values(pa.StructArray.from_arrays([columns["id"]], ["id"]))
    written = b'{"_type":"Found","assets":[{"decimals":18,"id":"a","symbol":"A","twin":"b"}],"markets":[],"pools":[]}'
    assert Found((asset,)) == decode_event(written)


def test_what_transfers_do_is_read_as_it_was_written() -> None:
    """The state of a token's transfers and the note on it are part of the asset, in columns and in JSON."""
    found = Found((Asset(AssetId("a"), "A", 18, None, "taxed", "2 % missing"), Asset(AssetId("b"), "B", 0, transfers="broken")))
    assert LAYOUTS["Found"].fits(found)
    assert (found,) == there_and_back(found)
    assert found == decode_event(encode_event(found))
    with pytest.raises(DecodeError):
        decode_event(encode_event(found).replace(b"taxed", b"axed"))


def test_envelope_and_flags_are_read_as_they_were_written() -> None:
    """Every attribute of a batch, ``decide`` and ``digest`` come back."""
    records = [
        TapeRecord(Batch("a", 1, CHAIN, 2, "0x2", "0x1", "final", 3, 4, ()), False, ""),
        TapeRecord(Batch("ü", -(1 << 63), None, 0, "", "", "pending", (1 << 63) - 1, 0, (Head(CHAIN, 1, "", "", 1),)), True, "5f2c"),
    ]
    assert records == decode_segment(encode_segment(records))


@pytest.mark.parametrize(
    ("batch", "what"),
    [
        (Batch("a", BIG, CHAIN, 0, "", "", "final", 0, 0, ()), "beyond 64 bits"),
        (Batch("a", 0, CHAIN, 0, "\udcff", "", "final", 0, 0, ()), "no UTF-8"),
    ],
)
def test_envelope_that_columns_cannot_hold_is_refused(batch: Batch, what: str) -> None:
    """An envelope is never stored in part: what does not fit is an error that names the batch."""
    with pytest.raises(TapeError, match=what):
        encode_segment([TapeRecord(batch, True, "")])


def test_equal_records_give_equal_bytes(every_event: tuple[tuple[Event, ...], tuple[Event, ...]]) -> None:
    """A segment's bytes depend on its records alone."""
    records = [TapeRecord(Batch("s", 1, CHAIN, 1, "", "", "confirmed", 0, 0, part), True, "") for part in every_event]
    assert encode_segment(records) == encode_segment(records)


@pytest.mark.parametrize("data", [b"", b"{", b"{}", b'{"_type":"Nothing"}', b'{"_type":"Timer"}', b"\xff", b"3"])
def test_json_of_no_event_is_a_decode_error(data: bytes) -> None:
    """JSON that is no event is one error, whatever is wrong with it."""
    with pytest.raises(DecodeError):
        decode_event(data)


def test_tape_of_every_event_is_read_as_it_was_written(tmp_path: Path, every_event: tuple[tuple[Event, ...], tuple[Event, ...]]) -> None:
    """A whole tape gives back the batches it was made of."""
    from tidemill.tape.header import TapeHeader
    from tidemill.tape.reader import TapeReader
    from tidemill.tape.writer import TapeWriter

    batches = [Batch("s", seq, CHAIN, 1, "", "", "confirmed", 0, 0, part) for seq, part in enumerate(every_event)]
    with TapeWriter(tmp_path / "t", TapeHeader("run", (CHAIN,)), segment_records=1) as tape:
        for batch in batches:
            tape.write(batch)
    assert batches == [record.batch for record in TapeReader(tmp_path / "t").records()]


def test_class_with_other_attributes_has_no_plain_columns() -> None:
    """A class that columns of text and numbers cannot hold is refused when its columns are made, not when it is recorded."""
    with pytest.raises(InvariantError, match=r"PoolRef\.assets is neither text nor integer"):
        Rows(PoolRef)
