"""Is a suite still as it was written? Members of suites are noted when their classes are made, and compared when rules run.

What is noticed: members exchanged, added to or deleted from a suite's class or the instance that runs a rule, by a conftest, a fixture or
``setup_method``. What is not: someone who exchanges functions of this package's modules, or edits the package.
"""

from collections.abc import Mapping
from types import MappingProxyType

_WRITTEN: dict[type, Mapping[str, object]] = {}
_SET_BY_RULES = frozenset({"current_rule", "kept_rule", "example_count", "least_examples"})
TURNING = ("__getattribute__", "__getattr__", "__new__", "__init__", "__init_subclass__", "__class_getitem__", "__class__")
"""Names of Python's own by which a class can give something else than what stands in it."""


def seal(suite: type) -> type:
    """Note what a suite's class holds; returns the class, so that it can be used as a decorator."""
    _WRITTEN[suite] = MappingProxyType(_members(suite))
    return suite


def written_members(found: type) -> Mapping[str, object]:
    """Return what a class held when it was made, or holds now where it was not noted."""
    return _WRITTEN.get(found) or _members(found)


def changes_of(found: type, instance: object = None) -> list[str]:
    """Return the members of a class's suites that are not what was written, by ``Class.member``, in order."""
    changed = set()
    for base in found.__mro__:
        written = _WRITTEN.get(base)
        if written is not None:
            now = _members(base)
            changed |= {
                f"{base.__name__}.{name}" for name in written.keys() | now.keys() if now.get(name, base) is not written.get(name, base)
            }
    if instance is not None:
        of_suites = {name for base in found.__mro__ for name in _WRITTEN.get(base, ())}
        changed |= {f"self.{name}" for name in vars(instance) if name in of_suites and name not in _SET_BY_RULES}
    return sorted(changed)


def _members(found: type) -> dict[str, object]:
    return {name: value for name, value in vars(found).items() if not name.startswith(("__", "_abc_"))}
