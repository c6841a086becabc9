"""How a process of ours and one of a plugin's own speak: frames of a length and a content."""

import io
import pickle
import struct
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from attrs import fields

from tidemill.domain.events import ANSWER_EVENTS, MARKET_EVENTS, Batch, Log

HEAD = struct.Struct(">I")
MAX_ANSWER = 64 << 20
"""A child's answer is refused beyond so many bytes."""

Reducer = Callable[[Any], tuple[type, tuple[object, ...]]]


def _reducer(kind: type) -> Reducer:
    """Return how an event is pickled: its class and its fields in order, which takes a third of what slots take by themselves."""
    names = [one.name for one in fields(kind)]
    get = attrgetter(*names)
    return (lambda value: (kind, get(value))) if len(names) > 1 else (lambda value: (kind, (get(value),)))


REDUCERS: dict[type, Reducer] = {kind: _reducer(kind) for kind in (Batch, Log, *MARKET_EVENTS, *ANSWER_EVENTS)}


def frame(message: Any) -> bytes:
    """Return a message to a child as a frame: pickled, since a child trusts its parent."""
    content = io.BytesIO()
    pickler = pickle.Pickler(content, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = REDUCERS
    pickler.dump(message)
    return HEAD.pack(content.tell()) + content.getbuffer()
