"""Loading finds every problem at once, each with file, line, path and remedy."""

from pathlib import Path

import pytest

from tidemill.config.load import default_config, draft_config, load_config, parse_config
from tidemill.config.model import BookConfig, ExecutionConfig
from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, BookId
from tidemill.errors import ConfigError, UsageError

WRONG = Path(__file__).parent / "files" / "wrong.toml"
SECRET = 'expected a reference, "env:NAME" or "file:PATH", found it inline; keep it there, and renew it, since it stood in the open'


def problems(text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "x.toml", environ or {})
    return [str(problem) for problem in caught.value.problems]


def test_load_wrong_file_tells_everything_at_once() -> None:
    """One reading finds every fault, in the order of the lines."""
    with pytest.raises(ConfigError) as caught:
        load_config(WRONG, {})

    assert [
        (1, "$.mode", 'expected "paper" or "live", found text "papr"; did you mean "paper"?'),
        (2, "$.sed", "unknown key; did you mean seed?"),
        (3, "$.seed", "must be >= 0, found -1"),
        (4, "$.speed", 'expected "real", "max" or a factor such as "4x", found text "fast"'),
        (5, "$.data", "Length of 'data' must be >= 1: 0"),
        (8, "$.dex.uniswap.max_slippage_bps", "must be <= 10000, found 20000"),
        (9, "$.dex.uniswap.fee_bps", 'expected a whole number, found text "3"'),
        (12, "$.strategies.momentum", "expected a table [strategies.NAME]: momentum stands in no plugin's table"),
        (15, "$.strategies.triangular.enabled", 'expected true or false, found text "yes"'),
        (20, "$.strategy_priorities.triangulr", "there is no table [strategies.triangulr]; did you mean triangular?"),
        (23, "$.books.main.strategies[0]", "there is no table [strategies.triangula]; did you mean triangular?"),
        (29, "$.books.other.capital.WETH", 'expected an amount of whole tokens such as 2_000 or "2_000.5", found text "2,0"'),
        (31, "$.strategy", "unknown key; did you mean strategies?"),
        (34, "$.assets.WETH.id", 'expected an asset id such as "eip155:1/erc20:0xc02a…", found text "x"'),
        (34, "$.assets.WETH.decimals", "must be <= 255, found 300"),
        (35, "$.assets.USDC.id", "is missing: it has no default"),
        (39, "$.notifiers.jsonl.bot_token", SECRET),
        (42, "$.chains.sim", "expected a table [chains.NAME]: sim stands in no plugin's table"),
        (44, "$.risk", "expected tables [risk.NAME], one a plugin"),
    ] == [(problem.line, problem.path, problem.message) for problem in caught.value.problems]
    assert {str(WRONG)} == {problem.file for problem in caught.value.problems}
    assert str(caught.value).endswith("19 errors, nothing was started")
    assert "canary" not in str(caught.value)


def test_load_sections_give_values() -> None:
    """The kernel's own tables become values; symbols and amounts stay text."""
    config = parse_config(
        """
        seed = 7
        speed = "12x"
        [execution]
        latency_blocks = 2
        stacking = true
        [assets]
        TKN = { id = "eip155:1/erc20:0xABCDEF0000000000000000000000000000000001", decimals = 9 }
        [strategies.one]
        [books.alice]
        base = "TKN"
        capital = { TKN = "1_000.50", ETH = 2 , "eip155:1/slip44:60" = 0.25 }
        strategies = ["one"]
        [books.alice.accounts]
        "eip155:1" = "0xABc0000000000000000000000000000000000000"
        "solana:main" = "So11111111111111111111111111111111111111112"
        [books.bob]
        """,
        "x.toml",
        {},
    )

    assert (7, "12x", ExecutionConfig(latency_blocks=2, stacking=True)) == (config.seed, config.speed, config.execution)
    assert {"TKN": Asset(AssetId("eip155:1/erc20:0xabcdef0000000000000000000000000000000001"), "TKN", 9)} == config.assets
    capital = {"TKN": "1000.50", "ETH": "2", "eip155:1/slip44:60": "0.25"}
    accounts = {"eip155:1": "0xabc0000000000000000000000000000000000000", "solana:main": "So11111111111111111111111111111111111111112"}
    assert (BookConfig(BookId("alice"), "TKN", capital, accounts, ("one",)), BookConfig(BookId("bob"))) == config.books


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = ", "x.toml:1  $  is not TOML: Invalid value"),
        ("seed = 1\nseed = 2", "x.toml:2  $  is not TOML: Cannot overwrite a value"),
        ('seed = 1\nx = "', "x.toml:2  $  is not TOML: "),
        ("x = " + "[" * 100_000, "x.toml  $  is not usable TOML: nested too deeply"),
        ("[strategies.a]\nz = inf", "x.toml:2  $.strategies.a.z  expected a finite number"),
        ("[strategies.a]\nz = [1, nan]", "x.toml:2  $.strategies.a.z[1]  expected a finite number"),
        ("execution = 3", "x.toml:1  $.execution  expected a table, found the whole number 3"),
        ("books = 3", "x.toml:1  $.books  expected tables [books.NAME]"),
        ("strategy_priorities = { a = true }", "x.toml:1  $.strategy_priorities.a  expected a whole number, found true"),
        ("[execution]\nlatency_blocks = 0", "x.toml:2  $.execution.latency_blocks  must be >= 1, found 0"),
        ("[execution]\nlatency = 0", "x.toml:2  $.execution.latency  unknown key; did you mean latency_blocks?"),
        ("[books.x.capital]\nUSDC = -1", 'x.toml:2  $.books.x.capital.USDC  expected an amount of whole tokens such as 2_000 or "2_000.5"'),
        ("[books.x]\nstrategies = ['zzz']", "x.toml:2  $.books.x.strategies[0]  there is no table [strategies.zzz]"),
        (
            "[strategies.flatten]\nenabled = false",
            (
                "x.toml:1  $.strategies.flatten  flatten is no strategy's name: what `tidemill stop --now --flatten` sells leaves under it,"
                " while everything else is held back; give the plugin another name"
            ),
        ),
        (
            "[strategies.a]\npriority = 3\n[strategy_priorities]\na = 4",
            "x.toml:4  $.strategy_priorities.a  differs from priority = 3 in [strategies.a]: keep one",
        ),
        ("[strategies.a]\npriority = 1_000_001", "x.toml:2  $.strategies.a.priority  must be <= 1000000, found 1000001"),
    ],
)
def test_parse_bad_text_names_line_and_path(text: str, expected: str) -> None:
    """Bad TOML and bad values are named with their line."""
    found = problems(text)

    assert 1 == len(found)
    assert found[0].startswith(expected)


def test_load_same_priority_twice_is_accepted() -> None:
    """The same priority in both places is no contradiction."""
    config = parse_config("[strategies.a]\npriority = 3\n[strategy_priorities]\na = 3", "x.toml", {})

    assert 3 == config.tables[0].priority


@pytest.mark.parametrize("key", ["private_key", "API_KEY", "password", "bot_token", "mnemonic", "clientSecret"])
def test_parse_inline_secret_is_refused_and_not_repeated(key: str) -> None:
    """A key whose name says that it is secret holds a reference, in disabled tables too; the message keeps the secret."""
    found = problems(f'[strategies.a]\nenabled = false\nkeys = {{ {key} = "canary-4711" }}')

    assert [f"x.toml:3  $.strategies.a.keys.{key}  {SECRET}"] == found


@pytest.mark.parametrize("reference", ["env:MY_KEY", "file:/run/secrets/key"])
def test_parse_secret_by_reference_is_accepted(reference: str) -> None:
    """A reference is what such a key may hold."""
    config = parse_config(f'[strategies.a]\nprivate_key = "{reference}"', "x.toml", {})

    assert {"private_key": reference} == config.tables[0].settings


def test_load_missing_file_says_how_to_write_one(tmp_path: Path) -> None:
    """A file that is not there, a folder, and bytes that are no text are configuration errors."""
    (tmp_path / "latin.toml").write_bytes(b"mode = '\xff'")
    for name, words in [("none.toml", "config init` writes one"), ("", "cannot be read"), ("latin.toml", "is not UTF-8 text (byte 8)")]:
        with pytest.raises(ConfigError) as caught:
            load_config(tmp_path / name, {})
        assert words in str(caught.value)


def test_load_byte_order_mark_and_windows_lines_are_read(tmp_path: Path) -> None:
    """Editors of Windows write a mark and two signs a line; lines are still counted right."""
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xef\xbb\xbfseed = 1\r\n[execution]\r\nlatency_blocks = 0\r\n")

    with pytest.raises(ConfigError) as caught:
        load_config(path, {})

    assert 3 == caught.value.problems[0].line


def test_load_nothing_given_is_the_simulated_market() -> None:
    """Without a file the default for the simulated market holds, with the variables over it."""
    assert default_config("sim", {}) == load_config(None, {})
    assert 9 == load_config(None, {"TIDEMILL__SEED": "9"}).seed


def test_default_config_unknown_kind_lists_those_there_are() -> None:
    """A kind of input without a default is a usage error that names those with one."""
    with pytest.raises(UsageError, match="'klines'; there are sim, uniswap-v2-pairs"):
        default_config("klines")


def test_draft_config_gives_what_can_be_read() -> None:
    """A faulty part has its default, so that the rest can be checked as well."""
    config, found = draft_config('mode = "x"\n[execution]\nstacking = 3\n[chains.sim]', "x.toml", {})

    assert (2, "paper", ExecutionConfig(), "chains.sim") == (len(found), config.mode, config.execution, config.tables[0].path)


def test_load_environment_is_this_process_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables come from the process where no mapping is given."""
    monkeypatch.setenv("TIDEMILL__SEED", "41")

    assert (41, 1) == (default_config("sim").seed, default_config("sim", {}).seed)
