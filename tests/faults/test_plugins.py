"""Plugins that are wrong in every way they can be: named with their distribution, isolated, disabled; the rest goes on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import LEAN, Ended, Tidemill

GOOD = """
from tidemill import Strategy, hookimpl

class Acme(Strategy):
    name = "acme"
    def find_opportunities(self, snapshot):
        return iter(())

@hookimpl
def tidemill_register_strategies():
    return [Acme]
"""
Acme = Callable[..., Ended]


def put(site: Path, source: str, distribution: str = "acme-lag", module: str = "acme_lag", kind: str = "strategy") -> None:
    """Install a distribution of one module into a folder: its metadata and its source."""
    metadata = site / f"{distribution.replace('-', '_')}-1.2.3.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "entry_points.txt").write_text(f"[tidemill.{kind}.v1]\nacme = {module}\n")
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {distribution}\nVersion: 1.2.3\nSummary: Trades the lag.\n")
    (site / f"{module}.py").write_text(source)


@pytest.fixture
def acme(tidemill: Tidemill, tmp_path: Path) -> Acme:
    """Runs a command with the plugin ``acme``, made of a source, installed and enabled beside the default ones."""
    site, config = tmp_path / "site", tmp_path / "tidemill.toml"
    assert 0 == tidemill("config", "init", env=LEAN).code

    def call(source: str, *arguments: str, folder: str = "strategies", kind: str = "strategy") -> Ended:
        if not site.exists():
            put(site, source, kind=kind)
            config.write_text(config.read_text("utf-8") + f"\n[{folder}.acme]\n", "utf-8")
        return tidemill(*arguments, env={**LEAN, "PYTHONPATH": str(site)})

    return call


RUN = ("run", "--blocks", "12", "--seed", "7", "--speed", "max", "--json")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise RuntimeError('boom')", "cannot import acme_lag: RuntimeError: boom"),
        ("raise SystemExit(0)", "cannot import acme_lag: SystemExit: 0"),
        ("import os.path.nothing", "cannot import acme_lag: ModuleNotFoundError"),
        ("def broken(:", "cannot import acme_lag: SyntaxError"),
        (GOOD.replace("return [Acme]", "raise KeyError('hook')"), "tidemill_register_strategies raised KeyError: 'hook'"),
        (GOOD.replace("register_strategies", "register_strategys"), "did you mean tidemill_register_strategies?"),
        (GOOD.replace("@hookimpl", ""), "tidemill_register_strategies is not marked: put @hookimpl above it"),
        (GOOD.replace("find_opportunities", "find"), "acme_lag.Acme lacks find_opportunities, which Strategy demands"),
        (GOOD.replace("return [Acme]", "return [Acme()]"), "not instances"),
        (
            GOOD.replace("    def find", "    def __init__(self, settings):\n        raise OSError('no')\n    def find"),
            "its constructor raised OSError: no",
        ),
        (
            GOOD.replace("    def find", "    def __init__(self, settings):\n        raise SystemExit(0)\n    def find"),
            "its constructor raised SystemExit: 0",
        ),
    ],
    ids=[
        "raises",
        "exits",
        "imports nothing",
        "does not parse",
        "hook raises",
        "hook misspelt",
        "not marked",
        "member missing",
        "instance",
        "constructor raises",
        "constructor exits",
    ],
)
def test_r10_plugin_that_cannot_be_used_is_named_and_nothing_begins(source: str, message: str, acme: Acme, tmp_path: Path) -> None:
    """R10: one line names plugin, distribution and fault; exit code 1, no ledger, no traceback."""
    done = acme(source, *RUN)

    assert (1, "", 1) == (done.code, done.out, len(done.err.splitlines()))
    assert done.err.startswith("plugin strategies.acme (acme-lag): ")
    assert message in done.err
    assert not (tmp_path / "tidemill-data").exists()


def test_r10_plugin_that_raises_on_import_harms_nobody_who_did_not_enable_it(acme: Acme, tidemill: Tidemill, tmp_path: Path) -> None:
    """R10: it is listed from its metadata, and a run whose configuration does not name it never imports it."""
    listed = acme("raise SystemExit(3)", "plugins", "--json")
    (tmp_path / "tidemill.toml").unlink()
    done = acme("", *RUN[:1], "--blocks", "1", "--speed", "max", "--json")

    assert ("strategies.acme", "acme-lag", True) == next(
        (line["name"], line["distribution"], line["enabled"]) for line in listed.lines if line["name"] == "strategies.acme"
    )
    assert (0, False) == (done.code, "strategies.acme" in done.lines[0]["plugins"])


def test_r10_two_owners_of_a_name_are_both_named(acme: Acme, tmp_path: Path) -> None:
    """R10: two distributions that bring the same plugin: neither is chosen."""
    acme(GOOD, "plugins")
    put(tmp_path / "site", GOOD, "zeta-lag", "zeta_lag")
    done = acme(GOOD, *RUN)

    assert (1, "") == (done.code, done.out)
    assert "has two owners, acme-lag 1.2.3 and zeta-lag 1.2.3: uninstall one" in done.err


def test_strategy_that_raises_is_disabled_after_five_failures_in_a_row(acme: Acme) -> None:
    """Each failure is told with its cause, that it is asked again after a rest, at last that it was disabled; the run goes on."""
    done = acme(GOOD.replace("return iter(())", "raise ZeroDivisionError('in the idea')"), "run", "--blocks", "24", *RUN[3:])
    told = [line for line in done.lines if line["event"] == "plugin"]

    assert (0, 24, [*["failed", "restarted"] * 4, "failed", "disabled"]) == (
        done.code,
        done.summary["blocks"],
        [line["state"] for line in told],
    )
    assert {"strategies.acme"} == {line["plugin"] for line in told}
    assert "ZeroDivisionError: in the idea" in told[0]["text"]


def test_strategy_that_raises_leaves_the_trades_of_the_others_as_they_are(acme: Acme, tidemill: Tidemill, tmp_path: Path) -> None:
    """What the others come to does not depend on a neighbour that fails."""
    faulty = acme(GOOD.replace("return iter(())", "raise ZeroDivisionError"), *RUN)
    (tmp_path / "tidemill.toml").unlink()
    alone = tidemill(*RUN, "--data", "alone", env=LEAN)
    verified = tidemill("ledger", "verify")
    figures = ("blocks", "opportunities", "plans", "fills", "reverts", "rejected", "pnl", "cost")

    assert {key: alone.summary[key] for key in figures} == {key: faulty.summary[key] for key in figures}
    assert (0, 0, 0) == (alone.code, faulty.code, verified.code)


def test_strategy_that_fails_now_and_then_is_told_and_stays(acme: Acme) -> None:
    """Only failures in a row disable: one that works in between is asked again."""
    now_and_then = "if snapshot.head('sim:1').height % 3 == 1:\n            raise OSError('now and then')\n        return iter(())"
    told = [line for line in acme(GOOD.replace("return iter(())", now_and_then), *RUN).lines if line["event"] == "plugin"]

    assert {"failed", "restarted"} == {line["state"] for line in told}
    assert {1, 4, 7, 10} == {line["height"] for line in told if line["state"] == "failed"}


def test_strategy_that_gives_no_opportunities_but_nonsense_is_at_fault(acme: Acme) -> None:
    """A value of a wrong type is the plugin's failure, not the run's."""
    done = acme(GOOD.replace("return iter(())", "yield 'buy low'"), *RUN)
    told = [line for line in done.lines if line["event"] == "plugin"]

    assert 0 == done.code
    assert {"strategies.acme"} == {line["plugin"] for line in told}


RISK = """
from tidemill import RiskCheck, hookimpl

class Acme(RiskCheck):
    name = "acme"
    def allow(self, opportunity, book, snapshot):
        raise RuntimeError("cannot say")
    def check(self, plan, book, snapshot):
        return None

@hookimpl
def tidemill_register_risks():
    return [Acme]
"""


def test_risk_check_that_raises_lets_nothing_through(acme: Acme) -> None:
    """A check that cannot answer never counts as a yes: nothing is planned, and it is named."""
    done = acme(RISK, *RUN, folder="risk", kind="risk")

    assert (0, 0, True) == (done.code, done.summary["plans"], done.summary["rejected"] > 0)
    assert {"risk.acme"} == {line["plugin"] for line in done.lines if line["event"] == "plugin"}


NONSENSE = """
from tidemill import Arbitrage, Strategy, hookimpl
from tidemill.domain.ids import AssetId, ChainId, PoolId
from tidemill.domain.opportunity import Leg

class Acme(Strategy):
    name = "acme"
    def find_opportunities(self, snapshot):
        pools = sorted(snapshot.refs)[:2]
        (a, b), (c, d) = (snapshot.refs[pool].assets for pool in pools)
        fine, open_end = (Leg(pools[0], a, b), Leg(pools[0], b, a)), (Leg(pools[0], a, b),)
        nowhere = (Leg(PoolId("sim:1/uniswap:0x00"), a, b), Leg(PoolId("sim:1/uniswap:0x00"), b, a))
        much, none = 10**18, AssetId("sim:1/erc20:0x00")
        cases = [
            (fine, a, much, 10**30, "sim:1"), (fine, a, -5, 10**30, "sim:1"), (fine, a, 10**90, 10**90, "sim:1"),
            (fine, a, 0, 10**30, "sim:1"), (open_end, a, much, 10**30, "sim:1"), (nowhere, a, much, 10**30, "sim:1"),
            ((), a, much, 10**30, "sim:1"), (fine, none, much, 10**30, "sim:1"), (fine, a, much, 10**30, "eip155:1"),
            (nowhere, a, 0, 0, "sim:1"), ((), a, 0, 0, "sim:1"),
        ]
        height = snapshot.head("sim:1").height
        for place, (legs, asset, amount, profit, chain) in enumerate(cases):
            yield Arbitrage(f"{place}-{height}", "acme", ChainId(chain), asset, legs, amount, profit, height)

@hookimpl
def tidemill_register_strategies():
    return [Acme]
"""


def test_strategy_whose_ideas_are_impossible_earns_and_breaks_nothing(acme: Acme, tidemill: Tidemill) -> None:
    """Invented profits, negative and absurd amounts, unknown pools, assets and chains: each is turned away, the ledger stays sound."""
    done = acme(NONSENSE, *RUN[:1], "--blocks", "3", "--speed", "max", "--json")
    taken = [line for line in done.lines if line["event"] == "plan" and line["strategy"] == "acme"]

    assert (0, []) == (done.code, taken)
    assert (0, True) == ((verified := tidemill("ledger", "verify", "--json")).code, verified.lines[0]["sound"])
