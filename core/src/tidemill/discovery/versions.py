"""Requirements as far as a plugin's bounds on its host need them: names, and whether a release lies within (PEP 508, PEP 440)."""

import re

from attrs import frozen

Release = tuple[int, ...]

_REQUIREMENT = re.compile(r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?P<rest>[^;]*)")
_SPEC = re.compile(r"(?P<sign>~=|===?|!=|<=|>=|<|>)\s*(?P<version>[^\s,)]+)")
_NUMBERS = re.compile(r"v?(?:\d+!)?(?P<release>\d+(?:\.\d+)*)")


def normal(name: str) -> str:
    """Return a distribution's name in its normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def release(version: str) -> Release:
    """Return the numbers of a version, without what marks a pre-release; empty where it has none. 1.0 and 1 are equal."""
    found = _NUMBERS.match(version.strip())
    numbers = [int(part) for part in found["release"].split(".")] if found else []
    while numbers and numbers[-1] == 0 and len(numbers) > 1:
        numbers.pop()
    return tuple(numbers)


@frozen
class Bounds:
    """One requirement: a name, its specifiers, and ``url`` where it names a file or an address instead."""

    name: str
    specs: tuple[tuple[str, str], ...]
    url: str = ""

    @property
    def has_lower(self) -> bool:
        """Whether something keeps it from too old a version."""
        return any(sign in (">=", ">", "~=", "==", "===") for sign, _ in self.specs)

    @property
    def has_upper(self) -> bool:
        """Whether something keeps it from a version that does not exist yet."""
        return any(sign in ("<", "<=", "~=", "==", "===") for sign, _ in self.specs)

    def allows(self, version: str) -> bool:
        """Tell whether a release lies within."""
        return self.below(version) is None

    def below(self, version: str) -> bool | None:
        """Return None where a release lies within, True where the requirement ends below it, False where it begins above."""
        at = release(version)
        for sign, wanted in self.specs:
            bound = release(wanted)
            if wanted.endswith(".*") or sign == "~=":
                kept = _raw(wanted)[: -1 if sign == "~=" else None]
                inside = _raw(version)[: len(kept)] + (0,) * (len(kept) - len(_raw(version))) == kept
                if sign == "!=":
                    if inside:
                        return False
                elif not inside or (sign == "~=" and at < bound):
                    return at > bound
            elif _outside(sign, at, bound):
                return at > bound or (sign == "<" and at == bound)
        return None


def _outside(sign: str, at: Release, bound: Release) -> bool:
    match sign:
        case "<":
            return at >= bound
        case "<=":
            return at > bound
        case ">":
            return at <= bound
        case ">=":
            return at < bound
        case "!=":
            return at == bound
        case _:
            return at != bound


def _raw(version: str) -> Release:
    found = _NUMBERS.match(version.strip())
    return tuple(int(part) for part in found["release"].split(".")) if found else ()


def parse_requirement(text: str) -> Bounds | None:
    """Return a requirement's name and bounds, or None where it has no name."""
    found = _REQUIREMENT.match(text)
    if found is None:
        return None
    rest = found["rest"].strip()
    if rest.startswith("@"):
        return Bounds(normal(found["name"]), (), text.partition("@")[2].partition(";")[0].strip())
    return Bounds(normal(found["name"]), tuple((spec["sign"], spec["version"]) for spec in _SPEC.finditer(rest)))
