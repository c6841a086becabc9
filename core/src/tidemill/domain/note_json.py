"""Notes, run headers and summaries as plain values for JSON: one shape for ``--json`` and for every notifier that speaks to machines."""

from collections.abc import Mapping
from decimal import Decimal

from tidemill.domain.note import Note, RunHeader, Summary

ENVELOPE = ("event", "level", "height", "time", "text")


def header_json(header: RunHeader) -> dict[str, object]:
    """Return the first line of a run: ``event`` is run, ``tape`` null where there is none."""
    return {
        "event": "run",
        "version": header.version,
        "mode": header.mode,
        "source": header.source,
        "seed": header.seed,
        "plugins": dict(header.plugins),
        "pools": header.pools,
        "assets": header.assets,
        "venues": header.venues,
        "tape": header.tape or None,
    }


def note_json(note: Note) -> dict[str, object]:
    """Return a note as one flat object: event, level, height, time (seconds since 1970), text, then its fields.

    A field named like one of these five appears as ``field_<name>``. Values that JSON does not know become text; a Decimal is written
    out in full, never as a float.
    """
    line: dict[str, object] = {
        "event": note.event,
        "level": note.level,
        "height": note.height,
        "time": note.unix_time,
        "text": note.text,
    }
    for name, value in note.fields:
        line[f"field_{name}" if name in ENVELOPE else name] = plain(value)
    return line


def summary_json(summary: Summary) -> dict[str, object]:
    """Return the last line of a run: counts are numbers, amounts are strings of base units sorted by asset, ``tape`` may be null.

    ``stays`` is there where something of real money does, a sentence each.
    """
    return {
        "event": "summary",
        "blocks": summary.blocks,
        "events": summary.events,
        "opportunities": summary.opportunities,
        "plans": summary.plans,
        "fills": summary.fills,
        "reverts": summary.reverts,
        "rejected": summary.rejected,
        "pnl": {asset: str(amount) for asset, amount in sorted(summary.pnl.items())},
        "cost": {asset: str(amount) for asset, amount in sorted(summary.cost.items())},
        "ledger_hash": summary.ledger_hash,
        "tape": summary.tape or None,
        **({"stays": list(summary.stays)} if summary.stays else {}),
    }


def plain(value: object) -> object:
    """Return a value that JSON can carry exactly: sets are sorted, mappings get text keys, anything unknown becomes its text."""
    match value:
        case None | bool() | int() | str():
            return value
        case Decimal():
            return format(value, "f")
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case set() | frozenset():
            return sorted((plain(item) for item in value), key=repr)
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return str(value)
