"""The list of our packages is that of the checkout."""

import tomllib
from pathlib import Path

from tidemill.discovery.packages import PACKAGES
from tidemill.hookspecs.kinds import KIND_BY_NAME

ROOT = Path(__file__).parents[3]


def test_packages_equal_the_plugins_of_the_checkout() -> None:
    """Every entry point of every plugin in the workspace is listed with its distribution, and nothing else is."""
    expected: dict[str, str] = {}
    for path in sorted(ROOT.glob("plugins/*/*/pyproject.toml")):
        project = tomllib.loads(path.read_text("utf-8"))["project"]
        for group, entries in project["entry-points"].items():
            folder = KIND_BY_NAME[group.split(".")[1]].folder
            expected |= {f"{folder}.{name}": project["name"] for name in entries}

    assert expected == PACKAGES
