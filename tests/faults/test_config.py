"""A configuration that is wrong: everything at once with file, line and path, exit code 2, nothing started."""

import re
from pathlib import Path

import pytest

from tests.commands import LEAN, Tidemill

WRONG = """\
mode = "paper"
sed = 7
speed = 4

[chains.sim]
pools = "many"

[dex.uniswap]
max_slipage_bps = 100

[dex.unisvap]

[strategies.triangular]
min_profit_bps = -3

[strategies.momentun]

[dex.nowhere]
enabled = false

[risk.limits]

[stores.sqlite]

[books.main]
base = "USDC"
"""
EXPECTED = (
    (2, "$.sed", "unknown key; did you mean seed"),
    (3, "$.speed", "4"),
    (6, "$.chains.sim.pools", "many"),
    (9, "$.dex.uniswap.max_slipage_bps", "did you mean max_slippage_bps"),
    (11, "$.dex.unisvap", 'no such dex is installed; did you mean "uniswap"?'),
    (14, "$.strategies.triangular.min_profit_bps", "-3"),
    (16, "$.strategies.momentun", "no such strategy is installed"),
)


@pytest.mark.parametrize(
    "command", ["config check wrong.toml", "config show wrong.toml", "explain --config wrong.toml", "run --blocks 1 --config wrong.toml"]
)
def test_config_that_is_wrong_is_told_at_once_with_lines(command: str, tidemill: Tidemill, tmp_path: Path) -> None:
    """Every problem is one line of file, line, path and remedy, in the file's order; what is disabled may name anything."""
    (tmp_path / "wrong.toml").write_text(WRONG)
    done = tidemill(*command.split())
    *problems, last = done.err.splitlines()
    found = [re.fullmatch(r"wrong\.toml:([0-9]+)  (\$\S*)  (.*)", line) for line in problems]

    assert (2, "") == (done.code, done.out)
    assert f"{len(problems)} errors, nothing was started" == last
    for line, path, words in EXPECTED:
        assert any(one and (int(one[1]), one[2]) == (line, path) and words in one[3] for one in found), (line, path, done.err)
    assert "nowhere" not in done.err


def test_config_amount_in_an_asset_that_nobody_verified_is_named(tidemill: Tidemill, tmp_path: Path) -> None:
    """Money is stated in assets that are known: a symbol that is not is told at its line."""
    (tmp_path / "tidemill.toml").write_text('[chains.sim]\n[risk.limits]\nmax_trade = "2_000 SCAM"\n[books.main]\nbase = "USDC"\n')
    done = tidemill("config", "check")

    assert (2, "") == (done.code, done.out)
    assert "tidemill.toml:3  $.risk.limits.max_trade" in done.err
    assert "SCAM" in done.err


def test_config_without_a_searcher_beside_strategies_that_search_starts_nothing(tidemill: Tidemill, tmp_path: Path) -> None:
    """Our strategies that look for cycles are named where the searcher is disabled, by the check and by a run."""
    searching = ("compound", "spatial", "triangular")
    text = "[chains.sim]\n[dex.uniswap]\n[search.cycles]\nenabled = false\n" + "".join(f"[strategies.{name}]\n" for name in searching)
    (tmp_path / "tidemill.toml").write_text(text + "[strategies.temporal]\n")

    for command in ("config check", "run --blocks 1"):
        done = tidemill(*command.split())
        assert (2, "") == (done.code, done.out)
        assert "tidemill.toml:4  $.search.cycles.enabled  no searcher is enabled" in done.err
        assert [True] * 3 == [f"strategies.{name}" in done.err for name in searching]
        assert "temporal" not in done.err


def test_config_of_tokens_that_are_none_is_named(tidemill: Tidemill, tmp_path: Path) -> None:
    """What the screen is told to keep out or to trust must be able to name a token: a slip of the finger would match nothing."""
    text = '[chains.sim]\n[search.cycles]\ntrusted = ["eip155:1/erc20:0xZZ"]\n[search.cycles.quarantine]\n"eip155:1/erc20:0x12" = ""\n'
    (tmp_path / "tidemill.toml").write_text(text)
    done = tidemill("config", "check")

    assert (2, "") == (done.code, done.out)
    assert "tidemill.toml:3  $.search.cycles.trusted[0]  expected eip155:1/erc20: with an address of 0x and 40 hex" in done.err
    assert 'tidemill.toml:5  $.search.cycles.quarantine."eip155:1/erc20:0x12"  expected eip155:1/erc20: with' in done.err


def test_run_with_a_configuration_that_is_wrong_starts_nothing(tidemill: Tidemill, tmp_path: Path) -> None:
    """A run refuses with exit code 2 before it touches the disk."""
    (tmp_path / "tidemill.toml").write_text(WRONG)
    done = tidemill("run", "--blocks", "1")

    assert (2, "") == (done.code, done.out)
    assert "errors, nothing was started" in done.err
    assert ["tidemill.toml"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("mode = paper\n", 1, "TOML"),
        ('mode = "paper"\n[dex.uniswap\n', 2, "TOML"),
        ("seed = 1\nseed = 2\n", 2, "TOML"),
        ("\x00", 1, ""),
        ('[[dex]]\nname = "uniswap"\n[dex.sushiswap]\n', 3, "[[dex]]"),
        ("seed = -1\n", 1, "$.seed"),
        ('seed = "one"\n', 1, "$.seed"),
        ("[chains]\nsim = 5\n", 2, "$.chains.sim"),
        ('[notifiers.jsonl]\npath = "x"\n[books.main]\nbase = "USDC"\n[books.main.capital]\nUSDC = -5\n', 6, "$.books.main.capital.USDC"),
    ],
    ids=["no TOML", "cut table", "key twice", "NUL", "both shapes", "below zero", "text for number", "number for table", "negative money"],
)
def test_config_problem_names_its_line(text: str, line: int, words: str, tidemill: Tidemill, tmp_path: Path) -> None:
    """Whatever is wrong, the message leads to the line; there is no traceback."""
    (tmp_path / "bad.toml").write_text(text)
    done = tidemill("config", "check", "bad.toml")

    assert (2, "") == (done.code, done.out)
    assert f"bad.toml:{line}" in done.err
    assert words in done.err
    assert "Traceback" not in done.err


def test_config_that_is_no_text_is_refused(tidemill: Tidemill, tmp_path: Path) -> None:
    """Bytes that are no UTF-8, a folder, and nothing at all are named."""
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe mode")
    (tmp_path / "folder.toml").mkdir()
    for name in ("bytes.toml", "folder.toml", "none.toml"):
        done = tidemill("run", "--config", name, "--blocks", "1")
        assert (2, "", True, False) == (done.code, done.out, name in done.err, "Traceback" in done.err), name


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TIDEMILL__SEED", "one", "TIDEMILL__SEED"),
        ("TIDEMILL__DEX__UNISWAP__FEE_BPPS", "30", "did you mean fee_bps"),
        ("TIDEMILL__STRATEGIES__TRIANGLAR__ENABLED", "true", 'did you mean "triangular"?'),
    ],
)
def test_config_variable_that_is_wrong_is_named(name: str, value: str, words: str, tidemill: Tidemill) -> None:
    """What a variable sets is checked like a line of the file."""
    done = tidemill("config", "check", env={name: value})

    assert (2, "", True, True) == (done.code, done.out, words in done.err, name.removesuffix("__ENABLED") in done.err)


def test_config_inline_secret_is_refused_unseen(tidemill: Tidemill, tmp_path: Path) -> None:
    """A key of a plugin that does not exist is not echoed by any command."""
    secret = "0x" + "c0ffee" * 10 + "c0de"
    (tmp_path / "tidemill.toml").write_text(f'[chains.polygon]\nprivate_key = "{secret}"\n')
    for command in (("config", "check"), ("config", "show"), ("run", "--blocks", "1"), ("explain",), ("plugins",)):
        done = tidemill(*command, env=LEAN)
        assert secret not in done.out + done.err, command
