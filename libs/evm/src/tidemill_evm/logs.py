"""Logs to typed events and back.

An event is a frozen class whose fields stand in the order of the contract's declaration; ``event`` ties it to that declaration.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeVar, cast

from attrs import frozen

from tidemill.domain.events import Log
from tidemill_evm.abi import Value, decode_word, encode_word, event_topic
from tidemill_evm.errors import MalformedBytes


@frozen
class _Field:
    name: str
    kind: str
    indexed: bool


class Event:
    """The base of typed events; every parameter is of an elementary type."""

    __slots__ = ()

    signature: ClassVar[str]
    topic: ClassVar[bytes]
    _fields: ClassVar[tuple[_Field, ...]]

    def log(self, address: str, index: int = 0, tx: str = "") -> Log:
        """Return the log that a contract at ``address`` (lower case) emits.

        Raises:
            EncodeError: a value does not fit its type.
        """
        topics: list[bytes] = [self.topic]
        words: list[bytes] = []
        for field in self._fields:
            word = encode_word(field.kind, getattr(self, field.name))
            (topics if field.indexed else words).append(word)
        return Log(address, tuple(topics), b"".join(words), index, tx)

    @classmethod
    def of(cls, log: Log) -> Self:
        """Return the event that a log holds.

        Raises:
            MalformedBytes: the topic is another event's, a topic or a word is missing or too many, or a value is out of range. Its
                offset counts from the first topic on, the data behind the topics.
        """
        raw = b"".join(log.topics) + log.data
        count = 1 + sum(field.indexed for field in cls._fields)
        size = 32 * (1 + len(cls._fields))
        if log.topics[:1] != (cls.topic,):
            found = log.topics[0].hex() if log.topics else "none"
            raise MalformedBytes(cls.__name__, 0, f"expected the topic of {cls.signature}, found {found}")
        if len(log.topics) != count or len(raw) != size or len(log.data) != size - 32 * count:
            expected = f"expected {count} topics and {size - 32 * count} bytes of data"
            reason = f"{expected}, found {len(log.topics)} and {len(log.data)}"
            raise MalformedBytes(cls.__name__, min(len(raw), size), reason)
        topic_at, data_at = 32, 32 * count
        values: list[Value] = []
        for field in cls._fields:
            offset = topic_at if field.indexed else data_at
            values.append(decode_word(field.kind, raw, offset))
            if field.indexed:
                topic_at += 32
            else:
                data_at += 32
        made: Self = cast(Any, cls)(*values)
        return made


EventClass = TypeVar("EventClass", bound=type[Event])


def event(declaration: str) -> Callable[[EventClass], EventClass]:
    """Return a decorator that ties an attrs class derived from ``Event`` to a declaration.

    Args:
        declaration: as Solidity writes it, with one space between words:
            ``"Sync(uint112 reserve0, uint112 reserve1)"``, ``"Mint(address indexed sender, uint256 amount0)"``.
    """
    name, _, inside = declaration.rstrip(")").partition("(")

    def tie(cls: EventClass) -> EventClass:
        names = [attribute.name for attribute in cast(Any, cls).__attrs_attrs__]
        parts = [part.split() for part in inside.split(", ")]
        cls._fields = tuple(_Field(own, part[0], "indexed" in part) for own, part in zip(names, parts, strict=True))
        cls.signature = f"{name}({','.join(part[0] for part in parts)})"
        cls.topic = event_topic(cls.signature)
        return cls

    return tie
