"""Plugins' settings: every type that a settings class may name, strictly, with all faults at once."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest
from attrs.validators import ge, in_

from tidemill import AssetAmount, AssetId, Bps, ChainId, settings
from tidemill.config.load import parse_config
from tidemill.config.model import PluginTable
from tidemill.config.secret import Secret
from tidemill.config.settings import make_settings
from tidemill.domain.asset import Asset
from tidemill.errors import ConfigError, PluginContractError
from tidemill.hookspecs.plugin import Plugin

USDC = Asset(AssetId("sim:1/erc20:0x01"), "USDC", 6)
ASSETS = {"USDC": USDC, "GUSD": Asset(AssetId("sim:1/erc20:0x02"), "GUSD", 2)}


class Urgency(Enum):
    LOW = "low"
    CRITICAL = "critical"


class Order(Enum):
    FIRST = (1, 2)


@settings
class Inner:
    weight: int = 1
    label: str = attrs.field(default="x", validator=in_(("x", "y")))


@settings
class Everything:
    whole: int = 1
    edge_bps: Bps = attrs.field(default=Bps(10), validator=[ge(Bps(0))])
    ratio: float = 0.5
    exact: Decimal = Decimal(0)
    on: bool = False
    text: str = ""
    maybe: int | None = None
    swaps: int = attrs.field(default=4, validator=in_(range(2, 13)))
    even: int = attrs.field(default=4, validator=in_(range(0, 12, 2)))
    few: int = attrs.field(default=1, validator=in_(range(1, 3)))
    some: int = attrs.field(default=2, validator=in_({2, 10, 30}))
    reasons: Mapping[AssetId, str] = attrs.field(factory=dict)
    either: int | str = 0
    urgency: Urgency = Urgency.LOW
    order: Order = Order.FIRST
    mode: Literal["fast", "slow", 3] = "fast"
    asset: AssetId | None = None
    most: AssetAmount | None = None
    assets: tuple[AssetId, ...] = ()
    pair: tuple[int, str] = (1, "a")
    names: list[str] = attrs.field(factory=list)
    chosen: frozenset[int] = frozenset()
    mutable: set[str] = attrs.field(factory=set)
    steps: Sequence[int] = ()
    weights: Mapping[str, Decimal] = attrs.field(factory=dict)
    chain: ChainId = ChainId("sim:1")
    inner: Inner = Inner()
    inners: tuple[Inner, ...] = ()
    key: Secret | None = None
    urls: tuple[Secret | str, ...] = ()
    folder: Path = Path()
    day: date = date(2020, 1, 1)
    at: datetime = datetime(2020, 1, 1, tzinfo=UTC)
    hour: time = time(1)
    anything: Any = None
    bag: dict[str, Any] = attrs.field(factory=dict)


class Eager(Plugin):
    name = "eager"
    settings: Everything

    @classmethod
    def check_settings(cls, settings: object) -> tuple[tuple[str, str], ...]:
        assert isinstance(settings, Everything)
        return (("inner.weight", "too heavy for this text"),) if settings.inner.weight > 9 and settings.text else ()


def made(text: str) -> Everything:
    config = parse_config(f"[strategies.eager]\n{text}", "x.toml", {})
    found = make_settings(config.tables[0], Eager, ASSETS)
    assert isinstance(found, Everything)
    return found


def told(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        made(text)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("whole = -3", "whole", -3),
        ("edge_bps = 7", "edge_bps", 7),
        ("ratio = 2", "ratio", 2.0),
        ("ratio = 0.1", "ratio", 0.1),
        ("exact = 0.1", "exact", Decimal("0.1")),
        ("exact = 3", "exact", Decimal(3)),
        ('exact = "1e-9"', "exact", Decimal("1e-9")),
        ("on = true", "on", True),
        ('text = "a"', "text", "a"),
        ("maybe = 3", "maybe", 3),
        ('either = "a"', "either", "a"),
        ("either = 3", "either", 3),
        ('urgency = "critical"', "urgency", Urgency.CRITICAL),
        ('order = "FIRST"', "order", Order.FIRST),
        ("mode = 3", "mode", 3),
        ('asset = "USDC"', "asset", "sim:1/erc20:0x01"),
        (f'asset = "eip155:1/erc20:0x{"AB" * 20}"', "asset", f"eip155:1/erc20:0x{'ab' * 20}"),
        ('asset = "eip155:1/slip44:60"', "asset", "eip155:1/slip44:60"),
        ('asset = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:EPjF"', "asset", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:EPjF"),
        ('asset = "0xABCDEF0000000000000000000000000000000001"', "asset", "sim:1/erc20:0xabcdef0000000000000000000000000000000001"),
        ('most = "2_000 USDC"', "most", AssetAmount(USDC.id, 2_000_000_000)),
        ('most = "0.000001 USDC"', "most", AssetAmount(USDC.id, 1)),
        ('most = "1.50 sim:1/erc20:0x02"', "most", AssetAmount(AssetId("sim:1/erc20:0x02"), 150)),
        ('assets = ["USDC", "GUSD"]', "assets", ("sim:1/erc20:0x01", "sim:1/erc20:0x02")),
        ('pair = [2, "b"]', "pair", (2, "b")),
        ('names = ["a"]', "names", ["a"]),
        ("chosen = [2, 1, 2]", "chosen", frozenset({1, 2})),
        ('mutable = ["a"]', "mutable", {"a"}),
        ("steps = [1, 2]", "steps", (1, 2)),
        ("weights = { a = 0.1, b = 2 }", "weights", {"a": Decimal("0.1"), "b": Decimal(2)}),
        ('chain = "eip155:1"', "chain", "eip155:1"),
        ("inner = { weight = 3 }", "inner", Inner(weight=3)),
        ('inners = [{ label = "y" }, {}]', "inners", (Inner(label="y"), Inner())),
        ('key = "env:MY_KEY"', "key", Secret("env:MY_KEY")),
        ('urls = ["env:RPC", "https://a"]', "urls", (Secret("env:RPC"), "https://a")),
        ('folder = "a/b"', "folder", Path("a/b")),
        ("day = 2020-10-03", "day", date(2020, 10, 3)),
        ('day = "2020-10-03"', "day", date(2020, 10, 3)),
        ("at = 2020-10-03T00:00:00Z", "at", datetime(2020, 10, 3, tzinfo=UTC)),
        ("hour = 07:30:00", "hour", time(7, 30)),
        ("anything = [1, {}]", "anything", [1, {}]),
        ("bag = { a = [1] }", "bag", {"a": [1]}),
    ],
)
def test_make_settings_value_of_each_type_is_read(text: str, key: str, value: object) -> None:
    """Every type that a settings class may name is read to exactly that type."""
    found = getattr(made(text), key)

    assert value == found
    assert type(value) is type(found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("whole = 3.0", "whole  expected a whole number, found the number 3.0"),
        ("whole = true", "whole  expected a whole number, found true"),
        ('whole = "3"', 'whole  expected a whole number, found text "3"'),
        ("whole = []", "whole  expected a whole number, found an empty list"),
        ("whole = [1]", "whole  expected a whole number, found a list"),
        ("whole = {}", "whole  expected a whole number, found a table"),
        ("whole = 2020-10-03", "whole  expected a whole number, found a date"),
        (f'whole = "{"a" * 64}"', "whole  expected a whole number, found text of 64 characters"),
        (f"text = {9**40}", f"text  expected text, found a whole number of {len(str(9**40))} digits"),
        ("edge_bps = -1", "edge_bps  must be >= 0, found -1"),
        ("edge_bps = false", "edge_bps  expected a whole number, found false"),
        ("ratio = true", "ratio  expected a number, found true"),
        ('ratio = "1"', 'ratio  expected a number, found text "1"'),
        ('exact = "abc"', 'exact  expected a number such as 0.5 or "0.5", found text "abc"'),
        ('exact = "nan"', 'exact  expected a number such as 0.5 or "0.5", found text "nan"'),
        ("on = 1", "on  expected true or false, found the whole number 1"),
        ("text = 1", "text  expected text, found the whole number 1"),
        ('maybe = "x"', 'maybe  expected a whole number, found text "x"'),
        ("either = 1.5", "either  expected a whole number or text, found the number 1.5"),
        ('urgency = "critcal"', 'urgency  expected "low" or "critical", found text "critcal"; did you mean "critical"?'),
        ("mode = true", 'mode  expected "fast", "slow" or 3, found true'),
        ('asset = "USDD"', 'asset  "USDD" is not a verified symbol; did you mean USDC?'),
        ('asset = "PEPE"', 'asset  "PEPE" is not a verified symbol; write its id, or declare the symbol in [assets]'),
        (
            'asset = "eip155:1/erc20:0xZZ"',
            'asset  expected eip155:1/erc20: with an address of 0x and 40 hexadecimal digits, found text "0xZZ"',
        ),
        (
            f'asset = "eip155:1/erc20:0x{"ab" * 19}"',
            "asset  expected eip155:1/erc20: with an address of 0x and 40 hexadecimal digits, found text of 40 characters",
        ),
        (
            'asset = "sim:1/erc20:0xZZ"',
            'asset  expected sim:1/erc20: with an address of 0x and hexadecimal digits, found text "0xZZ"',
        ),
        (
            'reasons = { "eip155:1/erc20:0xZZ" = "" }',
            'reasons."eip155:1/erc20:0xZZ"  expected eip155:1/erc20: with an address of 0x and 40 hexadecimal digits, found text "0xZZ"',
        ),
        ("asset = 3", "asset  expected the symbol or id of an asset, found the whole number 3"),
        ("most = 3", 'most  expected an amount and its asset such as "2_000 USDC", found the whole number 3'),
        ('most = "3"', 'most  expected an amount and its asset such as "2_000 USDC", found text "3"'),
        ('most = "-3 USDC"', 'most  expected an amount of whole tokens such as 2_000 or "2_000.5", found text "-3"'),
        ('most = "0.0000001 USDC"', "most  0.0000001 has 7 decimals, USDC has 6"),
        (
            'most = "1 sim:1/erc20:0x09"',
            "most  the decimals of sim:1/erc20:0x09 are not known: declare it in [assets] with id and decimals",
        ),
        ('assets = "USDC"', 'assets  expected a list, found text "USDC"'),
        ('assets = ["USDC", 3]', "assets[1]  expected the symbol or id of an asset, found the whole number 3"),
        ("pair = [1]", "pair  expected a list of 2, found one of 1"),
        ("pair = [1, 2]", "pair[1]  expected text, found the whole number 2"),
        ("weights = { a = [] }", 'weights.a  expected a number such as 0.5 or "0.5", found an empty list'),
        ("weights = 3", "weights  expected a table, found the whole number 3"),
        ("inner = 3", "inner  expected a table, found the whole number 3"),
        ('inner = { label = "z" }', 'inner.label  must be "x" or "y", found text "z"'),
        ("swaps = 13", "swaps  must be 2 to 12, found 13"),
        ("even = 3", "even  must be 0 to 10 in steps of 2, found 3"),
        ("few = 0", "few  must be 1 or 2, found 0"),
        ("some = 7", "some  must be 2, 10 or 30, found 7"),
        ("inner = { wieght = 3 }", "inner.wieght  unknown key; did you mean weight?"),
        ("inners = [{}, { weight = true }]", "inners[1].weight  expected a whole number, found true"),
        ("day = 3", "day  expected a date, found the whole number 3"),
        ('day = "x"', 'day  expected a date as in ISO 8601, found text "x"'),
        ("day = 2020-10-03T00:00:00Z", "day  expected a date, found a datetime"),
        ("zzz = 3", "zzz  unknown key; known are anything, asset, assets, at"),
        ("max_hops = 3\nwhle = 1", "max_hops  unknown key; known are anything"),
        ("enabld = true", "enabld  unknown key; did you mean enabled?"),
        ('text = "a"\ninner = { weight = 10 }', "inner.weight  too heavy for this text"),
    ],
)
def test_make_settings_value_that_does_not_fit_is_named(text: str, message: str) -> None:
    """What does not fit is named with its key, what was expected and what was found."""
    line = text.count("\n") + 2 if "too heavy" in message else 2

    assert told(text)[0].startswith(f"x.toml:{line}  $.strategies.eager.{message}")


def test_make_settings_all_faults_come_together() -> None:
    """Wrong types, unknown keys, validators and inner tables are all told at once, with their lines."""
    text = 'whole = "a"\nedge_bps = -1\nzz = 1\nassets = [\n  "USDC",\n  "X",\n  3,\n]\ninner = { weight = [], label = "q" }'

    assert ["whole", "edge_bps", "zz", "assets[1]", "assets[2]", "inner.weight", "inner.label"] == [
        one.split("  ")[1].removeprefix("$.strategies.eager.") for one in told(text)
    ]
    assert ["x.toml:7", "x.toml:8"] == [one.split("  ")[0] for one in told(text) if ".assets" in one]


@pytest.mark.parametrize("text", ['key = "canary-4711"', "key = 4711", 'urls = ["env:A", 3]'])
def test_make_settings_inline_secret_is_refused_unseen(text: str) -> None:
    """A secret that stands in the file is refused, and no message shows it."""
    found = told(text)

    assert ["expected a reference" in found[0], "canary" in str(found), "4711" in str(found)] == [True, False, False]


def test_make_settings_dex_knows_the_kernels_keys() -> None:
    """At a misspelt policy key of a DEX the kernel's keys are suggested."""
    config = parse_config("[dex.eager]\nmax_slipage_bps = 3", "x.toml", {})

    with pytest.raises(ConfigError, match=r"x\.toml:2  \$\.dex\.eager\.max_slipage_bps  unknown key; did you mean max_slippage_bps\?"):
        make_settings(config.tables[0], Eager, ASSETS)


def _not_below_size(needy: "Needy", attribute: "attrs.Attribute[int]", value: int) -> None:
    if value < needy.size:
        raise ValueError(f"must not be below size {needy.size}")


@settings
class Needy:
    size: int
    most: int = attrs.field(default=3, validator=_not_below_size)


def test_make_settings_missing_key_is_told() -> None:
    """A setting without default must be there."""

    class Wanting(Plugin):
        name = "wanting"
        settings: Needy

    with pytest.raises(ConfigError, match=r"\$\.strategies\.w\.size  is missing: it has no default"):
        make_settings(PluginTable("strategy", "w", settings={"most": 4}), Wanting, {})
    with pytest.raises(ConfigError, match=r"\$\.strategies\.w\.most  must not be below size 7"):
        make_settings(PluginTable("strategy", "w", settings={"most": 4, "size": 7}), Wanting, {})
    with pytest.raises(ConfigError, match=r"\$\.strategies\.w  must not be below size 7"):
        make_settings(PluginTable("strategy", "w", settings={"size": 7}), Wanting, {})


def test_make_settings_of_nothing_to_set_refuses_any_key() -> None:
    """A plugin without settings takes the kernel's keys alone."""

    class Bare(Plugin):
        name = "bare"

    with pytest.raises(ConfigError, match="unknown key; known are enabled, isolation, memory_mb, priority"):
        make_settings(PluginTable("strategy", "bare", settings={"z": 1}), Bare, {})


def test_make_settings_unreadable_class_is_the_plugins_fault() -> None:
    """A settings class with a type that no file can hold is a broken contract, not a configuration error."""

    @settings
    class Odd:
        call: type[int] = int

    class Oddity(Plugin):
        name = "oddity"
        settings: Odd

    Oddity.__annotations__["settings"] = Odd

    with pytest.raises(
        PluginContractError, match=r"strategies\.o: its settings class .*Odd has an attribute of a type that cannot be read"
    ):
        make_settings(PluginTable("strategy", "o", settings={"call": 3}), Oddity, {})
