"""R4: no order from a hash reaches a result."""

import ast
from pathlib import Path

import pytest

from scripts.checks import hashorder

WRONG = [
    "for x in {1, 2}:\n    print(x)",
    "rows = list(set(pools))",
    "rows = [x for x in frozenset(pools)]",
    "rows = tuple(set(a) | b)",
    "def f(pools: set[str]) -> list[str]:\n    return [p for p in pools]",
    "def f(pools: 'int', held: frozenset[str] | None) -> None:\n    print(*held)",
    "def f() -> None:\n    seen = set()\n    for x in seen:\n        print(x)",
    "class A:\n    pools: Map[str, int]\n    def f(self) -> None:\n        for k, v in self.pools.items():\n            print(k, v)",
    "first = set(pools).pop()",
    "rows = ','.join({str(x) for x in pools})",
]
RIGHT = [
    "for x in sorted({1, 2}):\n    print(x)",
    "n = len(set(pools))",
    "total = sum(x for x in set(pools))",
    "best = max(set(pools))",
    "same = {x for x in set(pools)}",
    "def f(pools: list[str]) -> list[str]:\n    return [p for p in pools]",
    "def f() -> None:\n    rows = set()\n    rows = sorted(rows)\n    for x in rows:\n        print(x)",
    "def f(pools: set[str]) -> bool:\n    return 'a' in pools",
    "def f(pools: dict[str, int]) -> None:\n    for k in pools.items():\n        print(k)",
]


@pytest.mark.parametrize("source", WRONG)
def test_r4_order_of_a_hash_is_found(source: str) -> None:
    """What walks a set or a Map in its own order is found."""
    assert list(hashorder.unordered(ast.parse(source))) != []


@pytest.mark.parametrize("source", RIGHT)
def test_order_that_is_sorted_or_no_matter_passes(source: str) -> None:
    """Sorting, counting and membership pass."""
    assert list(hashorder.unordered(ast.parse(source))) == []


def test_r4_set_in_the_kernel_fails_unless_the_line_says_why(tmp_path: Path) -> None:
    """The check names the place; a mark with a reason on the line excuses it."""
    path = tmp_path / "core" / "src" / "tidemill" / "x.py"
    path.parent.mkdir(parents=True)
    path.write_text("a = list(set(b))\nc = list(set(b))  # order: sorted by the caller\n", "utf-8")

    report = hashorder.check(tmp_path)

    assert (1, ["core/src/tidemill/x.py:1"]) == (report.seen, [f.place for f in report.findings])
