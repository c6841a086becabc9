"""Other people's packages, installed from wheels beside ours: the good ones work, the wrong one is refused by number and title."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.bare import Bare
from tests.wheels.third_party import DEX, EXAMPLES, FOLDER, MARKET, STRATEGY, WRONG, built, copied, relabelled

BLOCKS = "40"
BY_NAME = {example.folder: example for example in EXAMPLES}
every_example = pytest.mark.parametrize("name", sorted(BY_NAME))


@pytest.fixture(scope="module")
def installed(authors: Bare, tmp_path_factory: pytest.TempPathFactory) -> Bare:
    """The environment with every example in it, each from its wheel."""
    built_here = tmp_path_factory.mktemp("third-party")
    done = authors.install("tidemill[tape]", *(str(built(example, built_here)) for example in EXAMPLES))
    assert 0 == done.code, done.err
    return authors


def run_with(environment: Bare, toml: str, folder: Path, *options: str) -> list[dict[str, Any]]:
    """Run a market under a configuration, in a folder, and return what it printed; the ledger must be sound."""
    (folder / "tidemill.toml").write_text(toml, "utf-8")
    ran = environment.run("tidemill", "run", "--speed", "max", "--json", *options, cwd=folder)
    assert (0, "") == (ran.code, ran.err)
    data = options[options.index("--data") + 1] if "--data" in options else "tidemill-data"
    sound = environment.run("tidemill", "ledger", "verify", "--data", data, cwd=folder)
    assert 0 == sound.code, sound.out + sound.err
    return ran.lines


def test_table_names_every_package() -> None:
    """A package that stands in the folder and in no row would be held by nothing."""
    assert sorted(path.parent.name for path in FOLDER.glob("*/pyproject.toml")) == sorted(BY_NAME)


def test_installed_packages_are_listed_with_their_distribution(installed: Bare, tmp_path: Path) -> None:
    """They are found by their metadata, and stand there as not enabled."""
    listed = installed.run("tidemill", "plugins", "--json", cwd=tmp_path)
    found = {(one["distribution"], one["name"], one["enabled"]) for one in listed.lines}

    assert {(example.folder, example.plugin, False) for example in EXAMPLES} <= found


def test_plugin_that_is_not_enabled_is_not_imported(installed: Bare, tmp_path: Path) -> None:
    """What a run does not name stays unread: with one of two enabled, the other's code is never loaded."""
    (tmp_path / "tidemill.toml").write_text(MARKET.format(plugin=STRATEGY.plugin), "utf-8")
    script = str(installed.bin / "tidemill")
    ran = installed.run("python", "-X", "importtime", script, "run", "--speed", "max", "--blocks", "2", cwd=tmp_path)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in ran.err.splitlines()}

    assert 0 == ran.code
    assert {STRATEGY.module} == imported & {example.module for example in EXAMPLES}


def test_strategy_that_is_enabled_trades(installed: Bare, tmp_path: Path) -> None:
    """Its plans fill on the simulated market and stand in a ledger that is sound."""
    lines = run_with(installed, MARKET.format(plugin=STRATEGY.plugin), tmp_path, "--blocks", BLOCKS)
    fills = [line for line in lines if line["event"] == "fill"]

    assert len(fills) > 5
    assert {"reversion"} == {line["strategy"] for line in fills}


def test_dex_that_is_enabled_trades_in_a_cycle_with_uniswap(installed: Bare, tmp_path: Path) -> None:
    """Its recorded pools stand on a tape beside Uniswap pairs; a fill goes through both, and a replay decides the same."""
    folder = copied(DEX, tmp_path) / "examples"
    made = installed.run("python", "make_tape.py", cwd=folder)
    assert 0 == made.code, made.err
    toml = (folder / "tidemill.toml").read_text("utf-8")
    lines = run_with(installed, toml, folder, "--config", "tidemill.toml", "--tape", "weighted.tape", "--record", "run.tape")
    rows = installed.run("tidemill", "ledger", "export", cwd=folder).lines
    filled = {row["plan"] for row in rows if row["row"] == "result" and row["state"] == "filled"}
    routes = [row["route"] for row in rows if row["row"] == "opportunity" and row["plan"] in filled]

    assert 1 <= lines[-1]["fills"]
    assert any({"uniswap", "weighted"} == {pool.partition("/")[2].partition(":")[0] for pool in route} for route in routes)
    assert 0 == installed.run("tidemill", "replay", "run.tape", cwd=folder).code


def test_wrong_one_is_red_in_pytest(installed: Bare, tmp_path: Path) -> None:
    """By exactly the rules of its kind that it breaks; what its author tried by hand is green."""
    tested = installed.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=copied(WRONG, tmp_path))
    expected = [rule for rule in WRONG.red if not rule.startswith("PKG")]
    failed = [line for line in tested.out.splitlines() if line.startswith("FAILED")]

    assert 1 == tested.code, tested.out + tested.err
    assert len(expected) == len(failed)
    assert [] == [rule for rule in expected if f"{rule}: " not in tested.out]


@every_example
def test_check_plugin_names_exactly_the_broken_rules(name: str, installed: Bare, tmp_path: Path) -> None:
    """By number and title, in the report for programs; a good package is green, its own tests too, and as far as it says."""
    example = BY_NAME[name]
    checked = installed.run("tidemill", "check", "plugin", "--json", str(copied(example, tmp_path)), cwd=tmp_path)
    page = json.loads(checked.out)

    assert (1 if example.red else 0) == checked.code
    assert (list(example.red), not example.red, example.level) == (page["red"], page["green"], page["level"])
    assert (example.folder, [example.plugin], "") == (page["distribution"], page["plugins"], page["problem"])


def test_wrong_dex_is_believed_by_a_run(installed: Bare, simulated_run: Path, tmp_path: Path) -> None:
    """Why it must be refused before: on paper its own formula fills its own plans, and profits appear that no chain would pay."""
    shutil.copy(simulated_run / "run.tape", tmp_path / "honest.tape")
    assert relabelled(simulated_run / "run.tape", tmp_path / "wrong.tape", "generous") > 5
    toml = MARKET.format(plugin=f"{WRONG.plugin}]\n\n[strategies.spatial")
    earned = {}
    for name in ("honest", "wrong"):
        summary = run_with(installed, toml, tmp_path, "--config", "tidemill.toml", "--tape", f"{name}.tape", "--data", name)[-1]
        earned[name] = max(int(amount) for amount in summary["pnl"].values())

    assert earned["wrong"] > 5 * earned["honest"] > 0


def test_uninstalled_plugin_is_gone(installed: Bare, tmp_path: Path) -> None:
    """It leaves the list, and a configuration that names it is refused."""
    gone = installed.run("tidemill", "plugins", "uninstall", WRONG.folder, "--yes", cwd=tmp_path)
    listed = installed.run("tidemill", "plugins", "--json", cwd=tmp_path)
    (tmp_path / "tidemill.toml").write_text(MARKET.format(plugin=WRONG.plugin), "utf-8")
    refused = installed.run("tidemill", "run", "--blocks", "2", cwd=tmp_path)

    assert 0 == gone.code, gone.out + gone.err
    assert WRONG.folder not in {one["distribution"] for one in listed.lines}
    assert 2 == refused.code
    assert "dex.generous" in refused.err
