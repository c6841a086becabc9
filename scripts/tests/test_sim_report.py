"""The report on the simulated market."""

from pathlib import Path

import pytest

from scripts.sim_report import BEGIN, END, PAGE, Row, configuration, main, parse, row_of, table
from tidemill.domain.note import Summary
from tidemill_simworld import HUBS, NATIVE

ROWS = [(1, Row(10, 4, 6, 1_234, 234), Row(20, 15, 5, 50, 275)), (2, Row(8, 1, 7, 100, 205), Row(9, 9, 0, 9, 5))]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page with the figures of two seeds."""
    path = tmp_path / "page.md"
    path.write_text(f"before\n{BEGIN}{table(ROWS, 100)}{END}after\n", "utf-8")
    return path


def test_table_states_sums_and_rows() -> None:
    """Sums stand before the rows; money is in dollars and cents, below zero with its sign."""
    text = table(ROWS, 100)
    assert "2 seeds of 100 blocks each" in text
    assert "* the default configuration: 5 fills, 13 reverts, net 4.47 US dollars a seed, above zero on 1 of 2." in text
    assert "| 1 | 10 | 4 | 6 | 2.34 | 10.00 | 20 | 15 | 5 | 2.75 | -2.25 |" in text


def test_parse_gives_back_what_table_states() -> None:
    """A page's rows are its figures."""
    assert ROWS == list(parse(table(ROWS, 100)))


def test_check_page_that_agrees_with_its_rows_passes(page: Path) -> None:
    """A page whose sentences say what its rows do is right."""
    assert 0 == main(["--check"], page)


def test_check_page_with_a_changed_figure_fails(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A figure that was changed by hand is noticed."""
    page.write_text(page.read_text("utf-8").replace("10.00", "90.00"), "utf-8")
    assert 1 == main(["--check"], page)
    assert "do not say what its rows do" in capsys.readouterr().err


def test_check_page_of_the_repository_passes() -> None:
    """The page in the tree states fifty seeds, on which the default earns and the careless one mostly loses."""
    assert 0 == main(["--check"])
    rows = list(parse(PAGE.read_text("utf-8")))
    assert 50 == len(rows)
    assert sum(default.net for _, default, _ in rows) > 0
    assert 2 * sum(careless.net < 0 for _, _, careless in rows) > len(rows)


def test_row_of_values_at_the_reference_prices_of_the_last_block() -> None:
    """At block 0 a WETH is worth 2,500 dollars, a native coin as much, a USDC one dollar."""
    pnl = {HUBS[0].id: 10**18, HUBS[1].id: -(10**6)}
    summary = Summary(
        blocks=1, events=1, opportunities=1, plans=3, fills=2, reverts=1, rejected=0, pnl=pnl, cost={NATIVE: 10**15}, ledger_hash=""
    )
    row = row_of(summary, seed=1, blocks=1)
    assert Row(3, 2, 1, 249_900, 250) == row
    assert 249_650 == row.net


def test_configuration_careless_believes_its_costs_to_be_zero() -> None:
    """It differs from the default in what plans are judged by, and neither writes a ledger."""
    default, careless = configuration(careless=False), configuration(careless=True)
    settings = {table.path: dict(table.settings) for table in careless.tables}
    assert 0 == settings["chains.sim"]["own_cost_ppm"]
    assert {0} == {settings[f"strategies.{name}"]["min_profit_bps"] for name in ("triangular", "spatial")}
    assert {"store", "notifier"}.isdisjoint(table.kind for table in default.tables)


def test_main_plays_seeds_and_writes_the_page(page: Path) -> None:
    """One seed of a few blocks, played with both configurations, becomes the page's figures; the rest of the page stays."""
    assert 0 == main(["--seeds", "1", "--blocks", "3", "--jobs", "1"], page)
    text = page.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert 1 == len(list(parse(text)))
    assert 0 == main(["--check"], page)
