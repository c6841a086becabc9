"""Asks and answers as the JSON that frames of ``tidemill_simworld.wire`` hold."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar, cast

from cattrs import Converter
from cattrs.errors import ForbiddenExtraKeysError

from tidemill.domain.outcome import OutcomeStatus
from tidemill.errors import DecodeError, TidemillError
from tidemill_chain_sim.node.asks import ASKS, Ask
from tidemill_simworld.wire import KINDS, encode_frame

A = TypeVar("A")
_NAMES: Final = {kind: name for name, kind in ASKS.items()}


def _converter() -> Converter:
    made = Converter(forbid_extra_keys=True, detailed_validation=False)
    made.register_unstructure_hook(bytes, bytes.hex)
    made.register_structure_hook(bytes, lambda text, _: bytes.fromhex(text))
    made.register_structure_hook(int, lambda found, _: _exactly(found, int))
    made.register_structure_hook(bool, lambda found, _: _exactly(found, bool))
    made.register_structure_hook(str, lambda found, _: _exactly(found, str))
    # A kind of text, for which the hook of text would be taken
    made.register_structure_hook(OutcomeStatus, lambda found, _: OutcomeStatus(found))
    made.register_structure_hook(int | str, lambda found, _: found if type(found) in (int, str) else _exactly(found, int))
    return made


def _exactly(found: object, kind: type) -> Any:
    if type(found) is not kind:
        raise TypeError(f"expected {kind.__name__}, found {found!r:.60}")
    return found


_JSON: Final = _converter()
_WRONG: Final = (ValueError, TypeError, KeyError, AttributeError, ForbiddenExtraKeysError)
"""What reading values raises that are not as expected."""


def fields_of(ask: Ask[Any]) -> tuple[str, Mapping[str, object]]:
    """Return the name of an ask on the wire, and its fields."""
    return _NAMES[type(ask)], _JSON.unstructure(ask)


def ask_of(request: Mapping[str, Any]) -> Ask[Any]:
    """Return the ask in a request.

    Raises:
        DecodeError: there is no such ask, or a field is missing, unknown or of another type.
    """
    kind = ASKS.get(str(request.get("ask")))
    if kind is None:
        raise DecodeError(f"ask {request.get('ask')!r:.60}: expected one of {', '.join(ASKS)}")
    try:
        return _JSON.structure(request.get("fields"), kind)
    except _WRONG as error:
        raise DecodeError(f"the fields of {request['ask']} are not as expected: {error!s:.200}") from error


def answer_of(ask: Ask[A], value: object) -> A:
    """Return the answer in a value.

    Raises:
        DecodeError: it is not of the answer's type.
    """
    if ask.answer is None:
        return cast("A", None)
    try:
        return cast("A", _JSON.structure(value, ask.answer))
    except _WRONG as error:
        raise DecodeError(f"the answer to {_NAMES[type(ask)]} is not as expected: {error!s:.200}") from error


def encode_answer(name: object, answer: object) -> bytes:
    """Return an answer as a frame; ``name`` is the id of its request."""
    return encode_frame({"id": name, "ok": True, "value": _JSON.unstructure(answer)})


def encode_refusal(name: object, error: TidemillError) -> bytes:
    """Return why there is no answer, as a frame; the kind is that of the error, ``malformed`` where it has none."""
    kind = next((kind for kind, known in KINDS.items() if isinstance(error, known)), "malformed")
    return encode_frame({"id": name, "ok": False, "kind": kind, "error": str(error)})
