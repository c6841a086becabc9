"""Values in short, for one line of a trace: what they are, not all that is in them; never a secret."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any

import attrs

from tidemill.config.secret import Secret, names_a_secret
from tidemill.domain.events import Batch
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.planning.desk import Desk
from tidemill.redaction import REDACTED, without_secrets

MOST = 48
"""Characters of one value."""
MOST_FIELDS = 4
_DEEP = 2
_HEX = re.compile(r"(0x[0-9a-f]{4})[0-9a-f]{4,}([0-9a-f]{4})")


def short(value: object, depth: int = 0) -> str:
    """Return a value in at most a few dozen characters; a secret is shown as its reference, as ``tidemill config show`` does."""
    match value:
        case None | bool() | int() | float() | Decimal():
            return _cut(repr(value))
        case str() | PurePath():
            return _cut(repr(_HEX.sub(r"\1…\2", without_secrets(str(value)))))
        case ChainTime():
            return f"{value.chain} at {value.height}"
        case bytes() | bytearray():
            return f"{len(value)} bytes 0x{value[:4].hex()}…" if len(value) > 8 else f"0x{value.hex()}"
        case Secret():
            return f"[secret {value.reference}]"
        case Enum():
            return value.name
        case type():
            return value.__name__
        case Snapshot():
            heads = ", ".join(f"{chain} at {view.head.height}" for chain, view in sorted(value.chains.items()))
            return f"snapshot of {heads or 'nothing'}, {len(value.changed.pools)} pools changed"
        case Batch():
            return f"batch {value.source} {value.seq}, {len(value.events)} events"
        case Desk():
            return f"desk of book {value.book.id}"
        case Mapping() | AbstractSet():
            return f"{len(value)} entries"
        case list() | tuple():
            return _sequence(value, depth)
    return _record(value, depth) if attrs.has(type(value)) else type(value).__name__


def _sequence(values: list[object] | tuple[object, ...], depth: int) -> str:
    if len(values) > 1 and not isinstance(values[0], str | int | type) and all(type(one) is type(values[0]) for one in values):
        return f"{len(values)} × {type(values[0]).__name__}"
    shown = [short(value, depth + 1) for value in values[:MOST_FIELDS]]
    return f"[{', '.join([*shown, '…'] if len(values) > MOST_FIELDS else shown)}]"


def _record(value: Any, depth: int) -> str:
    """Return a value by its id where it has one, else by its first fields."""
    name = type(value).__name__
    named = getattr(value, "id", None)
    if isinstance(named, str):
        return f"{name} {short(named)}"
    if depth >= _DEEP:
        return name
    shown = []
    fields = [attribute.name for attribute in attrs.fields(type(value))]
    for field in fields[:MOST_FIELDS]:
        inner = getattr(value, field)
        hidden = names_a_secret(field) and inner is not None and not isinstance(inner, Secret)
        shown.append(f"{field}={REDACTED if hidden else short(inner, depth + 1)}")
    return f"{name}({', '.join([*shown, '…'] if len(fields) > MOST_FIELDS else shown)})"


def _cut(text: str) -> str:
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"
