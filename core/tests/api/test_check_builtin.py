"""The plugins of this repository keep the rules that they ask of others."""

from pathlib import Path

import pytest

from tidemill.api.check_plugin import check_plugin
from tidemill.api.installing.request import checkout
from tidemill.discovery.packages import CHECKOUT

ROOT = checkout()
OURS = sorted(folder for folder in CHECKOUT.values() if folder.startswith("plugins/"))
BELOW_GOLD = {
    "plugins/codecs/evm": "bronze",
    "plugins/codecs/solana": "bronze",
    "plugins/notifiers/console": "silver",
    "plugins/notifiers/jsonl": "silver",
}
"""Levels that are not yet gold, by folder."""


@pytest.mark.skipif(ROOT is None, reason="the plugins' sources lie in the checkout alone")
@pytest.mark.parametrize("folder", OURS)
def test_check_plugin_of_ours_breaks_no_rule(folder: str) -> None:
    """No rule over its files is red, and its quality.toml claims the level that users may rely on; its suite runs with its own tests."""
    assert ROOT is not None
    found = check_plugin(ROOT / folder, run_tests=False)

    assert (True, (), ()) == (found.green, found.red, found.breaches)
    assert BELOW_GOLD.get(folder, "gold") == found.level


@pytest.mark.skipif(ROOT is None, reason="the plugins' sources lie in the checkout alone")
def test_check_plugins_of_ours_are_all_that_lie_there() -> None:
    """No plugin of the checkout is left out of the check, and each ships the licence of the whole."""
    assert ROOT is not None
    there = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("plugins/*/*/pyproject.toml")}
    licence = (ROOT / "LICENSE").read_text("utf-8")

    assert set(OURS) == there
    assert [folder for folder in OURS if (ROOT / folder / "LICENSE").read_text("utf-8") != licence] == []


def test_check_without_tests_reaches_the_level_that_the_files_show(tmp_path: Path) -> None:
    """A red rule takes the level away, also where the tests were not asked for."""
    assert ROOT is not None
    (tmp_path / "pyproject.toml").write_text((ROOT / OURS[0] / "pyproject.toml").read_text("utf-8"))

    found = check_plugin(tmp_path, run_tests=False)

    assert (False, "") == (found.green, found.level)
