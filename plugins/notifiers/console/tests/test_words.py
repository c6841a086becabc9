"""The sentences around a run, and the running figures."""

from pathlib import Path

import attrs
import pytest

from tidemill.domain.ids import AssetId
from tidemill.domain.note import Note, RunHeader, Summary
from tidemill_notifier_console.counts import Counts
from tidemill_notifier_console.words import headline, next_line, plural, stays_lines, summary_line


def test_headline_of_a_tape_names_it_and_leaves_empty_counts_out() -> None:
    """What is not known is not said, and only paper promises that nothing is spent."""
    header = RunHeader("0.1.0", "live", "uniswap-v2-pairs", 1, (), tape="pairs.tape", pools=1)
    assert "Tidemill 0.1.0 · live · tape pairs.tape (uniswap-v2-pairs) · 1 pool · Ctrl-C ends" == headline(header)


def test_headline_of_another_source_names_it() -> None:
    """A chain that is not simulated is called by its id."""
    assert "eip155:137, seed 3" in headline(RunHeader("0.1.0", "paper", "eip155:137", 3, ()))


def test_summary_line_of_nothing_says_so() -> None:
    """A run without a fill or a ledger ends in a true sentence as well."""
    summary = Summary(1, 0, 0, 0, 0, 0, 0, {}, {}, "5f2c" * 16)
    assert "1 block · 0 fills, 0 reverts · no gain or loss, gas 0 · hash 5f2c5f2c5f2c…" == summary_line(summary)
    assert "ledger show" not in next_line(summary)


def test_summary_line_with_many_assets_names_four(summary: Summary) -> None:
    """Known assets come first, then unknown ones in base units, most of each first; the rest is a number: dust hides no gain."""
    pnl = {AssetId(f"sim:1/erc20:0x{n}"): n for n in range(1, 6)} | summary.pnl
    line = summary_line(attrs.evolve(summary, pnl=pnl))
    assert "· +84.11 USDC, +5 base units of 0x5, +4 base units of 0x4, +3 base units of 0x3, 2 more, gas 0.003 ETH ·" in line


def test_next_line_names_a_folder_that_is_not_the_default(summary: Summary) -> None:
    """What is proposed works as it stands."""
    assert "`tidemill ledger show --data elsewhere`" in next_line(attrs.evolve(summary, ledger="elsewhere"))


def test_plural_counts() -> None:
    """One is one, many have separators."""
    assert ["1 fill", "0 fills", "1,000 fills"] == [plural(count, "fill") for count in (1, 0, 1000)]


def test_counts_of_two_bases_leave_the_profit_to_the_summary() -> None:
    """Dollars and ether are not added up."""
    counts = Counts()
    for symbol, decimals in (("USDC", 6), ("WETH", 18)):
        counts.add(Note("fill", "info", 1, 0, "", (("net", "5"), ("symbol", symbol), ("decimals", decimals))))
    assert ("", 2) == (counts.profit, counts.filled)


def test_counts_take_the_profit_of_a_group_where_it_ends() -> None:
    """Its legs say 0; the note of its end, or of what is kept of it, says what all of it left."""
    counts, money = Counts(), (("symbol", "USDC"), ("decimals", 6))
    for event, net in (("fill", "0"), ("group", "5000000"), ("exposure", "-2000000")):
        counts.add(Note(event, "info", 1, 0, "", (("net", net), *money)))
    counts.add(Note("exposure", "error", 1, 0, "", ()))
    assert ("+3.00", 1) == (counts.profit, counts.filled)


@pytest.mark.parametrize("fields", [(), (("net", "5"),), (("net", None), ("symbol", "USDC"), ("decimals", 6))])
def test_counts_without_a_stated_profit_show_none(fields: tuple[tuple[str, object], ...]) -> None:
    """A fill that does not say what it earned is counted and not guessed."""
    counts = Counts()
    counts.add(Note("fill", "info", 1, 0, "", fields))
    assert ("", 1) == (counts.profit, counts.filled)


def test_next_line_proposes_a_configuration_only_where_there_is_none(
    summary: Summary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has written one is not told to write one."""
    monkeypatch.chdir(tmp_path)
    without = next_line(summary)
    (tmp_path / "tidemill.toml").touch()

    assert (True, False) == ("config init" in without, "config init" in next_line(summary))


def test_stays_lines_are_one_for_each_thing_that_stays(summary: Summary) -> None:
    """Nothing where nothing does."""
    left = attrs.evolve(summary, stays=("1 transaction still out (1 broadcast)", "stopped by command: a\x1b[2J drill"))

    assert [] == stays_lines(summary)
    assert ["stays: 1 transaction still out (1 broadcast)", "stays: stopped by command: a\ufffd[2J drill"] == stays_lines(left)
