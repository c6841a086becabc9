"""What an author needs to write down a plugin's types is imported from one place."""

import inspect
import typing
from collections.abc import Iterator

import click
import pytest

import tidemill
from tidemill.hookspecs.kinds import KINDS, Kind


def named(annotation: object) -> Iterator[str]:
    """The names of our own classes and identifiers in an annotation, those inside of containers and unions included."""
    for inner in typing.get_args(annotation):
        yield from named(inner)
    if (inspect.isclass(annotation) or isinstance(annotation, typing.NewType)) and annotation.__module__.startswith("tidemill."):
        yield annotation.__name__


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_type_in_a_signature_of_an_interface_is_exported(kind: Kind) -> None:
    """`from tidemill import …` is enough to annotate an override of any member."""
    interface = kind.load_interface()
    members = [member.fget if isinstance(member, property) else member for name, member in inspect.getmembers(interface) if name[0] != "_"]
    found = {
        name
        for member in members
        if inspect.isfunction(member)
        for hint in typing.get_type_hints(member, localns={"click": click}).values()
        for name in named(hint)
    }

    assert [] == sorted(found - {*tidemill.__all__})
    assert all(getattr(tidemill, name) is not None for name in found)
