"""What a tape says of itself: the header at its start, the closing record at its end."""

from collections.abc import Mapping
from typing import Any

import attrs
from attrs import field, frozen

from tidemill.domain.ids import ChainId

SCHEMA = 1
"""Version of what stands inside the frames: events and columns."""


@frozen
class TapeHeader:
    """What a tape is.

    Attributes:
        kind: ``run`` for a recorded run, else the kind of import (``uniswap-v2-pairs``).
        chains: the chains whose market it holds.
        source: where the market came from, for people: a file's name, ``sim``.
        seed: the run's seed; 0 for imports.
        config: the run's configuration as JSON, without secrets; "" for imports.
        plugins: (``<folder>.<name>``, version) of the plugins that a recorded run used.
        created_by: the program that wrote it, with its version.
        part: its place, from 0, in a recording that rotates through several files.
        schema: version of the events and columns inside.
    """

    kind: str
    chains: tuple[ChainId, ...]
    source: str = ""
    seed: int = 0
    config: str = ""
    plugins: tuple[tuple[str, str], ...] = ()
    created_by: str = ""
    part: int = 0
    schema: int = SCHEMA


@frozen
class Span:
    """The heads of one chain on a tape: how many, the lowest and highest height, and their Unix times in seconds."""

    chain: ChainId
    heads: int
    first: int
    last: int
    from_time: int
    to_time: int


@frozen
class Closing:
    """What a whole tape holds; written last, so that its absence shows a cut.

    Attributes:
        records: number of batches; ``answers`` of them are answers to our own doing.
        events: number of events per kind, by the kind's name.
        spans: the heads of each chain, by chain.
        frames: frames before this record, the header included.
        size: bytes before this record.
        ledger_hash: of a recorded run, else "".
        summary: the figures that a recorded run ended with, as plain values; empty for imports.
        continues: another file of the same recording follows.
    """

    records: int
    answers: int
    events: tuple[tuple[str, int], ...]
    spans: tuple[Span, ...]
    frames: int
    size: int
    ledger_hash: str = ""
    summary: Mapping[str, Any] = field(factory=dict)
    continues: bool = False


@frozen
class TapeSummary:
    """A tape that was read from end to end and found sound. ``size`` in bytes, ``files`` more than 1 for a rotating recording."""

    path: str
    header: TapeHeader
    closing: Closing
    size: int
    files: int = 1


def joined(closings: tuple[Closing, ...]) -> Closing:
    """Return the closing record of a recording in several files: counts added, spans widened, the run's end from the last."""
    events: dict[str, int] = {}
    spans: dict[ChainId, Span] = {}
    for closing in closings:
        for kind, count in closing.events:
            events[kind] = events.get(kind, 0) + count
        for span in closing.spans:
            spans[span.chain] = _wider(spans[span.chain], span) if span.chain in spans else span
    return attrs.evolve(
        closings[-1],
        records=sum(closing.records for closing in closings),
        answers=sum(closing.answers for closing in closings),
        events=tuple(sorted(events.items())),
        spans=tuple(spans[chain] for chain in sorted(spans)),
        frames=sum(closing.frames for closing in closings),
        size=sum(closing.size for closing in closings),
    )


def _wider(one: Span, other: Span) -> Span:
    return Span(
        one.chain,
        one.heads + other.heads,
        min(one.first, other.first),
        max(one.last, other.last),
        min(one.from_time, other.from_time),
        max(one.to_time, other.to_time),
    )
