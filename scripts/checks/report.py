"""What every check gives: how much it looked at, and what it found."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple


class Finding(NamedTuple):
    """One broken rule: where, which rule, and what to do."""

    place: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.rule}; {self.remedy}"


class Report(NamedTuple):
    """`seen` counts what the check looked at: a check that sees nothing has lost its subject and fails."""

    seen: int
    findings: list[Finding]


Check = Callable[[Path], Report]


def files(root: Path, *patterns: str) -> Iterator[Path]:
    """Gives the files under `root` that match, in order of name, without what git ignores."""
    if (root / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=root, capture_output=True, check=True, text=True).stdout
        paths = {Path(name) for name in listed.split("\0") if name}
    else:
        paths = {path.relative_to(root) for path in root.rglob("*")}
    for path in sorted(paths):
        if any(_matches(path, pattern) for pattern in patterns) and (root / path).is_file():
            yield root / path


def text_of(path: Path) -> str | None:
    """Gives the text of a file, None for one that holds none."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return None


def _matches(path: Path, pattern: str) -> bool:
    """Tells whether `a/*/c/**.py` is `path`: `*` is one folder or name, a last part `**SUFFIX` any depth."""
    *folders, last = pattern.split("/")
    if not last.startswith("**"):
        return len(path.parts) == len(folders) + 1 and path.match(pattern)
    if len(path.parts) <= len(folders) or not path.name.endswith(last[2:]):
        return False
    return all(Path(part).match(folder) for part, folder in zip(path.parts, folders, strict=False))


def verdict(name: str, check: Check, root: Path) -> bool:
    """Runs one check, prints what it found, and tells whether it passed."""
    report = check(root)
    for finding in report.findings:
        print(f"{name}: {finding}")
    if report.seen == 0:
        print(f"{name}: looked at nothing: correct the paths in scripts/checks/{name}.py")
    print(f"{name}: {report.seen} looked at, {len(report.findings)} found", file=sys.stderr)
    return report.seen > 0 and not report.findings
