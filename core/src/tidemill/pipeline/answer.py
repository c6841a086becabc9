"""What a plugin in a process of its own answers: data, whatever it holds; nothing of it is run."""

import json

from attrs import frozen

from tidemill.domain.opportunity import Opportunity
from tidemill.errors import DecodeError
from tidemill.stages.guard import Fault
from tidemill.tape.codec import decode, encode


@frozen
class Answer:
    """What it found on one batch, what went wrong on the way; ``lost`` says why it can follow no longer and must be told everything."""

    found: tuple[Opportunity, ...] = ()
    faults: tuple[Fault, ...] = ()
    lost: str = ""


NONE = Answer()
ASKING = b"?"
"""Sent before an answer, when the batch is folded and the strategy's own code begins: its deadline counts from here."""


def encode_answer(answer: Answer) -> bytes:
    """Return an answer as JSON; nothing found and nothing wrong is no bytes at all."""
    return b"" if answer == NONE else encode(answer)


def decode_answer(data: bytes) -> Answer:
    """Return the answer that these bytes hold.

    Raises:
        DecodeError: they are not the JSON of one.
    """
    try:
        return decode(data, Answer) if data else NONE
    except RecursionError as error:
        raise DecodeError("an answer nested without end") from error


@frozen
class Reply:
    """What went wrong, "" for nothing; ``deliberate``: the plugin refused on purpose, and would again."""

    fault: str = ""
    deliberate: bool = False


def encode_reply(reply: Reply) -> bytes:
    """Return a reply as JSON."""
    return json.dumps({"fault": reply.fault, "deliberate": reply.deliberate}).encode()


def decode_reply(data: bytes) -> Reply:
    """Return what went wrong, as the other side says it.

    Raises:
        DecodeError: these bytes do not say.
    """
    try:
        found = json.loads(data)
    # Bytes that are no UTF-8 end in a kind of ValueError, deep nesting in a RecursionError
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"{data!r:.60} is no JSON") from error
    if not (isinstance(found, dict) and isinstance(found.get("fault"), str)):
        raise DecodeError(f"{data!r:.60} is no object with a text named fault")
    return Reply(found["fault"], found.get("deliberate") is True)
