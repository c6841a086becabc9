"""A chain plugin that fails where the pipeline is put together or a plan is charged ends the command with one line that names it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tidemill.cli.main import main

Install = Callable[..., Path]
SOURCE = """
from tidemill import hookimpl
from tidemill_chain_sim.plugin import SimChain
from tidemill_chain_sim.rules import SimRules


class Rules(SimRules):
    broken = ""
    looks = 99

    def verified_assets(self):
        Rules.looks -= 1
        if Rules.looks < 0:
            raise ZeroDivisionError("no list")
        return super().verified_assets()

    def __getattribute__(self, name):
        if name == type(self).broken:
            raise ZeroDivisionError(name)
        return super().__getattribute__(name)


class Charging(Rules):
    def cost(self, unsigned, snapshot):
        raise ZeroDivisionError("no price")


class Moody(SimChain):
    name = "moody"
    lasts = 99
    charges = Rules
    linked = True

    def rules(self):
        self.lasts -= 1
        if self.lasts < 0:
            raise ZeroDivisionError("not again")
        return Rules(self.settings)

    def link(self, setup):
        link = super().link(setup)
        if self.linked:
            link.rules = self.charges(self.settings)
        else:
            del link.rules
        return link


@hookimpl
def tidemill_register_chains():
    return [Moody]
"""
CONFIG = """
seed = 7
speed = "max"
[chains.moody]
tokens = 12
pools = 40
[dex.uniswap]
[dex.sushiswap]
[dex.quickswap]
[dex.pancakeswap]
[search.cycles]
[strategies.spatial]
[books.main]
base = "USDC"
[books.main.capital]
USDC = 50_000
WETH = 20
ETH = 10
"""


@pytest.fixture
def config(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Install a chain of which some text is another, and return the path of a configuration that enables it."""
    monkeypatch.chdir(tmp_path)

    def put(old: str = "", new: str = "") -> str:
        assert old in SOURCE
        install("acme-moody", "acme_moody", SOURCE.replace(old, new), kind="chain", names=("moody",))
        (tmp_path / "tidemill.toml").write_text(CONFIG)
        return str(tmp_path / "tidemill.toml")

    return put


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("lasts = 99", "lasts = 1", None),
        ('broken = ""', 'broken = "lifetime"', "ZeroDivisionError: lifetime"),
        ("linked = True", "linked = False", "AttributeError: 'SimLink' object has no attribute 'rules'"),
        ("charges = Rules", "charges = Charging", "ZeroDivisionError: no price"),
    ],
    ids=["asked once", "an attribute", "no rules of the link", "cost"],
)
def test_run_with_rules_that_raise_ends_with_one_line_naming_the_chain(
    old: str, new: str, message: str | None, config: Callable[..., str]
) -> None:
    """Exit code 1 and a sentence, wherever they raise; rules are asked for once, so that a second asking cannot fail."""
    done = CliRunner().invoke(main, ["run", "--config", config(old, new), "--blocks", "12", "--data", "d"], prog_name="tidemill")

    if message is None:
        assert (0, "") == (done.exit_code, done.stderr)
    else:
        assert (1, [f"plugin chains.moody: {message}"]) == (done.exit_code, done.stderr.splitlines()[-1:])
        assert "Traceback" not in done.output


def test_replay_of_a_tape_with_rules_that_fail_later_names_the_chain(config: Callable[..., str]) -> None:
    """A tape that is played is charged by rules that are asked for anew: where that fails, one line says whose."""
    path = config("lasts = 99", "lasts = 1")
    runner = CliRunner()
    recorded = runner.invoke(main, ["run", "--config", path, "--blocks", "2", "--data", "d", "--record", "t"], prog_name="tidemill")
    played = runner.invoke(main, ["run", "--config", path, "--tape", "t", "--data", "e"], prog_name="tidemill")

    assert (0, 1) == (recorded.exit_code, played.exit_code)
    assert ["plugin chains.moody: ZeroDivisionError: not again"] == played.stderr.splitlines()[-1:]


def test_market_of_a_tape_with_rules_that_raise_names_the_chain(config: Callable[..., str]) -> None:
    """``scan`` and ``quote`` end with one sentence."""
    path = config()
    CliRunner().invoke(main, ["run", "--config", path, "--blocks", "2", "--data", "d", "--record", "t"], prog_name="tidemill")
    sys.modules["acme_moody"].Rules.looks = 2  # the configuration's, and the fold's
    done = CliRunner().invoke(main, ["scan", "t", "--config", path, "--start", "USDC", "--hops", "3"], prog_name="tidemill")

    assert (1, "plugin chains.moody: ZeroDivisionError: no list\n") == (done.exit_code, done.stderr)
