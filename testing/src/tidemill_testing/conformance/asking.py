"""Asks a plugin again, and compares: its answers, and what it has become in between."""

import functools
import hashlib
import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from tidemill.domain.opportunity import Opportunity
from tidemill.domain.snapshot import Snapshot
from tidemill.errors import PluginError
from tidemill.hookspecs.strategy import Strategy

RAISED = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, AssertionError, RuntimeError, PluginError)
"""What code raises by mistake on a market that it did not expect."""
_DEEPEST = 12


def asked(strategy: Strategy, snapshot: Snapshot) -> tuple[Opportunity, ...]:
    """Return all that a strategy finds on a snapshot."""
    return tuple(strategy.find_opportunities(snapshot))


def asked_in_order(strategy: Strategy, snapshots: Iterable[Snapshot]) -> list[tuple[Opportunity, ...]]:
    """Return what a strategy finds on each snapshot, one after another."""
    return [asked(strategy, snapshot) for snapshot in snapshots]


def digests(answers: Iterable[object]) -> list[str]:
    """Return a digest of each answer: equal for equal values of frozen classes, tuples, integers and text, in equal order."""
    return [hashlib.sha256(repr(answer).encode()).hexdigest() for answer in answers]


def first_difference(one: Sequence[object], other: Sequence[object]) -> int | None:
    """Return the first place at which two lists of answers differ, or None."""
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return place
    return None if len(one) == len(other) else min(len(one), len(other))


def shown(opportunities: Sequence[Opportunity], others: Sequence[Opportunity] = ()) -> str:
    """Write an answer for people: how many, and the first that the other answer does not have."""
    first = next((one for one in opportunities if one not in others), None)
    more = f", among them {first!r:.200}" if first is not None else ", in this order" if others and opportunities else ""
    return f"{len(opportunities)} opportunities{more}"


def state_of(plugin: object) -> dict[str, object]:
    """Return an instance's attributes as plain values that can be compared later, whatever happens to them in between.

    What ``functools.cached_property`` keeps is left out: it is derived from the rest.
    """
    names = {name for kind in type(plugin).__mro__ for name in vars(kind).get("__slots__", ()) if isinstance(name, str)}
    held = {name: getattr(plugin, name) for name in sorted(names) if hasattr(plugin, name)} | dict(getattr(plugin, "__dict__", {}))
    return {
        name: _plain(value, _DEEPEST)
        for name, value in held.items()
        if not isinstance(inspect.getattr_static(type(plugin), name, None), functools.cached_property)
    }


def _plain(value: object, depth: int) -> object:
    if isinstance(value, str | bytes | int | float | None | type) or callable(value) or not depth:
        return value if not callable(value) or isinstance(value, type) else id(value)
    if isinstance(value, Mapping):
        return {repr(key): _plain(held, depth - 1) for key, held in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    if isinstance(value, list | tuple):
        return [_plain(held, depth - 1) for held in value]
    kind: type[Any] = type(value)
    if attrs.has(kind):
        return {one.name: _plain(getattr(value, one.name, None), depth - 1) for one in attrs.fields(kind)}
    own = getattr(value, "__dict__", None)
    return {name: _plain(held, depth - 1) for name, held in own.items()} if own else (type(value).__qualname__, repr(value))


def unordered(answers: Iterable[Sequence[Opportunity]]) -> list[str]:
    """Return a digest of what each answer holds, in whatever order."""
    return digests(sorted(map(repr, answer)) for answer in answers)


def unordered_digests(argument: tuple[type[Strategy], object, Sequence[Snapshot]]) -> list[str]:
    """Return the digest of what a new instance finds on each snapshot, in whatever order."""
    plugin, settings, snapshots = argument
    return unordered(asked_in_order(plugin(settings), snapshots))


def opportunity_digests(argument: tuple[type[Strategy], object, Sequence[Snapshot]]) -> list[str]:
    """Return the digest of what a new instance of a strategy finds on each snapshot."""
    plugin, settings, snapshots = argument
    return digests(asked_in_order(plugin(settings), snapshots))
