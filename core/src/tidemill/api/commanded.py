"""What came of an operator's command."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from tidemill.errors import ControlError


@frozen
class Commanded:
    """What came of a command: the ``strategies`` it named, which of them ``changed`` by it, and a sentence.

    ``changed`` is empty where there was nothing to do: pausing what is paused does no harm. For ``stop`` it holds ``run``, for what
    concerns an emergency stop ``broadcast``.
    """

    command: str
    strategies: tuple[str, ...]
    changed: tuple[str, ...]
    text: str


def commanded_of(data: Path, value: Mapping[str, Any]) -> Commanded:
    """Return what an instance's answer says.

    Raises:
        ControlError: it is of another version.
    """
    try:
        names, changed = ([str(name) for name in value[key]] for key in ("strategies", "changed"))
        return Commanded(str(value["command"]), tuple(names), tuple(changed), str(value["text"]))
    except (KeyError, TypeError) as error:
        raise ControlError(f"{data}: the instance's answer cannot be read: it is of another version of Tidemill") from error
