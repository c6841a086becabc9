"""Installing plugins: what is shown is what is installed, and the host is never changed."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidemill import __version__
from tidemill.api import install as installing
from tidemill.api.install import installed_versions, plan_install, plan_uninstall
from tidemill.api.installing import wheel as wheels_of
from tidemill.api.installing.resolve import PlannedPackage
from tidemill.api.installing.tool import InstallFailed, tool_of
from tidemill.api.installing.wheel import local_wheels, read_wheel
from tidemill.discovery.packages import CHECKOUT
from tidemill.errors import UsageError

BACKEND = """
import pathlib, zipfile

def build_wheel(out, config_settings=None, metadata_directory=None):
    name = "acme_orca-0.3.0-py3-none-any.whl"
    metadata = "Metadata-Version: 2.1\\nName: acme-orca\\nVersion: 0.3.0\\nRequires-Dist: acme-lib\\n"
    with zipfile.ZipFile(pathlib.Path(out) / name, "w") as wheel:
        wheel.writestr("acme_orca.py", "")
        wheel.writestr("acme_orca-0.3.0.dist-info/METADATA", metadata)
        wheel.writestr("acme_orca-0.3.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("acme_orca-0.3.0.dist-info/entry_points.txt", "[tidemill.dex.v1]\\norca = acme_orca\\n")
        wheel.writestr("acme_orca-0.3.0.dist-info/RECORD", "")
    return name

build_editable = build_wheel
"""
PROJECT = """
[project]
name = "acme-orca"
version = "0.3.0"
dependencies = ["acme-lib"]
[project.entry-points."tidemill.dex.v1"]
orca = "acme_orca"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def wheel(folder: Path, name: str, version: str, *requires: str, group: str = "", content: str = "") -> Path:
    """Writes a wheel of one module; with ``group`` it has the entry point ``orca`` in it."""
    module = name.replace("-", "_")
    place = f"{module}-{version}.dist-info"
    files = {
        f"{module}.py": content,
        f"{place}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {requirement}\n" for requirement in requires),
        f"{place}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if group:
        files[f"{place}/entry_points.txt"] = f"[{group}]\norca = {module}\n"
    digests = {path: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode() for path, text in files.items()}
    record = "".join(f"{path},sha256={digest},{len(files[path])}\n" for path, digest in digests.items())
    files[f"{place}/RECORD"] = f"{record}{place}/RECORD,,\n"
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name_in, text in files.items():
            archive.writestr(name_in, text)
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels: hosts of two versions, a library, plugins for each host, and one for another interface."""
    folder = tmp_path_factory.mktemp("wheels")
    wheel(folder, "tidemill", __version__)
    wheel(folder, "tidemill", "99.0.0")
    wheel(folder, "acme-lib", "1.0")
    wheel(folder, "acme-orca", "0.1.0", f"tidemill=={__version__}", "acme-lib", group="tidemill.dex.v1")
    wheel(folder, "acme-orca", "0.2.0", f"tidemill=={__version__}", "acme-lib", group="tidemill.dex.v1")
    wheel(folder, "acme-newer", "0.1.0", "tidemill>=99", group="tidemill.dex.v1")
    wheel(folder, "acme-nine", "0.1.0", group="tidemill.dex.v9")
    return folder


@pytest.fixture(scope="module")
def uv_base(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    if shutil.which("uv") is None:
        pytest.skip("uv is not installed")
    folder = tmp_path_factory.mktemp("uv") / "venv"
    subprocess.run(["uv", "venv", "-q", "--python", sys.executable, folder], check=True)
    host = f"tidemill=={__version__}"
    options: list[str | Path] = ["--no-index", "--find-links", wheels, "--python", folder / "bin" / "python"]
    subprocess.run(["uv", "pip", "install", "-q", *options, host], check=True)
    return folder


@pytest.fixture(scope="module")
def pip_base(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    folder = tmp_path_factory.mktemp("pip") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    options: list[str | Path] = ["--no-index", "--find-links", wheels, "--disable-pip-version-check"]
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "-q", *options, f"tidemill=={__version__}"], check=True)
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
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_")) and name != "UV_CACHE_DIR"]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def _clean(base: Path) -> Iterator[str]:
    yield str(base / "bin" / "python")
    for found in (base / "lib").glob("python*/site-packages/acme*"):
        shutil.rmtree(found) if found.is_dir() else found.unlink()


def test_install_a_distribution_installs_what_was_shown(python: str, wheels: Path) -> None:
    """The newest version that fits the host, with what it needs, each with the sha256 of the wheel that is taken."""
    with plan_install("acme-orca", python=python, find_links=[wheels], no_index=True) as plan:
        shown = [(package.name, package.version, package.sha256, package.replaces) for package in plan.packages]
        before = installed_versions(plan.tool)
        plugins = plan.carry_out()

    assert [
        ("acme-lib", "1.0", (digest(wheels / "acme_lib-1.0-py3-none-any.whl"),), ""),
        ("acme-orca", "0.2.0", (digest(wheels / "acme_orca-0.2.0-py3-none-any.whl"),), ""),
    ] == shown
    assert "acme-orca" not in before
    assert ["dex.orca"] == [plugin.path for plugin in plugins]
    assert (__version__, "0.2.0", "1.0") == tuple(installed_versions(plan.tool)[name] for name in ("tidemill", "acme-orca", "acme-lib"))


def test_install_another_wheel_than_shown_is_refused(python: str, wheels: Path, tmp_path: Path) -> None:
    """What was not shown is not installed: a wheel that changed after the question is refused by its hash."""
    folder = tmp_path / "links"
    shutil.copytree(wheels, folder)
    with plan_install("acme-orca==0.1.0", python=python, find_links=[folder], no_index=True) as plan:
        wheel(folder, "acme-orca", "0.1.0", f"tidemill=={__version__}", "acme-lib", group="tidemill.dex.v1", content="evil = True\n")
        with pytest.raises(InstallFailed, match=r"(?s)installing failed; the last lines of .*[Hh]ash"):
            plan.carry_out()

    assert "acme-orca" not in installed_versions(plan.tool)


def test_install_what_would_change_the_host_is_refused(python: str, wheels: Path) -> None:
    """A plugin for another host does not move this one, although a host that fits it could be had."""
    expected = (
        r"(?s)resolving failed; the last lines of .*tidemill.*ask for a version that was made for this one, or upgrade tidemill first"
    )
    with pytest.raises(InstallFailed, match=expected), plan_install("acme-newer", python=python, find_links=[wheels], no_index=True):
        pytest.fail("there is a plan")

    assert __version__ == installed_versions(tool_of(python))["tidemill"]


def test_install_unknown_distribution_tells_the_last_lines(uv_python: str, wheels: Path) -> None:
    """What the installer says is passed on."""
    with (
        pytest.raises(InstallFailed, match=r"(?s)resolving failed; the last lines of .*acme-nothing"),
        plan_install("acme-nothing", python=uv_python, find_links=[wheels], no_index=True),
    ):
        pytest.fail("there is a plan")


def test_install_wheel_and_folder_and_uninstall(python: str, wheels: Path, tmp_path: Path) -> None:
    """A wheel is taken as it lies there, a folder is built first and replaces it; the plugin then goes by its name."""
    with plan_install(str(wheels / "acme_orca-0.1.0-py3-none-any.whl"), python=python, find_links=[wheels], no_index=True) as plan:
        assert [("acme-orca", "0.1.0"), ("acme-lib", "1.0")] == [(package.name, package.version) for package in plan.packages]
        plan.carry_out()
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "pyproject.toml").write_text(PROJECT)
    (sources / "backend.py").write_text(BACKEND)
    for _ in range(2):  # the same version again is installed again: its sources may have changed
        with plan_install(str(sources), python=python, find_links=[wheels], no_index=True) as plan:
            package = plan.packages[0]
            assert ("acme-orca", "0.3.0", (digest(Path(package.path)),)) == (package.name, package.version, package.sha256)
            plan.carry_out()
    Path("tidemill.toml").write_text('mode = "paper"\n\n[dex.orca]\nenabled = true\n')

    gone = plan_uninstall("dex.orca", python=python)
    gone.carry_out()

    assert ("acme-orca", "0.3.0", ("dex.orca",), ("tidemill.toml:3  [dex.orca]",)) == (
        gone.distribution,
        gone.version,
        gone.plugins,
        gone.named_by,
    )
    assert "acme-orca" not in installed_versions(gone.tool)


def test_install_what_is_there_plans_nothing(uv_python: str, wheels: Path) -> None:
    """Nothing to do is an empty plan."""
    with plan_install("acme-orca", python=uv_python, find_links=[wheels], no_index=True) as plan:
        plan.carry_out()
    with plan_install("acme-orca", python=uv_python, find_links=[wheels], no_index=True) as plan:
        assert () == plan.packages


def test_install_broken_sources_tell_the_build(uv_python: str, tmp_path: Path) -> None:
    """A folder that cannot be built says why."""
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "backend.py").write_text("raise RuntimeError('no such compiler')")

    with (
        pytest.raises(InstallFailed, match=r"(?s)building .* failed.*no such compiler"),
        plan_install(".", python=uv_python, no_index=True),
    ):
        pytest.fail("there is a plan")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("acme_nine-0.1.0-py3-none-any.whl", "acme-nine is made for version 9 of the dex interface"),
        ("acme_lib-1.0-py3-none-any.whl", "is no plugin: it has no entry point in a group of Tidemill's"),
    ],
)
def test_install_wheel_that_this_kernel_does_not_load_is_refused(name: str, message: str, wheels: Path, uv_python: str) -> None:
    """What would be refused afterwards is refused before."""
    with pytest.raises(UsageError, match=message), plan_install(str(wheels / name), python=uv_python, find_links=[wheels], no_index=True):
        pytest.fail("there is a plan")


def test_environment_is_asked_without_the_current_folder(uv_python: str, tmp_path: Path) -> None:
    """A module of the current folder is not taken for one of the environment's."""
    Path("json.py").write_text("raise SystemExit(9)")

    assert json.dumps(__version__) == json.dumps(installed_versions(tool_of(uv_python))["tidemill"])


def test_install_from_a_checkout_builds_the_libraries_beside_it(uv_python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not published yet lies beside the plugin: it is built as well, where it is not installed."""
    for name, folder, needs in (("acme-orca", "plugins/orca", "acme-lib"), ("acme-lib", "libs/acme", "attrs; extra == 'x'")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "pyproject.toml").write_text(PROJECT.replace("acme-orca", name))
        backend = (
            BACKEND.replace("acme-orca", name).replace("acme_orca", name.replace("-", "_")).replace("Dist: acme-lib", f"Dist: {needs}")
        )
        (tmp_path / folder / "backend.py").write_text(backend)
    monkeypatch.setattr(wheels_of, "checkout", lambda: tmp_path)
    monkeypatch.setitem(CHECKOUT, "acme-lib", "libs/acme")
    (tmp_path / "out").mkdir()
    tool, place = tool_of(uv_python), tmp_path / "plugins" / "orca"

    built = list(local_wheels(tool, place, tmp_path / "out", frozenset(), ["--no-index"]))
    shutil.rmtree(tmp_path / "out")
    (tmp_path / "out").mkdir()
    alone = list(local_wheels(tool, place, tmp_path / "out", frozenset({"acme-lib"}), ["--no-index"]))

    assert (["acme-orca", "acme-lib"], ["acme-orca"]) == ([one.name for one in built], [one.name for one in alone])
    with pytest.raises(InstallFailed, match="made 0 new wheels, expected one"):
        list(local_wheels(tool, place, tmp_path / "out", frozenset(), ["--no-index"]))


def test_install_what_is_no_wheel_is_refused(tmp_path: Path) -> None:
    """A file that is only called one."""
    (tmp_path / "x.whl").write_text("no archive")

    with pytest.raises(UsageError, match="is no wheel: File is not a zip file"):
        read_wheel(tmp_path / "x.whl")


def test_install_that_brings_a_host_along_is_refused(uv_python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the installer plans: the host is not among what is installed."""
    monkeypatch.setattr(installing, "resolve", lambda *_: (PlannedPackage("tidemill", "99.0.0", ("ab" * 32,)),))

    with pytest.raises(UsageError, match="would change tidemill itself"), plan_install("acme-orca", python=uv_python):
        pytest.fail("there is a plan")
