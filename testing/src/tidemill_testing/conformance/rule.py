"""A rule: a numbered method of a suite, which says by itself what it protects and what to check where it fails."""

import os
import re
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import getattr_static, getdoc, iscoroutinefunction
from typing import Any, Literal, TypeVar

import pytest
from attrs import frozen

from tidemill.errors import UsageError
from tidemill_testing.conformance.intact import changes_of, written_members

F = TypeVar("F", bound=Callable[..., None])
Standing = Literal["runs", "exempt", "not_declared"]

HINT = "If this fails:"
MARK = "__conformance_rule__"
SUITES = "tidemill_testing.conformance"
_NUMBER = re.compile(r"([A-Z]{3}-)?[0-9]{2}")


class Broken(AssertionError):
    """A rule does not hold; the message begins with its number and title."""


@frozen
class Rule:
    """What is written beside a rule's method.

    ``number`` as in ``DEX-07``, or two digits for a rule of every kind, whose suites put their prefix before it. ``needs`` names the
    capability without which the rule does not apply, or is None.
    """

    number: str
    title: str
    needs: str | None = None

    def under(self, prefix: str) -> "Rule":
        """Return the rule as a suite with that prefix numbers it."""
        return self if "-" in self.number else Rule(f"{prefix}-{self.number}", self.title, self.needs)

    def __str__(self) -> str:
        return f"{self.number} {self.title}"


@frozen
class RuleMethod:
    """A rule as a class has it: the name of its method, the rule with its whole number, and the class that defines it."""

    name: str
    rule: Rule
    owner: type
    function: Callable[..., None]

    @property
    def protects(self) -> str:
        """What the rule protects: its docstring up to the hint."""
        return (getdoc(self.function) or "").partition(HINT)[0].strip()

    @property
    def hint(self) -> str:
        """What to check where it fails, in one line."""
        return " ".join((getdoc(self.function) or "").partition(HINT)[2].split())


def rule(number: str, title: str, needs: str | None = None) -> Callable[[F], F]:
    """Make a method of a suite a rule.

    Its docstring says what the rule protects and ends with a part ``If this fails:``. The method runs in a plain call: what is
    asynchronous is run inside it, a property is defined inside it (``@given`` on an inherited method fails with the second plugin).

    Args:
        number: ``DEX-07``, or ``07`` in a class whose suites each put their own prefix before it.
        title: what must hold, in a few words.
        needs: the capability that the author must have declared.

    Raises:
        UsageError: the number has another form, or the method is asynchronous or does not say what to check.
    """
    found = Rule(number, title, needs)
    if not _NUMBER.fullmatch(number):
        raise UsageError(f"expected a rule's number such as DEX-07, found {number!r}")

    def mark(method: F) -> F:
        if iscoroutinefunction(method) or HINT not in (method.__doc__ or ""):
            raise UsageError(f"{found}: expected a plain method whose docstring has a part {HINT!r}")

        @wraps(method)
        def run(self: Any, *args: Any, **kwargs: Any) -> None:
            standing, reason = standing_of(type(self), found)
            if standing != "runs":
                pytest.skip(reason)
            self.current_rule = found.under(self.prefix)
            _demand_intact(self, self.current_rule)
            method(self, *args, **kwargs)
            self.kept_rule = self.current_rule

        setattr(run, MARK, found)
        return run  # type: ignore[return-value]  # wraps keeps the signature

    return mark


class Watch:
    """Which test the guard watches; one for the process, as pytest runs one test at a time.

    Attributes:
        node: the id of the test that the guard saw last, "" before the first.
    """

    node: str = ""


WATCH = Watch()


def _demand_intact(suite: object, found: Rule) -> None:
    """Refuse to run a rule whose suite was changed, or whose guard is switched off.

    Raises:
        Broken: names what was changed.
    """
    running = os.environ.get("PYTEST_CURRENT_TEST", "")
    if running and not (WATCH.node and running.startswith(WATCH.node.replace("\0", "(null)"))):
        raise Broken(
            f"{found}: the pytest plugin of tidemill-testing is switched off (-p no:tidemill, or unregistered), "
            "and with it what keeps rules in force: switch it on"
        )
    changed = changes_of(type(suite), suite)
    if changed:
        raise Broken(f"{found}: {', '.join(changed)} of its suite was exchanged from outside, by a conftest, a fixture or setup_method")


def rule_of(function: object) -> Rule | None:
    """Return what is written beside a method, or None where it is no rule."""
    found = getattr(function, MARK, None)
    return found if isinstance(found, Rule) else None


def rules_of(suite: type) -> tuple[RuleMethod, ...]:
    """Return the rules that a class inherits or defines, in order of their numbers; what was overridden counts as it stood."""
    prefix = str(getattr(suite, "prefix", ""))
    found: dict[str, RuleMethod] = {}
    for base in reversed(suite.__mro__):
        for name, value in written_members(base).items():
            written = rule_of(value)
            if written is not None and (name not in found or is_suite(base)):
                assert callable(value)
                found[name] = RuleMethod(name, written.under(prefix), base, value)
    return tuple(sorted(found.values(), key=lambda method: method.rule.number))


def is_suite(found: type) -> bool:
    """Tell whether a class is a suite of this package, rather than an author's class that inherits one."""
    return found.__module__.startswith(SUITES)


def is_overridden(found: type, method: RuleMethod) -> bool:
    """Tell whether a class has something else where the suite has the rule."""
    return getattr_static(found, method.name, None) is not method.function


def standing_of(found: type, written: Rule) -> tuple[Standing, str]:
    """Return whether a rule runs for an author's class, and else why not, in a sentence."""
    whole = written.under(str(getattr(found, "prefix", "")))
    exempt = getattr(found, "exempt", {})
    if isinstance(exempt, Mapping) and whole.number in exempt:
        return "exempt", f"{whole}: exempt, {exempt[whole.number]}"
    declared = getattr(found, "capabilities", ())
    # Of another form, which the guard tells, it switches no rule off
    if whole.needs is not None and isinstance(declared, frozenset | set | tuple) and whole.needs not in declared:
        return "not_declared", f"{whole}: needs the capability {whole.needs!r}, which {found.__name__} does not declare"
    return "runs", ""
