"""Fixtures of the tests of the API: plugins' packages as they lie in a folder, and environments to install into."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tidemill.api.quality import RULES

Change = str | tuple[str, str] | None
Write = Callable[..., Path]

FILES = {
    "pyproject.toml": """\
[project]
name = "acme-dex"
version = "0.1.0"
readme = "README.md"
license = "MIT"
dependencies = ["tidemill>=0.1,<0.2"]

[project.entry-points."tidemill.dex.v1"]
acme = "acme_dex"

[project.entry-points."tidemill.strategy.v1"]
acme = "acme_dex.lag"
""",
    "README.md": "# Acme\n\nTrades Acme's pools; `fee_ppm` is their fee.\n",
    "CHANGELOG.md": "# 0.1\n",
    "LICENSE": "The licence.\n",
    "quality.toml": "[rules]\n" + "".join(f'{rule} = "todo"\n' for rule in RULES),
    "src/acme_dex/__init__.py": """\
from tidemill import Dex, hookimpl
from acme_dex.adapter import Acme


@hookimpl
def tidemill_register_dexes() -> list[type[Dex]]:
    return [Acme]
""",
    "src/acme_dex/py.typed": "",
    "src/acme_dex/adapter.py": """\
from typing import TYPE_CHECKING

from attrs import frozen
from tidemill import Dex, settings
from acme_dex.quoting import out

if TYPE_CHECKING:
    import numpy


@settings
class AcmeSettings:
    fee_ppm: int = 3_000


class Base(Dex):
    name = "acme"


class Acme(Base):
    settings: AcmeSettings
""",
    "src/acme_dex/quoting.py": """\
from urllib.parse import quote


def out(amount: int, *more: int) -> int:
    return amount // 2
""",
    "src/acme_dex/lag.py": """\
from tidemill import Strategy, hookimpl


class Lag(Strategy):
    name: str = "acme"


@hookimpl(tryfirst=True)
def tidemill_register_strategies() -> list[type[Strategy]]:
    return [Lag]
""",
    "tests/test_conformance.py": """\
from tidemill_testing.conformance import DexConformance, StrategyConformance


class Shared(DexConformance):
    pass


class TestAcme(Shared):
    pass


class TestLag(StrategyConformance):
    pass
""",
}

NOTIFIER_FILES = {
    "pyproject.toml": """\
[project]
name = "acme-file"
version = "0.1.0"
description = "Writes a file."
readme = "README.md"
license = "MIT"
dependencies = ["tidemill>=0.1,<0.2"]
[project.entry-points."tidemill.notifier.v1"]
acme = "acme_file"
""",
    "README.md": "# Acme\n\nWrites a file.\n",
    "quality.toml": FILES["quality.toml"],
    "src/acme_file/__init__.py": '"""Nothing is imported."""\n',
    "tests/test_own.py": """\
from importlib.metadata import entry_points

import acme_file
from tidemill.discovery.scan import find_plugins


def test_found() -> None:
    assert "acme_file" in [plugin.module for plugin in find_plugins()]
    assert ["acme"] == [entry.name for entry in entry_points(group="tidemill.notifier.v1") if entry.value == "acme_file"]
    assert "PYTEST_ADDOPTS" not in __import__("os").environ
""",
}


def write(folder: Path, files: Mapping[str, str], changed: Mapping[str, Change]) -> Path:
    """Write files with changes: a text instead, a pair of what is replaced by what, or None for no file at all."""
    for name, change in {**files, **changed}.items():
        text = files[name] if isinstance(change, tuple) else change
        if isinstance(change, tuple):
            assert text is not None
            assert change[0] in text, f"{name} does not hold {change[0]!r}"
            text = text.replace(*change)
        path = folder / name
        path.unlink(missing_ok=True)
        if text is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return folder


@pytest.fixture
def package(tmp_path: Path) -> Write:
    """Writes a sound package, a DEX and a strategy in one, with files changed: see ``write``."""
    return lambda **changed: write(tmp_path / "acme", FILES, changed)


@pytest.fixture
def notifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a plugin whose own tests run in a moment, with files changed: see ``write``."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return lambda **changed: write(tmp_path / "acme", NOTIFIER_FILES, changed)
