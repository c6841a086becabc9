"""A rule over a plugin's files: a number, a title, and a function that finds what breaks it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from tidemill.api.checks.source import PluginSource


@frozen
class Fault:
    """One place that breaks a rule: ``file`` is relative to the plugin's folder, ``line`` is 0 where a file as a whole is meant."""

    file: Path
    line: int
    message: str
    remedy: str


@frozen
class Breach:
    """A fault with the rule that it breaks, printed as ``file:line  PKG-01 title: message``."""

    rule: str
    title: str
    file: str
    line: int
    message: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}  {self.rule} {self.title}: {self.message}"


@frozen
class StaticRule:
    """A rule: ``number`` never changes its meaning, ``why`` says what it protects."""

    number: str
    title: str
    why: str
    find: Callable[["PluginSource"], Iterable[Fault]]

    def breaches(self, source: "PluginSource") -> tuple[Breach, ...]:
        """Return what breaks the rule, in order of file and line."""
        found = sorted(set(self.find(source)), key=lambda fault: (fault.file, fault.line, fault.message))
        return tuple(Breach(self.number, self.title, fault.file.as_posix(), fault.line, fault.message, fault.remedy) for fault in found)


def static_rule(number: str, title: str) -> Callable[[Callable[["PluginSource"], Iterable[Fault]]], StaticRule]:
    """Make a rule of a function that yields faults; its docstring becomes ``why``."""

    def made(find: Callable[["PluginSource"], Iterable[Fault]]) -> StaticRule:
        return StaticRule(number, title, " ".join((find.__doc__ or "").split()), find)

    return made
