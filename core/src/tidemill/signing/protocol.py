"""What is spoken over the signer's socket.

A frame is a length of four bytes (big-endian) and that many bytes of UTF-8 JSON, one object; at most 1 MiB. A client may send several
requests over one connection; each gets one answer, in order. Bytes are written in hexadecimal.

Requests, each with ``"v": 1``:

``{"ask": "hello"}`` gets what the signer is: see ``Hello``.

``{"ask": "lease", "account": "<address>", "owner": "<who, one line>"}`` gets ``{"token": N}``: from now on the account signs for this
connection alone, until it closes. Tokens only grow, over restarts of the signer too. While another connection holds the account the
request is refused, and says who holds it.

``{"ask": "note", "event": "gate-overridden", "owner": …, "text": "<one line>"}`` gets ``{}``: what an operator decided against a gate to
real money now stands in the audit trail, or with ``stopped``, ``resumed`` and ``resume-refused`` what was done about an emergency stop.
There is no other event: nobody but the signer says what it signed.

``{"ask": "sign", "chain": …, "account": …, "payload": "<hex>", "intent": N, "plan": "<id>", "token": N}`` gets
``{"raw": "<hex>", "tx": "<name>"}``. The same payload again gets the same bytes and counts once.

Answers: ``{"v": 1, "ok": true, "value": {…}}``; ``{"v": 1, "ok": false, "rule": "…", "reason": "…"}`` where the signer refuses, which is
proof that it signed nothing; ``{"v": 1, "ok": false, "error": "…"}`` where it did not understand, after which it closes the connection.
"""

import json
import struct
from collections.abc import Mapping
from typing import Any, cast

from attrs import field, frozen

from tidemill.domain.ids import ChainId, PlanId
from tidemill.errors import SignerError, SignerRefused

VERSION = 1
MOST_BYTES = 1 << 20
HEAD = struct.Struct(">I")
OWNER_LENGTH = 200
TEXT_LENGTH = 2_500
"""So many characters a line for the audit trail may have."""
NOTED = ("gate-overridden", "stopped", "resumed", "resume-refused")
"""What a run may have written into the audit trail."""
_SHORT = 60
_SAID = 500
_PAIR = 2


@frozen
class HelloAsk:
    """Asks what the signer is."""


@frozen
class LeaseAsk:
    """Asks to be the only one whom an account signs for."""

    account: str
    owner: str


@frozen
class NoteAsk:
    """Asks for a line in the audit trail; ``event`` is one of ``NOTED``."""

    event: str
    owner: str
    text: str


@frozen
class SignAsk:
    """Asks for a signature; ``intent`` and ``plan`` stand in the audit trail."""

    chain: ChainId
    account: str
    payload: bytes = field(repr=False)
    intent: int
    plan: PlanId
    token: int


Ask = HelloAsk | LeaseAsk | NoteAsk | SignAsk


@frozen
class Hello:
    """What a signer says of itself.

    ``live`` is its own switch, ``policy`` the sha256 of what it enforces. ``accounts`` are (key's name, address) pairs that it can sign
    for, ``chains`` those that its policy allows. ``audit`` is the hash of the trail's last entry.
    """

    version: str
    process: int
    live: bool
    policy: str
    accounts: tuple[tuple[str, str], ...]
    chains: tuple[str, ...]
    audit: str


def encode_ask(ask: Ask) -> bytes:
    """Return a request as a frame."""
    match ask:
        case HelloAsk():
            return encode({"ask": "hello"})
        case LeaseAsk():
            return encode({"ask": "lease", "account": ask.account, "owner": ask.owner})
        case NoteAsk():
            return encode({"ask": "note", "event": ask.event, "owner": ask.owner, "text": ask.text})
        case SignAsk():
            fields = {"chain": ask.chain, "account": ask.account, "payload": ask.payload.hex()}
            return encode({"ask": "sign", **fields, "intent": ask.intent, "plan": ask.plan, "token": ask.token})


def decode_ask(content: bytes) -> Ask:
    """Return the request of one frame's content, checked whole.

    Raises:
        SignerError: it is none; the message says what was expected.
    """
    fields = _object(content, "a request")
    kind = fields.pop("ask", None)
    if kind == "hello":
        _all_read(fields)
        return HelloAsk()
    if kind == "lease":
        lease = LeaseAsk(_text(fields, "account", 200), _text(fields, "owner", OWNER_LENGTH))
        _all_read(fields)
        return lease
    if kind == "note":
        note = NoteAsk(_text(fields, "event", 200), _text(fields, "owner", OWNER_LENGTH), _text(fields, "text", TEXT_LENGTH))
        _all_read(fields)
        if note.event not in NOTED:
            raise SignerError(f"event {_short(note.event)}: a run may note {', '.join(NOTED)} alone")
        return note
    if kind == "sign":
        asked = SignAsk(
            ChainId(_text(fields, "chain", 100)),
            _text(fields, "account", 200),
            _bytes(fields, "payload"),
            _whole(fields, "intent"),
            PlanId(_text(fields, "plan", 200)),
            _whole(fields, "token"),
        )
        _all_read(fields)
        return asked
    raise SignerError(f"ask {_short(kind)}: expected hello, lease, note or sign")


def encode_value(value: Mapping[str, object]) -> bytes:
    """Return the answer to a request that was followed, as a frame."""
    return encode({"ok": True, "value": value})


def encode_refusal(rule: str, reason: str) -> bytes:
    """Return a refusal as a frame: nothing was signed."""
    return encode({"ok": False, "rule": rule, "reason": reason})


def encode_error(message: str) -> bytes:
    """Return the answer to what was not understood, as a frame."""
    return encode({"ok": False, "error": message})


def decode_answer(content: bytes) -> Mapping[str, Any]:
    """Return the value of an answer.

    Raises:
        SignerRefused: the signer says that it signed nothing, and why. SignerError: it did not understand, or what came is no answer.
    """
    fields = _object(content, "an answer")
    if fields.get("ok") is not True:
        if isinstance(fields.get("rule"), str):
            raise SignerRefused(_line(fields["rule"]), _line(fields.get("reason", "")))
        raise SignerError(_line(fields.get("error", "the signer gave no reason")))
    value = fields.get("value")
    if not isinstance(value, dict):
        raise SignerError(f"the signer answered {_short(value)}: expected an object")
    return value


def hello_value(hello: Hello) -> Mapping[str, object]:
    """Return a greeting as an answer's value."""
    return {
        "version": hello.version, "process": hello.process, "live": hello.live, "policy": hello.policy,
        "accounts": [list(pair) for pair in hello.accounts], "chains": list(hello.chains), "audit": hello.audit,
    }  # fmt: skip


def hello_of(value: Mapping[str, Any]) -> Hello:
    """Return the greeting in an answer's value.

    Raises:
        SignerError: something is missing, or of another type.
    """
    fields = dict(value)
    pairs = tuple(_texts(pair, "a key's name and its address") for pair in _list(fields.get("accounts"), "accounts"))
    chains = _texts(fields.get("chains"), "chains")
    if any(len(pair) != _PAIR for pair in pairs):
        raise SignerError("the signer's greeting has an account that is no pair of a key's name and its address")
    live = fields.get("live")
    if not isinstance(live, bool):
        raise SignerError(f"the signer's greeting says {_short(live)} of its live switch: expected true or false")
    texts = (_text(fields, name, 200) for name in ("version", "policy", "audit"))
    version, policy, audit = texts
    return Hello(version, _whole(fields, "process"), live, policy, tuple((name, address) for name, address in pairs), chains, audit)


def encode(fields: Mapping[str, object]) -> bytes:
    """Return an object as a frame.

    Raises:
        SignerError: it is longer than a frame may be.
    """
    content = json.dumps({"v": VERSION, **fields}, separators=(",", ":")).encode()
    if len(content) > MOST_BYTES:
        raise SignerError(f"a message of {len(content)} bytes to or from the signer: at most {MOST_BYTES} are allowed")
    return HEAD.pack(len(content)) + content


def length_of(head: bytes) -> int:
    """Return how long the content of a frame is.

    Raises:
        SignerError: longer than a frame may be.
    """
    (length,) = HEAD.unpack(head)
    if length > MOST_BYTES:
        raise SignerError(f"a message of {length} bytes: at most {MOST_BYTES} are allowed")
    return cast("int", length)


def _object(content: bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(content, object_pairs_hook=_once)
    # Deep nesting ends in a RecursionError, bytes that are no UTF-8 in a kind of ValueError
    except (ValueError, RecursionError) as error:
        raise SignerError(f"{len(content)} bytes that are no JSON: expected {what}") from error
    if not isinstance(found, dict):
        raise SignerError(f"{_short(found)} is no object: expected {what}")
    version = found.pop("v", None)
    if version != VERSION or isinstance(version, bool):
        raise SignerError(f"version {_short(version)} of the signer's protocol: this side speaks version {VERSION}")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers may take different ones of two equal keys."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _list(found: object, what: str) -> list[Any]:
    if not isinstance(found, list):
        raise SignerError(f"the signer's greeting: {what} {_short(found)}, expected a list")
    return found


def _texts(found: object, what: str) -> tuple[str, ...]:
    texts = _list(found, what)
    if not all(isinstance(text, str) and text.isprintable() for text in texts):
        raise SignerError(f"the signer's greeting: {what}, expected printable text")
    return tuple(texts)


def _all_read(fields: Mapping[str, Any]) -> None:
    if fields:
        raise SignerError(f"{_short(min(fields))} does not belong to this request")


def _text(fields: dict[str, Any], name: str, most: int) -> str:
    found = fields.pop(name, None)
    if not isinstance(found, str) or not found.isprintable() or len(found) > most:
        raise SignerError(f"{name} {_short(found)}: expected one printable line of at most {most} characters")
    return found


def _whole(fields: dict[str, Any], name: str) -> int:
    found = fields.pop(name, None)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < 1 << 63:
        raise SignerError(f"{name} {_short(found)}: expected a whole number from 0 on")
    return found


def _bytes(fields: dict[str, Any], name: str) -> bytes:
    found = fields.pop(name, None)
    try:
        return bytes.fromhex(found)
    except (TypeError, ValueError) as error:
        # What it holds is not repeated: it may be anything
        raise SignerError(f"{name}: expected bytes in hexadecimal") from error


def _line(found: object) -> str:
    """Return what the other side says as one line that is safe to show."""
    text = str(found)[:_SAID]
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _short(found: object) -> str:
    # A container is not shown: it may be nested more deeply than can be written out again
    if isinstance(found, dict | list):
        return "an object" if isinstance(found, dict) else "a list"
    text = repr(found[:_SHORT] if isinstance(found, str) else found)
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 3]}..."
