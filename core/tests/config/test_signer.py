"""``[signer]``: what it means in base units, where it lies, and every fault with its line."""

from collections import defaultdict
from pathlib import Path

import pytest

from tidemill.config.assets import KnownAssets
from tidemill.config.load import load_config, parse_config
from tidemill.config.model import ChainPolicy, SignerConfig, SpendLimit
from tidemill.config.show import config_to_toml
from tidemill.config.text import config_to_json
from tidemill.domain.ids import AssetId, ChainId
from tidemill.errors import ConfigError
from tidemill.hookspecs.plugin import NoSettings

POOL, MINT = "0x00000000000000000000000000000000000000Aa", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
USD = AssetId(f"eip155:1/erc20:{POOL.lower()}")
WHOLE = f"""
[signer]
keystore = "my/keys"
live = true

[signer.chains."eip155:1"]
keys = ["main", "hot-2"]
decimals = 18
max_value = "0.5"
max_value_per_day = 2
max_fee = 0.05
max_fee_per_day = "1_000.5"

[signer.chains."eip155:1".targets]
"{POOL}" = ["0xA9059cBB", "", "*"]

[signer.chains."eip155:1".spends."eip155:1/erc20:{POOL}"]
decimals = 6
per_transaction = "1_000"
per_day = "10_000"

[signer.chains."solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"]
keys = ["sol"]
decimals = 9

[signer.chains."solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp".targets]
{MINT} = ["0xe517cb977ae3ad2a"]
"""
SOLANA = ChainId("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp")


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "x.toml", {})
    return [f"{problem.line} {problem.path} {problem.message}" for problem in caught.value.problems]


def test_signer_gives_base_units_and_addresses_in_lower_case() -> None:
    """Whole coins with the decimals beside them; what is not written allows nothing."""
    ether, sol = SpendLimit(5 * 10**17, 2 * 10**18, 18), SpendLimit(0, 0, 9)
    fee = SpendLimit(5 * 10**16, 10005 * 10**17, 18)
    chains = {
        ChainId("eip155:1"): ChainPolicy(
            ("main", "hot-2"), ether, fee, {POOL.lower(): ("0xa9059cbb", "", "*")}, {USD: SpendLimit(10**9, 10**10, 6)}
        ),
        SOLANA: ChainPolicy(("sol",), sol, sol, {MINT: ("0xe517cb977ae3ad2a",)}),
    }

    assert SignerConfig("my/keys", "", True, chains) == parse_config(WHOLE, "x.toml", {}).signer


def test_configuration_without_signer_has_none() -> None:
    """A run in paper mode needs none; an empty table is one that signs nothing."""
    assert parse_config("", "x.toml", {}).signer is None
    assert SignerConfig() == parse_config("[signer]", "x.toml", {}).signer


@pytest.mark.parametrize(
    ("text", "folder", "socket"),
    [
        ("[signer]", "etc/tidemill-keys", "etc/tidemill-keys/signer.sock"),
        ('[signer]\nkeystore = "/k"', "/k", "/k/signer.sock"),
        ('[signer]\nkeystore = "k"\nsocket = "s/a.sock"', "etc/k", "etc/s/a.sock"),
        ('[signer]\nsocket = "/run/a.sock"', "etc/tidemill-keys", "/run/a.sock"),
        ('[signer]\nkeystore = "~/k"\nsocket = "~/s"', "HOME/k", "HOME/s"),
    ],
)
def test_paths_are_beside_the_configurations_file(
    text: str, folder: str, socket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the commands are typed."""
    monkeypatch.setenv("HOME", str(tmp_path / "HOME"))
    file = tmp_path / "etc" / "tidemill.toml"
    file.parent.mkdir()
    file.write_text(text)
    signer = load_config(file, {}).signer

    assert signer is not None
    assert (tmp_path / folder, tmp_path / socket) == (signer.folder, signer.socket_path)
    assert (Path("tidemill-keys"), Path("tidemill-keys/signer.sock")) == (SignerConfig().folder, SignerConfig().socket_path)


def test_shown_signer_reads_back_equal() -> None:
    """Every key written out, amounts in whole coins, exactly."""
    config = parse_config(WHOLE, "x.toml", {})
    text = config_to_toml(config, defaultdict(NoSettings), KnownAssets())

    assert config == parse_config(text, "shown.toml", {})
    assert 'max_fee_per_day = "1000.5"' in text
    assert 'per_transaction = "1000"' in text


def test_recorded_header_leaves_the_policy_out() -> None:
    """It influences no run, and a tape may be given to others."""
    assert config_to_json(parse_config("", "x.toml", {})) == config_to_json(parse_config(WHOLE, "x.toml", {}))


def test_variables_set_its_keys() -> None:
    """The spelling of addresses is kept."""
    name = f"TIDEMILL__SIGNER__CHAINS__sim:1__TARGETS__{MINT}"
    text = '[signer.chains."sim:1"]\nkeys = ["a"]\ndecimals = 9\n[signer.chains."sim:1".targets]\n'
    signer = parse_config(text, "x.toml", {"TIDEMILL__SIGNER__LIVE": "true", name: '["*"]'}).signer

    assert signer is not None
    assert (True, {MINT: ("*",)}) == (signer.live, signer.chains[ChainId("sim:1")].targets)


def test_every_fault_is_told_with_its_line() -> None:
    """Unknown keys, forms and types, all in one reading."""
    text = """[signer]
liv = true
keystore = ""
socket = 7
[signer.chains."sim:1"]
keys = []
decimals = 300
[signer.chains."sim:2"]
keys = ["a b", "main.old-1"]
decimals = 18
max_valu = 1
max_fee = -1
[signer.chains."sim:3"]
decimals = "18"
[signer.chains.sim]
keys = ["a"]
decimals = 18
[signer.chains."sim:4".targets]
"no address" = ["x"]
[signer.chains."sim:4".spends."sim:4/gold"]
decimals = 6
"""
    method = (
        '19 $.signer.chains."sim:4".targets."no address"[0] expected a method: 0x and up to eight bytes such as "0xa9059cbb", '
        '"*" for any, "" for a bare transfer, found text "x"'
    )
    name = 'expected the name of a key, up to 48 lower case letters, digits, - or _, found text "'

    assert [
        "2 $.signer.liv unknown key; did you mean live?",
        "3 $.signer.keystore Length of 'keystore' must be >= 1: 0",
        "4 $.signer.socket expected text, found the whole number 7",
        "6 $.signer.chains.\"sim:1\".keys Length of 'keys' must be >= 1: 0",
        '7 $.signer.chains."sim:1".decimals must be <= 255, found 300',
        f'9 $.signer.chains."sim:2".keys[0] {name}a b"',
        f'9 $.signer.chains."sim:2".keys[1] {name}main.old-1"',
        '11 $.signer.chains."sim:2".max_valu unknown key; did you mean max_value?',
        '12 $.signer.chains."sim:2".max_fee expected an amount of whole tokens such as 2_000 or "2_000.5", found the whole number -1',
        '13 $.signer.chains."sim:3".keys is missing: it has no default',
        '14 $.signer.chains."sim:3".decimals expected a whole number, found text "18"',
        '15 $.signer.chains.sim expected the id of a chain such as "eip155:1", found text "sim"',
        '18 $.signer.chains."sim:4".keys is missing: it has no default',
        '18 $.signer.chains."sim:4".decimals is missing: it has no default',
        '19 $.signer.chains."sim:4".targets."no address" expected the address of a contract or program, found text "no address"',
        method,
        '20 $.signer.chains."sim:4".spends."sim:4/gold" expected an asset id such as "eip155:1/erc20:0xc02a…", found text "sim:4/gold"',
        '20 $.signer.chains."sim:4".spends."sim:4/gold".per_transaction is missing: it has no default',
        '20 $.signer.chains."sim:4".spends."sim:4/gold".per_day is missing: it has no default',
    ] == problems(text)


EXCEEDS = "one such transaction would exceed the day"
SPEND = 'spends."{}" = {{ decimals = {}, per_transaction = {}, per_day = 1 }}'


@pytest.mark.parametrize(
    ("chain", "table", "key", "message"),
    [
        ("eip155:1", 'max_value = "1"', "max_value", f"is more than max_value_per_day, 0: {EXCEEDS}"),
        ("sim:1", 'max_fee = "2"\nmax_fee_per_day = "1"', "max_fee", f"is more than max_fee_per_day, 1: {EXCEEDS}"),
        ("sim:1", 'max_fee = "0.0000001"\nmax_fee_per_day = 1', "max_fee", "0.0000001 has 7 decimals, the asset has 6"),
        (
            "eip155:1",
            f'targets = {{ {MINT} = ["*"] }}',
            f"targets.{MINT}",
            "is no address of eip155: expected 0x and 40 hexadecimal digits",
        ),
        (
            "eip155:1",
            f'targets = {{ "{POOL}" = ["0xa9059c"] }}',
            f"targets.{POOL.lower()}[0]",
            'expected the four bytes of a selector such as "0xa9059cbb", found "0xa9059c"',
        ),
        ("solana:x", f'targets = {{ "{POOL}" = [] }}', f"targets.{POOL.lower()}", "is no address of solana: expected 32 bytes in base58"),
        (
            "sim:1",
            "targets = { 0xaa = [] }",
            "targets.0xaa",
            "is no address of sim: expected 0x and 40 hexadecimal digits, or 32 bytes in base58",
        ),
        (
            "sim:1",
            f'targets = {{ "{POOL}" = [], "{POOL.lower()}" = [] }}',
            "targets",
            "names one address twice: its letters may be of either case",
        ),
        ("sim:1", SPEND.format(USD, 6, 1), f'spends."{USD}"', "is an asset of eip155:1: this is the table of sim:1"),
        (
            "sim:1",
            SPEND.format("sim:1/erc20:0xa", 1, 2),
            'spends."sim:1/erc20:0xa".per_transaction',
            f"is more than per_day, 1: {EXCEEDS}",
        ),
        ("sim:1", "targets = 7", "targets", "expected a table, found the whole number 7"),
    ],
)
def test_amounts_and_addresses_that_make_no_sense_together_are_refused(chain: str, table: str, key: str, message: str) -> None:
    """A policy that says something else than its author meant is worse than none."""
    text = f'[signer.chains."{chain}"]\nkeys = ["a"]\ndecimals = 6\n{table}\n'

    assert [f'4 $.signer.chains."{chain}".{key} {message}'] == problems(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("signer = 7", "1 $.signer expected a table"),
        ("[signer]\nchains = 7", '2 $.signer.chains expected tables [signer.chains."CHAIN"], found the whole number 7'),
        ('[signer.chains]\n"sim:1" = 7', '2 $.signer.chains."sim:1" expected a table, found the whole number 7'),
    ],
)
def test_what_is_no_table_is_refused(text: str, found: str) -> None:
    """At every level."""
    assert [found] == problems(text)


def test_other_chain_families_take_any_address() -> None:
    """A third party's codec knows its own form."""
    signer = parse_config(
        '[signer.chains."cosmos:hub-1"]\nkeys = ["a"]\ndecimals = 6\ntargets = { cosmos1abc = ["0x01"] }', "x.toml", {}
    ).signer

    assert signer is not None
    assert {"cosmos1abc": ("0x01",)} == signer.chains[ChainId("cosmos:hub-1")].targets
