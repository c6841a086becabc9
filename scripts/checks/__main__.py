"""Runs every check, or those named: `python -m scripts.checks floats names`."""

import sys
from pathlib import Path

from scripts.checks import floats, fragments, hashorder, members, names, secrets, sizes, spellings
from scripts.checks.report import Check, verdict

CHECKS: dict[str, Check] = {
    "floats": floats.check,
    "fragments": fragments.check,
    "hashorder": hashorder.check,
    "members": members.check,
    "names": names.check,
    "secrets": secrets.check,
    "sizes": sizes.check,
    "spellings": spellings.check,
}


def main(chosen: list[str], root: Path) -> int:
    """Returns 0 where all chosen checks pass, 1 where one found something, 2 for an unknown name."""
    unknown = [name for name in chosen if name not in CHECKS]
    if unknown:
        print(f"no such check: {', '.join(unknown)}; there are {', '.join(CHECKS)}")
        return 2
    verdicts = [verdict(name, CHECKS[name], root) for name in chosen or CHECKS]
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).parents[2]))
