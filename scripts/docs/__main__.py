"""Writes every page, or with `--check` names those that differ."""

import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.docs.pages import pages

ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Write every page, or with `--check` name those that differ or that nothing makes any more; returns the exit code."""
    made = pages()
    stale = []
    for name, page in made.items():
        path, text = root / name, page()
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        elif not path.is_file() or path.read_text("utf-8") != text:
            stale.append(f"{name}: out of date: run `python -m scripts.docs`")
    suites = [path.relative_to(root).as_posix() for path in sorted((root / "docs" / "reference" / "conformance").glob("*.md"))]
    stale += [f"{name}: nothing makes it: remove it" for name in suites if name not in made]
    print("\n".join(stale), end="\n" if stale else "")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
