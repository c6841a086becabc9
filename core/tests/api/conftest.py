"""Fixtures of the tests of the API: plugins' packages as they lie in a folder, and environments to install into."""

import base64
import ensurepip
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tidemill import __version__
from tidemill.api.check_plugin import check_plugin
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
def caught(package: Write) -> Callable[[str, Mapping[str, Change], str, int, str], None]:
    """Asserts that a changed package breaks a rule at a line with a message, and no other rule with that message."""

    def check(number: str, changed: Mapping[str, Change], file: str, line: int, message: str) -> None:
        found = check_plugin(package(**changed), run_tests=False)
        told = [breach for breach in found.breaches if message in breach.message]

        assert not found.green
        assert {(number, file, line)} == {(breach.rule, breach.file, breach.line) for breach in told}
        assert all(breach.remedy for breach in found.breaches)
        assert f"{number} " in " ".join(found.red)
        assert str(told[0]).startswith(f"{file}:{line}  " if line else f"{file}  ")

    return check


@pytest.fixture
def notifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a plugin whose own tests run in a moment, with files changed: see ``write``."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return lambda **changed: write(tmp_path / "acme", NOTIFIER_FILES, changed)


SLOWING = ("PYTHONDONTWRITEBYTECODE",)
"""With it every call compiles pip anew."""


def wheel(folder: Path, name: str, version: str, *requires: str, group: str = "", content: str = "", entry: str = "orca") -> Path:
    """Writes a wheel of one module; with ``group`` it has the entry point in it."""
    module = name.replace("-", "_")
    place = f"{module}-{version}.dist-info"
    files = {
        f"{module}.py": content,
        f"{place}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {requirement}\n" for requirement in requires),
        f"{place}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if group:
        files[f"{place}/entry_points.txt"] = f"[{group}]\n{entry} = {module}\n"
    digests = {path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode() for path, text in files.items()}
    record = "".join(f"{path},sha256={digest},{len(files[path])}\n" for path, digest in digests.items())
    files[f"{place}/RECORD"] = f"{record}{place}/RECORD,,\n"
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name_in, text in files.items():
            archive.writestr(name_in, text)
    return path


@pytest.fixture(scope="session")
def make_wheel() -> Callable[..., Path]:
    """Writes a wheel: see ``wheel``."""
    return wheel


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels: hosts of several versions, libraries, plugins that fit, and plugins that are refused, each for one reason."""
    folder = tmp_path_factory.mktemp("wheels")
    wheel(folder, "base-lib", "1.0")
    wheel(folder, "base-lib", "2.0")
    for version in ("0.0.1", __version__, "99.0.0"):
        wheel(folder, "tidemill", version, "base-lib>=2")
    wheel(folder, "acme-lib", "1.0")
    wheel(folder, "acme-orca", "0.1.0", f"tidemill=={__version__}", "acme-lib", group="tidemill.dex.v1")
    wheel(folder, "acme-orca", "0.2.0", f"tidemill=={__version__}", "acme-lib", group="tidemill.dex.v1")
    wheel(folder, "acme-newer", "0.1.0", "tidemill>=99", group="tidemill.dex.v1", entry="newer")
    wheel(folder, "acme-older", "0.1.0", f"tidemill<{__version__}", group="tidemill.dex.v1", entry="older")
    wheel(folder, "acme-rude", "0.1.0", "base-lib<2", group="tidemill.dex.v1", entry="rude")
    wheel(folder, "acme-rival", "0.1.0", group="tidemill.dex.v1")
    wheel(folder, "acme-forged", "0.1.0", group="tidemill.dex.v1", entry="uniswap")
    wheel(folder, "acme-bundle", "0.1.0", "acme-orca>=0.1", "acme-newer; extra == 'newer'", group="tidemill.dex.v1", entry="bundle")
    wheel(folder, "acme-nine", "0.1.0", group="tidemill.dex.v9")
    return folder


@pytest.fixture(scope="session")
def uv_base(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    if shutil.which("uv") is None:
        pytest.skip("uv is not installed")
    folder = tmp_path_factory.mktemp("uv") / "venv"
    subprocess.run(["uv", "venv", "-q", "--python", sys.executable, folder], check=True)
    host = f"tidemill=={__version__}"
    options: list[str | Path] = ["--no-index", "--find-links", wheels, "--python", folder / "bin" / "python"]
    subprocess.run(["uv", "pip", "install", "-q", *options, host], check=True)
    return folder


@pytest.fixture(scope="session")
def pip_base(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    folder = tmp_path_factory.mktemp("pip") / "venv"
    bundled = sorted((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
    # Unpacking is most of what ensurepip does, without compiling the hundreds of modules that are not used here
    subprocess.run([sys.executable, "-m", "venv", *(["--without-pip"] if bundled else []), folder], check=True)
    for path in bundled[:1]:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(next(folder.glob("lib/python*/site-packages")))
    options: list[str | Path] = ["--no-index", "--find-links", wheels, "--disable-pip-version-check"]
    environment = {name: value for name, value in os.environ.items() if name not in SLOWING}
    call: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "install", "-q", *options, f"tidemill=={__version__}"]
    subprocess.run(call, check=True, env=environment)
    return folder


@pytest.fixture(params=["uv", "pip"])
def python(request: pytest.FixtureRequest, bare: None) -> Iterator[str]:
    """The interpreter of a real environment, made by uv or with pip, which holds this host and no plugin."""
    yield from _clean(request.getfixturevalue(f"{request.param}_base"))


@pytest.fixture
def uv_python(uv_base: Path, bare: None) -> Iterator[str]:
    """The same of uv alone, where the tool makes no difference."""
    yield from _clean(uv_base)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the tools from outside, and an empty folder around."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", *SLOWING)) and name != "UV_CACHE_DIR"]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def _clean(base: Path) -> Iterator[str]:
    yield str(base / "bin" / "python")
    for found in (base / "lib").glob("python*/site-packages/acme*"):
        shutil.rmtree(found) if found.is_dir() else found.unlink()
