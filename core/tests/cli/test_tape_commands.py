"""``tidemill tape``, ``scan`` and ``quote``: thin skins with fixed names, keys and exit codes."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tidemill.domain.events import Batch, Head
from tidemill.domain.ids import ChainId
from tidemill.tape.header import TapeHeader
from tidemill.tape.writer import TapeWriter

Tidemill = Callable[..., Result]
DAI, USDC = "0x6b175474e89094c44da98b954eedeac495271d0f", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
WETH, FAKE = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", "0xff" + "01" * 19
ROWS = (
    ("0x" + "11" * 20, (DAI, 900_000 * 10**18), (USDC, 1_000_000 * 10**6)),
    ("0x" + "22" * 20, (DAI, 2_100_000 * 10**18), (WETH, 5_000 * 10**18)),
    ("0x" + "33" * 20, (USDC, 4_000_000 * 10**6), (WETH, 10_000 * 10**18)),
    ("0x" + "44" * 20, (WETH, 10**18), (FAKE, 10**24)),
    ("0x" + "55" * 20, (USDC, 0), (FAKE, 5)),
)
TOKENS = {DAI: ("DAI", 18), USDC: ("USDC", 6), WETH: ("WETH", 18), FAKE: ("\x1b[2JUSDC", 18)}
POOL = ROWS[2][0]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """A file of five pairs, one of them without reserves."""

    def side(number: int, held: tuple[str, int]) -> dict[str, Any]:
        address, reserve = held
        symbol, decimals = TOKENS[address]
        return {f"token{number}": {"address": address, "symbol": symbol, "decimal": decimals}, f"reserve{number}": reserve}

    path = tmp_path / "pairs.json"
    path.write_text(json.dumps([{"address": address, **side(0, one), **side(1, other)} for address, one, other in ROWS]))
    return path


@pytest.fixture
def tape(tidemill: Tidemill, pairs: Path) -> str:
    """The pairs as a tape, by its name in the current folder."""
    assert 0 == tidemill("tape", "import", "uniswap-v2-pairs", str(pairs), "--out", "t").exit_code
    return "t"


# --- tape -------------------------------------------------------------------------------------------------------------------------------


def test_import_says_what_was_taken_and_what_was_left_out(tidemill: Tidemill, pairs: Path) -> None:
    """Pools and assets are counted, and entries left out are told with the reason."""
    result = tidemill("tape", "import", "uniswap-v2-pairs", str(pairs), "--out", "t")
    assert 0 == result.exit_code
    assert "t: 4 pools, 4 assets, 1 batch of eip155:1\n1 entry left out: a reserve is zero: the pair cannot trade\n" == result.stdout


def test_import_json_has_the_same_facts(tidemill: Tidemill, pairs: Path) -> None:
    """One object with path, kind, counts and reasons."""
    done = json.loads(tidemill("tape", "import", "uniswap-v2-pairs", str(pairs), "--out", "t", "--json").stdout)
    assert ("t", "uniswap-v2-pairs", ["eip155:1"], 4, 4) == tuple(done[key] for key in ("path", "kind", "chains", "assets", "pools"))
    assert ({"Found": 1, "Head": 1, "States": 1}, {"a reserve is zero: the pair cannot trade": 1}) == (done["events"], done["left_out"])


@pytest.mark.parametrize(
    ("kind", "file", "code", "message"),
    [
        ("pairs", "pairs.json", 2, "there is no import of kind 'pairs'; there are uniswap-v2-pairs, evm-pools"),
        ("uniswap-v2-pairs", "none.json", 2, "there is no file none.json"),
        ("uniswap-v2-pairs", "bad.json", 1, "bad.json row 1: expected an object, found 5"),
    ],
)
def test_import_that_fails_says_why(tidemill: Tidemill, pairs: Path, kind: str, file: str, code: int, message: str) -> None:
    """A mistake of the caller is exit code 2, a bad recording 1; neither leaves a tape."""
    pairs.with_name("bad.json").write_text(json.dumps([json.loads(pairs.read_text())[0], 5]))
    result = tidemill("tape", "import", kind, file, "--out", "t")
    assert (code, f"{message}\n") == (result.exit_code, result.stderr)
    assert not pairs.with_name("t").exists()


def test_import_keeps_a_tape_that_is_there(tidemill: Tidemill, tape: str, pairs: Path) -> None:
    """A second import to the same name is refused."""
    result = tidemill("tape", "import", "uniswap-v2-pairs", str(pairs), "--out", tape)
    assert 1 == result.exit_code
    assert "t is there already and not empty" in result.stderr


def test_info_describes_an_import(tidemill: Tidemill, tape: str) -> None:
    """Kind, source, chain with heights and times, counts."""
    result = tidemill("tape", "info", tape)
    assert 0 == result.exit_code
    lines = dict(re.split(r" {2,}", line, maxsplit=1) for line in result.stdout.splitlines())
    assert ("uniswap-v2-pairs", "pairs.json", "1, 0 of them answers") == (lines["kind"], lines["source"], lines["batches"])
    assert "eip155:1: 1 head, 1 to 1, 2020-10-03 00:00:00 to 2020-10-03 00:00:00 UTC" == lines["chain"]
    assert "seed" not in lines


def test_info_describes_a_run(tidemill: Tidemill, tmp_path: Path) -> None:
    """A recorded run has seed, plugins and ledger hash besides."""
    header = TapeHeader("run", (ChainId("sim:1"),), "sim", 7, "{}", (("dex.uniswap", "0.1.0"),), "tidemill 0.1.0")
    with TapeWriter(tmp_path / "r", header) as writer:
        writer.write(Batch("sim", 1, ChainId("sim:1"), 1, "", "", "confirmed", 0, 0, (Head(ChainId("sim:1"), 1, "", "", 0),)))
        writer.close(ledger_hash="5f2c", summary={"fills": 2})
    text = tidemill("tape", "info", "r").stdout
    for expected in ("seed        7\n", "plugin      dex.uniswap 0.1.0\n", "ledger hash 5f2c\n"):
        assert expected in text
    facts = json.loads(tidemill("tape", "info", "r", "--json").stdout)
    assert (7, {"dex.uniswap": "0.1.0"}, "5f2c", {"fills": 2}) == (
        facts["seed"],
        facts["plugins"],
        facts["ledger_hash"],
        facts["summary"],
    )


def test_validate_of_a_sound_tape_is_ok(tidemill: Tidemill, tape: str, tmp_path: Path) -> None:
    """Exit code 0, and what the tape holds."""
    size = (tmp_path / tape).stat().st_size
    assert f"t: sound · 1 batch · 3 events · {size} bytes\n" == tidemill("tape", "validate", tape).stdout
    facts = json.loads(tidemill("tape", "validate", tape, "--json").stdout)
    assert (True, size, 1, None, None) == (facts["sound"], facts["size"], facts["files"], facts["ledger_hash"], facts["summary"])


@pytest.mark.parametrize("command", [("tape", "validate"), ("tape", "info"), ("scan", "--start", "WETH", "--hops", "3")])
@pytest.mark.parametrize("cut", [0, 1, 15, 16, 40, 250, -1])
def test_damaged_tape_is_exit_code_1_with_its_offset(
    tidemill: Tidemill, tape: str, tmp_path: Path, command: tuple[str, ...], cut: int
) -> None:
    """Every command names the offset of a damaged tape in plain digits, without a traceback."""
    raw = (tmp_path / tape).read_bytes()
    for damaged in (raw[:cut], raw[:cut] + bytes([raw[cut] ^ 0x40]) + (raw[cut:][1:])):
        (tmp_path / "x").write_bytes(damaged)
        result = tidemill(*command, "x")
        assert 1 == result.exit_code
        assert isinstance(result.exception, SystemExit)
        offset = re.search(r"x: damaged at offset (\d+): ", result.stderr)
        assert offset is not None
        assert int(offset[1]) <= cut % len(raw)
        assert "" == result.stdout


def test_validate_json_of_a_damaged_tape_is_one_object(tidemill: Tidemill, tape: str, tmp_path: Path) -> None:
    """Scripts read the offset from the object, people from the message."""
    (tmp_path / "x").write_bytes((tmp_path / tape).read_bytes()[:100])
    result = tidemill("tape", "validate", "x", "--json")
    facts = json.loads(result.stdout)
    assert (1, False, "x", 16) == (result.exit_code, facts["sound"], facts["path"], facts["offset"])
    assert "offset 16" in result.stderr


@pytest.mark.parametrize("command", [("tape", "info"), ("tape", "validate"), ("scan", "--start", "WETH", "--hops", "3")])
def test_tape_that_is_not_there_is_exit_code_2(tidemill: Tidemill, command: tuple[str, ...]) -> None:
    """A path without a tape is a mistake of the command line."""
    result = tidemill(*command, "none")
    assert (2, "there is no tape at none\n") == (result.exit_code, result.stderr)


# --- scan -------------------------------------------------------------------------------------------------------------------------------


def test_scan_json_has_one_cycle_a_line(tidemill: Tidemill, tape: str) -> None:
    """The keys are fixed, all amounts are strings of base units, and each leg takes what the one before paid."""
    result = tidemill("scan", tape, "--start", WETH, "--hops", "3", "--json")
    (row,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert ["kind", "hops", "legs", "amount_in", "amount_out", "profit"] == list(row)
    assert ("cycle", 3) == (row["kind"], row["hops"])
    assert all(["pool", "sell", "buy", "amount_in", "amount_out"] == list(leg) for leg in row["legs"])
    legs = row["legs"]
    assert [row["amount_in"], legs[0]["amount_out"], legs[1]["amount_out"]] == [leg["amount_in"] for leg in legs]
    assert str(int(row["amount_out"]) - int(row["amount_in"])) == row["profit"]
    assert f"eip155:1/erc20:{WETH}" == legs[0]["sell"] == legs[2]["buy"]


def test_scan_table_shows_whole_tokens_and_the_route(tidemill: Tidemill, tape: str) -> None:
    """People see profit, input and route, best first; only verified symbols stand alone."""
    lines = tidemill("scan", tape, "--start", "WETH", "--hops", "2-3").stdout.splitlines()
    assert 3 == len(lines)
    assert ["profit WETH", "in WETH", "route"] == re.split(r" {2,}", lines[0].strip())
    assert re.fullmatch(r" *\d+\.\d{6}  \d+\.\d{6}  WETH → DAI → USDC → WETH", lines[1])
    assert "1 cycle from WETH, before chain costs" == lines[2]


def test_scan_that_finds_nothing_says_so(tidemill: Tidemill, tape: str) -> None:
    """Nothing found is an answer: exit code 0, a line for people, no line for scripts."""
    result = tidemill("scan", tape, "--start", "WETH", "--hops", "2")
    assert (0, "no cycle from WETH was found that gains that much\n", "") == (result.exit_code, result.stdout, result.stderr)
    assert "" == tidemill("scan", tape, "--start", "WETH", "--hops", "2", "--json").stdout


@pytest.mark.usefixtures("compiled_kernels")
@pytest.mark.parametrize("hops", ["5", "2-12"])
def test_scan_of_long_cycles_that_finds_none_claims_no_proof(tidemill: Tidemill, tape: str, hops: str) -> None:
    """Long cycles are not all looked at: that none was found is said with what it is worth, to people and beside the empty JSON."""
    query = ("scan", tape, "--start", "WETH", "--hops", hops, "--min-profit", str(10**30))
    shown, rows = tidemill(*query), tidemill(*query, "--json")
    note = "cycles of 5 hops and more are searched for, not all looked at: that none was found proves nothing\n"

    assert (0, "no cycle from WETH was found that gains that much\n", note) == (shown.exit_code, shown.stdout, shown.stderr)
    assert (0, "", note) == (rows.exit_code, rows.stdout, rows.stderr)


def test_scan_options_narrow_the_answer(tidemill: Tidemill, tape: str) -> None:
    """Least profit, number of rows and height are passed on."""
    (row,) = tidemill("scan", tape, "--start", "WETH", "--hops", "3", "--json", "--top", "1", "--at", "1").stdout.splitlines()
    more = str(int(json.loads(row)["profit"]) + 1)
    assert "" == tidemill("scan", tape, "--start", "WETH", "--hops", "3", "--json", "--min-profit", more).stdout
    result = tidemill("scan", tape, "--start", "WETH", "--hops", "3", "--at", "9")
    assert (2, "the tape holds heights 1 to 1 of eip155:1, not 9\n") == (result.exit_code, result.stderr)


@pytest.mark.parametrize("hops", ["1", "0", "-3", "a", "3-2", "1-3", "3-", "2-3-4", "1000"])
def test_scan_refuses_hops_that_mean_nothing(tidemill: Tidemill, tape: str, hops: str) -> None:
    """A number of two or more, or a rising range."""
    result = tidemill("scan", tape, "--start", "WETH", f"--hops={hops}")
    assert 2 == result.exit_code
    assert "--hops" in result.stderr


@pytest.mark.parametrize("name", ["LINK", "0x" + "99" * 20, "eip155:1/erc20:0x" + "99" * 20, "\x1b[2JUSDC"])
def test_scan_refuses_an_asset_that_is_unknown_or_not_verified(tidemill: Tidemill, tape: str, name: str) -> None:
    """Exit code 2 and what may be typed, or which addresses carry the symbol."""
    result = tidemill("scan", tape, "--start", name, "--hops", "3")
    assert 2 == result.exit_code
    assert "Traceback" not in result.stderr
    assert "\x1b" not in result.stderr


def test_scan_tells_what_it_could_not_load(tidemill: Tidemill, tape: str, tmp_path: Path) -> None:
    """A pool whose state does not decode is named beside the answer."""
    from tidemill.domain.events import States
    from tidemill.domain.ids import Key
    from tidemill.tape.reader import TapeReader

    reader = TapeReader(tmp_path / tape)
    with TapeWriter(tmp_path / "x", reader.header) as writer:
        for record in reader.records():
            writer.write(record.batch)
        broken = States(ChainId("eip155:1"), ((Key(f"{POOL}:0x8"), b"short"),))
        writer.write(Batch("t", 2, ChainId("eip155:1"), 1, "", "", "confirmed", 0, 0, (broken,)))
    result = tidemill("scan", "x", "--start", "WETH", "--hops", "3", "--json")
    assert (0, "") == (result.exit_code, result.stdout)
    assert "left out: dex.uniswap: " in result.stderr


# --- quote ------------------------------------------------------------------------------------------------------------------------------


def test_quote_json_has_its_fixed_keys(tidemill: Tidemill, tape: str) -> None:
    """Pool, assets, amounts and fee as strings, and the block it would execute in."""
    result = tidemill("quote", "--tape", tape, "--pool", POOL, "--sell", "USDC", "--amount", "1000000", "--json")
    row = json.loads(result.stdout)
    assert ["pool", "sell", "buy", "amount_in", "amount_out", "fee", "at"] == list(row)
    out = 10**6 * 997 * ROWS[2][2][1] // (ROWS[2][1][1] * 1000 + 10**6 * 997)
    assert ("1000000", str(out), "3000") == (row["amount_in"], row["amount_out"], row["fee"])
    assert {"chain": "eip155:1", "height": 2, "unix_time": 1_601_683_212, "epoch": 0} == row["at"]


def test_quote_for_people_shows_both_kinds_of_amounts(tidemill: Tidemill, tape: str) -> None:
    """Whole tokens to read, base units to copy."""
    text = tidemill("quote", "--tape", tape, "--pool", POOL, "--sell", "USDC", "--amount", "1000000").stdout
    assert "sell  1.000000 USDC (1000000)\n" in text
    assert "fee   0.003000 USDC (3000)\n" in text
    assert text.endswith("at    eip155:1 height 2\n")


def test_quote_exact_out_pays_the_amount_asked(tidemill: Tidemill, tape: str) -> None:
    """With --exact-out the amount is what is bought."""
    row = json.loads(
        tidemill(
            "quote", "--tape", tape, "--pool", POOL, "--sell", "WETH", "--buy", "USDC", "--amount", "7", "--exact-out", "--json"
        ).stdout
    )
    assert "7" == row["amount_out"]


def test_quote_that_a_pool_refuses_is_exit_code_1_with_the_reason(tidemill: Tidemill, tape: str) -> None:
    """A normal no is an answer with its reason, not an error message."""
    asked = ("quote", "--tape", tape, "--pool", POOL, "--sell", "USDC", "--amount", "0")
    result = tidemill(*asked, "--json")
    row = json.loads(result.stdout)
    assert (1, "amount", f"eip155:1/uniswap:{POOL}") == (result.exit_code, row["no_quote"], row["pool"])
    plain = tidemill(*asked)
    assert 1 == plain.exit_code
    assert plain.stdout.startswith("no quote: amount, ")


@pytest.mark.parametrize(
    ("pool", "sell", "message"),
    [("0x" + "99" * 20, "USDC", "there is no pool"), (POOL, "LINK", "no asset is called 'LINK'"), (POOL, "DAI", "say what to buy for")],
)
def test_quote_of_an_unknown_name_is_exit_code_2(tidemill: Tidemill, tape: str, pool: str, sell: str, message: str) -> None:
    """What is not there, and what is not clear, is a mistake of the command line."""
    result = tidemill("quote", "--tape", tape, "--pool", pool, "--sell", sell, "--amount", "1")
    assert 2 == result.exit_code
    assert message in result.stderr


def test_scan_table_of_assets_that_nobody_described(tidemill: Tidemill, pairs: Path, tmp_path: Path) -> None:
    """Where decimals are not known the table has base units, and an asset is shown by the end of its address."""
    from tidemill.domain.events import Found
    from tidemill.tape.reader import TapeReader

    unknown = "0x" + "d0" * 20
    pairs.write_text(pairs.read_text().replace(WETH, unknown))
    tidemill("tape", "import", "uniswap-v2-pairs", str(pairs), "--out", "t")
    reader = TapeReader(tmp_path / "t")
    (record,) = reader.records()
    found, *others = record.batch.events
    assert isinstance(found, Found)
    with TapeWriter(tmp_path / "x", reader.header) as writer:
        bare = (Found((), found.pools), *others)
        writer.write(Batch("t", 1, record.batch.chain, 1, "", "", "final", 0, 0, bare))
    lines = tidemill("scan", "x", "--start", unknown, "--hops", "3").stdout.splitlines()
    assert re.fullmatch(r" *\d{10,}  \d{10,}  ~d0d0 → DAI → USDC → ~d0d0", lines[1])


def test_scan_says_when_nothing_is_proven(tidemill: Tidemill, tape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the searcher could not prove its answer, that stands beside it and never in it."""
    from attrs import evolve

    from tidemill.api.market import Market

    scan = Market.scan
    monkeypatch.setattr(Market, "scan", lambda *asked, **more: [evolve(cycle, exact=False) for cycle in scan(*asked, **more)])
    result = tidemill("scan", tape, "--start", "WETH", "--hops", "3", "--json")
    assert "the searcher could not prove that these are all and the best\n" == result.stderr
    assert 1 == len(result.stdout.splitlines())


def test_scan_table_never_rounds_a_gain_to_nothing(tidemill: Tidemill, pairs: Path) -> None:
    """A gain below the last decimal shown is shown as less than it."""
    rows = json.loads(pairs.read_text())[:3]
    for row, reserves in zip(rows, ((900_000, 1_000_000), (2_100_000, 5_000_000), (4_000_000, 10_000_000)), strict=True):
        row["reserve0"], row["reserve1"] = reserves
    pairs.write_text(json.dumps(rows))
    tidemill("tape", "import", "uniswap-v2-pairs", str(pairs), "--out", "t")
    lines = tidemill("scan", "t", "--start", "WETH", "--hops", "3").stdout.splitlines()
    assert re.match(r" *<0\.000001  <0\.000001  WETH → ", lines[1])


OTHER = '[chains.recorded]\nchain = "eip155:1"\n[dex.sushiswap]\n[search.cycles]\n[books.main]\nbase = "WETH"\ncapital = { WETH = 1 }\n'
"""A configuration that knows no pool of the tape."""


@pytest.mark.parametrize("command", ["scan", "quote"])
def test_tape_commands_take_a_configuration(tidemill: Tidemill, tape: str, tmp_path: Path, command: str) -> None:
    """Pools of other DEXs than those of the tape's own configuration are looked at by giving one; what is then left out is told."""
    path = tmp_path / "other.toml"
    path.write_text(OTHER, "utf-8")
    asked = ("--start", "WETH", "--hops", "3") if command == "scan" else ("--pool", POOL, "--sell", WETH, "--amount", str(10**18))
    named = (tape,) if command == "scan" else ("--tape", tape)
    usual, other = tidemill(command, *named, *asked), tidemill(command, *named, *asked, "--config", str(path))

    assert "no [dex" not in usual.output
    assert (2, True) == (other.exit_code, "left out: 4 pools of uniswap: no [dex.uniswap] is enabled" in other.stderr)
