"""Finds what an author's class changed of its suite: rules overridden or deleted, what they stand on, exemptions without a reason."""

from collections.abc import Iterable, Mapping

from attrs import frozen

from tidemill_testing.conformance.entry import suite_rules
from tidemill_testing.conformance.intact import TURNING, changes_of
from tidemill_testing.conformance.rule import RuleMethod, is_overridden, is_suite

_PYTHONS_OWN = frozenset({"pytestmark"})


@frozen
class Weakening:
    """One way in which a class is less than its suite. ``method`` is the rule, or None where it concerns the class."""

    method: RuleMethod | None
    message: str


def remedy(method: RuleMethod) -> str:
    """Return how a rule is left out openly."""
    return f'mend the plugin, or say it openly: exempt = {{"{method.rule.number}": "reason"}}'


def weakenings(found: type) -> tuple[Weakening, ...]:
    """Return what a class changed of its suite, rules in order of their numbers; nothing where it only gives what it may."""
    methods = suite_rules(found)
    changed = [
        Weakening(method, f"{method.rule}: {_how(found, method)} in {found.__name__}; {remedy(method)}")
        for method in methods
        if is_overridden(found, method)
    ]
    names = {method.name for method in methods}
    return (*changed, *_redefined(found, names), *_exchanged(found, names), *_exemptions(found, methods), *_capabilities(found, methods))


def _how(found: type, method: RuleMethod) -> str:
    return f"{method.name} is deleted" if getattr(found, method.name, None) is None else f"{method.name} is overridden"


def _redefined(found: type, rules: Iterable[str]) -> list[Weakening]:
    """Find what rules stand on and an author may not give: helpers, fixtures and constants of the suite."""
    may_give = frozenset().union(*(getattr(base, "may_give", ()) for base in found.__mro__ if is_suite(base)))
    fixed = {name for base in found.__mro__ if is_suite(base) for name in vars(base) if not name.startswith("__")}
    names = sorted(
        {
            name
            for base in found.__mro__
            if not is_suite(base)
            for name in vars(base)
            if (name in fixed and name not in may_give and name not in rules and name not in _PYTHONS_OWN)
            or (name in TURNING and base is not object)
        }
    )
    if not names:
        return []
    text = f"{found.__name__} redefines {', '.join(names)} of its suite, which rules stand on; it may give {', '.join(sorted(may_give))}"
    return [Weakening(None, text)]


def _exchanged(found: type, rules: Iterable[str]) -> list[Weakening]:
    """Find what a conftest changed in the suite itself; rules that it exchanged are told by their numbers."""
    changed = [name for name in changes_of(found) if name.rpartition(".")[2] not in rules]
    if not changed:
        return []
    return [Weakening(None, f"{', '.join(changed)} of the suite of {found.__name__} was exchanged from outside, which rules stand on")]


def _exemptions(found: type, methods: Iterable[RuleMethod]) -> list[Weakening]:
    exempt = getattr(found, "exempt", {})
    form = 'exempt = {"DEX-09": "reason"}'
    if not isinstance(exempt, Mapping):
        return [Weakening(None, f"{found.__name__}: expected {form}, found exempt = {exempt!r}")]
    numbers = {method.rule.number for method in methods}
    wrong = []
    for number, reason in exempt.items():
        if number not in numbers:
            wrong.append(Weakening(None, f"{found.__name__} exempts {number!r}, which is no rule of its suite"))
        elif not (isinstance(reason, str) and reason.strip()):
            wrong.append(Weakening(None, f"{found.__name__} exempts {number} without a reason: write {form}"))
    return wrong


def _capabilities(found: type, methods: Iterable[RuleMethod]) -> list[Weakening]:
    known = {method.rule.needs for method in methods if method.rule.needs} | set(getattr(found, "capability_names", ()))
    declared: object = getattr(found, "capabilities", frozenset())
    if not isinstance(declared, frozenset | set):
        return [Weakening(None, f"{found.__name__}: expected capabilities = frozenset({{…}}), found {declared!r}")]
    unknown = sorted(str(name) for name in declared if name not in known)
    if not unknown:
        return []
    there_are = ", ".join(sorted(known)) or "none"
    return [Weakening(None, f"{found.__name__} declares {', '.join(unknown)}, which its suite does not know; there are: {there_are}")]
