"""Installing plugins: what is shown is what is installed, and the host is never changed."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill import __version__
from tidemill.api.install import plan_install, plan_uninstall
from tidemill.api.installing import wheel as wheels_of
from tidemill.api.installing.environment import installed_distributions
from tidemill.api.installing.tool import InstallFailed, tool_of
from tidemill.api.installing.wheel import local_wheels
from tidemill.discovery.packages import CHECKOUT

MakeWheel = Callable[..., Path]
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


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_install_a_distribution_installs_what_was_shown(python: str, wheels: Path) -> None:
    """The newest version that fits the host, with what it needs, each with the sha256 of the wheel that is taken."""
    with plan_install("acme-orca", python=python, find_links=[wheels], no_index=True) as plan:
        shown = [(package.name, package.version, package.sha256, package.replaces) for package in plan.packages]
        before = installed_distributions(plan.tool)
        plugins = plan.carry_out()

    assert [
        ("acme-lib", "1.0", (digest(wheels / "acme_lib-1.0-py3-none-any.whl"),), ""),
        ("acme-orca", "0.2.0", (digest(wheels / "acme_orca-0.2.0-py3-none-any.whl"),), ""),
    ] == shown
    assert "acme-orca" not in before
    assert ["dex.orca"] == [plugin.path for plugin in plugins]
    assert (__version__, "0.2.0", "1.0") == tuple(
        installed_distributions(plan.tool)[name].version for name in ("tidemill", "acme-orca", "acme-lib")
    )


def test_install_another_wheel_than_shown_is_refused(python: str, wheels: Path, make_wheel: MakeWheel, tmp_path: Path) -> None:
    """What was not shown is not installed: a wheel that changed after the question is refused by its hash."""
    folder = tmp_path / "links"
    shutil.copytree(wheels, folder)
    with plan_install("acme-orca==0.1.0", python=python, find_links=[folder], no_index=True) as plan:
        make_wheel(folder, "acme-orca", "0.1.0", f"tidemill=={__version__}", "acme-lib", group="tidemill.dex.v1", content="evil = True\n")
        with pytest.raises(InstallFailed, match=r"(?s)installing failed; the last lines of .*[Hh]ash"):
            plan.carry_out()

    assert "acme-orca" not in installed_distributions(plan.tool)


def test_install_unknown_distribution_tells_the_last_lines(uv_python: str, wheels: Path) -> None:
    """What the installer says is passed on."""
    with (
        pytest.raises(InstallFailed, match=r"(?s)resolving failed; the last lines of .*acme-nothing"),
        plan_install("acme-nothing", python=uv_python, find_links=[wheels], no_index=True),
    ):
        pytest.fail("there is a plan")


def test_install_wheel_and_folder_and_uninstall(python: str, wheels: Path, make_wheel: MakeWheel, tmp_path: Path) -> None:
    """A wheel is taken as it lies there; a folder is built first and replaces it, although its version is the same: sources change."""
    lying = make_wheel(tmp_path, "acme-orca", "0.3.0", "acme-lib", group="tidemill.dex.v1", content="before = True\n")
    with plan_install(str(lying), python=python, find_links=[wheels], no_index=True) as plan:
        assert [("acme-orca", "0.3.0"), ("acme-lib", "1.0")] == [(package.name, package.version) for package in plan.packages]
        plan.carry_out()
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "pyproject.toml").write_text(PROJECT)
    (sources / "backend.py").write_text(BACKEND)
    module = next(Path(python).parents[1].glob("lib/python*/site-packages")) / "acme_orca.py"
    before = module.read_text()
    with plan_install(str(sources), python=python, find_links=[wheels], no_index=True) as plan:
        package = plan.packages[0]
        assert ("acme-orca", "0.3.0", (digest(Path(package.path)),), "0.3.0") == (
            package.name, package.version, package.sha256, package.replaces,
        )  # fmt: skip
        plan.carry_out()
    assert ("before = True\n", "") == (before, module.read_text())
    Path("tidemill.toml").write_text('mode = "paper"\n\n[dex.orca]\nenabled = true\n')

    gone = plan_uninstall("dex.orca", python=python)
    gone.carry_out()

    assert ("acme-orca", "0.3.0", ("dex.orca",), ("tidemill.toml:3  [dex.orca]",)) == (
        gone.distribution,
        gone.version,
        gone.plugins,
        gone.named_by,
    )
    assert "acme-orca" not in installed_distributions(gone.tool)


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


def test_environment_is_asked_without_the_current_folder(uv_python: str, tmp_path: Path) -> None:
    """A module of the current folder is not taken for one of the environment's."""
    Path("json.py").write_text("raise SystemExit(9)")

    assert json.dumps(__version__) == json.dumps(installed_distributions(tool_of(uv_python))["tidemill"].version)


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
