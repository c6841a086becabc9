"""What a name means to the installer, when it refuses to begin, and which tool it takes."""

import fcntl
import sys
from pathlib import Path

import pytest

from tidemill.api.install import plan_install, plan_uninstall
from tidemill.api.installing import request
from tidemill.api.installing import tool as tools
from tidemill.api.installing.request import requested
from tidemill.api.installing.tool import InstallFailed, Tool, tool_of
from tidemill.errors import UsageError


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tidemill", "is the host, not a plugin"),
        ("Tidemill==0.2", "is the host"),
        ("dex.orcca", "is none of our plugins; of this kind ours are: dex.pancakeswap"),
        ("./nothing", "there is nothing there; give the folder"),
        ("nothing.whl", "there is nothing there"),
        (".", "it holds no pyproject.toml"),
        ("a b", "is no name of a plugin"),
        ("-r", "is no name of a plugin"),
        ("git+https:x", "is no name of a plugin"),
        ("dex.", "is no name of a plugin"),
    ],
)
def test_install_name_that_means_nothing_is_refused(name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what can be given."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match=message):
        requested(name)


def test_install_our_names_mean_the_checkout_or_the_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a checkout the folder counts, elsewhere the published distribution."""
    root = request.checkout()
    assert root is not None
    in_checkout = [requested(name) for name in ("dex.sushiswap", "tidemill-dex-uniswap", "strategy.spatial")]
    monkeypatch.setattr(request, "checkout", lambda: None)

    assert [root / "plugins/dex/uniswap", root / "plugins/dex/uniswap", root / "plugins/strategies/spatial"] == in_checkout
    assert "tidemill-dex-uniswap" == requested("dex.sushiswap")


def test_install_while_a_run_may_be_live_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of a run whose mode cannot be read counts as a live one; the configuration says where to look."""
    monkeypatch.chdir(tmp_path)
    Path("tidemill.toml").write_text('data = "books"\n')
    Path("books").mkdir()
    with Path("books/ledger.lock").open("w") as lock:
        lock.write("4711\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        with (
            pytest.raises(UsageError, match=r"books: a run is on, and what it is cannot be read \(process 4711\)"),
            plan_install("dex.uniswap"),
        ):
            pytest.fail("there is a plan")
        with pytest.raises(UsageError, match="a run is on"):
            plan_uninstall("dex.uniswap")


@pytest.mark.parametrize(("name", "message"), [("tidemill", "is the host"), ("dex.orca", "no plugin dex.orca is installed")])
def test_uninstall_what_is_no_installed_plugin_is_refused(name: str, message: str, tmp_path: Path) -> None:
    """The host stays, and what is not there cannot go."""
    with pytest.raises(UsageError, match=message):
        plan_uninstall(name, data=tmp_path)


def test_tool_that_cannot_be_started_or_hangs_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is left to a traceback."""
    with pytest.raises(InstallFailed, match=r"looking failed: .*nothing cannot be started: No such file or directory; look"):
        Tool("uv", (str(tmp_path / "nothing"),), sys.executable).run([], "looking", "look")
    monkeypatch.setattr(tools, "TIMEOUT_S", 0.2)
    with pytest.raises(InstallFailed, match=r"waiting failed: sleep was not done after 0.2 s; do not"):
        Tool("sleep", ("sleep",), sys.executable).run(["30"], "waiting", "do not")


def test_tool_of_an_environment_without_any_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No pip there, and no uv: the message names both."""
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UsageError, match="its environment has no pip, and uv is not found: run"):
        tool_of(str(tmp_path / "bin" / "python"))


def test_tool_of_this_environment_is_whose_made_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv serves what uv made; where only pip is there, pip does, in the interpreter that runs this."""
    monkeypatch.setenv("UV", "/somewhere/uv")
    by_uv = tool_of()
    monkeypatch.setattr(tools, "_is_of_uv", lambda _: False)
    monkeypatch.setattr(tools, "find_spec", lambda _: "there")
    by_pip = tool_of()

    assert ("pip", (sys.executable, "-m", "pip"), sys.executable) == (by_pip.name, by_pip.command[:3], by_pip.python)
    assert by_uv.python == sys.executable
