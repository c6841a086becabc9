"""Rules over a plugin's code: each has an example that breaks it, found at its line."""

from collections.abc import Callable

import pytest

Changes = dict[str, str | tuple[str, str] | None]
Caught = Callable[[str, Changes, str, int, str], None]


def replaced(name: str, old: str, new: str) -> Changes:
    """Gives the change of one text in a file of the sound package."""
    return {name: (old, new)}


PROJECT = "pyproject.toml"
ROOT = "src/acme_dex/__init__.py"
ADAPTER = "src/acme_dex/adapter.py"
QUOTING = "src/acme_dex/quoting.py"
LAG = "src/acme_dex/lag.py"
DEPENDENCY = '"tidemill>=0.1,<0.2"'

BROKEN: list[tuple[str, Changes, str, int, str]] = [
    (
        "PKG-08",
        replaced(LAG, "class Lag", "import tidemill\n\nX = tidemill.stages.flow\n\n\nclass Lag"),
        LAG,
        6,
        "tidemill.stages is not public",
    ),
    ("PKG-14", replaced(LAG, "class Lag", "import sqlite3\n\n\nclass Lag"), LAG, 4, "sqlite3 is files"),
    ("PKG-03", replaced(ROOT, "@hookimpl\n", ""), ROOT, 5, "tidemill_register_dexes is not marked"),
    ("PKG-03", replaced(ROOT, "register_dexes", "register_dexs"), ROOT, 6, "there is no hook tidemill_register_dexs"),
    (
        "PKG-03",
        replaced(ROOT, "register_dexes", "register_lenders"),
        ROOT,
        6,
        "tidemill_register_lenders is not the hook of tidemill.dex.v1",
    ),
    ("PKG-03", {ROOT: '"""Nothing."""\n'}, ROOT, 1, "does not implement tidemill_register_dexes"),
    ("PKG-03", replaced(ROOT, "dexes()", "dexes(config)"), ROOT, 6, "wants arguments"),
    ("PKG-03", replaced(ROOT, "def tide", "async def tide"), ROOT, 6, "is a coroutine"),
    ("PKG-04", replaced(ROOT, "return [Acme]", "return [Acme()]"), ROOT, 7, "gives Acme(), which is no class"),
    ("PKG-04", replaced(ROOT, "return [Acme]", "return Acme"), ROOT, 7, "returns Acme itself, not a list"),
    ("PKG-04", replaced(ROOT, "return [Acme]", "return Acme()"), ROOT, 7, "returns an instance"),
    ("PKG-04", replaced(ROOT, "return [Acme]", "return {Acme}"), ROOT, 7, "returns something without an order"),
    ("PKG-04", replaced(ROOT, "return [Acme]", "yield Acme"), ROOT, 6, "yields"),
    ("PKG-04", replaced(ROOT, "return [Acme]", "pass"), ROOT, 6, "returns nothing"),
    ("PKG-04", replaced(ROOT, "return [Acme]", 'return "acme"'), ROOT, 7, "returns no list"),
    ("PKG-05", replaced(ADAPTER, 'name = "acme"', 'name = "acne"'), ADAPTER, 20, 'Acme has the name "acne", the entry point is acme'),
    ("PKG-05", replaced(LAG, 'name: str = "acme"', "pass"), LAG, 4, 'Lag has the name ""'),
    (
        "PKG-08",
        replaced(ADAPTER, "import frozen", "import frozen\nfrom tidemill.pipeline.core import Core"),
        ADAPTER,
        4,
        "tidemill.pipeline.core is not public",
    ),
    ("PKG-08", replaced(ADAPTER, "import Dex,", "import stages, Dex,"), ADAPTER, 4, "tidemill.stages is not public"),
    (
        "PKG-08",
        replaced(LAG, "import Strategy", "import Strategy\nimport tidemill.ledger.digest"),
        LAG,
        2,
        "tidemill.ledger.digest is not public",
    ),
    ("PKG-08", replaced(LAG, "class Lag", 'x = __import__("tidemill.stages")\nclass Lag'), LAG, 4, "tidemill.stages is not public"),
    ("PKG-08", replaced(LAG, "import Strategy", "import Strategy\nimport tidemill_testing"), LAG, 2, "tidemill_testing is for tests"),
    (
        "PKG-08",
        {"tests/test_more.py": "from tidemill.stages.flow import FLOW\n"},
        "tests/test_more.py",
        1,
        "tidemill.stages.flow is not public",
    ),
    (
        "PKG-09",
        replaced(LAG, "import Strategy", "import Strategy\nimport tidemill_dex_uniswap"),
        LAG,
        2,
        "tidemill_dex_uniswap is another plugin",
    ),
    (
        "PKG-09",
        replaced(LAG, "import Strategy", "import Strategy\nfrom tidemill_dex_x import y"),
        LAG,
        2,
        "tidemill_dex_x is another plugin",
    ),
    ("PKG-10", replaced(ADAPTER, "from attrs", "import sqlalchemy\nfrom attrs"), ADAPTER, 3, "sqlalchemy is not declared"),
    ("PKG-11", {"src/acme_dex/more.py": 'import sys\nsys.path.insert(0, "x")\n'}, "src/acme_dex/more.py", 2, "sys.path is changed"),
    ("PKG-11", {"src/acme_dex/more.py": "import sys\nsys.path += ['x']\n"}, "src/acme_dex/more.py", 2, "sys.path is changed"),
    ("PKG-11", {"src/acme_dex/more.py": "import sys\nsys.modules['x'] = sys\n"}, "src/acme_dex/more.py", 2, "sys.modules is changed"),
    (
        "PKG-11",
        {"src/acme_dex/more.py": "import runpy\nrunpy.run_path('x')\n"},
        "src/acme_dex/more.py",
        2,
        "run_path loads code by its path",
    ),
    ("PKG-11", {"src/acme_dex/more.py": "from .. import other\n"}, "src/acme_dex/more.py", 1, "leaves the package"),
    ("PKG-11", {"src/acme_dex/more.py": "X = '../x'\n"}, "src/acme_dex/more.py", 1, '"../x" leaves the package'),
    (
        "PKG-11",
        {"src/acme_dex/more.py": "from pathlib import Path\nX = Path(__file__).resolve().parents[1]\n"},
        "src/acme_dex/more.py",
        2,
        "is followed out",
    ),
    (
        "PKG-11",
        {"src/acme_dex/more.py": "from pathlib import Path\nX = Path(__file__).parent.parent\n"},
        "src/acme_dex/more.py",
        2,
        "is followed out",
    ),
    ("PKG-11", replaced(PROJECT, DEPENDENCY, f'{DEPENDENCY}, "x @ file:///x"'), PROJECT, 6, "names a file or an address"),
    ("PKG-12", replaced(QUOTING, "from urllib.parse import quote", "import random"), QUOTING, 1, "random is chance"),
    ("PKG-12", replaced(QUOTING, "from urllib.parse import quote", "import time"), QUOTING, 1, "time is a clock"),
    ("PKG-12", replaced(QUOTING, "from urllib.parse import quote", "import socket"), QUOTING, 1, "socket is the world outside"),
    ("PKG-12", replaced(QUOTING, "from urllib.parse import quote", "from pathlib import Path"), QUOTING, 1, "pathlib is files"),
    ("PKG-12", replaced(QUOTING, "return", "open('x')\n    return"), QUOTING, 5, "open() reads what is no argument"),
    ("PKG-13", replaced(QUOTING, "amount // 2", "amount // 2 - 0.5"), QUOTING, 5, "0.5 is a float"),
    ("PKG-13", replaced(QUOTING, "amount // 2", "amount / 2"), QUOTING, 5, "/ is true division"),
    ("PKG-13", replaced(QUOTING, "amount // 2", "float(amount)"), QUOTING, 5, "float() makes a float"),
    (
        "PKG-13",
        replaced(QUOTING, "from urllib.parse import quote", "from acme_dex.more import HALF") | {"src/acme_dex/more.py": "HALF = 7 / 2\n"},
        "src/acme_dex/more.py",
        1,
        "/ is true division",
    ),
    (
        "PKG-14",
        replaced(LAG, "class Lag", "import datetime\nx = datetime.datetime.now()\n\n\nclass Lag"),
        LAG,
        5,
        "datetime.datetime.now() asks the clock",
    ),
    (
        "PKG-14",
        {LAG: ("class Lag", "import acme_dex.deep\n\n\nclass Lag"), "src/acme_dex/deep.py": "import httpx"},
        "src/acme_dex/deep.py",
        1,
        "httpx is the world",
    ),
]


@pytest.mark.parametrize(("number", "changed", "file", "line", "message"), BROKEN)
def test_check_broken_package_is_told_with_number_place_and_remedy(
    number: str, changed: Changes, file: str, line: int, message: str, caught: Caught
) -> None:
    """Each rule finds its failing example at its line, and says what to do."""
    caught(number, changed, file, line, message)
