"""Segments: some records as one Arrow record batch, and back.

One row a record, with the batch's envelope, ``decide`` and ``digest``; ``kinds`` lists the events of a batch in order. The events
themselves stand in one list column a kind, those without columns in ``json``. Only kinds that occur have a column.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from tidemill.domain.events import Batch, Event
from tidemill.errors import DecodeError, TapeError
from tidemill.tape.arrow import load_arrow
from tidemill.tape.codec import decode_event, encode_event
from tidemill.tape.columns import LAYOUTS
from tidemill.tape.columns.layout import cut, is_int64, is_text, listed

_ROW = ("source", "seq", "chain", "height", "block_hash", "parent_hash", "status", "venue_ns", "local_ns")
"""The columns of the envelope, in the order of ``Batch``'s attributes."""
_TEXTS = ("source", "chain", "block_hash", "parent_hash", "status")
_NUMBERS = ("seq", "height", "venue_ns", "local_ns")
_JSON = "json"


class TapeRecord(NamedTuple):
    """One batch as it was folded.

    ``decide`` says whether ideas were asked after it; ``digest`` is the running digest of decisions so far (hexadecimal), or "".
    """

    batch: Batch
    decide: bool
    digest: str


def encode_segment(records: Sequence[TapeRecord]) -> bytes:
    """Return records as an Arrow IPC stream of one record batch, compressed by zstd as a whole.

    Raises:
        TapeError: an envelope holds a number beyond 64 bits or text that is no UTF-8.
    """
    pa = load_arrow()
    columns = {**_envelope(records), **_event_columns(records)}
    batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as packed, pa.ipc.new_stream(packed, batch.schema) as stream:
        stream.write_batch(batch)
    body: bytes = sink.getvalue().to_pybytes()
    return body


def _envelope(records: Sequence[TapeRecord]) -> dict[str, Any]:
    pa = load_arrow()
    for batch, _, digest in records:
        if not is_text(map(str, (batch.source, batch.chain, batch.block_hash, batch.parent_hash, digest))):
            raise TapeError(f"batch {batch.seq} of {batch.source!r}: its envelope holds text that is no UTF-8")
        if not is_int64((batch.seq, batch.height, batch.venue_ns, batch.local_ns)):
            raise TapeError(f"batch {batch.seq} of {batch.source!r}: its envelope holds a number beyond 64 bits")
    columns = {}
    for names, kind in ((_TEXTS, pa.string()), (_NUMBERS, pa.int64())):
        columns.update({name: pa.array([getattr(record.batch, name) for record in records], kind) for name in names})
    columns["decide"] = pa.array([record.decide for record in records], pa.bool_())
    columns["digest"] = pa.array([record.digest for record in records], pa.string())
    return columns


def _event_columns(records: Sequence[TapeRecord]) -> dict[str, Any]:
    pa = load_arrow()
    kinds: list[str] = []
    events: dict[str, list[Event]] = {}
    counts: dict[str, list[int]] = {}
    for row, record in enumerate(records):
        for event in record.batch.events:
            kind = type(event).__name__
            layout = LAYOUTS.get(kind)
            column = kind if layout is not None and layout.fits(event) else _JSON
            kinds.append(column)
            events.setdefault(column, []).append(event)
            counts.setdefault(column, [0] * len(records))[row] += 1
    columns = {"kinds": listed(pa.array(kinds, pa.string()), [len(record.batch.events) for record in records])}
    for column in sorted(events):
        values = events[column]
        array = pa.array([encode_event(event) for event in values], pa.binary()) if column == _JSON else LAYOUTS[column].array(values)
        columns[column] = listed(array, counts[column])
    return columns


def decode_segment(body: bytes) -> list[TapeRecord]:
    """Return the records that ``encode_segment`` made these bytes from.

    Raises:
        DecodeError: the bytes are not such a segment.
    """
    pa = load_arrow()
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), "zstd") as packed:
            batch = pa.ipc.open_stream(packed.read(), options=pa.ipc.IpcReadOptions(use_threads=False)).read_next_batch()
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        envelopes = [columns[name].to_pylist() for name in _ROW]
        batches = map(Batch, *envelopes, _bundles(columns))
        return list(map(TapeRecord, batches, columns["decide"].to_pylist(), columns["digest"].to_pylist()))
    except (pa.ArrowException, OSError, StopIteration, KeyError, TypeError, ValueError) as error:
        raise DecodeError(f"not a segment of records: {type(error).__name__}: {error}") from error


def _bundles(columns: dict[str, Any]) -> list[tuple[Event, ...]]:
    """Return the events of each batch."""
    kinds = columns["kinds"]
    names = kinds.values.to_pylist()
    events = {name: _events(name, columns[name]) for name in sorted(set(names))}
    if len(events) == 1:
        return cut(tuple(events[names[0]]), kinds)
    streams = {name: iter(values) for name, values in events.items()}
    return cut(tuple([next(streams[name]) for name in names]), kinds)


def _events(name: str, column: Any) -> Sequence[Event]:
    if name == _JSON:
        return [decode_event(data) for data in column.values.to_pylist()]
    return LAYOUTS[name].events(column.values)
