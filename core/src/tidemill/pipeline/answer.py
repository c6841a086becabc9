"""What a strategy in a process of its own answers."""

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
