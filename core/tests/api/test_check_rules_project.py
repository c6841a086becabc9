"""Rules over a plugin's project: each has an example that breaks it, found at its line."""

from collections.abc import Callable

import pytest

Changes = dict[str, str | tuple[str, str] | None]
Caught = Callable[[str, Changes, str, int, str], None]


def replaced(name: str, old: str, new: str) -> Changes:
    """Gives the change of one text in a file of the sound package."""
    return {name: (old, new)}


PROJECT = "pyproject.toml"
DEPENDENCY = '"tidemill>=0.1,<0.2"'

COMMAND = '[project.entry-points."tidemill.command.v1"]\nledger = "acme_dex"\n\n'
BROKEN: list[tuple[str, Changes, str, int, str]] = [
    ("PKG-02", replaced(PROJECT, '"acme_dex.lag"', '"acme_dex.lag:plugin"'), PROJECT, 12, "acme_dex.lag has no plugin"),
    (
        "PKG-06",
        replaced(PROJECT, '[project.entry-points."tidemill.dex.v1"]', COMMAND + '[project.entry-points."tidemill.dex.v1"]'),
        PROJECT,
        9,
        "tidemill has a command ledger of its own",
    ),
    ("PKG-00", {"src/acme_dex/more.py": "def f(:\n"}, "src/acme_dex/more.py", 1, "is not Python: invalid syntax"),
    ("PKG-00", {"src/acme_dex/more.py": "\0"}, "src/acme_dex/more.py", 0, "null bytes"),
    ("PKG-01", replaced(PROJECT, "tidemill.dex.v1", "tidemill.dex.v7"), PROJECT, 9, "is made for version 7 of the dex interface"),
    ("PKG-01", replaced(PROJECT, "tidemill.strategy.v1", "tidemil.strategy.v1"), PROJECT, 12, "is the group of no kind"),
    ("PKG-01", replaced(PROJECT, "tidemill.strategy.v1", "tidemill.strategies.v1"), PROJECT, 12, "which is that of no kind"),
    ("PKG-02", replaced(PROJECT, '"acme_dex.lag"', '"acme_dex.lagg"'), PROJECT, 12, "acme_dex.lagg names no module of this package"),
    ("PKG-06", replaced(PROJECT, 'acme = "acme_dex"', 'uniswap = "acme_dex"'), PROJECT, 9, "dex.uniswap is that of tidemill-dex-uniswap"),
    ("PKG-06", replaced(PROJECT, 'acme = "acme_dex"', 'Acme = "acme_dex"'), PROJECT, 9, '"Acme" is no name for a plugin'),
    ("PKG-07", replaced(PROJECT, DEPENDENCY, '"tidemill>=0.1"'), PROJECT, 6, "has no upper bound"),
    ("PKG-07", replaced(PROJECT, DEPENDENCY, '"tidemill<0.2"'), PROJECT, 6, "has no lower bound"),
    ("PKG-07", replaced(PROJECT, DEPENDENCY, '"tidemill>=0.0.1,<0.1"'), PROJECT, 6, "would downgrade the host"),
    ("PKG-07", replaced(PROJECT, DEPENDENCY, '"tidemill~=0.9"'), PROJECT, 6, "would change the host"),
    ("PKG-07", replaced(PROJECT, DEPENDENCY, '"tidemill @ file:///x"'), PROJECT, 6, "names a file or an address"),
    ("PKG-07", replaced(PROJECT, DEPENDENCY, '"attrs", "click", "tidemill-amm"'), PROJECT, 6, "tidemill is not among the dependencies"),
    ("PKG-15", {"README.md": None}, PROJECT, 4, "README.md is not there"),
    ("PKG-15", {"README.md": "# Acme\n"}, "README.md", 0, "says next to nothing"),
    ("PKG-15", replaced(PROJECT, 'readme = "README.md"\n', ""), PROJECT, 2, "[project] names no readme"),
    ("PKG-16", {PROJECT: ('license = "MIT"\n', ""), "LICENSE": None}, PROJECT, 2, "no licence is stated"),
    ("PKG-16", {PROJECT: ('license = "MIT"', 'license = {file = "LICENSE"}'), "LICENSE": None}, PROJECT, 5, "LICENSE is not there"),
    ("PKG-17", {"quality.toml": None}, "quality.toml", 0, "there is no quality.toml"),
    ("PKG-17", {"quality.toml": "["}, "quality.toml", 0, "is not TOML"),
    ("PKG-17", {"quality.toml": "x = 1\n"}, "quality.toml", 1, "has no table [rules]"),
    ("PKG-17", {"quality.toml": ("[rules]", "more = 1\n[rules]")}, "quality.toml", 1, "more means nothing here"),
    ("PKG-17", replaced("quality.toml", 'soak = "todo"', 'soap = "todo"'), "quality.toml", 13, "there is no rule soap; did you mean soak?"),
    ("PKG-17", replaced("quality.toml", 'soak = "todo"\n', ""), "quality.toml", 0, "soak is not answered"),
    ("PKG-17", replaced("quality.toml", 'soak = "todo"', "soak = true"), "quality.toml", 13, "soak = True is no answer"),
    ("PKG-17", replaced("quality.toml", 'soak = "todo"', 'soak = { exempt = "" }'), "quality.toml", 13, "soak is exempt without a reason"),
    ("PKG-18", replaced("quality.toml", 'benchmarks = "todo"', 'benchmarks = "done"'), "quality.toml", 12, "there is no folder benchmarks"),
    (
        "PKG-18",
        replaced("quality.toml", 'recorded-answers = "todo"', 'recorded-answers = "done"'),
        "quality.toml",
        7,
        "no test uses a recorded answer",
    ),
    ("PKG-19", {"tests/test_conformance.py": None}, "tests", 0, "there are no tests"),
    ("PKG-19", replaced("tests/test_conformance.py", "TestLag", "Lag"), "tests", 0, "no test class derives from StrategyConformance"),
]


@pytest.mark.parametrize(("number", "changed", "file", "line", "message"), BROKEN)
def test_check_broken_package_is_told_with_number_place_and_remedy(
    number: str, changed: Changes, file: str, line: int, message: str, caught: Caught
) -> None:
    """Each rule finds its failing example at its line, and says what to do."""
    caught(number, changed, file, line, message)
