"""The rules that a plugin's ``quality.toml`` answers, by level."""

from collections.abc import Mapping
from types import MappingProxyType

LEVELS: Mapping[str, Mapping[str, str]] = MappingProxyType({
    "bronze": MappingProxyType({
        "conformance": "the conformance suite of its kind passes",
        "settings-documented": "the README says what each setting means",
        "readme": "the README says what it does and how to enable it",
        "licence": "LICENSE holds the text of the licence that pyproject.toml names",
        "typed": "py.typed is shipped, and mypy --strict finds nothing",
    }),
    "silver": MappingProxyType({
        "recorded-answers": "its answers equal ones recorded from the real thing",
        "coverage": "its tests run more than 95 % of its lines",
        "changelog": "every release says what changed for its users",
    }),
    "gold": MappingProxyType({
        "fault-injection": "it is tested with what fails: cut connections, wrong bytes, full disks",
        "reconciliation": "what it did is compared with what the outside says happened",
    }),
    "platinum": MappingProxyType({
        "benchmarks": "its speed is measured, and a loss of it is noticed",
        "soak": "it ran for days without growing or failing",
    }),
})  # fmt: skip
"""What each rule of each level says, lowest level first. A level is reached when its rules and those below are done or exempt."""

RULES: Mapping[str, str] = MappingProxyType({rule: says for rules in LEVELS.values() for rule, says in rules.items()})
"""Every rule and what it says, in order of level."""
