"""Every command of the first table row by row: its options, its keys, its exit codes, on the data of real runs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.commands import LEAN, Forks, Tidemill, run_fresh
from tidemill.cli.main import COMMANDS

GROUPS = {
    "tape": ("import", "info", "validate"),
    "ledger": ("show", "verify", "hash", "export"),
    "config": ("init", "check", "show"),
}
OPTIONS = {
    "run": (
        "--config",
        "--tape",
        "--live",
        "--blocks",
        "--for",
        "--seed",
        "--speed",
        "--record",
        "--data",
        "--trace-hooks",
        "--without-paper-hours",
        "--json",
    ),
    "replay": ("--json",),
    "scan": ("--start", "--hops", "--min-profit", "--top", "--netted", "--explain", "--deadline", "--at", "--config", "--json"),
    "quote": ("--tape", "--pool", "--sell", "--buy", "--amount", "--exact-out", "--at", "--config", "--json"),
    "tape import": ("--out",),
    "tape info": (),
    "tape validate": (),
    "positions": ("--data", "--json"),
    "exposure": ("--data", "--json"),
    "why": ("--data", "--json"),
    "reconcile": ("--config", "--data", "--dry-run", "--json"),
    "ledger show": ("--run",),
    "ledger verify": ("--run",),
    "ledger hash": ("--run",),
    "ledger export": ("--run",),
    "config init": ("--out",),
    "config check": (),
    "config show": (),
    "explain": ("--config",),
    "status": ("--data", "--json"),
    "pause": ("--cause", "--data", "--json"),
    "resume": ("--cause", "--data", "--json"),
    "stop": ("--now", "--flatten", "--cause", "--data", "--json"),
    "plugins": ("--config", "--json"),
    "plugins install": ("--yes", "--data", "--find-links", "--no-index"),
    "plugins uninstall": ("--yes", "--data", "--config"),
    "new plugin": ("--dir",),
    "check plugin": ("--json",),
    "doctor": ("--live", "--config", "--json"),
    "warmup": ("--config", "--json"),
}
WETH, USDC = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
POOL = "0x" + "33" * 20


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory, forks: Forks, pair_list: Path) -> str:
    """The five pairs as a tape."""
    tape = tmp_path_factory.mktemp("tapes") / "pairs.tape"
    assert 0 == forks.run("tape", "import", "uniswap-v2-pairs", str(pair_list), "--out", str(tape), cwd=tape.parent).code
    return str(tape)


# --- help -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", OPTIONS)
def test_help_of_every_command_names_its_options(command: str, tidemill: Tidemill) -> None:
    """The names of commands and options are fixed: scripts rely on them."""
    done = tidemill(*command.split(), "--help")

    assert (0, "") == (done.code, done.err)
    assert f"Usage: tidemill {command}" in done.out
    assert set(OPTIONS[command]) <= set(re.findall(r"--[a-z-]+", done.out))


def test_help_lists_exactly_the_commands_there_are(tidemill: Tidemill) -> None:
    """No command is left out of the table, none stands there that does not exist."""
    named = {command.split()[0] for command in OPTIONS}

    assert set(COMMANDS) == named
    assert all(set(GROUPS[group]) == {command.split()[1] for command in OPTIONS if command.startswith(f"{group} ")} for group in GROUPS)


def test_installed_command_says_its_version_and_its_errors_as_a_process_does(tmp_path: Path) -> None:
    """The console script of the installation: version on standard output, a slip on standard error with exit code 2."""
    version, slip = run_fresh("--version", cwd=tmp_path), run_fresh("rnu", cwd=tmp_path)

    assert (0, "tidemill 0.1.0\n", "") == (version.code, version.out, version.err)
    assert (2, "", True) == (slip.code, slip.out, "did you mean run?" in slip.err)


# --- config, explain, plugins -----------------------------------------------------------------------------------------------------------


def test_config_init_check_and_show_go_round(tidemill: Tidemill, tmp_path: Path) -> None:
    """What init writes is sound; what show prints is sound, and shows the same again."""
    assert 0 == tidemill("config", "init", "--out", "mine.toml").code
    checked, shown = tidemill("config", "check", "mine.toml"), tidemill("config", "show", "mine.toml")
    (tmp_path / "shown.toml").write_text(shown.out)
    again = tidemill("config", "show", "shown.toml")

    assert (0, True) == (checked.code, "ok" in checked.out and "paper" in checked.out)
    assert (0, shown.out) == (again.code, again.out)


def test_config_init_keeps_a_file_that_is_there(tidemill: Tidemill, tmp_path: Path) -> None:
    """A second init is refused with exit code 2."""
    assert 0 == tidemill("config", "init").code
    before = (tmp_path / "tidemill.toml").read_bytes()

    assert (2, before) == (tidemill("config", "init").code, (tmp_path / "tidemill.toml").read_bytes())


def test_run_under_the_written_default_is_the_run_without_one(tidemill: Tidemill) -> None:
    """The default written out decides nothing else than the default."""
    short = ("run", "--blocks", "2", "--speed", "max", "--json")
    without = tidemill(*short, "--data", "1", env=LEAN)
    assert 0 == tidemill("config", "init").code
    found, named = tidemill(*short, "--data", "2", env=LEAN), tidemill(*short, "--data", "3", "--config", "tidemill.toml", env=LEAN)

    assert without.summary == found.summary == named.summary


def test_explain_draws_every_stage_with_its_plugins(tidemill: Tidemill) -> None:
    """The picture names stages in the order of the flow, and behind each kind its plugins with their versions."""
    done = tidemill("explain")
    places = [done.out.index(stage) for stage in ("sources", "market", "ideas", "risk", "planning", "execution", "ledger", "notify")]

    assert (0, sorted(places)) == (done.code, places)
    assert all(name in done.out for name in ("sim 0.1.0", "uniswap 0.1.0", "cycles 0.1.0", "triangular 0.1.0", "sqlite 0.1.0"))


def test_plugins_json_is_one_object_a_line_with_fixed_keys(tidemill: Tidemill) -> None:
    """Name, kind, version, distribution, enabled and one sentence, of every plugin of the workspace."""
    lines = tidemill("plugins", "--json").lines
    enabled = {line["name"] for line in lines if line["enabled"]}

    assert all({"name", "kind", "version", "distribution", "enabled", "sentence"} <= set(line) for line in lines)
    assert {"chains.sim", "dex.uniswap", "dex.sushiswap", "search.cycles", "strategies.spatial", "risk.limits", "stores.sqlite"} <= enabled
    assert "chains.recorded" in {line["name"] for line in lines} - enabled


# --- tape -------------------------------------------------------------------------------------------------------------------------------


def test_tape_info_and_validate_of_a_run_tell_what_it_was(simulated_run: Path, tidemill: Tidemill) -> None:
    """Seed, plugins, span, counts and the ledger's hash stand on the tape."""
    tape, summary = str(simulated_run / "run.tape"), json.loads((simulated_run / "run.jsonl").read_text().splitlines()[-1])
    info, validated = (tidemill("tape", name, tape, "--json").lines[0] for name in ("info", "validate"))

    assert ("run", ["sim:1"], 7, summary["ledger_hash"]) == tuple(info[key] for key in ("kind", "chains", "seed", "ledger_hash"))
    assert ([24, 0, 23], "0.1.0") == ([info["spans"][0][key] for key in ("heads", "first", "last")], info["plugins"]["dex.uniswap"])
    assert {"sound": True, **info} == validated
    assert summary["ledger_hash"] in tidemill("tape", "info", tape).out
    assert "sound" in tidemill("tape", "validate", tape).out


def test_replay_of_an_import_is_refused(pairs: str, tidemill: Tidemill) -> None:
    """Only a recorded run can be folded again; the message says what to use."""
    done = tidemill("replay", pairs)

    assert (True, "") == (done.code != 0, done.out)
    assert "use `tidemill run --tape` on it" in done.err


# --- scan and quote ---------------------------------------------------------------------------------------------------------------------


def test_scan_of_a_runs_tape_gives_exact_cycles(simulated_run: Path, tidemill: Tidemill) -> None:
    """Cycles at a height of a recorded run, best first; each leg is what `quote` says of it, and the next sells what it bought."""
    tape = str(simulated_run / "run.tape")
    rows = tidemill("scan", tape, "--start", "WETH", "--hops", "3", "--at", "12", "--json").lines
    first = rows[0]
    quote = (
        "quote",
        "--tape",
        tape,
        "--pool",
        first["legs"][0]["pool"],
        "--sell",
        first["legs"][0]["sell"],
        "--amount",
        first["amount_in"],
    )
    quoted = tidemill(*quote, "--at", "12", "--json").lines[0]

    assert sorted((int(row["profit"]) for row in rows), reverse=True) == [int(row["profit"]) for row in rows]
    assert ["kind", "hops", "legs", "amount_in", "amount_out", "profit"] == list(first)
    assert ["pool", "sell", "buy", "amount_in", "amount_out"] == list(first["legs"][0])
    assert (quoted["amount_out"], 12 + 1) == (first["legs"][0]["amount_out"], quoted["at"]["height"])
    for row in rows:
        check_cycle(row, hops=3)


def check_cycle(row: dict[str, Any], hops: int) -> None:
    """A cycle closes, its amounts join, and its profit is what is left."""
    legs = row["legs"]
    assert ("cycle", hops, hops) == (row["kind"], row["hops"], len(legs))
    assert [leg["buy"] for leg in legs] == [leg["sell"] for leg in (*legs[1:], legs[0])]
    assert [leg["amount_out"] for leg in legs[:-1]] == [leg["amount_in"] for leg in legs[1:]]
    assert (row["amount_in"], row["amount_out"]) == (legs[0]["amount_in"], legs[-1]["amount_out"])
    assert int(row["profit"]) == int(row["amount_out"]) - int(row["amount_in"]) > 0


@pytest.mark.parametrize("hops", ["2", "3"])
def test_scan_options_cut_the_list(hops: str, pairs: str, tidemill: Tidemill) -> None:
    """`--top` keeps the best, `--min-profit` those that reach it, and a start by address, id or symbol is the same."""
    scan = ("scan", pairs, "--hops", hops, "--json")
    rows = tidemill(*scan, "--start", "WETH").lines
    least = int(rows[0]["profit"])

    assert rows[:1] == tidemill(*scan, "--start", WETH, "--top", "1").lines
    assert rows[:1] == tidemill(*scan, "--start", f"eip155:1/erc20:{WETH.upper().replace('0X', '0x')}", "--min-profit", str(least)).lines
    assert [] == tidemill(*scan, "--start", "WETH", "--min-profit", str(least + 1)).lines


@pytest.mark.parametrize(
    "arguments", ["--hops 1", "--hops 0", "--hops x", "--hops 3 --top 0", "--hops 3 --min-profit 0", "--hops 3 --at 7", ""]
)
def test_scan_that_means_nothing_is_a_usage_error(arguments: str, pairs: str, tidemill: Tidemill) -> None:
    """Numbers out of range, heights that are not on the tape, and options left out."""
    done = tidemill("scan", pairs, "--start", "WETH", *arguments.split())

    assert (2, "", False) == (done.code, done.out, "Traceback" in done.err)


@pytest.mark.parametrize(("sell", "buy"), [("WETH", "USDC"), ("USDC", "WETH")])
def test_quote_in_both_directions_and_both_ways_round(sell: str, buy: str, pairs: str, tidemill: Tidemill) -> None:
    """Exact in gives what exact out of that much asks for, or less; `--buy` may be left out; the amounts are those of the contract."""
    quote = ("quote", "--tape", pairs, "--pool", POOL, "--sell", sell, "--json")
    held = {"USDC": 4_000_000 * 10**6, "WETH": 10_300 * 10**18}
    amount = held[sell] // 1000
    one = tidemill(*quote, "--amount", str(amount)).lines[0]
    back = tidemill(*quote, "--buy", buy, "--exact-out", "--amount", one["amount_out"]).lines[0]
    expected = amount * 997 * held[buy] // (held[sell] * 1000 + amount * 997)

    assert ["pool", "sell", "buy", "amount_in", "amount_out", "fee", "at"] == list(one)
    assert (f"eip155:1/uniswap:{POOL}", str(expected)) == (one["pool"], one["amount_out"])
    assert (one["amount_out"], True) == (back["amount_out"], int(back["amount_in"]) <= amount)
    assert {"chain": "eip155:1", "height": 2} == {key: one["at"][key] for key in ("chain", "height")}
    assert 0 == tidemill(*quote[:-1], "--amount", str(amount)).code


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--sell", "WETH", "--amount", "0"], "amount"),
        (["--sell", "WETH", "--amount", "-1"], "amount"),
        (["--sell", "WETH", "--amount", str(10**60)], "liquidity"),
        (["--sell", "WETH", "--exact-out", "--amount", str(4_000_000 * 10**6)], "liquidity"),
        (["--sell", "DAI", "--buy", "WETH", "--amount", "1"], "asset"),
    ],
)
def test_quote_that_a_pool_refuses_is_exit_code_1_with_the_reason(
    arguments: list[str], reason: str, pairs: str, tidemill: Tidemill
) -> None:
    """A "no" is data: one object with the reason, and exit code 1."""
    done = tidemill("quote", "--tape", pairs, "--pool", POOL, *arguments, "--json")

    assert (1, "", reason) == (done.code, done.err, done.lines[0]["no_quote"])


# --- ledger -----------------------------------------------------------------------------------------------------------------------------


def test_ledger_show_and_export_of_a_run_agree(simulated_run: Path, tidemill: Tidemill) -> None:
    """What people are shown, what machines get, and the exported rows tell of the same fills; entries sum to zero per asset."""
    data = ("--data", str(simulated_run / "data"), "--run", "1")
    text, shown = tidemill("ledger", "show", *data), tidemill("ledger", "show", *data, "--json").lines[0]
    rows = tidemill("ledger", "export", *data).lines
    totals: dict[str, int] = {}
    for posting in (posting for row in rows if row["row"] == "entry" for posting in row["postings"]):
        totals[posting["asset"]] = totals.get(posting["asset"], 0) + int(posting["amount"])

    assert (0, f"fills {shown['fills']}") == (text.code, text.out.partition("fills")[1] + text.out.partition("fills")[2].split(" ·")[0])
    assert (shown["rows"], shown["fills"]) == (len(rows), sum(row["row"] == "result" and row["state"] == "filled" for row in rows))
    assert list(range(1, len(rows) + 1)) == [row["seq"] for row in rows]
    assert {0} == set(totals.values())
    assert "USDC" in text.out


@pytest.mark.parametrize("arguments", [["show"], ["verify"], ["hash"], ["export"]])
def test_ledger_that_is_not_there_is_exit_code_1(arguments: list[str], tidemill: Tidemill, tmp_path: Path) -> None:
    """Looking creates nothing, and the message says how a ledger comes to be."""
    done = tidemill("ledger", *arguments)

    assert (1, "", True) == (done.code, done.out, "there is no ledger here; `tidemill run` writes one" in done.err)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("run", ["0", "2", "-1", "last"])
def test_ledger_run_that_is_not_there_is_exit_code_2(run: str, simulated_run: Path, tidemill: Tidemill) -> None:
    """A run is its number."""
    done = tidemill("ledger", "show", "--data", str(simulated_run / "data"), "--run", run)

    assert (2, "") == (done.code, done.out)
