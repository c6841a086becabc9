"""Logging to stderr, as plain lines or JSON; secrets are taken out of everything before it is written."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

from tidemill.config.secret import Secret, names_a_secret
from tidemill.redaction import REDACTED, SHORTEST, revealed

_KEY_LIKE = re.compile(r"(?<![0-9a-fA-F])(?:0x)?[0-9a-fA-F]{64}(?![0-9a-fA-F])")
_PUBLIC = re.compile(r"(?:^|_)(?:hash|topic|tx)$")
"""Revealed secrets shorter than this are not looked for: they would blacken every line."""

Event = MutableMapping[str, Any]


def configure_logging(*, as_json: bool = False, level: str = "info", stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's records to ``stream`` (stderr), scrubbed.

    Args:
        as_json: one JSON object a line instead of plain lines.
        level: the least level of ours; libraries speak from warnings on.
        stream: where to write.
    """
    least = logging.getLevelNamesMapping()[level.upper()]
    target = stream or sys.stderr
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        scrub,
    ]
    renderer: Any = structlog.processors.JSONRenderer(sort_keys=True, default=str) if as_json else plain_line
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    logging.basicConfig(handlers=[handler], level=max(least, logging.WARNING), force=True)


def note_stray_output() -> None:
    """Tell, once a run, that something else than the command writes to standard output."""
    text = "a plugin writes to standard output, which is kept for JSON lines: it goes to standard error instead"
    structlog.get_logger("tidemill.stdout").warning(text)


def scrub(logger: Any, method: str, event: Event) -> Event:
    """Take secrets out of a record.

    Secret is what was revealed in this process, a ``Secret``, the value of a key whose name says so, and whatever looks like a private
    key of 32 bytes in hexadecimal. A hash looks like one too: it stays where its key's name ends in ``hash``, ``topic`` or ``tx``.
    """
    secrets = tuple(secret for secret in revealed() if len(secret) >= SHORTEST)
    return {_text(key, secrets): _clean(value, secrets, key) for key, value in event.items()}


def plain_line(logger: Any, method: str, event: Event) -> str:
    """Render a record as one line: time, level, event, then ``key=value`` in order of keys; an exception's lines follow."""
    rest = dict(event)
    head = [str(rest.pop(name, "")) for name in ("timestamp", "level", "event")]
    trace = rest.pop("exception", None)
    pairs = [f"{key}={rest[key]}" for key in sorted(rest)]
    line = " ".join(part for part in [*head, *pairs] if part)
    return f"{line}\n{trace}" if trace else line


def _clean(value: Any, secrets: tuple[str, ...], key: str) -> Any:
    if isinstance(value, Secret):
        return f"[secret {value.reference}]"
    if names_a_secret(key) and value is not None:
        return REDACTED
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, Mapping):
        return {_text(str(name), secrets): _clean(inner, secrets, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        members = [_clean(inner, secrets, key) for inner in value]
        return sorted(members, key=str) if isinstance(value, set | frozenset) else members
    text = value.hex() if isinstance(value, bytes | bytearray) else str(value)
    if _PUBLIC.search(key) and _KEY_LIKE.fullmatch(text) and text not in secrets:
        return text
    return _text(text, secrets)


def _text(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return _KEY_LIKE.sub(REDACTED, text)
