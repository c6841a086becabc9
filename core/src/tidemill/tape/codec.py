"""Values to JSON bytes and back, exactly: what stands in a tape beside its columns.

Integers of any size are JSON integers, bytes are hexadecimal text, None is null (so None and empty bytes stay apart), a value of a union
carries the name of its class under ``_type``. Text may hold lone surrogates: it is stored as UTF-8 that lets them pass.
"""

import json
from functools import cache
from typing import Any, TypeVar

import attrs
from cattrs import BaseValidationError, Converter, StructureHandlerNotFoundError
from cattrs.strategies import configure_tagged_union

from tidemill.domain import plan
from tidemill.domain.events import ANSWER_EVENTS, MARKET_EVENTS, Event
from tidemill.domain.ids import MarketId, PoolId
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.plan import Flow, Group, Orders, Plan
from tidemill.errors import DecodeError

T = TypeVar("T")

EVENT_KINDS: dict[str, type] = {kind.__name__: kind for kind in (*MARKET_EVENTS, *ANSWER_EVENTS)}
"""Every event type, by the name under which it stands on a tape."""


@cache
def converter() -> Converter:
    """Return the one converter of tapes."""
    made = Converter(unstruct_collection_overrides={tuple: list}, prefer_attrib_converters=False)
    made.register_unstructure_hook(bytes, bytes.hex)
    made.register_structure_hook(bytes, lambda value, _: bytes.fromhex(value))
    for plain in (str | int, MarketId | PoolId):
        made.register_structure_hook(plain, lambda value, _: value)
        made.register_unstructure_hook(plain, lambda value: value)
    # Its annotation names classes that stand below it
    attrs.resolve_types(Group, vars(plan))
    for union in (Opportunity, Flow | Orders, Plan, Event):
        configure_tagged_union(union, made)
    return made


def encode(value: object, kind: Any = None) -> bytes:
    """Return a value as JSON bytes; ``kind`` is the union it belongs to, where it is read back as one."""
    plain = converter().unstructure(value, unstructure_as=kind)
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8", "surrogatepass")


def decode(data: bytes, kind: type[T]) -> T:
    """Return the value that ``encode`` made these bytes from.

    Raises:
        DecodeError: the bytes are not JSON of that kind of value.
    """
    try:
        return converter().structure(json.loads(data.decode("utf-8", "surrogatepass")), kind)
    except (ValueError, KeyError, TypeError, BaseValidationError, StructureHandlerNotFoundError) as error:
        raise DecodeError(f"not the JSON of {getattr(kind, '__name__', kind)}: {type(error).__name__}: {error}") from error


def encode_event(event: Event) -> bytes:
    """Return an event as JSON bytes with the name of its class."""
    return encode(event, Event)


def decode_event(data: bytes) -> Event:
    """Return the event that ``encode_event`` made these bytes from."""
    event: Event = decode(data, Event)  # type: ignore[arg-type]  # a union of classes is not a class
    return event
