"""What is spoken over the control socket of a running instance.

One JSON object a line, UTF-8, each ended by a newline; a request of at most 4 KiB, an answer of at most 4 MiB. A client may send several
requests over one connection; each gets one answer, in order.

Request: ``{"v": 1, "command": "status"}``. ``command`` is status, pause, resume, stop, stop-now, flatten or reconcile. ``pause`` and
``resume`` may name one strategy in ``strategy`` (without it: all); they, ``stop-now`` and ``flatten`` say why in ``cause``, one line of
at most 500 characters. Nothing else may stand in a request.

Answer: ``{"v": 1, "ok": true, "value": {…}}``, or ``{"v": 1, "ok": false, "error": "…"}``: then nothing has happened. The answer to a
command comes once the run has taken it in. After an error that leaves unclear where the next request begins, the instance closes the
connection.

``v`` grows when a request or an answer changes so that the other side would misread it; another version is refused by number.
"""

import json
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from tidemill.errors import ControlError

VERSION = 1
REQUEST_BYTES = 4_096
ANSWER_BYTES = 1 << 22
CAUSE_LENGTH = 500
_CAUSE_SAID = 250
"""Even where each letter is escaped as twelve, a request with such a cause is short enough."""
COMMANDS = ("status", "pause", "resume", "stop", "stop-now", "flatten", "reconcile")
_FIELDS = {"pause": ("strategy", "cause"), "resume": ("strategy", "cause"), "stop-now": ("cause",), "flatten": ("cause",)}


@frozen
class Request:
    """What an operator asks; ``strategy`` "" stands for all, ``cause`` is in the operator's words or ""."""

    command: str
    strategy: str = ""
    cause: str = ""


def cause_line(text: str) -> str:
    """Return a cause as one printable line that every instance takes, cut where it is longer: no stop may fail over what is said of it."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= _CAUSE_SAID else f"{line[: _CAUSE_SAID - 1]}…"


def encode_request(request: Request) -> bytes:
    """Return a request as one line."""
    fields = {"v": VERSION, "command": request.command, "strategy": request.strategy, "cause": request.cause}
    return _line({key: value for key, value in fields.items() if value})


def decode_request(line: bytes) -> Request:
    """Return the request of one line, checked whole.

    Raises:
        ControlError: it is none; the message says what was expected.
    """
    fields = _object(line, "a request")
    command = fields.get("command")
    if command not in COMMANDS:
        raise ControlError(f"command {_short(command)}: expected one of {', '.join(COMMANDS)}")
    known = ("v", "command", *_FIELDS.get(command, ()))
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise ControlError(f"{_short(unknown[0])} does not belong to {command}: expected {', '.join(known)}")
    for name in ("strategy", "cause"):
        text = fields.get(name, "")
        if not isinstance(text, str) or not text.isprintable() or len(text) > CAUSE_LENGTH:
            raise ControlError(f"{name} {_short(text)}: expected one printable line of at most {CAUSE_LENGTH} characters")
    return Request(command, fields.get("strategy", ""), fields.get("cause", ""))


def encode_value(value: Mapping[str, object]) -> bytes:
    """Return the answer to a request that was followed."""
    return _line({"v": VERSION, "ok": True, "value": value})


def encode_error(message: str) -> bytes:
    """Return the answer to a request that was not."""
    return _line({"v": VERSION, "ok": False, "error": message})


def decode_answer(line: bytes) -> Mapping[str, Any]:
    """Return the value of an answer.

    Raises:
        ControlError: the instance says why it did not do what was asked, or what came is no answer.
    """
    fields = _object(line, "an answer")
    if fields.get("ok") is not True:
        raise ControlError(str(fields.get("error", "the instance refused without a reason")))
    value = fields.get("value")
    if not isinstance(value, dict):
        raise ControlError(f"the instance answered {_short(value)}: expected an object")
    return value


def _object(line: bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    # Deep nesting ends in a RecursionError, bytes that are no UTF-8 in a kind of ValueError
    except (ValueError, RecursionError) as error:
        raise ControlError(f"{_short(line)} is no JSON: expected {what}, one object a line") from error
    if not isinstance(found, dict):
        raise ControlError(f"{_short(found)} is no object: expected {what}, one JSON object a line")
    if found.get("v") != VERSION or isinstance(found["v"], bool):
        raise ControlError(f"version {_short(found.get('v'))} of the control protocol: this side speaks version {VERSION}")
    return found


def _line(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _short(found: object) -> str:
    text = repr(found)
    return text if len(text) <= 60 else f"{text[:57]}..."
