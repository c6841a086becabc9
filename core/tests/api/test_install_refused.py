"""What is not installed: each is refused before anybody is asked, and the environment is left as it was."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill import __version__
from tidemill.api import install as installing
from tidemill.api.install import plan_install, plan_uninstall
from tidemill.api.installing.environment import installed_distributions
from tidemill.api.installing.resolve import PlannedPackage
from tidemill.api.installing.tool import InstallFailed, tool_of
from tidemill.api.installing.wheel import read_wheel
from tidemill.errors import UsageError

MakeWheel = Callable[..., Path]


@pytest.mark.parametrize("name", ["acme-newer", "acme-older"])
def test_install_what_is_made_for_another_host_is_refused(name: str, python: str, wheels: Path) -> None:
    """A plugin for another host moves this one neither up nor down, although a host that fits it could be had."""
    expected = (
        r"(?s)resolving failed; the last lines of .*tidemill.*ask for a version that was made for this one, or upgrade tidemill first"
    )
    with pytest.raises(InstallFailed, match=expected), plan_install(name, python=python, find_links=[wheels], no_index=True):
        pytest.fail("there is a plan")

    assert __version__ == installed_distributions(tool_of(python))["tidemill"].version


def test_install_what_would_break_what_the_host_stands_on_is_refused(python: str, wheels: Path) -> None:
    """A plugin that does not name its host would have a library replaced below it: neither pip nor uv minds."""
    expected = f"would replace base-lib 2.0 by 1.0, but tidemill {__version__} needs base-lib>=2; nothing was installed"
    with pytest.raises(UsageError, match=expected), plan_install("acme-rude", python=python, find_links=[wheels], no_index=True):
        pytest.fail("there is a plan")

    assert "2.0" == installed_distributions(tool_of(python))["base-lib"].version


def test_install_that_brings_a_host_along_is_refused(uv_python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the installer plans: the host is not among what is installed."""
    monkeypatch.setattr(installing, "resolve", lambda *_: (PlannedPackage("tidemill", "99.0.0", ("ab" * 32,)),))

    with pytest.raises(UsageError, match="would change tidemill itself"), plan_install("acme-orca", python=uv_python):
        pytest.fail("there is a plan")


REFUSED = [
    ("acme-nine", "acme_nine-0.1.0", "acme-nine is made for version 9 of the dex interface"),
    ("acme-lib", "acme_lib-1.0", "acme-lib is no plugin: it has no entry point in a group of Tidemill's; nothing was installed"),
    ("acme-forged", "acme_forged-0.1.0", r"has a plugin dex.uniswap, which is the name of one of ours, in tidemill-dex-uniswap"),
    ("base-lib", "base_lib-2.0", "base-lib is no plugin"),
]
"""A distribution, the stem of its wheel, and why neither is installed; the last is there already."""


@pytest.mark.parametrize(("name", "file", "message"), REFUSED)
def test_install_what_could_not_be_used_is_refused(name: str, file: str, message: str, wheels: Path, uv_python: str) -> None:
    """What would be refused afterwards is refused before, whether its wheel lies here or an index has it."""
    for wanted in (name, str(wheels / f"{file}-py3-none-any.whl")):
        with pytest.raises(UsageError, match=message), plan_install(wanted, python=uv_python, find_links=[wheels], no_index=True):
            pytest.fail("there is a plan")


def test_install_a_second_owner_of_a_name_is_refused(uv_python: str, wheels: Path) -> None:
    """Of two plugins of one name neither could be loaded; a newer version of the same is no second one."""
    with plan_install("acme-orca==0.1.0", python=uv_python, find_links=[wheels], no_index=True) as plan:
        plan.carry_out()
    with (
        pytest.raises(
            UsageError,
            match=r"plugin dex.orca, which is installed already, from acme-orca 0.1.0: `tidemill plugins uninstall acme-orca` first",
        ),
        plan_install("acme-rival", python=uv_python, find_links=[wheels], no_index=True),
    ):
        pytest.fail("there is a plan")
    with plan_install("acme-orca==0.2.0", python=uv_python, find_links=[wheels], no_index=True) as plan:
        assert [("acme-orca", "0.2.0", "0.1.0")] == [(package.name, package.version, package.replaces) for package in plan.packages]


def test_uninstall_what_another_needs_is_refused(uv_python: str, wheels: Path) -> None:
    """What would be left without its need is named; an extra is no need."""
    with plan_install("acme-bundle", python=uv_python, find_links=[wheels], no_index=True) as plan:
        plan.carry_out()

    with pytest.raises(UsageError, match=r"acme-orca is needed by acme-bundle 0.1.0 \(acme-orca>=0.1\): uninstall what needs it first"):
        plan_uninstall("dex.orca", python=uv_python)
    plan_uninstall("dex.bundle", python=uv_python).carry_out()
    plan_uninstall("dex.orca", python=uv_python).carry_out()
    assert {"acme-bundle", "acme-orca"} & set(installed_distributions(tool_of(uv_python))) == set()


def test_install_without_a_network_says_what_can_be_given(uv_python: str) -> None:
    """With nowhere to look, the remedy names the folders that can be given."""
    with (
        pytest.raises(InstallFailed, match=r"(?s)resolving failed.*without a network: --no-index --find-links FOLDER"),
        plan_install("acme-orca", python=uv_python, no_index=True),
    ):
        pytest.fail("there is a plan")


def test_install_the_host_as_a_wheel_is_refused(uv_python: str, wheels: Path) -> None:
    """Its file is the host as well as its name is."""
    for version in ("0.0.1", __version__):
        lying = wheels / f"tidemill-{version}-py3-none-any.whl"
        with (
            pytest.raises(UsageError, match="tidemill is the host, not a plugin"),
            plan_install(str(lying), python=uv_python, no_index=True),
        ):
            pytest.fail("there is a plan")


def spoil_name(content: bytes) -> bytes:
    return content.replace(b"METADATA", b"METEDATA")


def spoil_content(content: bytes) -> bytes:
    return content.replace(b"Wheel-Version: 1.0", b"Wheel-Version: 9.9")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda content: b"no archive", "is no wheel: File is not a zip file"),
        (lambda content: content[: len(content) // 2], "is no wheel: File is not a zip file"),
        (spoil_name, "is no wheel: it holds no .dist-info/METADATA"),
        (spoil_content, r"is damaged: acme_orca-0.1.0.dist-info/WHEEL in it is not what was packed; build it anew"),
    ],
)
def test_install_what_is_no_sound_wheel_is_refused(
    spoil: Callable[[bytes], bytes], message: str, make_wheel: MakeWheel, tmp_path: Path
) -> None:
    """A file that is only called a wheel, one that was cut, and one whose content is not what was packed."""
    lying = make_wheel(tmp_path, "acme-orca", "0.1.0", group="tidemill.dex.v1")
    lying.write_bytes(spoil(lying.read_bytes()))

    with pytest.raises(UsageError, match=message):
        read_wheel(lying)
